//! A race as a model: what may happen next in a world, and what follows.

use std::collections::{BTreeMap, BTreeSet};

use lastbyte::{
    ErrorKind,
    remote::lifecycle::{
        BoxId, BoxState, Call, Done, ExecId, Input, Lifecycle, Limits, Report, Request,
    },
};

use super::{Asked, Choice, Life, Lived, Registry, Seen, Stage, World, step::Stepping};
use crate::lifecycle::{
    promise::{Broken, Promise},
    race::{After, Chance, Child, ONE, Race, What, Which},
    search::Model,
};

/// A race of a registry.
#[derive(Clone, Debug)]
pub struct Raced<R> {
    pub(super) race: Race,
    /// What is asked for, those who made what is there from the start last.
    pub(super) whats: Vec<What>,
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
    pub(super) fn resolve(&self, world: &World<R>, which: Which) -> Option<BoxId> {
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
