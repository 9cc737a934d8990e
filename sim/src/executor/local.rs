//! What steps do, by what they touch: each is made once, and looked up wherever it comes again.
//!
//! A footprint is a sum over tasks and objects. What a step does depends on its task and on the
//! objects and tasks that it touches, and on nothing else: else no footprint would stand for a
//! state. So a state is a row of numbers, one for each task, object and witness, and a step is
//! known by those that it found and those that it left. Of the millions of transitions of a search
//! a few hundred or thousand are unlike, and only these are made, by tasks that run.
//!
//! Witnesses judge what they are told and tell nobody, so no step depends on one. What a step told
//! them is kept beside it, and judged with each of the pasts that they can have.
//!
//! A stack that shares something between its tasks of which nobody tells breaks the premise. The
//! tests make every transition of each design, where there are few, once more and compare
//! (`Trust::Nothing`).

use std::{rc::Rc, time::Duration};

use lastbyte::monitor::Broken;
use rustc_hash::FxHashMap;

use super::{
    footprint::{Part, mix, ready_share},
    run::{Choice, Snapshot},
    stack::{Recorded, Session, witness_share},
    witness::{Seen, Witness},
};

/// A state of a run: what each part is. Parts have numbers, and so has all that they ever are.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// For each task, by its number in the run, which part it is.
    tasks: Rc<[u32]>,
    /// By part: what it is, and for a task that can go on [`READY`]; 0 where it does not exist.
    parts: Vec<u32>,
    early_left: u32,
}

const READY: u32 = 1 << 31;
/// The task of time, in every run.
const TIME: usize = 0;
/// The timers, among the objects of every run.
const TIMERS: usize = 1;

impl State {
    fn part(&self, part: u32) -> u32 {
        self.parts.get(part as usize).map_or(0, |&is| is & !READY)
    }

    fn is_ready(&self, part: u32) -> bool {
        self.parts.get(part as usize).is_some_and(|&is| is & READY != 0)
    }

    fn is_busy(&self) -> bool {
        self.tasks.iter().any(|&task| self.is_ready(task))
    }

    fn set(&mut self, part: u32, is: u32) {
        let part = part as usize;
        if self.parts.len() <= part {
            self.parts.resize(part + 1, 0);
        }
        self.parts[part] = is | self.parts[part] & READY;
    }

    fn set_ready(&mut self, part: u32, ready: bool) {
        let is = &mut self.parts[part as usize];
        *is = if ready { *is | READY } else { *is & !READY };
    }
}

/// What a step did.
#[derive(Debug)]
struct Effect {
    /// Parts that are something else now.
    writes: Vec<(u32, u32)>,
    /// What the footprint grew by, who can go on and the witnesses aside.
    grown: u128,
    /// Tasks that are new, in order.
    spawned: Vec<u32>,
    /// Other tasks that can go on now.
    woken: Vec<u32>,
    /// Its own task can go on again.
    goes_on: bool,
    /// What each witness was told, by the number of the execution and of the speech.
    told: Vec<(usize, u32)>,
    /// What it broke, whatever the witnesses have seen before.
    broken: Option<Broken>,
}

/// Steps of one task that touched the same parts: by what these were.
#[derive(Debug)]
struct Group {
    parts: Vec<u32>,
    effects: FxHashMap<Vec<u32>, u32>,
}

/// What a step leads to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Followed {
    effect: u32,
    /// The footprint after it, or what it breaks.
    pub(crate) outcome: Result<u128, Broken>,
}

/// All parts and all steps that are known.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    parts: FxHashMap<u128, u32>,
    /// By part: what it adds to the footprint that it can go on.
    ready_shares: Vec<u128>,
    /// What parts can be, by what it adds to the footprint.
    known: FxHashMap<u128, u32>,
    shares: Vec<u128>,
    /// When the first of the timers is due that this is.
    due: FxHashMap<u32, Duration>,
    timers: u32,
    /// The witnesses, by the number of the execution and by what they are.
    witnesses: Vec<u32>,
    minds: FxHashMap<u32, Witness>,
    speeches: Vec<Vec<Seen>>,
    /// What a witness is when it has heard a speech.
    heard: FxHashMap<(u32, u32), Result<u32, Broken>>,
    /// What the witnesses become by the step that was followed last.
    minds_now: Vec<(u32, u32)>,
    /// The steps of a task, by what it is.
    of_task: FxHashMap<u32, Vec<Group>>,
    /// The steps of time: while nothing else could go on, and while something could.
    of_time: [Vec<Group>; 2],
    effects: Vec<Effect>,
    found: Vec<u32>,
    horizon: Duration,
}

impl Steps {
    pub(crate) fn new(horizon: Duration) -> Self {
        // 0 is what does not exist.
        Steps { horizon, shares: vec![0], ..Steps::default() }
    }

    fn number(&mut self, identity: u128) -> u32 {
        let new = self.ready_shares.len() as u32;
        let number = *self.parts.entry(identity).or_insert(new);
        if number == new {
            self.ready_shares.push(ready_share(identity));
        }
        number
    }

    fn is(&mut self, share: u128) -> u32 {
        let new = self.shares.len() as u32;
        let number = *self.known.entry(share).or_insert(new);
        if number == new {
            self.shares.push(share);
        }
        number
    }

    fn mind(&mut self, execution: usize, witness: Witness) -> u32 {
        let is = self.is(witness_share(execution, &witness));
        self.minds.entry(is).or_insert(witness);
        is
    }

    /// The state that a run is in.
    pub(crate) fn state(&mut self, snapshot: &Snapshot, session: &Session) -> State {
        let tasks: Vec<u32> =
            snapshot.tasks.iter().map(|task| self.number(task.identity)).collect();
        let mut state =
            State { tasks: tasks.into(), parts: Vec::new(), early_left: snapshot.early_left };
        for part in snapshot.tasks.iter().chain(&snapshot.objects) {
            let (number, is) = (self.number(part.identity), self.is(part.share));
            state.set(number, is);
        }
        for (number, &task) in Rc::clone(&state.tasks).iter().enumerate() {
            state.set_ready(task, snapshot.ready & 1 << number != 0);
        }
        self.timers = self.number(snapshot.objects[TIMERS].identity);
        self.due.insert(state.part(self.timers), snapshot.next_timer);
        for (execution, witness) in session.witnesses().enumerate() {
            const WITNESS: u128 = 101;
            let number = self.number(mix(&[WITNESS, execution as u128]));
            if self.witnesses.len() == execution {
                self.witnesses.push(number);
            }
            let is = self.mind(execution, witness);
            state.set(number, is);
        }
        state
    }

    /// What may go on next, as of `Session::choices`.
    pub(crate) fn choices(&self, state: &State, choices: &mut Vec<Choice>) {
        choices.clear();
        let ready = state.tasks.iter().enumerate().filter(|&(_, &task)| state.is_ready(task));
        choices.extend(ready.map(|(number, _)| Choice::Task(number)));
        if choices.is_empty() || state.early_left > 0 {
            let due = self.due.get(&state.part(self.timers));
            if due.is_some_and(|&due| due != Duration::MAX && due <= self.horizon) {
                choices.push(Choice::Time);
            }
        }
    }

    /// Whether every terminal was delivered.
    pub(crate) fn is_over(&self, state: &State) -> bool {
        let minds = self.witnesses.iter().map(|&witness| state.part(witness));
        minds.into_iter().all(|mind| self.minds.get(&mind).is_some_and(Witness::is_over))
    }

    fn find(&mut self, state: &State, choice: Choice) -> Option<u32> {
        let groups = match choice {
            Choice::Task(number) => self.of_task.get(&state.part(state.tasks[number]))?,
            Choice::Time => &self.of_time[usize::from(state.is_busy())],
        };
        let found = &mut self.found;
        groups.iter().find_map(|group| {
            found.clear();
            found.extend(group.parts.iter().map(|&part| state.part(part)));
            group.effects.get(found).copied()
        })
    }

    /// What a step from a state with this footprint leads to. `None`: it has not been made.
    pub(crate) fn follow(
        &mut self,
        state: &State,
        footprint: u128,
        choice: Choice,
    ) -> Option<Followed> {
        let effect = self.find(state, choice)?;
        let outcome = self.outcome(state, footprint, choice, effect);
        Some(Followed { effect, outcome })
    }

    fn outcome(
        &mut self,
        state: &State,
        footprint: u128,
        choice: Choice,
        effect: u32,
    ) -> Result<u128, Broken> {
        self.minds_now.clear();
        let Effect { broken, told, .. } = &self.effects[effect as usize];
        if let Some(broken) = *broken {
            return Err(broken);
        }
        for place in 0..told.len() {
            let (execution, speech) = self.effects[effect as usize].told[place];
            self.hear(state, execution, speech)?;
        }
        let Effect { grown, spawned, woken, goes_on, .. } = &self.effects[effect as usize];
        let mut sum = footprint.wrapping_add(*grown);
        for &(witness, is) in &self.minds_now {
            let was = self.shares[state.part(witness) as usize];
            sum = sum.wrapping_add(self.shares[is as usize]).wrapping_sub(was);
        }
        let asleep = woken.iter().filter(|&&task| !state.is_ready(task));
        for &task in asleep.chain(spawned) {
            sum = sum.wrapping_add(self.ready_shares[task as usize]);
        }
        Ok(match choice {
            Choice::Task(_) if *goes_on => sum,
            Choice::Task(number) => {
                sum.wrapping_sub(self.ready_shares[state.tasks[number] as usize])
            }
            Choice::Time => sum.wrapping_sub(u128::from(state.is_busy())),
        })
    }

    /// A witness hears a speech.
    fn hear(&mut self, state: &State, execution: usize, speech: u32) -> Result<(), Broken> {
        let witness = self.witnesses[execution];
        let place = self.minds_now.iter().position(|&(who, _)| who == witness);
        let was = place.map_or(state.part(witness), |place| self.minds_now[place].1);
        let heard = match self.heard.get(&(was, speech)) {
            Some(&heard) => heard,
            None => {
                let mut mind = self.minds[&was].clone();
                let mut all = self.speeches[speech as usize].iter();
                let heard = match all.try_for_each(|seen| mind.see(seen)) {
                    Ok(()) => Ok(self.mind(execution, mind)),
                    Err(broken) => Err(broken),
                };
                self.heard.insert((was, speech), heard);
                heard
            }
        };
        match place {
            Some(place) => self.minds_now[place].1 = heard?,
            None => self.minds_now.push((witness, heard?)),
        }
        Ok(())
    }

    /// The state after the step that was followed last.
    pub(crate) fn after(&self, state: &State, choice: Choice, followed: Followed) -> State {
        let Effect { writes, spawned, woken, goes_on, .. } =
            &self.effects[followed.effect as usize];
        let mut after = state.clone();
        for &(part, is) in writes.iter().chain(&self.minds_now) {
            after.set(part, is);
        }
        match choice {
            Choice::Task(number) => after.set_ready(state.tasks[number], *goes_on),
            Choice::Time => after.early_left -= u32::from(state.is_busy()),
        }
        for &task in woken.iter().chain(spawned) {
            after.set_ready(task, true);
        }
        if !spawned.is_empty() {
            after.tasks = state.tasks.iter().chain(spawned).copied().collect();
        }
        after
    }

    /// Keeps a step that was made.
    pub(crate) fn learn(&mut self, state: &State, choice: Choice, made: &Recorded) {
        if self.find(state, choice).is_some() {
            return;
        }
        let Recorded { before, after, broken, due, told } = made;
        let own = match choice {
            Choice::Task(number) => number,
            Choice::Time => TIME,
        };
        let mut effect = Effect {
            writes: Vec::new(),
            grown: 0,
            spawned: Vec::new(),
            woken: Vec::new(),
            goes_on: after.ready & 1 << own != 0,
            told: self.told(told),
            broken: *broken,
        };
        let mut found = Vec::new();
        let own = before.tasks[own].identity;
        self.compare(&before.tasks, &after.tasks, own, &mut found, &mut effect);
        self.compare(&before.objects, &after.objects, own, &mut found, &mut effect);
        for (number, task) in after.tasks.iter().enumerate() {
            let part = self.number(task.identity);
            if number >= before.tasks.len() {
                effect.spawned.push(part);
            } else if after.woken & 1 << number != 0 && task.identity != own {
                effect.woken.push(part);
            }
        }
        let timers = self.is(after.objects[TIMERS].share);
        self.due.insert(timers, after.next_timer);
        if *due {
            found.extend(self.witnesses.iter().map(|&witness| (witness, state.part(witness))));
        }
        found.sort_unstable();
        self.keep(state, choice, &found, effect);
    }

    fn keep(&mut self, state: &State, choice: Choice, found: &[(u32, u32)], effect: Effect) {
        let groups = match choice {
            Choice::Task(number) => {
                self.of_task.entry(state.part(state.tasks[number])).or_default()
            }
            Choice::Time => &mut self.of_time[usize::from(state.is_busy())],
        };
        let parts: Vec<u32> = found.iter().map(|&(part, _)| part).collect();
        let were: Vec<u32> = found.iter().map(|&(_, was)| was).collect();
        let new = self.effects.len() as u32;
        self.effects.push(effect);
        match groups.iter_mut().find(|group| group.parts == parts) {
            Some(group) => {
                group.effects.insert(were, new);
            }
            None => {
                let effects = [(were, new)].into_iter().collect();
                groups.push(Group { parts, effects });
            }
        }
    }

    /// What a step found, and what it left.
    fn compare(
        &mut self,
        before: &[Part],
        after: &[Part],
        own: u128,
        found: &mut Vec<(u32, u32)>,
        effect: &mut Effect,
    ) {
        for (place, now) in after.iter().enumerate() {
            let was = before.get(place);
            let changed = was.is_none_or(|was| was.share != now.share);
            if !changed && !now.touched {
                continue;
            }
            let part = self.number(now.identity);
            if let Some(was) = was
                && was.identity != own
            {
                found.push((part, self.is(was.share)));
            }
            if changed {
                let was = was.map_or(0, |was| was.share);
                effect.grown = effect.grown.wrapping_add(now.share).wrapping_sub(was);
                effect.writes.push((part, self.is(now.share)));
            }
        }
    }

    /// What was said to each witness in one go is one speech.
    fn told(&mut self, told: &[(usize, Seen)]) -> Vec<(usize, u32)> {
        let mut speeches = Vec::new();
        for part in told.chunk_by(|(first, _), (second, _)| first == second) {
            let speech: Vec<Seen> = part.iter().map(|(_, seen)| seen.clone()).collect();
            let known = self.speeches.iter().position(|known| *known == speech);
            let number = known.unwrap_or(self.speeches.len());
            if known.is_none() {
                self.speeches.push(speech);
            }
            speeches.push((part[0].0, number as u32));
        }
        speeches
    }
}
