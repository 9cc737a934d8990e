//! One box with its executions: where it is on its way, and what each input makes of it.

use std::collections::BTreeMap;

use super::{
    Action, BoxId, BoxState, Call, Done, ExecId, ExecState, Illegal, Refusal, Report, Resources,
};
use crate::error::Kind;

/// One box.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Home {
    id: BoxId,
    share: Resources,
    stage: Stage,
    executions: BTreeMap<u64, Execution>,
    /// The number of the next execution.
    next: u64,
}

/// Where a box is on its way, and who waits for the end of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Stage {
    SettingUp(SetUp, Vec<(Call, Done)>),
    /// Deleted while it was being set up, which must be over first.
    Abandoned(Vec<Call>),
    Running,
    /// Its executions are being ended.
    Emptying(Leave),
    /// None of them lives; what they left behind is being ended.
    TearingDown(Leave),
    Stopped,
    /// Its files are being deleted.
    Removing(Vec<Call>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum SetUp {
    Create,
    Start,
    Rebuild,
}

/// Why a box is left, and who is told when it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Leave {
    Stop(Vec<Call>),
    Rebuild(Vec<Call>),
    Delete { stops: Vec<Call>, deletes: Vec<Call> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Execution {
    Launching(Call),
    Live,
    Ended,
}

pub(super) type Actions = Vec<Action>;

pub(super) fn reply(call: Call, answer: Result<Done, Refusal>) -> Action {
    Action::Reply { call, answer }
}

pub(super) fn reply_all(
    calls: Vec<Call>,
    answer: Result<Done, Refusal>,
) -> impl Iterator<Item = Action> {
    calls.into_iter().map(move |call| reply(call, answer))
}

/// Whether there still is a box after a step.
pub(super) enum Remains {
    Here,
    Gone,
}

impl Stage {
    fn state(&self) -> BoxState {
        match self {
            Stage::SettingUp(SetUp::Create | SetUp::Start, _) => BoxState::Starting,
            Stage::SettingUp(SetUp::Rebuild, _) => BoxState::Rebuilding,
            Stage::Abandoned(_) | Stage::Removing(_) => BoxState::Deleting,
            Stage::Running => BoxState::Running,
            Stage::Emptying(leave) | Stage::TearingDown(leave) => match leave {
                Leave::Stop(_) => BoxState::Stopping,
                Leave::Rebuild(_) => BoxState::Rebuilding,
                Leave::Delete { .. } => BoxState::Deleting,
            },
            Stage::Stopped => BoxState::Stopped,
        }
    }

    /// Why what is asked for cannot be done in this stage.
    fn refusal(&self) -> Refusal {
        match self.state() {
            BoxState::Deleting => Refusal::Deleting,
            state @ (BoxState::Starting
            | BoxState::Running
            | BoxState::Stopping
            | BoxState::Rebuilding
            | BoxState::Stopped) => Refusal::Unfit(state),
        }
    }
}

impl Leave {
    /// A delete comes in between: who wanted it stopped still gets that, who wanted it rebuilt
    /// does not.
    fn overtake(&mut self, call: Option<Call>, why: Refusal, to: &mut Actions) {
        match self {
            Leave::Stop(calls) => {
                let stops = std::mem::take(calls);
                *self = Leave::Delete { stops, deletes: Vec::from_iter(call) };
            }
            Leave::Rebuild(calls) => {
                to.extend(reply_all(std::mem::take(calls), Err(why)));
                *self = Leave::Delete { stops: Vec::new(), deletes: Vec::from_iter(call) };
            }
            Leave::Delete { stops: _, deletes } => deletes.extend(call),
        }
    }
}

impl Home {
    /// A new one, that is being set up for whoever asked for it.
    pub(super) fn created(id: BoxId, share: Resources, call: Call, to: &mut Actions) -> Home {
        let stage = Stage::Stopped;
        let mut home = Home { id, share, stage, executions: BTreeMap::new(), next: 0 };
        home.set_up(SetUp::Create, vec![(call, Done::Created(id))], to);
        home
    }

    pub(super) fn id(&self) -> BoxId {
        self.id
    }

    pub(super) fn share(&self) -> Resources {
        self.share
    }

    pub(super) fn state(&self) -> BoxState {
        self.stage.state()
    }

    pub(super) fn find(&self, id: ExecId) -> Result<ExecState, Refusal> {
        match self.executions.get(&id.number) {
            Some(Execution::Launching(_)) => Ok(ExecState::Launching),
            Some(Execution::Live) => Ok(ExecState::Live),
            Some(Execution::Ended) => Ok(ExecState::Ended),
            None if id.number < self.next => Err(Refusal::Expired(id)),
            None => Err(Refusal::NoSuchExecution(id)),
        }
    }
}

/// What callers ask of one box.
impl Home {
    pub(super) fn start(&mut self, call: Call, to: &mut Actions) -> Result<(), Refusal> {
        match &mut self.stage {
            Stage::Running => to.push(reply(call, Ok(Done::Started))),
            Stage::SettingUp(_, waiting) => waiting.push((call, Done::Started)),
            Stage::Stopped => self.set_up(SetUp::Start, vec![(call, Done::Started)], to),
            Stage::Abandoned(_)
            | Stage::Emptying(_)
            | Stage::TearingDown(_)
            | Stage::Removing(_) => return Err(self.stage.refusal()),
        }
        Ok(())
    }

    pub(super) fn stop(&mut self, call: Call, to: &mut Actions) -> Result<(), Refusal> {
        match &mut self.stage {
            Stage::Running => self.leave(Leave::Stop(vec![call]), to),
            Stage::Emptying(Leave::Stop(calls)) | Stage::TearingDown(Leave::Stop(calls)) => {
                calls.push(call);
            }
            Stage::Stopped => to.push(reply(call, Ok(Done::Stopped))),
            Stage::SettingUp(..)
            | Stage::Abandoned(_)
            | Stage::Emptying(Leave::Rebuild(_) | Leave::Delete { .. })
            | Stage::TearingDown(Leave::Rebuild(_) | Leave::Delete { .. })
            | Stage::Removing(_) => return Err(self.stage.refusal()),
        }
        Ok(())
    }

    pub(super) fn rebuild(&mut self, call: Call, to: &mut Actions) -> Result<(), Refusal> {
        match &mut self.stage {
            Stage::Running => self.leave(Leave::Rebuild(vec![call]), to),
            Stage::Emptying(Leave::Rebuild(calls)) | Stage::TearingDown(Leave::Rebuild(calls)) => {
                calls.push(call);
            }
            // It is being set up without files, and nothing has run in it.
            Stage::SettingUp(SetUp::Create | SetUp::Rebuild, waiting) => {
                waiting.push((call, Done::Rebuilt));
            }
            Stage::Stopped => self.set_up(SetUp::Rebuild, vec![(call, Done::Rebuilt)], to),
            Stage::SettingUp(SetUp::Start, _)
            | Stage::Abandoned(_)
            | Stage::Emptying(Leave::Stop(_) | Leave::Delete { .. })
            | Stage::TearingDown(Leave::Stop(_) | Leave::Delete { .. })
            | Stage::Removing(_) => return Err(self.stage.refusal()),
        }
        Ok(())
    }

    pub(super) fn delete(
        &mut self,
        call: Call,
        force: bool,
        to: &mut Actions,
    ) -> Result<(), Refusal> {
        let executions = self.living();
        if self.stage == Stage::Running && executions > 0 && !force {
            return Err(Refusal::InUse { executions });
        }
        self.doom(Some(call), Refusal::Deleting, to);
        Ok(())
    }

    pub(super) fn exec(&mut self, call: Call, max: u32, to: &mut Actions) -> Result<(), Refusal> {
        if self.stage != Stage::Running {
            return Err(self.stage.refusal());
        }
        if self.living() >= max {
            return Err(Refusal::TooManyExecutions { max });
        }
        let number = self.next;
        self.next += 1;
        self.executions.insert(number, Execution::Launching(call));
        to.push(Action::Launch(ExecId { home: self.id, number }));
        Ok(())
    }

    /// The way to its end, from wherever it is. `why` is told to those who wanted it up.
    pub(super) fn doom(&mut self, call: Option<Call>, why: Refusal, to: &mut Actions) {
        match &mut self.stage {
            Stage::SettingUp(_, waiting) => {
                to.extend(waiting.drain(..).map(|(call, _)| reply(call, Err(why))));
                self.stage = Stage::Abandoned(Vec::from_iter(call));
            }
            Stage::Running => {
                let deletes = Vec::from_iter(call);
                self.leave(Leave::Delete { stops: Vec::new(), deletes }, to);
            }
            Stage::Emptying(leave) | Stage::TearingDown(leave) => leave.overtake(call, why, to),
            Stage::Stopped => self.remove(Vec::from_iter(call), to),
            Stage::Abandoned(calls) | Stage::Removing(calls) => calls.extend(call),
        }
    }
}

/// What each way leads to.
impl Home {
    fn set_up(&mut self, set_up: SetUp, waiting: Vec<(Call, Done)>, to: &mut Actions) {
        let anew = match set_up {
            SetUp::Create | SetUp::Rebuild => true,
            SetUp::Start => false,
        };
        self.stage = Stage::SettingUp(set_up, waiting);
        to.push(Action::SetUp { id: self.id, anew });
    }

    fn leave(&mut self, leave: Leave, to: &mut Actions) {
        self.stage = Stage::Emptying(leave);
        for (&number, execution) in &self.executions {
            match execution {
                Execution::Live => to.push(Action::Kill(ExecId { home: self.id, number })),
                // One that is being launched has nobody to kill yet: see `launched`.
                Execution::Launching(_) | Execution::Ended => {}
            }
        }
        self.tear_down_when_empty(to);
    }

    fn tear_down_when_empty(&mut self, to: &mut Actions) {
        if let Stage::Emptying(leave) = &mut self.stage
            && self.executions.values().all(|execution| *execution == Execution::Ended)
        {
            let leave = std::mem::replace(leave, Leave::Stop(Vec::new()));
            self.stage = Stage::TearingDown(leave);
            to.push(Action::TearDown(self.id));
        }
    }

    fn remove(&mut self, deletes: Vec<Call>, to: &mut Actions) {
        self.stage = Stage::Removing(deletes);
        to.push(Action::Remove(self.id));
    }

    /// Executions that have, or may still get, a life.
    fn living(&self) -> u32 {
        let lives = self.executions.values().filter(|execution| match execution {
            Execution::Launching(_) | Execution::Live => true,
            Execution::Ended => false,
        });
        u32::try_from(lives.count()).unwrap_or(u32::MAX)
    }
}

/// What the runner has done.
impl Home {
    pub(super) fn report(&mut self, report: Report, to: &mut Actions) -> Result<Remains, Illegal> {
        let legal = match report {
            Report::Up(_) => self.up(to),
            Report::SetUpFailed(_, kind) => return self.set_up_failed(report, kind, to),
            Report::Died(_) => self.died(to),
            Report::TornDown(_) => self.torn_down(to),
            Report::Removed(_) => return self.removed(report, to),
            Report::Launched(id) => self.launched(id, to),
            Report::LaunchRefused(id, kind) => self.launch_refused(id, kind, to),
            Report::Ended(id) => self.ended(id, to),
            Report::Expired(id) => self.expired(id),
        };
        if legal { Ok(Remains::Here) } else { Err(self.illegal(report)) }
    }

    fn illegal(&self, report: Report) -> Illegal {
        match report {
            Report::Launched(_) | Report::LaunchRefused(..) => Illegal::Execution(report),
            Report::Ended(_) | Report::Expired(_) => Illegal::Execution(report),
            Report::Up(_)
            | Report::SetUpFailed(..)
            | Report::Died(_)
            | Report::TornDown(_)
            | Report::Removed(_) => Illegal::Box(report, Some(self.stage.state())),
        }
    }

    fn up(&mut self, to: &mut Actions) -> bool {
        match &mut self.stage {
            Stage::SettingUp(_, waiting) => {
                to.extend(waiting.drain(..).map(|(call, done)| reply(call, Ok(done))));
                self.stage = Stage::Running;
            }
            Stage::Abandoned(calls) => {
                let deletes = std::mem::take(calls);
                self.leave(Leave::Delete { stops: Vec::new(), deletes }, to);
            }
            Stage::Running
            | Stage::Emptying(_)
            | Stage::TearingDown(_)
            | Stage::Stopped
            | Stage::Removing(_) => return false,
        }
        true
    }

    fn set_up_failed(
        &mut self,
        report: Report,
        kind: Kind,
        to: &mut Actions,
    ) -> Result<Remains, Illegal> {
        match &mut self.stage {
            Stage::SettingUp(set_up, waiting) => {
                let refusal = Err(Refusal::SetUpFailed(kind));
                to.extend(waiting.drain(..).map(|(call, _)| reply(call, refusal)));
                match set_up {
                    // It has never been: nothing is left of it.
                    SetUp::Create => return Ok(Remains::Gone),
                    SetUp::Start | SetUp::Rebuild => self.stage = Stage::Stopped,
                }
            }
            Stage::Abandoned(calls) => {
                let deletes = std::mem::take(calls);
                self.remove(deletes, to);
            }
            Stage::Running
            | Stage::Emptying(_)
            | Stage::TearingDown(_)
            | Stage::Stopped
            | Stage::Removing(_) => return Err(self.illegal(report)),
        }
        Ok(Remains::Here)
    }

    fn died(&mut self, to: &mut Actions) -> bool {
        match self.stage {
            Stage::Running => self.leave(Leave::Stop(Vec::new()), to),
            // It is being ended anyway.
            Stage::Emptying(_) | Stage::TearingDown(_) => {}
            Stage::SettingUp(..) | Stage::Abandoned(_) | Stage::Stopped | Stage::Removing(_) => {
                return false;
            }
        }
        true
    }

    fn torn_down(&mut self, to: &mut Actions) -> bool {
        let Stage::TearingDown(leave) = &mut self.stage else { return false };
        let leave = std::mem::replace(leave, Leave::Stop(Vec::new()));
        // After the last of its executions: see `tear_down_when_empty` (C20).
        to.push(Action::BoxEnded(self.id));
        match leave {
            Leave::Stop(calls) => {
                self.stage = Stage::Stopped;
                to.extend(reply_all(calls, Ok(Done::Stopped)));
            }
            Leave::Rebuild(calls) => {
                let waiting = calls.into_iter().map(|call| (call, Done::Rebuilt)).collect();
                self.set_up(SetUp::Rebuild, waiting, to);
            }
            Leave::Delete { stops, deletes } => {
                to.extend(reply_all(stops, Ok(Done::Stopped)));
                self.remove(deletes, to);
            }
        }
        true
    }

    fn removed(&mut self, report: Report, to: &mut Actions) -> Result<Remains, Illegal> {
        let Stage::Removing(calls) = &mut self.stage else { return Err(self.illegal(report)) };
        to.extend(reply_all(std::mem::take(calls), Ok(Done::Deleted)));
        Ok(Remains::Gone)
    }

    fn launched(&mut self, id: ExecId, to: &mut Actions) -> bool {
        let Some(execution) = self.executions.get_mut(&id.number) else { return false };
        let Execution::Launching(call) = *execution else { return false };
        *execution = Execution::Live;
        to.push(reply(call, Ok(Done::Executing(id))));
        if let Stage::Emptying(_) = self.stage {
            to.push(Action::Kill(id));
        }
        true
    }

    fn launch_refused(&mut self, id: ExecId, kind: Kind, to: &mut Actions) -> bool {
        let Some(&Execution::Launching(call)) = self.executions.get(&id.number) else {
            return false;
        };
        self.executions.remove(&id.number);
        to.push(reply(call, Err(Refusal::NotStarted(kind))));
        self.tear_down_when_empty(to);
        true
    }

    fn ended(&mut self, id: ExecId, to: &mut Actions) -> bool {
        let Some(execution) = self.executions.get_mut(&id.number) else { return false };
        if *execution != Execution::Live {
            return false;
        }
        *execution = Execution::Ended;
        self.tear_down_when_empty(to);
        true
    }

    fn expired(&mut self, id: ExecId) -> bool {
        if self.executions.get(&id.number) != Some(&Execution::Ended) {
            return false;
        }
        self.executions.remove(&id.number);
        true
    }
}
