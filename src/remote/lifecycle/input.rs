//! Everything that can happen to boxes: what callers ask, and what the runner has done.

use core::fmt;

use super::Resources;
use crate::error::Kind;

/// A box, by the number it was created with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BoxId(pub u64);

/// An execution: the how-many-th of its box. It says whose it is, so that an answer for one box
/// can never be about another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExecId {
    /// Its box.
    pub home: BoxId,
    /// From 0 on, in the order of the requests.
    pub number: u64,
}

impl fmt::Display for BoxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "box {}", self.0)
    }
}

impl fmt::Display for ExecId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "execution {} of {}", self.number, self.home)
    }
}

/// Who asked, chosen by the runner: it comes back in the one [`Reply`](super::Action::Reply).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Call(pub u64);

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A caller asks.
    Request(Call, Request),
    /// The runner has done, or seen.
    Report(Report),
}

/// What a caller asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// A new box with this share of the machine. Answered when it is up.
    Create(Resources),
    /// A stopped box is to be up again, with its files. Answered when it is.
    Start(BoxId),
    /// The box's executions are to be ended, and what they left behind. Answered when it is
    /// stopped; it keeps its files and its share.
    Stop(BoxId),
    /// As stop, then set up anew, without its files. Answered when it is up.
    Rebuild(BoxId),
    /// As stop, then it is gone with its files. Answered when it is.
    Delete {
        /// Which box.
        id: BoxId,
        /// Also while executions live in it.
        force: bool,
    },
    /// A command is to be run in the box. Answered when it has started.
    Exec(BoxId),
    /// Every box is to be deleted and nothing new to begin. Answered when nothing is left.
    Shutdown,
}

/// What the runner has done, or seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Report {
    /// The box is set up.
    Up(BoxId),
    /// It could not be set up, and nothing is left of the try.
    SetUpFailed(BoxId, Kind),
    /// The command has started.
    Launched(ExecId),
    /// The command could not be started, and nothing is left of the try (C14).
    LaunchRefused(ExecId, Kind),
    /// The execution has its terminal. It is kept for whoever asks until it expires.
    Ended(ExecId),
    /// What was kept of an ended execution is no longer kept.
    Expired(ExecId),
    /// The box ended by itself; what still runs in it is to be ended.
    Died(BoxId),
    /// Nothing that was started in the box is left.
    TornDown(BoxId),
    /// The box's files are deleted.
    Removed(BoxId),
}
