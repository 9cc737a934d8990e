//! What the last event says: how the root ended, why, and how complete each stream is.

use core::fmt;

use super::{PerStream, Signal, StreamId};

/// An operating system error number (`errno(3)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Errno(pub i32);

/// How the root ended: evidence, never a guess or a sentinel number (C9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It called `exit` with this code, 0 to 255 on Unix.
    Exited {
        /// The code.
        code: i32,
    },
    /// A signal ended it.
    Signaled {
        /// Which.
        signal: Signal,
        /// Whether the kernel says that it dumped core.
        core: bool,
    },
    /// It is gone, and how is not known: somebody else reaped it (`ECHILD`).
    Unknown(Errno),
    /// Whoever ran it for us has vanished. It may run on.
    Lost,
    /// We gave up waiting for its end at the bound of a close or a shutdown.
    Forced,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status::Exited { code } => write!(f, "exited with code {code}"),
            Status::Signaled { signal, core: false } => write!(f, "ended by {signal}"),
            Status::Signaled { signal, core: true } => {
                write!(f, "ended by {signal}, core dumped")
            }
            Status::Unknown(Errno(errno)) => {
                write!(f, "gone, its status taken by another wait (errno {errno})")
            }
            Status::Lost => f.write_str("lost: its runner has vanished"),
            Status::Forced => f.write_str("not known to have ended at the teardown bound"),
        }
    }
}

/// What we did before the reap (C10). An exit that beats our action stays clean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cause {
    /// We killed it because its timeout ran out.
    pub timed_out: bool,
    /// We killed it because the caller asked: kill, close or shutdown.
    pub cancelled: bool,
    /// We killed it because a stream passed its output limit.
    pub output_limit: bool,
    /// We killed it because nobody took its output for too long.
    pub stalled: bool,
    /// The signals of that kill.
    pub killed_by_us: Option<Killed>,
}

/// The signals of a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Killed {
    /// The first signal that we sent.
    pub signal: Signal,
    /// Whether SIGKILL followed it after the grace period.
    pub escalated: bool,
}

/// How a stream ended (C8). Independent of the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The source said end.
    Eof,
    /// We stopped reading before the end.
    Cut(Cut),
    /// A read failed.
    ReadError(Errno),
    /// Nobody wanted it.
    Discarded,
    /// The source said end, and the output limit had dropped a part.
    Limit,
}

impl End {
    /// The name used in JSON and reports; a cut is named by its reason in [`Cut::name`].
    pub const fn name(self) -> &'static str {
        match self {
            End::Eof => "eof",
            End::Cut(_) => "cut",
            End::ReadError(_) => "read_error",
            End::Discarded => "discarded",
            End::Limit => "limit",
        }
    }
}

/// Why we stopped reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cut {
    /// The deadline of [`DrainPolicy::After`](super::DrainPolicy::After).
    After,
    /// The silence of [`DrainPolicy::Idle`](super::DrainPolicy::Idle).
    Idle,
    /// The cap of [`DrainPolicy::Idle`](super::DrainPolicy::Idle).
    Max,
    /// A close.
    Close,
    /// A shutdown.
    Shutdown,
}

impl Cut {
    /// The name used in JSON and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Cut::After => "after",
            Cut::Idle => "idle",
            Cut::Max => "max",
            Cut::Close => "close",
            Cut::Shutdown => "shutdown",
        }
    }
}

/// How complete one stream is (C8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamReport {
    /// Which stream.
    pub stream: StreamId,
    /// How it ended.
    pub end: End,
    /// Bytes handed to the consumer.
    pub delivered: u64,
    /// Bytes read and not handed over.
    pub dropped: u64,
    /// Whether the root was reaped and somebody still held the stream when we stopped reading: all
    /// that the root left had been read, and no end came.
    pub held: bool,
}

impl StreamReport {
    /// Whether the consumer got every byte up to the end of the stream.
    pub fn is_complete(&self) -> bool {
        matches!(self.end, End::Eof) && self.dropped == 0
    }

    /// Why it is not complete, in one word; `None` when it is.
    pub fn incomplete_because(&self) -> Option<&'static str> {
        match self.end {
            End::Cut(cut) => Some(cut.name()),
            End::Eof if self.dropped == 0 => None,
            End::Eof => Some("dropped"),
            End::ReadError(_) | End::Discarded | End::Limit => Some(self.end.name()),
        }
    }
}

/// The last event of an execution (C2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Terminal {
    /// How the root ended.
    pub status: Status,
    /// What we had done to it before.
    pub cause: Cause,
    /// One report for each of its streams.
    pub streams: PerStream<Option<StreamReport>>,
}

impl Terminal {
    /// Whether every stream ended with its EOF and nothing was dropped. Says nothing of the
    /// status: a failed command can be complete, and a successful one cut.
    pub fn is_complete(&self) -> bool {
        self.reports().all(StreamReport::is_complete)
    }

    /// The reports, stdout before stderr.
    pub fn reports(&self) -> impl Iterator<Item = &StreamReport> {
        self.streams.iter().flatten()
    }
}
