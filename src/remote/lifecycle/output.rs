//! Everything that can follow: what the runner must do, how a caller is answered, what is illegal.

use core::fmt;

use super::{BoxId, BoxState, Call, ExecId, Report, Resource};
use crate::error::{Error, Kind};

/// What the runner must do now, in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Set the box up. `anew`: without the files of before.
    SetUp {
        /// Which box.
        id: BoxId,
        /// It must have none of its earlier files.
        anew: bool,
    },
    /// Start the command of the request.
    Launch(ExecId),
    /// Shut the execution down: it lives, and its terminal must come within its bound.
    Kill(ExecId),
    /// End what is left in the box: every execution in it has its terminal.
    TearDown(BoxId),
    /// Publish the box's own terminal (C20).
    BoxEnded(BoxId),
    /// Delete the box's files.
    Remove(BoxId),
    /// Answer a call.
    Reply {
        /// Which.
        call: Call,
        /// The one answer that it gets.
        answer: Result<Done, Refusal>,
    },
}

/// What was asked for is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Done {
    /// The box is up.
    Created(BoxId),
    /// The box is up, with its files.
    Started,
    /// Nothing runs in the box.
    Stopped,
    /// The box is up, without the files of before.
    Rebuilt,
    /// The box is gone.
    Deleted,
    /// The command has started.
    Executing(ExecId),
    /// Nothing is left.
    ShutDown,
}

/// Why a request is refused. Nothing is left of it, and nothing else has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// Of this resource nothing, or less, was asked for.
    NotPositive(Resource),
    /// More than one box may have.
    OverLimit {
        /// Of what.
        resource: Resource,
        /// How much was asked for.
        asked: u64,
        /// The most that a box may have.
        max: u64,
    },
    /// More than is left.
    OverTotal {
        /// Of what.
        resource: Resource,
        /// How much was asked for.
        asked: u64,
        /// How much no box has.
        free: u64,
    },
    /// As many executions live in the box as may.
    TooManyExecutions {
        /// How many that is.
        max: u32,
    },
    /// There never was such a box here, or it is gone.
    NoSuchBox(BoxId),
    /// There never was such an execution.
    NoSuchExecution(ExecId),
    /// The execution is over and no longer kept.
    Expired(ExecId),
    /// The box is in a state in which this has no meaning.
    Unfit(BoxState),
    /// Executions live in the box.
    InUse {
        /// How many.
        executions: u32,
    },
    /// The box is being deleted.
    Deleting,
    /// The box could not be set up, for a reason of this kind.
    SetUpFailed(Kind),
    /// The command could not be started, for a reason of this kind.
    NotStarted(Kind),
    /// The runner is shutting down.
    ShuttingDown,
}

impl Refusal {
    /// Its row of the one table.
    pub const fn kind(self) -> Kind {
        match self {
            Refusal::NotPositive(_) => Kind::InvalidArgument,
            Refusal::OverLimit { .. }
            | Refusal::OverTotal { .. }
            | Refusal::TooManyExecutions { .. } => Kind::OverQuota,
            Refusal::NoSuchBox(_) | Refusal::NoSuchExecution(_) => Kind::NotFound,
            Refusal::Expired(_) | Refusal::Deleting => Kind::Gone,
            Refusal::Unfit(_) | Refusal::InUse { .. } => Kind::InvalidState,
            Refusal::SetUpFailed(kind) | Refusal::NotStarted(kind) => kind,
            Refusal::ShuttingDown => Kind::Shutdown,
        }
    }

    /// As an error. `op` reads after "failed to", for example "stop box 7".
    pub fn error(self, op: &str) -> Error {
        Error::new(self.kind(), format!("{op}: {self}"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NotPositive(resource) => {
                write!(f, "{resource} is not positive; ask for 1 or more")
            }
            Refusal::OverLimit { resource, asked, max } => {
                write!(f, "{asked} {resource} are more than a box may have; ask for {max} or fewer")
            }
            Refusal::OverTotal { resource, asked, free } => write!(
                f,
                "{asked} {resource} are more than the {free} that are left; delete a box or ask for fewer"
            ),
            Refusal::TooManyExecutions { max } => {
                write!(f, "{max} executions live in the box; wait until one has ended")
            }
            Refusal::NoSuchBox(id) => write!(f, "there is no {id}; list the boxes"),
            Refusal::NoSuchExecution(id) => write!(f, "there is no {id}; check its number"),
            Refusal::Expired(id) => write!(f, "{id} is over and no longer kept; ask earlier"),
            Refusal::Unfit(state) => {
                write!(f, "the box is {}; {}", state.name(), state.advice())
            }
            Refusal::InUse { executions } => {
                write!(f, "executions that live in the box: {executions}; end them, or use force")
            }
            Refusal::Deleting => f.write_str("the box is being deleted; create another"),
            Refusal::SetUpFailed(_) => {
                f.write_str("the box cannot be set up; see the runner's log")
            }
            Refusal::NotStarted(_) => f.write_str("the command cannot be started; check it"),
            Refusal::ShuttingDown => f.write_str("the runner is shutting down; use another"),
        }
    }
}

/// The runner reported what cannot be. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Illegal {
    /// The box is in no state in which this can happen, or there is no such box.
    Box(Report, Option<BoxState>),
    /// The execution cannot have done this, or there is none.
    Execution(Report),
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Illegal::Box(report, Some(state)) => {
                write!(f, "{report:?} of a box that is {}", state.name())
            }
            Illegal::Box(report, None) => write!(f, "{report:?} of no box"),
            Illegal::Execution(report) => write!(f, "{report:?} of no such execution"),
        }
    }
}

impl std::error::Error for Illegal {}
