//! What a caller is told, held against the books: a success must be so, a refusal have its reason.

use lastbyte::{
    ErrorKind,
    remote::lifecycle::{BoxId, Call, Done, Input, Refusal, Report, Request, Resources},
};

use super::{Asked, Life, Registry, Stage, step::Stepping};
use crate::lifecycle::race::What;

impl<R: Registry> Stepping<'_, R> {
    /// Whether what a caller is told is what he asked for, and true.
    pub(super) fn is_so(&self, call: Call, what: What, done: Done) -> bool {
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
    pub(super) fn has_reason(&self, call: Call, what: What, refusal: Refusal) -> bool {
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
}
