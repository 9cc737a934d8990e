//! The choices where honest systems differ: drain, kill, buffer and output limit, each with a
//! safe default and the reason for it.

use core::{fmt, time::Duration};

use super::{Signal, Timer};

/// All choices of one execution. `Policy::default()` is safe for running unknown commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Policy {
    /// How long output may go on after the reap.
    pub drain: DrainPolicy,
    /// What happens, at the reap, to processes of the group that outlive the root.
    pub descendants: Descendants,
    /// How a kill is done.
    pub kill: KillPolicy,
    /// How much undelivered output is kept, and what happens at that bound.
    pub buffer: BufferPolicy,
    /// How much output each stream may have. Default: no limit.
    pub limit: Option<OutputLimit>,
    /// Run time after which the execution is killed, from the start to the reap. Default: none.
    pub timeout: Option<Duration>,
    /// How close and shutdown are bounded.
    pub teardown: TeardownPolicy,
}

/// How long output may go on after the root's end while a descendant holds the stream (C6).
///
/// Whatever is chosen, the root's own bytes are read first (C7), the clock stands still while a
/// pump is paused for a slow consumer, and when all streams have ended nothing is waited for (C5).
///
/// Default: `Idle { gap: 200 ms, max: 5 s }`. Go's `WaitDelay` is one fixed deadline, off by
/// default, so that a background child hangs `Wait` for ever; asyncio waits for ever too. nextest's
/// leak timeout is an idle rule of 200 ms, but has no cap, so that a chatty descendant never ends.
/// Idle for the quick end, and a cap for the sure one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DrainPolicy {
    /// Until every stream has ended. Waits for ever if a descendant keeps one open.
    UntilEof,
    /// At most this long after the reap. Zero: nothing but the root's own bytes.
    After(Duration),
    /// Until a stream has been silent for `gap`, and at most `max` after the reap.
    Idle {
        /// Silence on one stream that ends that stream.
        gap: Duration,
        /// The cap; at least `gap`.
        max: Duration,
    },
}

impl Default for DrainPolicy {
    fn default() -> Self {
        DrainPolicy::Idle { gap: Duration::from_millis(200), max: Duration::from_secs(5) }
    }
}

/// What happens at the reap to the rest of the process group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Descendants {
    /// They live on; the terminal reports a stream that they still hold. The default: a command
    /// that starts a service in the background is not an error.
    #[default]
    Leave,
    /// The group is sent SIGKILL, then the drain policy applies.
    Kill,
}

/// How a kill is done: one signal, a grace period, then SIGKILL (C16).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KillPolicy {
    /// The first signal. Default: SIGTERM.
    pub signal: Signal,
    /// From the first signal to SIGKILL. Zero: SIGKILL at once. Default: 2 s.
    pub grace: Duration,
    /// Who is signalled. Default: the group.
    pub target: Target,
}

impl Default for KillPolicy {
    fn default() -> Self {
        KillPolicy {
            signal: Signal::TERM,
            grace: Duration::from_secs(2),
            target: Target::default(),
        }
    }
}

/// Whom a signal reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Target {
    /// The root's process group. Best effort against a descendant that left it with `setsid(2)`.
    #[default]
    Group,
    /// The root alone.
    Leader,
}

/// The bound on output that was read and not yet delivered, for each stream (C12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BufferPolicy {
    /// Bytes, at least 1. Default: 256 KiB.
    pub bytes_max: u64,
    /// Chunks, at least 1; bounds the cost of one-byte writes. Default: 1024.
    pub chunks_max: u32,
    /// What happens at the bound. Default: [`Full::Pause`].
    pub full: Full,
}

impl Default for BufferPolicy {
    fn default() -> Self {
        BufferPolicy { bytes_max: 256 * 1024, chunks_max: 1024, full: Full::Pause }
    }
}

/// What happens to a stream whose buffer is full because the consumer is slow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Full {
    /// The pump pauses and the child blocks on its pipe; the pump goes on at half the bound.
    #[default]
    Pause,
    /// What does not fit is dropped, and a [`Gap`](super::Event::Gap) stands in its place (C8).
    Gap,
    /// As `Pause`, and the execution is killed when output stood buffered and none of it was
    /// taken for this long.
    KillAfter(Duration),
}

/// A limit on the output of each stream, always reported (C8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutputLimit {
    /// Bytes of one stream that are delivered before `over` applies.
    pub bytes_max: u64,
    /// What happens to the rest.
    pub over: Over,
}

/// What happens to output beyond the limit. The stream is read on in every case, so that the
/// child does not block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Over {
    /// The rest is dropped.
    Truncate,
    /// The last `bytes_max` bytes are kept, and delivered when the stream has ended.
    KeepTail {
        /// Bytes kept from the end.
        bytes_max: u64,
    },
    /// The rest is dropped and the execution is killed.
    Kill,
}

/// The bounds of close and shutdown (C11, C13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TeardownPolicy {
    /// Close: from SIGKILL to a forced end, for a root that the kernel cannot end. Default: 2 s.
    pub close_max: Duration,
    /// Shutdown: from its first signal to a forced end, the time for the consumer to take what was
    /// accepted included. Default: 5 s.
    pub shutdown_max: Duration,
}

impl Default for TeardownPolicy {
    fn default() -> Self {
        TeardownPolicy { close_max: Duration::from_secs(2), shutdown_max: Duration::from_secs(5) }
    }
}

impl Policy {
    /// Says whether the values make sense together.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] names the value that does not.
    pub fn check(&self) -> Result<(), InvalidPolicy> {
        if self.buffer.bytes_max == 0 {
            return Err(InvalidPolicy::BufferBytes);
        }
        if self.buffer.chunks_max == 0 {
            return Err(InvalidPolicy::BufferChunks);
        }
        match self.drain {
            DrainPolicy::Idle { gap, max } if gap > max => Err(InvalidPolicy::IdleGapOverMax),
            DrainPolicy::UntilEof | DrainPolicy::After(_) | DrainPolicy::Idle { .. } => Ok(()),
        }
    }

    /// How long `timer` runs from its arming. The timeout of a policy without one is never armed;
    /// its delay reads as [`Duration::MAX`].
    pub fn delay(&self, timer: Timer) -> Duration {
        match timer {
            Timer::Timeout => self.timeout.unwrap_or(Duration::MAX),
            Timer::Grace => self.kill.grace,
            Timer::Stall => match self.buffer.full {
                Full::KillAfter(stalled) => stalled,
                Full::Pause | Full::Gap => Duration::MAX,
            },
            Timer::Close => self.teardown.close_max,
            Timer::Shutdown => self.teardown.shutdown_max,
            Timer::Idle(_) => match self.drain {
                DrainPolicy::Idle { gap, .. } => gap,
                DrainPolicy::UntilEof | DrainPolicy::After(_) => Duration::MAX,
            },
            Timer::Deadline(_) => match self.drain {
                DrainPolicy::Idle { max, .. } => max,
                DrainPolicy::After(after) => after,
                DrainPolicy::UntilEof => Duration::MAX,
            },
        }
    }
}

/// A policy that cannot be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidPolicy {
    /// `buffer.bytes_max` is 0.
    BufferBytes,
    /// `buffer.chunks_max` is 0.
    BufferChunks,
    /// `drain` is `Idle` with a gap above its cap.
    IdleGapOverMax,
}

impl fmt::Display for InvalidPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidPolicy::BufferBytes => "the buffer bound is 0 bytes; use 1 or more",
            InvalidPolicy::BufferChunks => "the buffer bound is 0 chunks; use 1 or more",
            InvalidPolicy::IdleGapOverMax => {
                "the idle gap is longer than its cap; raise `max` or lower `gap`"
            }
        })
    }
}

impl core::error::Error for InvalidPolicy {}
