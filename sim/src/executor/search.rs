//! Every schedule of a scenario, or a sample of them.
//!
//! [`explore`] goes breadth first, from each footprint once, so that the first schedule that breaks
//! a rule is a shortest one. A running task cannot be copied; but what a step does is known once it
//! has been made (`local.rs`), so only steps that are unlike all before are made, by a run of the
//! schedule that leads there, which then goes on as long as it meets such steps. The number of
//! complete schedules is a sum over the graph, which has no cycle. [`count_plainly`] makes every
//! schedule one by one, and confirms both.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    marker::PhantomData,
    sync::Arc,
    time::{Duration, Instant},
};

use lastbyte::monitor::{Broken, Rule};
use rustc_hash::FxHashMap;

use crate::{
    explorer::{Counterexample, Incomplete, Report},
    graph::{BREAKS, Graph},
};

use super::{
    local::{Followed, State, Steps},
    run::{Choice, Mode},
    stack::{Scenario, Session, Stack, enter},
    trace::Line,
};

pub(super) const QUIET: Mode = Mode { traced: false, early: 0 };

/// Steps of one schedule, at most: a stack that needs more does not end.
pub(super) const STEPS_MAX: usize = 1000;

/// What is taken for granted of steps that were made before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// That they do the same where they find the same, but for spot checks.
    Known,
    /// Nothing: each transition is made, by a run of its own, and must do what was known of it.
    Nothing,
}

/// Of the states whose footprint ends in so many zeros, one in 256, each transition is made, by a run
/// of its own: a stack that shares what nobody tells of is found out.
const SPOT_CHECK: u32 = 8;

/// Every schedule of a stack in a scenario, with at most `states_max` footprints.
///
/// # Errors
///
/// [`Incomplete`] when the search could not be finished.
pub fn explore<S: Stack>(scenario: &Arc<Scenario>, states_max: u64) -> Result<Report, Incomplete> {
    explore_trusting::<S>(scenario, states_max, Trust::Known)
}

/// As [`explore`], and says what is taken for granted.
///
/// # Errors
///
/// [`Incomplete`] when the search could not be finished.
pub fn explore_trusting<S: Stack>(
    scenario: &Arc<Scenario>,
    states_max: u64,
    trust: Trust,
) -> Result<Report, Incomplete> {
    let mut search = Search::<S>::start(scenario, trust);
    while search.expand_next()? {
        if search.nodes.len() as u64 > states_max {
            return Err(Incomplete::TooManyStates { max: states_max });
        }
    }
    search.report()
}

/// From where a state was first reached, and by which of the choices there.
struct Node {
    from: u32,
    place: u8,
}

struct Search<'a, S> {
    scenario: &'a Arc<Scenario>,
    trust: Trust,
    steps: Steps,
    nodes: Vec<Node>,
    known: FxHashMap<u128, u32>,
    /// The states that are still to be expanded, with their footprints.
    ahead: VecDeque<(State, u128)>,
    graph: Graph,
    broken: BTreeMap<Rule, Counterexample>,
    found_in: BTreeMap<Rule, Duration>,
    started: Instant,
    choices: Vec<Choice>,
    _stack: PhantomData<fn() -> S>,
}

impl<'a, S: Stack> Search<'a, S> {
    fn start(scenario: &'a Arc<Scenario>, trust: Trust) -> Self {
        let started = Instant::now();
        let session = enter::<S>(scenario, QUIET);
        let mut steps = Steps::new(scenario.horizon);
        let state = steps.state(&session.snapshot(), &session);
        let footprint = session.footprint();
        Search {
            scenario,
            trust,
            steps,
            nodes: vec![Node { from: 0, place: 0 }],
            known: [(footprint, 0)].into_iter().collect(),
            ahead: [(state, footprint)].into(),
            graph: Graph::new(),
            broken: BTreeMap::new(),
            found_in: BTreeMap::new(),
            started,
            choices: Vec::new(),
            _stack: PhantomData,
        }
    }

    /// Takes all choices of the state that comes next. `false`: there is none.
    fn expand_next(&mut self) -> Result<bool, Incomplete> {
        let Some((state, footprint)) = self.ahead.pop_front() else { return Ok(false) };
        let number = self.graph.states() as u32;
        let mut choices = std::mem::take(&mut self.choices);
        self.steps.choices(&state, &mut choices);
        if choices.is_empty()
            && let Err(broken) = self.run_to(number, footprint)?.finish()
        {
            self.note(broken, number, None);
        }
        for (place, &choice) in choices.iter().enumerate() {
            let place = u8::try_from(place).unwrap_or(u8::MAX);
            let followed = self.follow(&state, footprint, number, choice)?;
            let successor = match followed.outcome {
                Ok(after) => self.arrive((&state, choice, followed), after, (number, place)),
                Err(broken) => {
                    self.note(broken, number, Some(place));
                    BREAKS
                }
            };
            self.graph.lead_to(successor);
        }
        self.choices = choices;
        self.graph.close(self.steps.is_over(&state));
        Ok(true)
    }

    /// Numbers the state with this footprint.
    fn arrive(
        &mut self,
        (state, choice, followed): (&State, Choice, Followed),
        footprint: u128,
        (from, place): (u32, u8),
    ) -> u32 {
        let new = self.nodes.len() as u32;
        let number = *self.known.entry(footprint).or_insert(new);
        if number == new {
            self.nodes.push(Node { from, place });
            self.ahead.push_back((self.steps.after(state, choice, followed), footprint));
        }
        number
    }

    /// What a choice in a state leads to. A step that is not known is made.
    fn follow(
        &mut self,
        state: &State,
        footprint: u128,
        number: u32,
        choice: Choice,
    ) -> Result<Followed, Incomplete> {
        let known = self.steps.follow(state, footprint, choice);
        if let Some(known) = known {
            if self.trust == Trust::Nothing || footprint.trailing_zeros() >= SPOT_CHECK {
                let session = self.run_to(number, footprint)?;
                let made = session.take(choice).map(|()| session.footprint());
                if made != known.outcome {
                    return Err(Incomplete::Untold);
                }
            }
            return Ok(known);
        }
        self.make(state, footprint, number, choice)?;
        // What was made is known; if it is not, the run was in another state than was thought.
        self.steps.follow(state, footprint, choice).ok_or(Incomplete::NotDeterministic)
    }

    /// Makes a step, and goes on while there are steps that are not known.
    fn make(
        &mut self,
        state: &State,
        footprint: u128,
        number: u32,
        choice: Choice,
    ) -> Result<(), Incomplete> {
        let session = self.run_to(number, footprint)?;
        let (mut state, mut choice) = (state.clone(), choice);
        let mut choices = Vec::new();
        loop {
            let made = session.record(choice);
            self.steps.learn(&state, choice, &made);
            if made.broken.is_some() || session.finding::<Broken>().is_some() {
                return Ok(());
            }
            state = self.steps.state(&made.after, &session);
            session.choices(&mut choices);
            let unknown = |&&next: &&Choice| self.steps.follow(&state, 0, next).is_none();
            match choices.iter().find(unknown) {
                Some(&next) => choice = next,
                None => return Ok(()),
            }
        }
    }

    /// A run that is in a state, which has this footprint.
    fn run_to(&self, number: u32, footprint: u128) -> Result<Session, Incomplete> {
        let session = enter::<S>(self.scenario, QUIET);
        let mut choices = Vec::new();
        for place in self.way_to(number) {
            session.choices(&mut choices);
            let choice = choices.get(usize::from(place)).ok_or(Incomplete::NotDeterministic)?;
            // It has been here before, and nothing broke.
            session.take(*choice).map_err(|_| Incomplete::NotDeterministic)?;
        }
        match session.footprint() == footprint {
            true => Ok(session),
            false => Err(Incomplete::NotDeterministic),
        }
    }

    fn way_to(&self, mut number: u32) -> Vec<u8> {
        let mut way = Vec::new();
        while number != 0 {
            let node = &self.nodes[number as usize];
            way.push(node.place);
            number = node.from;
        }
        way.reverse();
        way
    }

    /// Keeps the first schedule that breaks a rule: breadth first, it is a shortest.
    fn note(&mut self, broken: Broken, number: u32, last: Option<u8>) {
        if self.broken.contains_key(&broken.rule) {
            return;
        }
        let mut schedule = self.way_to(number);
        schedule.extend(last);
        self.broken.insert(broken.rule, Counterexample { broken, schedule });
        self.found_in.insert(broken.rule, self.started.elapsed());
    }

    fn report(self) -> Result<Report, Incomplete> {
        let order = self.graph.order()?;
        Ok(Report {
            states: self.graph.states() as u64,
            transitions: self.graph.transitions() as u64,
            interleavings: self.graph.paths(&order),
            longest: self.graph.longest(&order),
            hopeless: self.graph.hopeless(&order).len() as u64,
            broken: self.broken,
            found_in: self.found_in,
        })
    }
}

/// One schedule, run again.
#[derive(Debug, Default)]
pub struct Rerun {
    /// The steps, in words.
    pub lines: Vec<Line>,
    /// The rule that broke.
    pub broken: Option<Broken>,
    /// A choice that there is not.
    pub diverged_at: Option<usize>,
}

/// Runs a schedule again, with a trace.
pub fn rerun<S: Stack>(scenario: &Arc<Scenario>, schedule: &[u8]) -> Rerun {
    let session = enter::<S>(scenario, Mode { traced: true, ..QUIET });
    let mut choices = Vec::new();
    let mut rerun = Rerun::default();
    for (step, &place) in schedule.iter().enumerate() {
        session.choices(&mut choices);
        let Some(&choice) = choices.get(place as usize) else {
            rerun.diverged_at = Some(step);
            break;
        };
        rerun.broken = session.take(choice).err();
        if rerun.broken.is_some() {
            break;
        }
    }
    session.choices(&mut choices);
    if rerun.broken.is_none() && rerun.diverged_at.is_none() && choices.is_empty() {
        rerun.broken = session.finish().err();
    }
    rerun.lines = session.lines();
    rerun
}

/// What a search without reduction found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plain {
    /// Complete schedules, each made from start to end.
    pub schedules: u64,
    /// The rules broken, with the length of the shortest schedule of each.
    pub broken: BTreeMap<Rule, u32>,
    /// Distinct footprints of complete schedules under the reduction.
    pub ends: BTreeSet<u128>,
}

/// Makes every schedule one by one, depth first, without taking any two for one.
///
/// # Errors
///
/// [`Incomplete`] when there are more than `schedules_max`, or when the stack does not do the same
/// in the same schedule.
pub fn count_plainly<S: Stack>(
    scenario: &Arc<Scenario>,
    schedules_max: u64,
) -> Result<Plain, Incomplete> {
    let mut plain = Plain { schedules: 0, broken: BTreeMap::new(), ends: BTreeSet::new() };
    // The choices made so far, each with the number there were, and the footprint where it was made.
    let mut path: Vec<(u8, u8, u128)> = Vec::new();
    let mut choices = Vec::new();
    loop {
        let session = enter::<S>(scenario, QUIET);
        let (mut steps, made) = (0, path.len());
        let broken = loop {
            session.choices(&mut choices);
            if choices.is_empty() {
                break session.finish().err();
            }
            let of = u8::try_from(choices.len()).unwrap_or(u8::MAX);
            if steps == path.len() {
                path.push((0, of, session.footprint()));
            }
            let (place, were, footprint) = path[steps];
            let choice = choices.get(usize::from(place)).ok_or(Incomplete::NotDeterministic)?;
            steps += 1;
            // Where it leaves the last schedule it is where that was.
            if were != of || steps == made && footprint != session.footprint() {
                return Err(Incomplete::NotDeterministic);
            }
            if let Err(broken) = session.take(*choice) {
                break Some(broken);
            }
        };
        // It went on from here before.
        if steps < path.len() {
            return Err(Incomplete::NotDeterministic);
        }
        plain.schedules += 1;
        plain.ends.insert(session.footprint());
        if let Some(Broken { rule, .. }) = broken {
            let shortest = plain.broken.entry(rule).or_insert(u32::MAX);
            *shortest = (*shortest).min(steps as u32);
        }
        if plain.schedules > schedules_max {
            return Err(Incomplete::TooManyStates { max: schedules_max });
        }
        path.truncate(steps);
        while path.last().is_some_and(|&(place, of, _)| place + 1 == of) {
            path.pop();
        }
        match path.last_mut() {
            Some((place, ..)) => *place += 1,
            None => return Ok(plain),
        }
    }
}
