//! The registry between its callers and a runner that takes its time with everything.
//!
//! The world keeps its own books of boxes, executions and shares, from what the runner was told and
//! what it reported; it never asks the registry what it thinks, except to compare.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    hash::Hash,
};

use lastbyte::{
    ErrorKind,
    remote::lifecycle::{
        Action, BoxId, BoxState, Call, Done, ExecId, Illegal, Input, Lifecycle, Limits, Refusal,
        Report, Request, Resources,
    },
};

use super::{
    promise::{Broken, Promise},
    race::{After, Chance, Child, ONE, Race, What, Which},
    search::Model,
};

/// A registry of boxes: the production one, or one with a mistake in it.
pub trait Registry: Clone + Debug + Eq + Hash {
    /// See [`Lifecycle::step`].
    ///
    /// # Errors
    ///
    /// [`Illegal`] for what the runner cannot have done.
    fn step(&mut self, input: Input) -> Result<Vec<Action>, Illegal>;

    /// See [`Lifecycle::used`].
    fn used(&self) -> Resources;

    /// See [`Lifecycle::boxes`].
    fn states(&self) -> Vec<(BoxId, BoxState)>;
}

impl Registry for Lifecycle {
    fn step(&mut self, input: Input) -> Result<Vec<Action>, Illegal> {
        Lifecycle::step(self, input)
    }

    fn used(&self) -> Resources {
        Lifecycle::used(self)
    }

    fn states(&self) -> Vec<(BoxId, BoxState)> {
        self.boxes().map(|(id, state, _)| (id, state)).collect()
    }
}

/// Something that happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Choice {
    /// The caller at this place asks.
    Ask(usize),
    /// The runner reports.
    Report(Report),
}

/// Everybody together, at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World<R> {
    registry: R,
    calls: Vec<Asked>,
    boxes: BTreeMap<BoxId, Seen>,
    gone: BTreeSet<BoxId>,
    executions: BTreeMap<ExecId, Lived>,
    /// The chances that have been used, by place.
    used: Vec<bool>,
    /// What broke before anybody asked.
    broken: Option<Broken>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Asked {
    Not,
    Waits,
    Answered(Result<Done, Refusal>),
}

/// A box as the runner has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Seen {
    share: Resources,
    by: Call,
    at: Stage,
    /// It has never been up.
    first: bool,
    /// It was last set up without files.
    anew: bool,
    /// It was up, and its own end has not been published.
    owes_end: bool,
    /// It ended by itself.
    died: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    SettingUp,
    Up,
    TearingDown,
    Down,
    Removing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Lived {
    by: Call,
    child: Child,
    at: Life,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Life {
    Launching,
    Lives,
    Killed,
    Ended { killed: bool },
    Forgotten,
}

impl Life {
    fn is_over(self) -> bool {
        match self {
            Life::Launching | Life::Lives | Life::Killed => false,
            Life::Ended { .. } | Life::Forgotten => true,
        }
    }
}

/// A race of a registry.
#[derive(Clone, Debug)]
pub struct Raced<R> {
    race: Race,
    /// What is asked for, those who made what is there from the start last.
    whats: Vec<What>,
    make: fn(Limits) -> R,
}

impl Raced<Lifecycle> {
    /// This race of the production registry.
    pub fn new(race: &Race) -> Self {
        Raced::of(race, Lifecycle::new)
    }
}

impl<R: Registry> Raced<R> {
    /// This race of a registry that is made in this way.
    pub fn of(race: &Race, make: fn(Limits) -> R) -> Self {
        let mut whats: Vec<What> = race.asks.iter().map(|ask| ask.what).collect();
        for (place, children) in race.boxes.iter().enumerate() {
            whats.push(What::Create(ONE));
            let exec = |&child| What::Exec(Which::There(place), child);
            whats.extend(children.iter().map(exec));
        }
        Raced { race: race.clone(), whats, make }
    }

    fn prepare(&self, world: &mut World<R>) -> Result<(), Broken> {
        for place in self.race.asks.len()..self.whats.len() {
            self.take(world, &Choice::Ask(place))?;
            let done = |choice: &Choice| match choice {
                Choice::Report(Report::Up(_) | Report::Launched(_)) => true,
                Choice::Report(_) | Choice::Ask(_) => false,
            };
            if let Some(choice) = self.choices(world).into_iter().find(done) {
                self.take(world, &choice)?;
            }
        }
        Ok(())
    }

    /// Which box is meant, if it is there to be asked for.
    fn resolve(&self, world: &World<R>, which: Which) -> Option<BoxId> {
        match which {
            Which::There(place) => u64::try_from(place).ok().map(BoxId),
            Which::Made(by) => match world.calls[by] {
                Asked::Answered(Ok(Done::Created(id))) => Some(id),
                Asked::Answered(_) | Asked::Not | Asked::Waits => None,
            },
            Which::Unknown => Some(BoxId(u64::MAX)),
        }
    }

    fn request(&self, world: &World<R>, what: What) -> Option<Request> {
        let resolve = |which| self.resolve(world, which);
        Some(match what {
            What::Create(share) => Request::Create(share),
            What::Start(which) => Request::Start(resolve(which)?),
            What::Stop(which) => Request::Stop(resolve(which)?),
            What::Rebuild(which) => Request::Rebuild(resolve(which)?),
            What::Delete(which) => Request::Delete { id: resolve(which)?, force: false },
            What::ForceDelete(which) => Request::Delete { id: resolve(which)?, force: true },
            What::Exec(which, _) => Request::Exec(resolve(which)?),
            What::Shutdown => Request::Shutdown,
        })
    }

    fn may_ask(&self, world: &World<R>, place: usize) -> bool {
        let due = match self.race.asks[place].after {
            None => true,
            Some(After::Answered(other)) => matches!(world.calls[other], Asked::Answered(_)),
            Some(After::Ended(other)) => {
                let mut of_other = world.executions.values();
                matches!(world.calls[other], Asked::Answered(_))
                    && of_other.all(|lived| lived.by.0 != other as u64 || lived.at.is_over())
            }
        };
        world.calls[place] == Asked::Not && due && self.request(world, self.whats[place]).is_some()
    }

    fn has(&self, world: &World<R>, chance: Chance) -> bool {
        let mut chances = self.race.chances.iter().zip(&world.used);
        chances.any(|(&offered, &used)| offered == chance && !used)
    }

    fn use_up(&self, world: &mut World<R>, report: Report) {
        let chance = match report {
            Report::SetUpFailed(..) => Chance::SetUpFails,
            Report::LaunchRefused(..) => Chance::LaunchFails,
            Report::Died(_) => Chance::Dies,
            Report::Expired(_) => Chance::Expires,
            Report::Up(_)
            | Report::Launched(_)
            | Report::Ended(_)
            | Report::TornDown(_)
            | Report::Removed(_) => return,
        };
        let left = |(&offered, &used): (&Chance, &bool)| offered == chance && !used;
        if let Some(place) = self.race.chances.iter().zip(&world.used).position(left) {
            world.used[place] = true;
        }
    }

    /// What the runner may report of a box.
    fn of_box(&self, world: &World<R>, id: BoxId, seen: &Seen) -> Vec<Report> {
        let mut reports = Vec::new();
        match seen.at {
            Stage::SettingUp => {
                reports.push(Report::Up(id));
                if self.has(world, Chance::SetUpFails) {
                    reports.push(Report::SetUpFailed(id, ErrorKind::OverQuota));
                }
            }
            Stage::Up => {
                if self.has(world, Chance::Dies) {
                    reports.push(Report::Died(id));
                }
            }
            Stage::TearingDown => reports.push(Report::TornDown(id)),
            Stage::Down => {}
            Stage::Removing => reports.push(Report::Removed(id)),
        }
        reports
    }

    /// What the runner may report of an execution.
    fn of_execution(&self, world: &World<R>, id: ExecId, lived: &Lived) -> Vec<Report> {
        let mut reports = Vec::new();
        match (lived.at, lived.child) {
            (Life::Launching, _) => {
                reports.push(Report::Launched(id));
                if self.has(world, Chance::LaunchFails) {
                    reports.push(Report::LaunchRefused(id, ErrorKind::CannotSpawn));
                }
            }
            (Life::Lives, Child::Ends) | (Life::Killed, _) => reports.push(Report::Ended(id)),
            (Life::Ended { .. }, _) => {
                if self.has(world, Chance::Expires) && world.boxes.contains_key(&id.home) {
                    reports.push(Report::Expired(id));
                }
            }
            (Life::Lives, Child::Sleeps) | (Life::Forgotten, _) => {}
        }
        reports
    }
}

impl<R: Registry> Model for Raced<R> {
    type State = World<R>;
    type Choice = Choice;

    fn start(&self) -> World<R> {
        let mut world = World {
            registry: (self.make)(self.race.limits),
            calls: vec![Asked::Not; self.whats.len()],
            boxes: BTreeMap::new(),
            gone: BTreeSet::new(),
            executions: BTreeMap::new(),
            used: vec![false; self.race.chances.len()],
            broken: None,
        };
        world.broken = self.prepare(&mut world).err();
        world
    }

    fn choices(&self, world: &World<R>) -> Vec<Choice> {
        if world.broken.is_some() {
            return Vec::new();
        }
        let asks = 0..self.race.asks.len();
        let mut choices: Vec<Choice> =
            asks.filter(|&place| self.may_ask(world, place)).map(Choice::Ask).collect();
        for (&id, seen) in &world.boxes {
            choices.extend(self.of_box(world, id, seen).into_iter().map(Choice::Report));
        }
        for (&id, lived) in &world.executions {
            choices.extend(self.of_execution(world, id, lived).into_iter().map(Choice::Report));
        }
        choices
    }

    fn take(&self, world: &mut World<R>, choice: &Choice) -> Result<(), Broken> {
        let input = match *choice {
            Choice::Ask(place) => {
                let Some(request) = self.request(world, self.whats[place]) else { return Ok(()) };
                world.calls[place] = Asked::Waits;
                Input::Request(Call(place as u64), request)
            }
            Choice::Report(report) => {
                self.use_up(world, report);
                world.happens(report);
                Input::Report(report)
            }
        };
        let actions = world.registry.step(input).map_err(|_| Broken {
            promise: Promise::Legal,
            why: "what the runner has done is called impossible",
        })?;
        let mut step = Stepping { raced: self, world, input };
        for &action in &actions {
            step.act(action)?;
        }
        step.look(&actions)
    }

    fn finish(&self, world: &World<R>) -> Result<(), Broken> {
        world.broken.map_or(Ok(()), Err)?;
        let waits = world.calls.contains(&Asked::Waits);
        Promise::NoHang.unless(!waits, "a caller is never answered")?;
        let killed = |lived: &Lived| lived.at == Life::Killed || lived.at == Life::Launching;
        let stuck = world.executions.values().any(killed);
        Promise::NoHang.unless(!stuck, "an execution stays on its way")?;
        let died = world.boxes.values().any(|seen| seen.died);
        Promise::NoHang.unless(!died, "a box that ended by itself is never left")?;
        let expected = world.boxes.iter().map(|(&id, seen)| match seen.at {
            Stage::Up => Some((id, BoxState::Running)),
            Stage::Down => Some((id, BoxState::Stopped)),
            Stage::SettingUp | Stage::TearingDown | Stage::Removing => None,
        });
        let agrees = expected.eq(world.registry.states().into_iter().map(Some));
        Promise::NoHang.unless(agrees, "a box stays on its way, or is not what it seems")
    }
}

impl<R: Registry> World<R> {
    /// How the callers were answered, in the order of the race: `ok`, the code of a refusal, or
    /// `-` where there was nothing to ask for.
    pub fn answers(&self, race: &Race) -> String {
        let answers = self.calls.iter().take(race.asks.len()).map(|asked| match asked {
            Asked::Answered(Ok(_)) => "ok",
            Asked::Answered(Err(refusal)) => refusal.kind().code(),
            Asked::Not | Asked::Waits => "-",
        });
        answers.collect::<Vec<_>>().join(" ")
    }

    /// How many executions ended because they were killed, and how many by themselves.
    pub fn ends(&self) -> (usize, usize) {
        let count = |wanted| {
            let ends = self.executions.values().filter(|lived| lived.at == wanted);
            ends.count()
        };
        (count(Life::Ended { killed: true }), count(Life::Ended { killed: false }))
    }

    /// The registry at this moment.
    pub fn registry(&self) -> &R {
        &self.registry
    }

    /// How many boxes there are.
    pub fn boxes(&self) -> usize {
        self.boxes.len()
    }

    /// How many boxes there ever were.
    pub fn boxes_ever(&self) -> usize {
        self.boxes.len() + self.gone.len()
    }

    /// The books of the runner itself.
    fn happens(&mut self, report: Report) {
        match report {
            Report::Up(id) => self.change(id, |seen| {
                (seen.at, seen.first, seen.owes_end) = (Stage::Up, false, true);
            }),
            Report::SetUpFailed(id, _) => self.change(id, |seen| seen.at = Stage::Down),
            Report::Died(id) => self.change(id, |seen| seen.died = true),
            Report::TornDown(id) => self.change(id, |seen| {
                (seen.at, seen.died) = (Stage::Down, false);
            }),
            Report::Removed(id) => {
                self.boxes.remove(&id);
                self.gone.insert(id);
            }
            Report::Launched(id) => self.live(id, Life::Lives),
            Report::LaunchRefused(id, _) | Report::Expired(id) => self.live(id, Life::Forgotten),
            Report::Ended(id) => {
                let killed = self.executions.get(&id).map(|lived| lived.at) == Some(Life::Killed);
                self.live(id, Life::Ended { killed });
            }
        }
    }

    fn change(&mut self, id: BoxId, change: impl FnOnce(&mut Seen)) {
        if let Some(seen) = self.boxes.get_mut(&id) {
            change(seen);
        }
    }

    fn live(&mut self, id: ExecId, at: Life) {
        if let Some(lived) = self.executions.get_mut(&id) {
            lived.at = at;
        }
    }

    fn granted(&self) -> Resources {
        self.boxes.values().fold(Resources::default(), |sum, seen| sum.plus(seen.share))
    }

    /// Executions of a box that are not over.
    fn living(&self, home: BoxId) -> usize {
        let lives = |(id, lived): &(&ExecId, &Lived)| id.home == home && !lived.at.is_over();
        self.executions.iter().filter(lives).count()
    }
}

/// One step of the registry, while what follows from it is carried out.
struct Stepping<'a, R> {
    raced: &'a Raced<R>,
    world: &'a mut World<R>,
    input: Input,
}

impl<R: Registry> Stepping<'_, R> {
    fn act(&mut self, action: Action) -> Result<(), Broken> {
        match action {
            Action::SetUp { id, anew } => self.set_up(id, anew),
            Action::Launch(id) => self.launch(id),
            Action::Kill(id) => self.kill(id),
            Action::TearDown(id) => self.tear_down(id),
            Action::BoxEnded(id) => self.box_ended(id),
            Action::Remove(id) => self.remove(id),
            Action::Reply { call, answer } => self.reply(call, answer),
        }
    }

    fn stage(&self, id: BoxId) -> Option<Stage> {
        self.world.boxes.get(&id).map(|seen| seen.at)
    }

    /// Whether somebody who was not refused wants the box to be left, or it has ended by itself.
    fn is_left(&self, id: BoxId) -> bool {
        self.is_left_but_for(id, None)
    }

    /// The same, with one caller not counted.
    fn is_left_but_for(&self, id: BoxId, but: Option<Call>) -> bool {
        let wants = |what: What| match what {
            What::Stop(which)
            | What::Rebuild(which)
            | What::Delete(which)
            | What::ForceDelete(which) => self.raced.resolve(self.world, which) == Some(id),
            What::Shutdown => true,
            What::Create(_) | What::Start(_) | What::Exec(..) => false,
        };
        let calls = self.world.calls.iter().zip(&self.raced.whats).enumerate();
        let mut others = calls.filter(|&(place, _)| but != Some(Call(place as u64)));
        others.any(|(_, (&asked, &what))| asked == Asked::Waits && wants(what))
            || self.world.boxes.get(&id).is_some_and(|seen| seen.died)
    }

    /// Whether somebody who was not refused wants the box deleted.
    fn is_deleted(&self, id: BoxId) -> bool {
        let mut calls = self.world.calls.iter().zip(&self.raced.whats);
        calls.any(|(&asked, &what)| match what {
            What::Delete(which) | What::ForceDelete(which) => {
                asked == Asked::Waits && self.raced.resolve(self.world, which) == Some(id)
            }
            What::Shutdown => asked == Asked::Waits,
            What::Create(_)
            | What::Start(_)
            | What::Stop(_)
            | What::Rebuild(_)
            | What::Exec(..) => false,
        })
    }

    fn set_up(&mut self, id: BoxId, anew: bool) -> Result<(), Broken> {
        if let Some(seen) = self.world.boxes.get_mut(&id) {
            let down = seen.at == Stage::Down && !seen.owes_end;
            (seen.at, seen.anew) = (Stage::SettingUp, anew);
            return Promise::Order.unless(down, "a box is set up that is not down");
        }
        let Input::Request(call, Request::Create(share)) = self.input else {
            return Promise::Order.unless(false, "a box is made that nobody asked for");
        };
        Promise::Unique
            .unless(!self.world.gone.contains(&id), "a box has the number of another")?;
        let at = Stage::SettingUp;
        let seen = Seen { share, by: call, at, first: true, anew, owes_end: false, died: false };
        self.world.boxes.insert(id, seen);
        Promise::Order.unless(anew, "a new box has the files of another")
    }

    fn launch(&mut self, id: ExecId) -> Result<(), Broken> {
        let Input::Request(call, Request::Exec(home)) = self.input else {
            return Promise::Order.unless(false, "a command is started that nobody asked for");
        };
        Promise::Isolated.unless(id.home == home, "a command is started in another's box")?;
        let fit = self.stage(home) == Some(Stage::Up) && !self.is_left(home);
        Promise::Order
            .unless(fit, "a command is started in a box that is not up, or being left")?;
        let child = match self.raced.whats[call.0 as usize] {
            What::Exec(_, child) => child,
            What::Create(_)
            | What::Start(_)
            | What::Stop(_)
            | What::Rebuild(_)
            | What::Delete(_)
            | What::ForceDelete(_)
            | What::Shutdown => Child::Ends,
        };
        let lived = Lived { by: call, child, at: Life::Launching };
        let before = self.world.executions.insert(id, lived);
        Promise::Unique.unless(before.is_none(), "an execution has the number of another")
    }

    fn kill(&mut self, id: ExecId) -> Result<(), Broken> {
        if let Input::Request(call, Request::Delete { force: false, .. }) = self.input {
            let before = self.is_left_but_for(id.home, Some(call));
            Promise::Isolated.unless(before, "a delete without force ends what lives")?;
        }
        let wanted = self.is_left(id.home);
        Promise::Isolated.unless(wanted, "an execution is killed in a box that nobody leaves")?;
        let lives = self.world.executions.get(&id).map(|lived| lived.at) == Some(Life::Lives);
        self.world.live(id, Life::Killed);
        Promise::Isolated.unless(lives, "a kill of what does not live, or twice")
    }

    fn tear_down(&mut self, id: BoxId) -> Result<(), Broken> {
        let fit = self.stage(id) == Some(Stage::Up) && self.is_left(id);
        self.world.change(id, |seen| seen.at = Stage::TearingDown);
        Promise::Order.unless(fit, "a box is torn down that is not up, or that nobody leaves")?;
        let empty = self.world.living(id) == 0;
        Promise::ChildrenFirst.unless(empty, "a box is torn down under its executions")
    }

    fn box_ended(&mut self, id: BoxId) -> Result<(), Broken> {
        let empty = self.world.living(id) == 0;
        Promise::ChildrenFirst.unless(empty, "a box ends before an execution in it")?;
        let due = self.world.boxes.get(&id).is_some_and(|seen| seen.owes_end);
        let down = self.stage(id) == Some(Stage::Down);
        self.world.change(id, |seen| seen.owes_end = false);
        Promise::Order.unless(due && down, "a box ends that is not down, or twice")
    }

    fn remove(&mut self, id: BoxId) -> Result<(), Broken> {
        let seen = self.world.boxes.get(&id);
        let down = seen.is_some_and(|seen| seen.at == Stage::Down && !seen.owes_end);
        let wanted = self.is_deleted(id);
        self.world.change(id, |seen| seen.at = Stage::Removing);
        Promise::Order.unless(down && wanted, "files are deleted of a box that is not to be")
    }

    fn reply(&mut self, call: Call, answer: Result<Done, Refusal>) -> Result<(), Broken> {
        let place = call.0 as usize;
        let waits = self.world.calls.get(place) == Some(&Asked::Waits);
        Promise::Answer.unless(waits, "an answer to nobody, or a second one")?;
        let what = self.raced.whats[place];
        match answer {
            Ok(done) => {
                Promise::Answer.unless(self.is_so(call, what, done), "a success that is not so")?;
            }
            Err(refusal) => {
                let has_reason = self.has_reason(call, what, refusal);
                Promise::Refusal.unless(has_reason, "a refusal without its reason")?;
            }
        }
        self.world.calls[place] = Asked::Answered(answer);
        Ok(())
    }

    /// Whether what a caller is told is what he asked for, and true.
    fn is_so(&self, call: Call, what: What, done: Done) -> bool {
        let id = |which| self.raced.resolve(self.world, which);
        let seen = |which| id(which).and_then(|id| self.world.boxes.get(&id));
        match (what, done) {
            (What::Create(_), Done::Created(id)) => {
                let made = self.world.boxes.get(&id);
                made.is_some_and(|made| made.by == call && made.at == Stage::Up)
            }
            (What::Start(which), Done::Started) => {
                seen(which).is_some_and(|seen| seen.at == Stage::Up)
            }
            (What::Stop(which), Done::Stopped) => seen(which).is_some_and(|seen| {
                !seen.owes_end && (seen.at == Stage::Down || seen.at == Stage::Removing)
            }),
            (What::Rebuild(which), Done::Rebuilt) => {
                seen(which).is_some_and(|seen| seen.at == Stage::Up && seen.anew)
                    && id(which).is_some_and(|id| self.world.living(id) == 0)
            }
            (What::Delete(which) | What::ForceDelete(which), Done::Deleted) => {
                seen(which).is_none()
            }
            (What::Exec(..), Done::Executing(id)) => {
                let lived = self.world.executions.get(&id);
                lived.is_some_and(|lived| lived.by == call && lived.at == Life::Lives)
            }
            (What::Shutdown, Done::ShutDown) => self.world.boxes.is_empty(),
            (
                What::Create(_)
                | What::Start(_)
                | What::Stop(_)
                | What::Rebuild(_)
                | What::Delete(_)
                | What::ForceDelete(_)
                | What::Exec(..)
                | What::Shutdown,
                Done::Created(_)
                | Done::Started
                | Done::Stopped
                | Done::Rebuilt
                | Done::Deleted
                | Done::Executing(_)
                | Done::ShutDown,
            ) => false,
        }
    }

    /// Whether the world is such that a caller may be refused with these words.
    fn has_reason(&self, call: Call, what: What, refusal: Refusal) -> bool {
        let limits = self.raced.race.limits;
        let share = match what {
            What::Create(share) => share,
            What::Start(_)
            | What::Stop(_)
            | What::Rebuild(_)
            | What::Delete(_)
            | What::ForceDelete(_)
            | What::Exec(..)
            | What::Shutdown => Resources::default(),
        };
        let id = self.named(what);
        let seen = id.and_then(|id| self.world.boxes.get(&id));
        let living = id.map_or(0, |id| self.world.living(id));
        match refusal {
            Refusal::NotPositive(resource) => share.of(resource) == 0,
            Refusal::OverLimit { resource, asked, max } => {
                asked == share.of(resource) && max == limits.per_box.of(resource) && asked > max
            }
            Refusal::OverTotal { resource, asked, free } => {
                let granted = self.world.granted().of(resource);
                let left = limits.total.of(resource).saturating_sub(granted);
                asked == share.of(resource) && free == left && asked > free
            }
            Refusal::TooManyExecutions { max } => living >= max as usize,
            Refusal::NoSuchBox(_) => seen.is_none(),
            Refusal::NoSuchExecution(_) | Refusal::Expired(_) => false,
            Refusal::Unfit(_) => id.is_some_and(|id| self.is_unfit(call, what, id)),
            Refusal::InUse { executions } => {
                matches!(what, What::Delete(_)) && living == executions as usize && living > 0
            }
            Refusal::Deleting => id.is_some_and(|id| self.is_deleted(id)) || self.created(what),
            Refusal::SetUpFailed(kind) => self.input_is_failure(kind),
            Refusal::NotStarted(kind) => self.input_is_failure(kind),
            Refusal::ShuttingDown => {
                let mut calls = self.world.calls.iter().zip(&self.raced.whats);
                calls.any(|(&asked, &what)| what == What::Shutdown && asked != Asked::Not)
            }
        }
    }

    /// Who asked for a box may be told that it was deleted before it was up.
    fn created(&self, what: What) -> bool {
        let deletes = |input| matches!(input, Input::Request(_, Request::Delete { .. }));
        matches!(what, What::Create(_)) && deletes(self.input)
    }

    fn input_is_failure(&self, kind: ErrorKind) -> bool {
        match self.input {
            Input::Report(Report::SetUpFailed(_, said) | Report::LaunchRefused(_, said)) => {
                said == kind
            }
            Input::Report(
                Report::Up(_)
                | Report::Launched(_)
                | Report::Ended(_)
                | Report::Expired(_)
                | Report::Died(_)
                | Report::TornDown(_)
                | Report::Removed(_),
            )
            | Input::Request(..) => false,
        }
    }

    /// A box in which nothing is under way is unfit for nothing, or only for an execution.
    fn is_unfit(&self, call: Call, what: What, id: BoxId) -> bool {
        match self.stage(id) {
            Some(Stage::Up) => self.is_left_but_for(id, Some(call)),
            Some(Stage::Down) => matches!(what, What::Exec(..)),
            Some(Stage::SettingUp | Stage::TearingDown | Stage::Removing) => true,
            None => false,
        }
    }

    fn named(&self, what: What) -> Option<BoxId> {
        match what {
            What::Start(which)
            | What::Stop(which)
            | What::Rebuild(which)
            | What::Delete(which)
            | What::ForceDelete(which)
            | What::Exec(which, _) => self.raced.resolve(self.world, which),
            What::Create(_) | What::Shutdown => None,
        }
    }

    /// What must hold after each step.
    fn look(&mut self, actions: &[Action]) -> Result<(), Broken> {
        if let Input::Request(call, _) = self.input
            && let Asked::Answered(Err(_)) = self.world.calls[call.0 as usize]
        {
            let alone = actions.len() == 1;
            Promise::Refusal.unless(alone, "something is left of what was refused")?;
        }
        if let Input::Report(Report::SetUpFailed(id, _)) = self.input {
            let nothing = self.world.boxes.get(&id);
            if nothing.is_some_and(|seen| seen.first && seen.at == Stage::Down) {
                self.world.happens(Report::Removed(id));
            }
        }
        let (granted, used) = (self.world.granted(), self.world.registry.used());
        Promise::Quota.unless(granted == used, "what is granted is not what is counted")?;
        let total = self.raced.race.limits.total;
        let within = granted.cpus <= total.cpus
            && granted.memory_mib <= total.memory_mib
            && granted.disk_gib <= total.disk_gib;
        Promise::Quota.unless(within, "more is granted than there is")
    }
}
