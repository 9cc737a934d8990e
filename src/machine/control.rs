//! What callers ask for: start, signal, kill, discard, detach, close, shutdown.

use super::{
    Because, Chunk, Clock, Consumer, Cut, End, KillPolicy, Killed, Machine, Phase, Reply, Signal,
    Step, StreamId, Target, Timer, TimerAction, Until, Why,
    lane::{Intake, Owed, Queued, Source},
};

impl<C: Chunk> Machine<C> {
    #[cold]
    pub(super) fn started(&mut self, step: &mut Step<C>) -> Result<(), Why> {
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
        step.actions.signal_all(latch.signals);
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

    #[cold]
    pub(super) fn refused(&mut self, step: &mut Step<C>) -> Result<(), Why> {
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

    #[cold]
    pub(super) fn signal(&mut self, signal: Signal, step: &mut Step<C>) -> Result<(), Why> {
        match &mut self.phase {
            Phase::Starting(latch) => {
                latch.signals.insert(signal);
                step.reply = Reply::Latched;
            }
            Phase::Running => step.actions.signal(signal),
            Phase::Reaped(_) | Phase::Ended { .. } | Phase::Done(_) => {
                step.reply = Reply::AlreadyExited;
            }
            Phase::Refused => return Err(Why::Refused),
        }
        Ok(())
    }

    #[cold]
    pub(super) fn kill(&mut self, step: &mut Step<C>) -> Result<(), Why> {
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
    pub(super) fn begin_kill(&mut self, because: Because, step: &mut Step<C>) {
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
        step.actions.signal(signal);
        self.set_timer(Timer::Timeout, TimerAction::Disarm, step);
        if signal != Signal::KILL {
            self.set_timer(Timer::Grace, TimerAction::Arm, step);
        }
    }

    /// SIGKILL now, as the first signal of a kill or the last.
    pub(super) fn kill_hard(&mut self, step: &mut Step<C>) {
        match &mut self.cause.killed_by_us {
            Some(killed) => killed.escalated |= killed.signal != Signal::KILL,
            None => {
                self.cause.cancelled = true;
                self.cause.killed_by_us = Some(Killed { signal: Signal::KILL, escalated: false });
            }
        }
        step.actions.signal(Signal::KILL);
        for timer in [Timer::Timeout, Timer::Grace, Timer::Stall] {
            self.set_timer(timer, TimerAction::Disarm, step);
        }
    }

    #[cold]
    pub(super) fn discard_one(&mut self, id: StreamId, step: &mut Step<C>) -> Result<(), Why> {
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

    #[cold]
    pub(super) fn detach(&mut self, step: &mut Step<C>) -> Result<(), Why> {
        self.consumer = Consumer::Gone;
        for &id in self.streams.ids() {
            self.discard(id, End::Discarded, step);
            self.end_discarded(id, step);
        }
        Ok(())
    }

    /// Ends it now. The root gets SIGKILL and is given its bound to be reaped; streams end at once.
    #[cold]
    pub(super) fn close(&mut self, step: &mut Step<C>) -> Result<(), Why> {
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
                step.actions.signal(Signal::KILL);
            }
        } else {
            self.kill_hard(step);
            // Whoever closes again, or drops what he has closed, has the bound of the first close.
            if matches!(self.timers[Timer::Close.index()], Clock::Off) {
                self.set_timer(Timer::Close, TimerAction::Arm, step);
            }
        }
        self.consumer = Consumer::Gone;
        self.cut_all(Cut::Close, reaped, step);
        Ok(())
    }

    #[cold]
    pub(super) fn shutdown(&mut self, step: &mut Step<C>) -> Result<(), Why> {
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
                    step.actions.signal(Signal::KILL);
                }
                for &id in self.streams.ids() {
                    let lane = &mut self.lanes[id];
                    if lane.is_open() {
                        lane.due = Some(Cut::Shutdown);
                    }
                }
            }
            Phase::Ended { released: false, .. } => step.reply = Reply::AlreadyExited,
            // Nobody is waited for any more: there is nothing left to bound.
            Phase::Ended { released: true, .. } | Phase::Refused | Phase::Done(_) => {
                step.reply = Reply::AlreadyExited;
                return Ok(());
            }
        }
        if !self.is_shutting_down() {
            self.set_timer(Timer::Shutdown, TimerAction::Arm, step);
        }
        Ok(())
    }

    pub(super) fn is_shutting_down(&self) -> bool {
        !matches!(self.timers[Timer::Shutdown.index()], Clock::Off)
    }

    /// Drops what is undelivered and ends every stream.
    pub(super) fn cut_all(&mut self, cut: Cut, reaped: bool, step: &mut Step<C>) {
        for &id in self.streams.ids() {
            self.discard(id, End::Cut(cut), step);
            if self.lanes[id].is_open() {
                // Only a look that found no end behind the root's last byte shows a holder (C9).
                let held = reaped && self.lanes[id].owed == Owed::Nothing;
                self.end(id, End::Cut(cut), held, step);
            }
        }
    }
}
