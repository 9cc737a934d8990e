//! The state machine: which boxes there are, and to which of them an input goes.
//!
//! Nothing else changes a [`Lifecycle`]. It checks first and changes then: a refusal or an illegal
//! report leaves it exactly as it was.

use std::collections::BTreeMap;

use super::{
    Action, BoxId, BoxState, Call, Done, ExecId, ExecState, Illegal, Input, Limits, Refusal,
    Report, Request, Resources,
    home::{Actions, Home, Remains, reply, reply_all},
};

/// The boxes of a runner and their executions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lifecycle {
    limits: Limits,
    phase: Phase,
    boxes: BTreeMap<BoxId, Home>,
    /// The number of the next box.
    next: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Open,
    Closing(Vec<Call>),
    Closed,
}

impl Lifecycle {
    /// A runner without boxes, that has so much to give.
    pub fn new(limits: Limits) -> Self {
        Lifecycle { limits, phase: Phase::Open, boxes: BTreeMap::new(), next: 0 }
    }

    /// Applies one input and says what must be done, in this order.
    ///
    /// One call is one atomic step: the runner makes it under its lock.
    ///
    /// # Errors
    ///
    /// [`Illegal`] for a report of what cannot have happened; nothing has changed. A request is
    /// never illegal: its refusal is a [`Reply`](Action::Reply).
    pub fn step(&mut self, input: Input) -> Result<Vec<Action>, Illegal> {
        let mut actions = Actions::new();
        match input {
            Input::Request(call, request) => {
                if let Err(refusal) = self.request(call, request, &mut actions) {
                    actions.push(reply(call, Err(refusal)));
                }
            }
            Input::Report(report) => self.report(report, &mut actions)?,
        }
        Ok(actions)
    }

    fn request(&mut self, call: Call, request: Request, to: &mut Actions) -> Result<(), Refusal> {
        if let Request::Shutdown = request {
            self.shutdown(call, to);
            return Ok(());
        }
        match self.phase {
            Phase::Open => {}
            Phase::Closing(_) | Phase::Closed => return Err(Refusal::ShuttingDown),
        }
        match request {
            Request::Create(share) => self.create(call, share, to),
            Request::Start(id) => self.home(id)?.start(call, to),
            Request::Stop(id) => self.home(id)?.stop(call, to),
            Request::Rebuild(id) => self.home(id)?.rebuild(call, to),
            Request::Delete { id, force } => self.home(id)?.delete(call, force, to),
            Request::Exec(id) => {
                let max = self.limits.executions_max;
                self.home(id)?.exec(call, max, to)
            }
            Request::Shutdown => Ok(()),
        }
    }

    fn create(&mut self, call: Call, share: Resources, to: &mut Actions) -> Result<(), Refusal> {
        self.limits.check(share, self.used())?;
        let id = BoxId(self.next);
        self.next += 1;
        self.boxes.insert(id, Home::created(id, share, call, to));
        Ok(())
    }

    fn shutdown(&mut self, call: Call, to: &mut Actions) {
        match &mut self.phase {
            Phase::Open => {
                for home in self.boxes.values_mut() {
                    home.doom(None, Refusal::ShuttingDown, to);
                }
                self.phase = Phase::Closing(vec![call]);
                self.close_when_empty(to);
            }
            Phase::Closing(calls) => calls.push(call),
            Phase::Closed => to.push(reply(call, Ok(Done::ShutDown))),
        }
    }

    fn close_when_empty(&mut self, to: &mut Actions) {
        if let Phase::Closing(calls) = &mut self.phase
            && self.boxes.is_empty()
        {
            to.extend(reply_all(std::mem::take(calls), Ok(Done::ShutDown)));
            self.phase = Phase::Closed;
        }
    }

    fn report(&mut self, report: Report, to: &mut Actions) -> Result<(), Illegal> {
        let id = match report {
            Report::Launched(id) | Report::LaunchRefused(id, _) => id.home,
            Report::Ended(id) | Report::Expired(id) => id.home,
            Report::Up(id) | Report::SetUpFailed(id, _) | Report::Died(id) => id,
            Report::TornDown(id) | Report::Removed(id) => id,
        };
        let home = self.boxes.get_mut(&id).ok_or(Illegal::Box(report, None))?;
        match home.report(report, to)? {
            Remains::Here => {}
            Remains::Gone => {
                self.boxes.remove(&id);
                self.close_when_empty(to);
            }
        }
        Ok(())
    }

    fn home(&mut self, id: BoxId) -> Result<&mut Home, Refusal> {
        self.boxes.get_mut(&id).ok_or(Refusal::NoSuchBox(id))
    }

    // What can be asked.

    /// How much there is to give.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How much is given: the sum over the boxes that exist.
    pub fn used(&self) -> Resources {
        self.boxes.values().fold(Resources::default(), |sum, home| sum.plus(home.share()))
    }

    /// Every box that exists, in the order of their creation.
    pub fn boxes(&self) -> impl Iterator<Item = (BoxId, BoxState, Resources)> {
        self.boxes.values().map(|home| (home.id(), home.state(), home.share()))
    }

    /// What a box is doing.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoSuchBox`].
    pub fn state(&self, id: BoxId) -> Result<BoxState, Refusal> {
        self.boxes.get(&id).map(|home| home.state()).ok_or(Refusal::NoSuchBox(id))
    }

    /// What an execution is doing.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoSuchBox`], [`Refusal::NoSuchExecution`], or [`Refusal::Expired`] for one that
    /// is over and no longer kept (also if its start was refused).
    pub fn find(&self, id: ExecId) -> Result<ExecState, Refusal> {
        let home = self.boxes.get(&id.home).ok_or(Refusal::NoSuchBox(id.home))?;
        home.find(id)
    }

    /// Whether a shutdown is over: nothing is left, and nothing will begin.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Closed
    }
}
