//! Where bytes and a status come from: the trait that an execution's driver runs on.
//!
//! `process` is the local operating system. A virtual machine, a container runtime, a remote
//! runner or a script of a simulated child implement [`Backend`], and get the same ordering code.

mod blocks;
#[cfg(unix)]
mod limits;
#[cfg(unix)]
pub(crate) mod pace;
#[cfg(unix)]
pub(crate) mod process;
#[cfg(unix)]
pub(crate) mod pty;
#[cfg(unix)]
mod root;
#[cfg(unix)]
pub(crate) mod spawn;
mod tether;

#[cfg(unix)]
pub use root::group_by_pidfd;

use core::{
    task::{Context, Poll},
    time::Duration,
};

use crate::{
    Data,
    machine::{Errno, PerStream, Signal, Status, StreamId, Target},
};

/// A started execution as its driver sees it: sources to read, an end to learn, a root to signal.
///
/// The driver decides nothing and neither does a backend: it reports what it found. Dropping a
/// backend lets go of everything it holds, and ends and reaps a root that was not reaped.
pub trait Backend {
    /// Reads once from a stream: at most `max` bytes. When there is nothing now, has the task of
    /// `cx` woken when there may be.
    fn poll_read(&mut self, cx: &mut Context<'_>, stream: StreamId, max: u64) -> Poll<Read>;

    /// Reads once without waiting: what stands there at this moment, not at the last wake-up.
    /// `None`: nothing.
    fn try_read(&mut self, stream: StreamId, max: u64) -> Option<Read>;

    /// Whether bytes that the root wrote may still be on their way, although there is nothing to
    /// read now: then the stream is not empty, and nothing is cut behind it (C7). A pipe has what
    /// was written to it.
    fn may_come(&self, stream: StreamId) -> bool {
        let _ = stream;
        false
    }

    /// Learns the root's end. Asked until it is ready, once.
    fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<Exit>;

    /// Learns the root's end, if it has ended by this moment.
    fn try_exit(&mut self) -> Option<Exit>;

    /// Learns the root's end, blocking the thread for at most `max`. Asked only after a SIGKILL,
    /// when the driver is dropped before its end.
    fn wait_exit(&mut self, max: Duration) -> Option<Exit>;

    /// Sends a signal. After the exit was reported, `target` is the group, and what is left of it
    /// must be reached without the risk of a reused pid. Nobody there is no error.
    fn signal(&mut self, signal: Signal, target: Target);

    /// The stream is not read any more: let go of its source.
    fn abandon(&mut self, stream: StreamId);
}

/// What one read found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// At least one byte.
    Chunk(Data),
    /// The end: nobody can write any more.
    Eof,
    /// The read failed, which is not the end (C9).
    Error(Errno),
}

/// The root's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exit {
    /// How it ended.
    pub status: Status,
    /// The most bytes that stood unread in each stream when this was learned, the root's last
    /// among them (C7).
    pub standing: PerStream<u64>,
}
