//! One step of the registry: each of its actions is held against the books, then carried out in them.

use lastbyte::remote::lifecycle::{
    Action, BoxId, Call, Done, ExecId, Input, Refusal, Report, Request,
};

use super::{Asked, Life, Lived, Raced, Registry, Seen, Stage, World};
use crate::lifecycle::{
    promise::{Broken, Promise},
    race::{Child, What},
};

/// One step of the registry, while what follows from it is carried out.
pub(super) struct Stepping<'a, R> {
    pub(super) raced: &'a Raced<R>,
    pub(super) world: &'a mut World<R>,
    pub(super) input: Input,
}

impl<R: Registry> Stepping<'_, R> {
    pub(super) fn act(&mut self, action: Action) -> Result<(), Broken> {
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

    pub(super) fn stage(&self, id: BoxId) -> Option<Stage> {
        self.world.boxes.get(&id).map(|seen| seen.at)
    }

    /// Whether somebody who was not refused wants the box to be left, or it has ended by itself.
    fn is_left(&self, id: BoxId) -> bool {
        self.is_left_but_for(id, None)
    }

    /// The same, with one caller not counted.
    pub(super) fn is_left_but_for(&self, id: BoxId, but: Option<Call>) -> bool {
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
    pub(super) fn is_deleted(&self, id: BoxId) -> bool {
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

    /// What must hold after each step.
    pub(super) fn look(&mut self, actions: &[Action]) -> Result<(), Broken> {
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
