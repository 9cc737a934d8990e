//! Everything that can happen to an execution.

use super::{Errno, PerStream, Signal, Status, StreamId, Timer};

/// The bytes of one read. Chunk boundaries mean nothing (C3).
///
/// The machine asks for the length, and splits one only at an output limit; it never looks inside
/// or copies. Production uses reference-counted buffers, the explorer tokens.
#[expect(clippy::len_without_is_empty, reason = "an empty chunk is an illegal input")]
pub trait Chunk {
    /// Bytes in it.
    fn len(&self) -> u64;
    /// Keeps the first `at` bytes and returns the rest, without copying. `at` is below the length.
    fn split_off(&mut self, at: u64) -> Self;
}

/// One thing that happens: the transitions of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input<C> {
    /// The root runs: its pid is known. Applies what was asked for before.
    Started,
    /// The root could not be started (C14). No event ever follows.
    Refused,
    /// Pump: a read returned 1 byte or more.
    Chunk(StreamId, C),
    /// Pump: the source said end; `read(2)` returned 0, or EIO on a pty.
    Eof(StreamId),
    /// Pump: a read failed. Not an EOF (C9).
    ReadError(StreamId, Errno),
    /// Pump: a read found nothing to take (`EAGAIN`). A stream that is due to be cut is cut by
    /// this, and not by its timer, so that readability wins (C6). No effect before the reap.
    Empty(StreamId),
    /// The root has ended.
    Reap {
        /// How. [`Status::Forced`] is ours to say, and illegal here.
        status: Status,
        /// The most bytes that stood unread in each source at that moment, the root's last among
        /// them (C7): exact for a pipe (`FIONREAD`, `pipe(7)`), the size of its buffers for a pty,
        /// whose count lags behind what was written.
        standing: PerStream<u64>,
    },
    /// The consumer takes one event, if there is one.
    Drain,
    /// Somebody waits.
    Wait(Until),
    /// Somebody who waited and was not resolved does not wait any more.
    CancelWait(Until),
    /// Sends a signal, as it is.
    Signal(Signal),
    /// Kills by policy: signal, grace, SIGKILL.
    Kill,
    /// Nobody will take this stream (C15): it is read on and thrown away.
    Discard(StreamId),
    /// The consumer is gone for good and the execution goes on.
    Detach,
    /// Ends it now and needs nothing from the consumer, who gets no further event (C11).
    Close,
    /// The runtime ends: kills by policy, and forces the end at its bound (C13).
    Shutdown,
    /// An armed timer has run out. A timer on a stream makes it due to be cut; its pump then
    /// reads once more, and says what it found.
    Timeout(Timer),
}

/// What a waiter waits for (C4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Until {
    /// The reap: the status is known. Says nothing of output.
    Exited,
    /// The terminal has been delivered, or is available and nobody will take it.
    Terminal,
}

/// An [`Input`] without its payload, to name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the input of the same name")]
pub enum InputKind {
    Started,
    Refused,
    Chunk,
    Eof,
    ReadError,
    Empty,
    Reap,
    Drain,
    Wait,
    CancelWait,
    Signal,
    Kill,
    Discard,
    Detach,
    Close,
    Shutdown,
    Timeout,
}

impl<C> Input<C> {
    /// Which input it is.
    pub const fn kind(&self) -> InputKind {
        match self {
            Input::Started => InputKind::Started,
            Input::Refused => InputKind::Refused,
            Input::Chunk(..) => InputKind::Chunk,
            Input::Eof(_) => InputKind::Eof,
            Input::ReadError(..) => InputKind::ReadError,
            Input::Empty(_) => InputKind::Empty,
            Input::Reap { .. } => InputKind::Reap,
            Input::Drain => InputKind::Drain,
            Input::Wait(_) => InputKind::Wait,
            Input::CancelWait(_) => InputKind::CancelWait,
            Input::Signal(_) => InputKind::Signal,
            Input::Kill => InputKind::Kill,
            Input::Discard(_) => InputKind::Discard,
            Input::Detach => InputKind::Detach,
            Input::Close => InputKind::Close,
            Input::Shutdown => InputKind::Shutdown,
            Input::Timeout(_) => InputKind::Timeout,
        }
    }
}
