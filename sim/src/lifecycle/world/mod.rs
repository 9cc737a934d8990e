//! The registry between its callers and a runner that takes its time with everything.
//!
//! The world keeps its own books of boxes, executions and shares, from what the runner was told and
//! what it reported; it never asks the registry what it thinks, except to compare.

mod answers;
mod raced;
mod registry;
mod step;

use std::collections::{BTreeMap, BTreeSet};

use lastbyte::remote::lifecycle::{BoxId, Call, Done, ExecId, Refusal, Report, Resources};

pub use self::{raced::Raced, registry::Registry};
use super::{
    promise::Broken,
    race::{Child, Race},
};

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
