//! Everything that can happen to a bare machine.

use super::{
    boundary::{INVALID_ARGUMENT, Refusal},
    machine::Token,
    status::lastbyte_status,
    stream::{number_of, stream_of},
};
use crate::machine::{Errno, Input, PerStream, Signal, StreamId, Timer, Until};

/// What happened. The comment says which fields of `lastbyte_input` are read.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_input_kind {
    /// The root runs: its pid is known.
    Started = 1,
    /// The root could not be started.
    Refused = 2,
    /// A read returned 1 byte or more: `stream`, `chunk`.
    Chunk = 3,
    /// A read returned 0, or EIO on a pty: `stream`.
    Eof = 4,
    /// A read failed: `stream`, `error`.
    ReadError = 5,
    /// A read found nothing to take (EAGAIN): `stream`.
    Empty = 6,
    /// The root has ended: `status`, `standing`.
    Reap = 7,
    /// The consumer takes one event, if there is one.
    Drain = 8,
    /// Somebody waits: `until`.
    Wait = 9,
    /// Somebody who waited does not any more: `until`.
    CancelWait = 10,
    /// Sends a signal: `signal`.
    Signal = 11,
    /// Kills by policy.
    Kill = 12,
    /// Nobody will take this stream: `stream`.
    Discard = 13,
    /// The consumer is gone and the execution goes on.
    Detach = 14,
    /// Ends it now.
    Close = 15,
    /// The runtime ends.
    Shutdown = 16,
    /// An armed timer has run out: `timer`.
    Timeout = 17,
}

/// What a waiter waits for.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_until {
    /// The reap: the status is known.
    Exited = 1,
    /// The terminal has been delivered, or is available and nobody will take it.
    Terminal = 2,
}

/// A clock that the driver runs for the machine.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_timer_kind {
    /// Armed at the start; then kills the execution.
    Timeout = 1,
    /// Armed by the first signal of a kill; then sends SIGKILL.
    Grace = 2,
    /// Armed while output stands buffered and is not taken; then kills the execution.
    Stall = 3,
    /// Armed by a close before the reap; then forces the terminal.
    Close = 4,
    /// Armed by a shutdown; then forces the terminal.
    Shutdown = 5,
    /// Of `stream`: armed at the reap and by each chunk after it; then the stream is due.
    Idle = 6,
    /// Of `stream`: armed at the reap; then the stream is due.
    Deadline = 7,
}

/// Which timer.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct lastbyte_timer {
    /// A `lastbyte_timer_kind`.
    pub kind: u32,
    /// For idle and deadline: a `lastbyte_stream`. Otherwise 0.
    pub stream: u32,
}

/// The bytes of one read, which stay with the caller: a token of his and a length.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct lastbyte_chunk {
    /// What the caller knows the bytes by. Never looked at.
    pub token: u64,
    /// Where these bytes begin in those of the token: an output limit splits a chunk. 0 in an
    /// input.
    pub offset: u64,
    /// How many, at least 1.
    pub length: u64,
}

/// One thing that happens. Zero what the kind does not read.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct lastbyte_input {
    /// A `lastbyte_input_kind`.
    pub kind: u32,
    /// A `lastbyte_stream`.
    pub stream: u32,
    /// A `lastbyte_until`.
    pub until: u32,
    /// A signal, 1 to 64.
    pub signal: i32,
    /// An errno.
    pub error: i32,
    /// Which timer.
    pub timer: lastbyte_timer,
    /// The bytes that were read.
    pub chunk: lastbyte_chunk,
    /// How the root ended.
    pub status: lastbyte_status,
    /// The most bytes that stood unread at the reap: first in stdout, the combined pipe or the
    /// pty, then in stderr.
    pub standing: [u64; 2],
}

impl lastbyte_timer {
    pub(super) fn of(timer: Timer) -> Self {
        use lastbyte_timer_kind as k;
        let (kind, stream) = match timer {
            Timer::Timeout => (k::Timeout, 0),
            Timer::Grace => (k::Grace, 0),
            Timer::Stall => (k::Stall, 0),
            Timer::Close => (k::Close, 0),
            Timer::Shutdown => (k::Shutdown, 0),
            Timer::Idle(stream) => (k::Idle, number_of(stream)),
            Timer::Deadline(stream) => (k::Deadline, number_of(stream)),
        };
        lastbyte_timer { kind: kind as u32, stream }
    }

    pub(super) fn timer(self) -> Result<Timer, Refusal> {
        use lastbyte_timer_kind as k;
        match self.kind {
            n if n == k::Timeout as u32 => Ok(Timer::Timeout),
            n if n == k::Grace as u32 => Ok(Timer::Grace),
            n if n == k::Stall as u32 => Ok(Timer::Stall),
            n if n == k::Close as u32 => Ok(Timer::Close),
            n if n == k::Shutdown as u32 => Ok(Timer::Shutdown),
            n if n == k::Idle as u32 => Ok(Timer::Idle(stream_of(self.stream)?)),
            n if n == k::Deadline as u32 => Ok(Timer::Deadline(stream_of(self.stream)?)),
            _ => Err(INVALID_ARGUMENT),
        }
    }
}

pub(super) fn until_of(number: u32) -> Result<Until, Refusal> {
    match number {
        n if n == lastbyte_until::Exited as u32 => Ok(Until::Exited),
        n if n == lastbyte_until::Terminal as u32 => Ok(Until::Terminal),
        _ => Err(INVALID_ARGUMENT),
    }
}

impl lastbyte_input {
    /// The input that it says; `token` makes a chunk of the caller's.
    pub(super) fn input(
        &self,
        token: impl FnOnce(lastbyte_chunk) -> Token,
    ) -> Result<Input<Token>, Refusal> {
        use lastbyte_input_kind as k;
        let stream = || stream_of(self.stream);
        Ok(match self.kind {
            n if n == k::Started as u32 => Input::Started,
            n if n == k::Refused as u32 => Input::Refused,
            n if n == k::Chunk as u32 => {
                let stream = stream()?;
                // Bytes that end beyond what can be counted are nobody's.
                if self.chunk.offset.checked_add(self.chunk.length).is_none() {
                    return Err(INVALID_ARGUMENT);
                }
                Input::Chunk(stream, token(self.chunk))
            }
            n if n == k::Eof as u32 => Input::Eof(stream()?),
            n if n == k::ReadError as u32 => Input::ReadError(stream()?, Errno(self.error)),
            n if n == k::Empty as u32 => Input::Empty(stream()?),
            n if n == k::Reap as u32 => self.reap()?,
            n if n == k::Drain as u32 => Input::Drain,
            n if n == k::Wait as u32 => Input::Wait(until_of(self.until)?),
            n if n == k::CancelWait as u32 => Input::CancelWait(until_of(self.until)?),
            n if n == k::Signal as u32 => {
                Input::Signal(Signal::new(self.signal).ok_or(INVALID_ARGUMENT)?)
            }
            n if n == k::Kill as u32 => Input::Kill,
            n if n == k::Discard as u32 => Input::Discard(stream()?),
            n if n == k::Detach as u32 => Input::Detach,
            n if n == k::Close as u32 => Input::Close,
            n if n == k::Shutdown as u32 => Input::Shutdown,
            n if n == k::Timeout as u32 => Input::Timeout(self.timer.timer()?),
            _ => return Err(INVALID_ARGUMENT),
        })
    }

    fn reap(&self) -> Result<Input<Token>, Refusal> {
        let [first, second] = self.standing;
        let mut standing = PerStream::default();
        (standing[StreamId::Stdout], standing[StreamId::Stderr]) = (first, second);
        Ok(Input::Reap { status: self.status.status()?, standing })
    }
}
