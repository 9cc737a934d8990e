//! The machine: one execution as a pure state machine.
//!
//! [`Machine::step`] takes one [`Input`] and returns what follows, as a [`Step`]. It reads no
//! clock, does no I/O, holds no lock and calls nobody; the driver decides nothing. It is the only
//! place where the meaning of pump, reap and drain is decided.

mod backlog;
mod input;
mod lane;
mod output;
mod policy;
mod signal;
mod stream;
mod terminal;

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

use backlog::Backlog;
use lane::{Intake, Lane, Owed, Queued, Source};
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

    // Start.

    fn started(&mut self, step: &mut Step<C>) -> Result<(), Why> {
        let latch = match self.phase {
            Phase::Starting(latch) => latch,
            Phase::Refused
            | Phase::Running
            | Phase::Reaped(_)
            | Phase::Ended { .. }
            | Phase::Done(_) => return Err(Why::AlreadyStarted),
        };
        self.phase = Phase::Running;
        if self.policy.timeout.is_some() {
            self.set_timer(Timer::Timeout, TimerAction::Arm, step);
        }
        step.actions.signals.extend(latch.signals);
        if latch.kill {
            self.begin_kill(Because::Cancelled, step);
        }
        if latch.shutdown {
            self.shutdown(step)?;
        }
        if latch.close {
            self.close(step)?;
        }
        Ok(())
    }

    fn refused(&mut self, step: &mut Step<C>) -> Result<(), Why> {
        match self.phase {
            Phase::Starting(_) => {}
            Phase::Refused
            | Phase::Running
            | Phase::Reaped(_)
            | Phase::Ended { .. }
            | Phase::Done(_) => return Err(Why::AlreadyStarted),
        }
        self.phase = Phase::Refused;
        self.resolve(Until::Exited, step);
        self.resolve(Until::Terminal, step);
        Ok(())
    }

    // Pump.

    fn chunk(&mut self, id: StreamId, mut chunk: C, step: &mut Step<C>) -> Result<(), Why> {
        self.check_pump(id)?;
        let len = chunk.len();
        if len == 0 {
            return Err(Why::EmptyChunk);
        }
        if self.lanes[id].is_paused() {
            return Err(Why::PumpPaused);
        }
        if len > self.room(id) {
            return Err(Why::NoRoom);
        }
        let lane = &mut self.lanes[id];
        lane.read += len;
        match (lane.intake, self.policy.limit) {
            (Intake::Deliver, Some(limit)) => {
                let left = limit.bytes_max - (lane.delivered + lane.queued_bytes);
                if len <= left {
                    self.keep(id, chunk, step);
                } else {
                    lane.intake = Intake::OverLimit;
                    let rest = if left == 0 {
                        chunk
                    } else {
                        let rest = chunk.split_off(left);
                        self.keep(id, chunk, step);
                        rest
                    };
                    self.pass_limit(id, rest, limit.over, step);
                }
            }
            (Intake::Deliver, None) => self.keep(id, chunk, step),
            (Intake::OverLimit, Some(OutputLimit { over: Over::KeepTail { bytes_max }, .. })) => {
                lane.keep_tail(chunk, bytes_max);
            }
            (Intake::OverLimit | Intake::Discard, _) => lane.drop_bytes(len),
        }
        self.after_read(id, len, step);
        Ok(())
    }

    /// Queues a chunk for the consumer, or drops it where the buffer is full and that is the
    /// policy; pauses the pump at the bound.
    fn keep(&mut self, id: StreamId, chunk: C, step: &mut Step<C>) {
        let buffer = self.policy.buffer;
        let len = chunk.len();
        let lane = &mut self.lanes[id];
        let fits =
            lane.queued_bytes + len <= buffer.bytes_max && lane.queued_chunks < buffer.chunks_max;
        if !fits && matches!(buffer.full, Full::Gap) {
            lane.drop_bytes(len);
            return;
        }
        if lane.gap > 0 {
            self.backlog.push(id, Queued::Gap(core::mem::take(&mut lane.gap)));
        }
        self.backlog.push(id, Queued::Chunk(chunk));
        lane.queued_bytes += len;
        lane.queued_chunks += 1;
        let full = lane.queued_bytes >= buffer.bytes_max || lane.queued_chunks >= buffer.chunks_max;
        // Past the limit nothing more is queued, so the pump has nothing to wait for.
        if full && lane.intake == Intake::Deliver && !matches!(buffer.full, Full::Gap) {
            self.pause(id, step);
        }
    }

    fn pass_limit(&mut self, id: StreamId, rest: C, over: Over, step: &mut Step<C>) {
        let lane = &mut self.lanes[id];
        match over {
            Over::Truncate => lane.drop_bytes(rest.len()),
            Over::KeepTail { bytes_max } => lane.keep_tail(rest, bytes_max),
            Over::Kill => {
                lane.drop_bytes(rest.len());
                self.begin_kill(Because::OutputLimit, step);
            }
        }
    }

    /// Root completeness (C7): counts down what the root left; a chunk read after that is a
    /// descendant's, and a stream that is due is cut behind it.
    fn after_read(&mut self, id: StreamId, len: u64, step: &mut Step<C>) {
        let lane = &mut self.lanes[id];
        lane.owed = match lane.owed {
            Owed::Bytes(left) if left > 0 => Owed::Bytes(left.saturating_sub(len)),
            Owed::Bytes(_) | Owed::Nothing => Owed::Nothing,
        };
        // Silence was broken: readability wins over the idle timer (C6).
        if let Some(Cut::Idle) = lane.due {
            lane.due = None;
            self.arm_drain(Timer::Idle(id), id, step);
        } else if !matches!(self.timers[Timer::Idle(id).index()], Clock::Off) {
            self.arm_drain(Timer::Idle(id), id, step);
        }
        self.cut_if_due(id, step);
    }

    fn empty(&mut self, id: StreamId, step: &mut Step<C>) -> Result<(), Why> {
        self.check_pump(id)?;
        self.lanes[id].owed = Owed::Nothing;
        self.cut_if_due(id, step);
        Ok(())
    }

    fn cut_if_due(&mut self, id: StreamId, step: &mut Step<C>) {
        let lane = &self.lanes[id];
        if let (Some(cut), Owed::Nothing) = (lane.due, lane.owed) {
            self.end(id, End::Cut(cut), true, step);
        }
    }

    fn source_ended(&mut self, id: StreamId, end: End, step: &mut Step<C>) -> Result<(), Why> {
        self.check_pump(id)?;
        let lane = &self.lanes[id];
        let end = match (end, lane.intake, lane.dropped) {
            (End::Eof, Intake::OverLimit, 1..) => End::Limit,
            (End::Eof, Intake::Discard, 1..) => End::Discarded,
            (end, _, _) => end,
        };
        self.end(id, end, false, step);
        Ok(())
    }

    /// Ends a stream. Everything kept of it is already queued, so its end follows its last byte.
    fn end(&mut self, id: StreamId, end: End, held: bool, step: &mut Step<C>) {
        let lane = &mut self.lanes[id];
        if let End::Cut(_) | End::Discarded = end {
            step.actions.pumps[id] = Some(PumpAction::Abandon);
        }
        lane.source = Source::Ended { end, held };
        lane.owed = Owed::Nothing;
        lane.due = None;
        if !lane.tail.is_empty() {
            if lane.gap > 0 {
                self.backlog.push(id, Queued::Gap(core::mem::take(&mut lane.gap)));
            }
            for chunk in lane.tail.drain(..) {
                lane.queued_bytes += chunk.len();
                lane.queued_chunks += 1;
                self.backlog.push(id, Queued::Chunk(chunk));
            }
            lane.tail_bytes = 0;
        }
        self.set_timer(Timer::Idle(id), TimerAction::Disarm, step);
        self.set_timer(Timer::Deadline(id), TimerAction::Disarm, step);
    }

    fn pause(&mut self, id: StreamId, step: &mut Step<C>) {
        self.lanes[id].source = Source::Paused;
        step.actions.pumps[id] = Some(PumpAction::Pause);
        self.set_timer(Timer::Idle(id), TimerAction::Hold, step);
        self.set_timer(Timer::Deadline(id), TimerAction::Hold, step);
    }

    fn resume(&mut self, id: StreamId, step: &mut Step<C>) {
        if !self.lanes[id].is_paused() {
            return;
        }
        self.lanes[id].source = Source::Flowing;
        step.actions.pumps[id] = Some(PumpAction::Resume);
        self.set_timer(Timer::Idle(id), TimerAction::Resume, step);
        self.set_timer(Timer::Deadline(id), TimerAction::Resume, step);
    }

    // Reap.

    fn reap(
        &mut self,
        status: Status,
        standing: PerStream<u64>,
        step: &mut Step<C>,
    ) -> Result<(), Why> {
        match self.phase {
            Phase::Running => {}
            Phase::Starting(_) => return Err(Why::NotStarted),
            Phase::Refused => return Err(Why::Refused),
            Phase::Reaped(_) | Phase::Ended { .. } => return Err(Why::AlreadyReaped),
            Phase::Done(_) => return Err(Why::AlreadyDone),
        }
        if let Status::Forced = status {
            return Err(Why::StatusIsOurs);
        }
        self.phase = Phase::Reaped(status);
        self.resolve(Until::Exited, step);
        for timer in [Timer::Timeout, Timer::Grace, Timer::Stall, Timer::Close] {
            self.set_timer(timer, TimerAction::Disarm, step);
        }
        if let (Descendants::Kill, Target::Group) =
            (self.policy.descendants, self.policy.kill.target)
        {
            step.actions.signals.insert(Signal::KILL);
        }
        for &id in self.streams.ids() {
            self.bound_drain(id, standing[id], step);
        }
        Ok(())
    }

    /// Starts the drain of one stream after the reap (C6, C7).
    fn bound_drain(&mut self, id: StreamId, standing: u64, step: &mut Step<C>) {
        let shutting_down = self.is_shutting_down();
        let lane = &mut self.lanes[id];
        if !lane.is_open() {
            return;
        }
        if let Intake::Discard = lane.intake {
            self.end(id, End::Discarded, false, step);
            return;
        }
        lane.owed = Owed::Bytes(standing);
        if shutting_down {
            lane.due = Some(Cut::Shutdown);
            return;
        }
        match self.policy.drain {
            DrainPolicy::UntilEof => {}
            DrainPolicy::After(after) if after.is_zero() => lane.due = Some(Cut::After),
            DrainPolicy::After(_) => self.arm_drain(Timer::Deadline(id), id, step),
            DrainPolicy::Idle { max, .. } if max.is_zero() => lane.due = Some(Cut::Max),
            DrainPolicy::Idle { gap, .. } => {
                if gap.is_zero() {
                    lane.due = Some(Cut::Idle);
                } else {
                    self.arm_drain(Timer::Idle(id), id, step);
                }
                self.arm_drain(Timer::Deadline(id), id, step);
            }
        }
    }

    /// Arms a timer on a stream; it stands still while the stream is not being read.
    fn arm_drain(&mut self, timer: Timer, id: StreamId, step: &mut Step<C>) {
        let arm = if self.lanes[id].is_paused() { TimerAction::ArmHeld } else { TimerAction::Arm };
        self.set_timer(timer, arm, step);
    }

    // Drain.

    fn drain(&mut self, step: &mut Step<C>) -> Result<(), Why> {
        match self.phase {
            Phase::Refused => return Err(Why::Refused),
            Phase::Done(_) => return Err(Why::AlreadyDone),
            Phase::Starting(_) | Phase::Running | Phase::Reaped(_) | Phase::Ended { .. } => {}
        }
        if let Consumer::Gone = self.consumer {
            return Err(Why::NoConsumer);
        }
        step.event = self.next_event(step);
        Ok(())
    }

    fn next_event(&mut self, step: &mut Step<C>) -> Option<Event<C>> {
        // An end is due as soon as its stream's last byte is delivered; it holds nobody up.
        for &id in self.streams.ids() {
            let lane = &mut self.lanes[id];
            if lane.gap_is_next() {
                return Some(Event::Gap { stream: id, bytes: core::mem::take(&mut lane.gap) });
            }
            if let Some((end, held)) = lane.end_is_next() {
                lane.source = Source::Finished { end, held };
                return Some(Event::End { stream: id, end });
            }
        }
        if let Some(id) = self.backlog.oldest(self.streams.ids()) {
            return self.take_queued(id, step);
        }
        match self.phase {
            Phase::Ended { status, .. } => {
                self.finish(status, step);
                self.terminal().map(Event::Exit)
            }
            Phase::Starting(_)
            | Phase::Refused
            | Phase::Running
            | Phase::Reaped(_)
            | Phase::Done(_) => None,
        }
    }

    fn take_queued(&mut self, id: StreamId, step: &mut Step<C>) -> Option<Event<C>> {
        let chunk = match self.backlog.pop(id)? {
            Queued::Gap(bytes) => return Some(Event::Gap { stream: id, bytes }),
            Queued::Chunk(chunk) => chunk,
        };
        let buffer = self.policy.buffer;
        let lane = &mut self.lanes[id];
        let len = chunk.len();
        lane.queued_bytes -= len;
        lane.queued_chunks -= 1;
        lane.delivered += len;
        let low = lane.queued_bytes <= buffer.bytes_max / 2
            && lane.queued_chunks <= buffer.chunks_max / 2;
        if low {
            self.resume(id, step);
        }
        Some(Event::Chunk { stream: id, chunk })
    }

    /// Whether the consumer would get an event now.
    pub fn has_event(&self) -> bool {
        if let Consumer::Gone = self.consumer {
            return false;
        }
        match self.phase {
            Phase::Refused | Phase::Done(_) => return false,
            Phase::Ended { .. } => return true,
            Phase::Starting(_) | Phase::Running | Phase::Reaped(_) => {}
        }
        !self.backlog.is_empty()
            || self.streams.ids().iter().any(|&id| {
                let lane = &self.lanes[id];
                lane.gap_is_next() || lane.end_is_next().is_some()
            })
    }

    // Wait.

    fn wait(&mut self, until: Until, step: &mut Step<C>) -> Result<(), Why> {
        let waiting = match until {
            Until::Exited => &mut self.waiting.exited,
            Until::Terminal => &mut self.waiting.terminal,
        };
        *waiting += 1;
        if self.is_reached(until) {
            self.resolve(until, step);
        }
        Ok(())
    }

    fn cancel_wait(&mut self, until: Until) -> Result<(), Why> {
        let waiting = match until {
            Until::Exited => &mut self.waiting.exited,
            Until::Terminal => &mut self.waiting.terminal,
        };
        *waiting = waiting.checked_sub(1).ok_or(Why::NobodyWaits)?;
        Ok(())
    }

    /// Whether a wait for this resolves at once (C4).
    pub fn is_reached(&self, until: Until) -> bool {
        match (self.phase, until) {
            (Phase::Starting(_) | Phase::Running, _) => false,
            (Phase::Reaped(_), Until::Exited) | (Phase::Ended { .. }, Until::Exited) => true,
            (Phase::Reaped(_), Until::Terminal) => false,
            (Phase::Ended { released, .. }, Until::Terminal) => released,
            (Phase::Done(_) | Phase::Refused, _) => true,
        }
    }

    fn resolve(&mut self, until: Until, step: &mut Step<C>) {
        match until {
            Until::Exited => step.resolved.exited += core::mem::take(&mut self.waiting.exited),
            Until::Terminal => {
                step.resolved.terminal += core::mem::take(&mut self.waiting.terminal);
            }
        }
    }

    // Signal, kill, discard, detach, close, shutdown.

    fn signal(&mut self, signal: Signal, step: &mut Step<C>) -> Result<(), Why> {
        match &mut self.phase {
            Phase::Starting(latch) => {
                latch.signals.insert(signal);
                step.reply = Reply::Latched;
            }
            Phase::Running => step.actions.signals.insert(signal),
            Phase::Reaped(_) | Phase::Ended { .. } | Phase::Done(_) => {
                step.reply = Reply::AlreadyExited;
            }
            Phase::Refused => return Err(Why::Refused),
        }
        Ok(())
    }

    fn kill(&mut self, step: &mut Step<C>) -> Result<(), Why> {
        match &mut self.phase {
            Phase::Starting(latch) => {
                latch.kill = true;
                step.reply = Reply::Latched;
            }
            Phase::Running => self.begin_kill(Because::Cancelled, step),
            Phase::Reaped(_) | Phase::Ended { .. } | Phase::Done(_) => {
                step.reply = Reply::AlreadyExited;
            }
            Phase::Refused => return Err(Why::Refused),
        }
        Ok(())
    }

    /// The first signal of a kill. Pumps read on, so that output written in answer is delivered.
    /// The cause is that of the kill that came first.
    fn begin_kill(&mut self, because: Because, step: &mut Step<C>) {
        // Only a root that has not been reaped is signalled (C16).
        if self.cause.killed_by_us.is_some() || !matches!(self.phase, Phase::Running) {
            return;
        }
        match because {
            Because::TimedOut => self.cause.timed_out = true,
            Because::Cancelled => self.cause.cancelled = true,
            Because::OutputLimit => self.cause.output_limit = true,
            Because::Stalled => self.cause.stalled = true,
        }
        let KillPolicy { signal, grace, .. } = self.policy.kill;
        let signal = if grace.is_zero() { Signal::KILL } else { signal };
        self.cause.killed_by_us = Some(Killed { signal, escalated: false });
        step.actions.signals.insert(signal);
        self.set_timer(Timer::Timeout, TimerAction::Disarm, step);
        if signal != Signal::KILL {
            self.set_timer(Timer::Grace, TimerAction::Arm, step);
        }
    }

    /// SIGKILL now, as the first signal of a kill or the last.
    fn kill_hard(&mut self, step: &mut Step<C>) {
        match &mut self.cause.killed_by_us {
            Some(killed) => killed.escalated |= killed.signal != Signal::KILL,
            None => {
                self.cause.cancelled = true;
                self.cause.killed_by_us = Some(Killed { signal: Signal::KILL, escalated: false });
            }
        }
        step.actions.signals.insert(Signal::KILL);
        for timer in [Timer::Timeout, Timer::Grace, Timer::Stall] {
            self.set_timer(timer, TimerAction::Disarm, step);
        }
    }

    fn discard_one(&mut self, id: StreamId, step: &mut Step<C>) -> Result<(), Why> {
        if !self.streams.contains(id) {
            return Err(Why::NoSuchStream);
        }
        match self.phase {
            Phase::Refused => return Err(Why::Refused),
            Phase::Done(_) => return Err(Why::AlreadyDone),
            Phase::Starting(_) | Phase::Running | Phase::Reaped(_) | Phase::Ended { .. } => {}
        }
        self.discard(id, End::Discarded, step);
        self.end_discarded(id, step);
        Ok(())
    }

    /// After the reap nobody waits for a stream that nobody wants (C15).
    fn end_discarded(&mut self, id: StreamId, step: &mut Step<C>) {
        if self.lanes[id].is_open() && matches!(self.phase, Phase::Reaped(_)) {
            self.end(id, End::Discarded, false, step);
        }
    }

    /// Throws away what is queued of a stream and all that may follow. A source that has said its
    /// end, with bytes of it thrown away here, ends as `end`.
    fn discard(&mut self, id: StreamId, end: End, step: &mut Step<C>) {
        let lane = &mut self.lanes[id];
        if let Source::Finished { .. } = lane.source {
            return;
        }
        let mut shown_gap = 0;
        while let Some(queued) = self.backlog.pop(id) {
            if let Queued::Gap(bytes) = queued {
                shown_gap += bytes;
            }
        }
        let thrown = lane.queued_bytes + lane.tail_bytes;
        lane.gap += shown_gap;
        lane.drop_bytes(thrown);
        lane.tail.clear();
        (lane.queued_bytes, lane.queued_chunks, lane.tail_bytes) = (0, 0, 0);
        lane.intake = Intake::Discard;
        match &mut lane.source {
            Source::Ended { end: ended @ End::Eof, .. } if thrown > 0 => *ended = end,
            Source::Flowing | Source::Paused | Source::Ended { .. } | Source::Finished { .. } => {}
        }
        self.resume(id, step);
    }

    fn detach(&mut self, step: &mut Step<C>) -> Result<(), Why> {
        self.consumer = Consumer::Gone;
        for &id in self.streams.ids() {
            self.discard(id, End::Discarded, step);
            self.end_discarded(id, step);
        }
        Ok(())
    }

    /// Ends it now. The root gets SIGKILL and is given its bound to be reaped; streams end at once.
    fn close(&mut self, step: &mut Step<C>) -> Result<(), Why> {
        let reaped = match &mut self.phase {
            Phase::Starting(latch) => {
                latch.close = true;
                step.reply = Reply::Latched;
                return self.detach(step);
            }
            Phase::Running => false,
            Phase::Reaped(_) | Phase::Ended { .. } => true,
            Phase::Refused | Phase::Done(_) => {
                step.reply = Reply::AlreadyExited;
                self.consumer = Consumer::Gone;
                return Ok(());
            }
        };
        if reaped {
            step.reply = Reply::AlreadyExited;
            if let Target::Group = self.policy.kill.target {
                step.actions.signals.insert(Signal::KILL);
            }
        } else {
            self.kill_hard(step);
            self.set_timer(Timer::Close, TimerAction::Arm, step);
        }
        self.consumer = Consumer::Gone;
        self.cut_all(Cut::Close, reaped, step);
        Ok(())
    }

    fn shutdown(&mut self, step: &mut Step<C>) -> Result<(), Why> {
        match &mut self.phase {
            Phase::Starting(latch) => {
                latch.shutdown = true;
                step.reply = Reply::Latched;
                return Ok(());
            }
            Phase::Running => self.begin_kill(Because::Cancelled, step),
            Phase::Reaped(_) => {
                step.reply = Reply::AlreadyExited;
                if let Target::Group = self.policy.kill.target {
                    step.actions.signals.insert(Signal::KILL);
                }
                for &id in self.streams.ids() {
                    let lane = &mut self.lanes[id];
                    if lane.is_open() {
                        lane.due = Some(Cut::Shutdown);
                    }
                }
            }
            Phase::Ended { .. } => step.reply = Reply::AlreadyExited,
            Phase::Refused | Phase::Done(_) => {
                step.reply = Reply::AlreadyExited;
                return Ok(());
            }
        }
        if !self.is_shutting_down() {
            self.set_timer(Timer::Shutdown, TimerAction::Arm, step);
        }
        Ok(())
    }

    fn is_shutting_down(&self) -> bool {
        !matches!(self.timers[Timer::Shutdown.index()], Clock::Off)
    }

    /// Drops what is undelivered and ends every stream.
    fn cut_all(&mut self, cut: Cut, reaped: bool, step: &mut Step<C>) {
        for &id in self.streams.ids() {
            self.discard(id, End::Cut(cut), step);
            if self.lanes[id].is_open() {
                self.end(id, End::Cut(cut), reaped, step);
            }
        }
    }

    // Time.

    fn timeout(&mut self, timer: Timer, step: &mut Step<C>) -> Result<(), Why> {
        if let Timer::Idle(id) | Timer::Deadline(id) = timer
            && !self.streams.contains(id)
        {
            return Err(Why::NoSuchStream);
        }
        let clock = &mut self.timers[timer.index()];
        if !matches!(clock, Clock::Running) {
            return Err(Why::TimerNotRunning);
        }
        *clock = Clock::Off;
        match timer {
            Timer::Timeout => self.begin_kill(Because::TimedOut, step),
            Timer::Grace => self.kill_hard(step),
            Timer::Stall => self.begin_kill(Because::Stalled, step),
            Timer::Close => self.phase = Phase::Ended { status: Status::Forced, released: true },
            Timer::Shutdown => self.force_shutdown(step),
            Timer::Idle(id) => {
                self.lanes[id].due.get_or_insert(Cut::Idle);
            }
            Timer::Deadline(id) => {
                self.lanes[id].due = Some(match self.policy.drain {
                    DrainPolicy::Idle { .. } => Cut::Max,
                    DrainPolicy::After(_) | DrainPolicy::UntilEof => Cut::After,
                });
            }
        }
        Ok(())
    }

    /// The bound of a shutdown: nobody is waited for any more. The consumer still finds the ends
    /// and the terminal.
    fn force_shutdown(&mut self, step: &mut Step<C>) {
        let status = match self.phase {
            Phase::Running => {
                self.kill_hard(step);
                self.cut_all(Cut::Shutdown, false, step);
                Status::Forced
            }
            Phase::Reaped(status) | Phase::Ended { status, .. } => {
                self.cut_all(Cut::Shutdown, true, step);
                status
            }
            Phase::Starting(_) | Phase::Refused | Phase::Done(_) => return,
        };
        self.phase = Phase::Ended { status, released: true };
        self.resolve(Until::Exited, step);
        self.resolve(Until::Terminal, step);
    }

    /// Arms and disarms the stall timer: it runs only while output is buffered and not moving.
    fn watch_stall(&mut self, step: &mut Step<C>) {
        if !matches!(self.policy.buffer.full, Full::KillAfter(_)) {
            return;
        }
        let running = matches!(self.timers[Timer::Stall.index()], Clock::Running);
        let buffered = matches!(self.phase, Phase::Running)
            && self.cause.killed_by_us.is_none()
            && !self.backlog.is_empty();
        if buffered && (!running || step.event.is_some()) {
            self.set_timer(Timer::Stall, TimerAction::Arm, step);
        } else if !buffered {
            self.set_timer(Timer::Stall, TimerAction::Disarm, step);
        }
    }

    // What every step ends with.

    /// Takes the phase as far as it goes (C5).
    fn settle(&mut self, step: &mut Step<C>) {
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
    fn finish(&mut self, status: Status, step: &mut Step<C>) {
        self.phase = Phase::Done(status);
        self.set_timer(Timer::Close, TimerAction::Disarm, step);
        self.set_timer(Timer::Shutdown, TimerAction::Disarm, step);
        self.resolve(Until::Exited, step);
        self.resolve(Until::Terminal, step);
    }

    fn set_timer(&mut self, timer: Timer, action: TimerAction, step: &mut Step<C>) {
        let clock = &mut self.timers[timer.index()];
        let next = match (action, *clock) {
            (TimerAction::Arm, _) => Clock::Running,
            (TimerAction::ArmHeld, _) => Clock::Held,
            (TimerAction::Hold, Clock::Running) => Clock::Held,
            (TimerAction::Resume, Clock::Held) => Clock::Running,
            (TimerAction::Disarm, Clock::Running | Clock::Held) => Clock::Off,
            (TimerAction::Hold | TimerAction::Resume | TimerAction::Disarm, _) => return,
        };
        *clock = next;
        step.actions.set_timer(timer, action);
    }

    /// Whether a pump may speak for this stream now.
    fn check_pump(&self, id: StreamId) -> Result<(), Why> {
        match self.phase {
            Phase::Starting(_) => return Err(Why::NotStarted),
            Phase::Refused => return Err(Why::Refused),
            Phase::Done(_) => return Err(Why::AlreadyDone),
            Phase::Running | Phase::Reaped(_) | Phase::Ended { .. } => {}
        }
        if !self.streams.contains(id) {
            return Err(Why::NoSuchStream);
        }
        if !self.lanes[id].is_open() {
            return Err(Why::StreamEnded);
        }
        Ok(())
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
        let lane = &self.lanes[stream];
        if !self.streams.contains(stream) || !matches!(lane.source, Source::Flowing) {
            return 0;
        }
        match (lane.intake, self.policy.buffer.full) {
            (Intake::Deliver, Full::Pause | Full::KillAfter(_)) => {
                self.policy.buffer.bytes_max - lane.queued_bytes
            }
            (Intake::Deliver, Full::Gap) | (Intake::OverLimit | Intake::Discard, _) => u64::MAX,
        }
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
    pub fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done(_) | Phase::Refused)
    }

    /// Whether the start was refused.
    pub fn is_refused(&self) -> bool {
        matches!(self.phase, Phase::Refused)
    }
}
