//! The machine: one execution as a pure state machine.
//!
//! [`Machine::step`] takes one [`Input`] and returns what follows, as a [`Step`]. It reads no
//! clock, does no I/O, holds no lock and calls nobody; the driver decides nothing. It is the only
//! place where the meaning of pump, reap and drain is decided.

mod backlog;
mod control;
mod drain;
mod input;
mod lane;
mod output;
mod policy;
mod pump;
mod reap;
mod signal;
mod stream;
mod terminal;
mod time;

pub use input::{Chunk, Input, InputKind, Until};
pub use output::{
    Action, Actions, Event, Illegal, PumpAction, Reply, Resolved, Step, Timer, TimerAction, Why,
};
pub use policy::{
    BufferPolicy, Descendants, DrainPolicy, Full, InvalidPolicy, KillPolicy, OutputLimit, Over,
    Policy, Target, TeardownPolicy,
};
pub use signal::{Signal, SignalSet};
pub use stream::{PerStream, StreamId, Streams};
pub use terminal::{Cause, Cut, End, Errno, Killed, Status, StreamReport, Terminal};

use core::hash::{Hash, Hasher};

use backlog::Backlog;
use lane::Lane;
use output::TIMERS;

/// One execution.
///
/// ```text
///             Started              Reap             last stream ends      Drain -> Exit
///  Starting ----------> Running ----------> Reaped ------------------> Ended ----------> Done
///      |                   |                                             ^                 ^
///      | Refused           | bound of a close or shutdown: Forced        |                 |
///      v                   +---------------------------------------------+   consumer gone |
///   Refused                                                              +-----------------+
/// ```
///
/// `Reaped` passes to `Ended`, and `Ended` without a consumer to `Done`, in the same step that
/// made it so (C5). The terminal's place is the phase itself: no queue can be too full for it (C2).
#[derive(Debug, PartialEq, Eq)]
pub struct Machine<C> {
    policy: Policy,
    streams: Streams,
    phase: Phase,
    consumer: Consumer,
    cause: Cause,
    lanes: PerStream<Lane<C>>,
    backlog: Backlog<C>,
    timers: [Clock; TIMERS],
    waiting: Resolved,
}

// `clone_from` keeps the buffers: the explorer makes a million copies, and keeps few.
impl<C: Clone> Clone for Machine<C> {
    fn clone(&self) -> Self {
        Machine { lanes: self.lanes.clone(), backlog: self.backlog.clone(), ..*self }
    }

    fn clone_from(&mut self, source: &Self) {
        let Machine { policy, streams, phase, consumer, cause, lanes, backlog, timers, waiting } =
            source;
        self.lanes.clone_from(lanes);
        self.backlog.clone_from(backlog);
        (self.policy, self.streams, self.phase) = (*policy, *streams, *phase);
        (self.consumer, self.cause) = (*consumer, *cause);
        (self.timers, self.waiting) = (*timers, *waiting);
    }
}

// Policy and streams are fixed at the start: they tell no two states of one execution apart, and
// the explorer hashes hundreds of thousands.
impl<C: Hash> Hash for Machine<C> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Machine {
            policy: _,
            streams: _,
            phase,
            consumer,
            cause,
            lanes,
            backlog,
            timers,
            waiting,
        } = self;
        (phase, consumer, cause, lanes).hash(state);
        (backlog, timers, waiting).hash(state);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Starting(Latch),
    Refused,
    Running,
    Reaped(Status),
    /// The terminal is available. `released`: waiters need not wait for its delivery.
    Ended {
        status: Status,
        released: bool,
    },
    Done(Status),
}

/// What was asked for before there was a pid (C16).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Latch {
    signals: SignalSet,
    kill: bool,
    shutdown: bool,
    close: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Consumer {
    Attached,
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Clock {
    Off,
    Running,
    Held,
}

/// Why we kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Because {
    TimedOut,
    Cancelled,
    OutputLimit,
    Stalled,
}

impl<C: Chunk> Machine<C> {
    /// An execution that has not started, with these streams.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] when the policy cannot be carried out.
    pub fn new(streams: Streams, policy: Policy) -> Result<Self, InvalidPolicy> {
        policy.check()?;
        Ok(Machine {
            policy,
            streams,
            phase: Phase::Starting(Latch::default()),
            consumer: Consumer::Attached,
            cause: Cause::default(),
            lanes: PerStream::from_fn(|_| Lane::default()),
            backlog: Backlog::new(),
            timers: [Clock::Off; TIMERS],
            waiting: Resolved::default(),
        })
    }

    /// Applies one transition and says what follows from it.
    ///
    /// One call is one atomic step: the ordering core makes it under its lock, the explorer makes
    /// it once per edge, and nothing else changes a `Machine`.
    ///
    /// - In: one [`Input`]. A chunk holds 1 byte or more; it is queued, never copied.
    /// - Out: a [`Step`]: at most one event, the actions now due, and whom it resolves.
    /// - Time: none is read. Timers come as [`Input::Timeout`]; their lengths are
    ///   [`Policy::delay`].
    ///
    /// # Errors
    ///
    /// [`Illegal`] names the input and the rule. The machine is left exactly as it was.
    // Inlined, a caller with a known input has its one arm, and no copy of the step is made. What
    // is rare stands in functions of its own, marked cold.
    #[inline(always)]
    pub fn step(&mut self, input: Input<C>) -> Result<Step<C>, Illegal> {
        let kind = input.kind();
        let mut step = Step::default();
        let done = match input {
            Input::Started => self.started(&mut step),
            Input::Refused => self.refused(&mut step),
            Input::Chunk(id, chunk) => self.chunk(id, chunk, &mut step),
            Input::Eof(id) => self.source_ended(id, End::Eof, &mut step),
            Input::ReadError(id, errno) => self.source_ended(id, End::ReadError(errno), &mut step),
            Input::Empty(id) => self.empty(id, &mut step),
            Input::Reap { status, standing } => self.reap(status, standing, &mut step),
            Input::Drain => self.drain(&mut step),
            Input::Wait(until) => self.wait(until, &mut step),
            Input::CancelWait(until) => self.cancel_wait(until),
            Input::Signal(signal) => self.signal(signal, &mut step),
            Input::Kill => self.kill(&mut step),
            Input::Discard(id) => self.discard_one(id, &mut step),
            Input::Detach => self.detach(&mut step),
            Input::Close => self.close(&mut step),
            Input::Shutdown => self.shutdown(&mut step),
            Input::Timeout(timer) => self.timeout(timer, &mut step),
        };
        done.map_err(|why| Illegal { input: kind, why })?;
        self.settle(&mut step);
        self.watch_stall(&mut step);
        step.ready = self.has_event();
        Ok(step)
    }

    // What every step ends with.

    /// Takes the phase as far as it goes (C5).
    #[inline]
    fn settle(&mut self, step: &mut Step<C>) {
        match self.phase {
            Phase::Starting(_) | Phase::Refused | Phase::Running | Phase::Done(_) => {}
            Phase::Reaped(_) | Phase::Ended { .. } => self.settle_reaped(step),
        }
    }

    #[cold]
    fn settle_reaped(&mut self, step: &mut Step<C>) {
        if let Phase::Reaped(status) = self.phase {
            if self.streams.ids().iter().any(|&id| self.lanes[id].is_open()) {
                return;
            }
            self.phase = Phase::Ended { status, released: false };
        }
        if let (Phase::Ended { status, .. }, Consumer::Gone) = (self.phase, self.consumer) {
            self.finish(status, step);
        }
    }

    /// The terminal is delivered, or there is nobody to deliver it to.
    #[cold]
    fn finish(&mut self, status: Status, step: &mut Step<C>) {
        self.phase = Phase::Done(status);
        self.set_timer(Timer::Close, TimerAction::Disarm, step);
        self.set_timer(Timer::Shutdown, TimerAction::Disarm, step);
        self.resolve(Until::Exited, step);
        self.resolve(Until::Terminal, step);
    }

    // What can be asked.

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The streams.
    pub fn streams(&self) -> Streams {
        self.streams
    }

    /// The largest chunk of `stream` that would be accepted now, in bytes. 0 while its pump is
    /// paused, and when it has ended.
    pub fn room(&self, stream: StreamId) -> u64 {
        if self.streams.contains(stream) { self.lanes[stream].room(&self.policy.buffer) } else { 0 }
    }

    /// [`room`](Machine::room) of every stream.
    #[inline]
    pub fn rooms(&self) -> PerStream<u64> {
        let mut rooms = PerStream::default();
        for &id in self.streams.ids() {
            rooms[id] = self.lanes[id].room(&self.policy.buffer);
        }
        rooms
    }

    /// Whether bytes of `stream` may still come.
    pub fn is_open(&self, stream: StreamId) -> bool {
        self.streams.contains(stream) && self.lanes[stream].is_open()
    }

    /// Whether `timer` runs.
    pub fn is_running(&self, timer: Timer) -> bool {
        matches!(self.timers[timer.index()], Clock::Running)
    }

    /// Bytes of `stream` that were read and are neither delivered nor dropped.
    pub fn buffered(&self, stream: StreamId) -> u64 {
        let lane = &self.lanes[stream];
        lane.queued_bytes + lane.tail_bytes
    }

    /// How the root ended, from the reap on.
    pub fn status(&self) -> Option<Status> {
        match self.phase {
            Phase::Starting(_) | Phase::Refused | Phase::Running => None,
            Phase::Reaped(status) | Phase::Ended { status, .. } | Phase::Done(status) => {
                Some(status)
            }
        }
    }

    /// What we have done to the root so far; from the reap on, all that we had done before it.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// The terminal, once waiters for it are resolved.
    pub fn terminal(&self) -> Option<Terminal> {
        let status = self.status()?;
        if !self.is_reached(Until::Terminal) {
            return None;
        }
        let mut streams = PerStream::default();
        for &id in self.streams.ids() {
            streams[id] = self.lanes[id].report(id);
        }
        Some(Terminal { status, cause: self.cause, streams })
    }

    /// Whether the terminal has been delivered, or nobody was there to take it: no input changes
    /// anything any more.
    #[inline]
    pub fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done(_) | Phase::Refused)
    }

    /// Whether the start was refused.
    pub fn is_refused(&self) -> bool {
        matches!(self.phase, Phase::Refused)
    }
}
