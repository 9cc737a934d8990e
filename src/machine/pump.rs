//! Pump: a chunk is kept, dropped or counted down from what the root left; a source ends.

use super::{
    Because, Chunk, Clock, Cut, End, Full, Machine, OutputLimit, Over, Phase, PumpAction, Step,
    StreamId, Timer, TimerAction, Why,
    lane::{Intake, Owed, Queued, Source},
};

impl<C: Chunk> Machine<C> {
    #[inline(always)]
    pub(super) fn chunk(&mut self, id: StreamId, chunk: C, step: &mut Step<C>) -> Result<(), Why> {
        let len = chunk.len();
        if !self.takes_from(id) || len == 0 || len > self.lanes[id].room(&self.policy.buffer) {
            return Err(self.refuse_chunk(id, len));
        }
        let lane = &mut self.lanes[id];
        lane.read += len;
        if self.policy.limit.is_none() && lane.intake == Intake::Deliver {
            self.keep(id, chunk, step);
        } else {
            self.keep_in_part(id, chunk, step);
        }
        // Before the reap nothing is owed and nothing is due.
        if !matches!(self.phase, Phase::Running) {
            self.after_read(id, len, step);
        }
        Ok(())
    }

    #[cold]
    fn refuse_chunk(&self, id: StreamId, len: u64) -> Why {
        match self.check_pump(id) {
            Err(why) => why,
            Ok(()) if len == 0 => Why::EmptyChunk,
            Ok(()) if self.lanes[id].is_paused() => Why::PumpPaused,
            Ok(()) => Why::NoRoom,
        }
    }

    /// A chunk of a stream that has a limit, or that nobody wants.
    #[cold]
    fn keep_in_part(&mut self, id: StreamId, mut chunk: C, step: &mut Step<C>) {
        let len = chunk.len();
        let lane = &mut self.lanes[id];
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
    }

    /// Queues a chunk for the consumer, or drops it where the buffer is full and that is the
    /// policy; pauses the pump at the bound.
    #[inline(always)]
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
    #[cold]
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

    #[cold]
    pub(super) fn empty(&mut self, id: StreamId, step: &mut Step<C>) -> Result<(), Why> {
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

    #[cold]
    pub(super) fn source_ended(
        &mut self,
        id: StreamId,
        end: End,
        step: &mut Step<C>,
    ) -> Result<(), Why> {
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
    pub(super) fn end(&mut self, id: StreamId, end: End, held: bool, step: &mut Step<C>) {
        let lane = &mut self.lanes[id];
        if let End::Cut(_) | End::Discarded = end {
            step.actions.set_pump(id, PumpAction::Abandon);
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

    #[cold]
    fn pause(&mut self, id: StreamId, step: &mut Step<C>) {
        self.lanes[id].source = Source::Paused;
        step.actions.set_pump(id, PumpAction::Pause);
        self.set_timer(Timer::Idle(id), TimerAction::Hold, step);
        self.set_timer(Timer::Deadline(id), TimerAction::Hold, step);
    }

    #[inline]
    pub(super) fn resume(&mut self, id: StreamId, step: &mut Step<C>) {
        if self.lanes[id].is_paused() {
            self.let_flow(id, step);
        }
    }

    #[cold]
    fn let_flow(&mut self, id: StreamId, step: &mut Step<C>) {
        self.lanes[id].source = Source::Flowing;
        step.actions.set_pump(id, PumpAction::Resume);
        self.set_timer(Timer::Idle(id), TimerAction::Resume, step);
        self.set_timer(Timer::Deadline(id), TimerAction::Resume, step);
    }

    /// Whether a pump may speak for this stream now.
    #[inline]
    fn takes_from(&self, id: StreamId) -> bool {
        matches!(self.phase, Phase::Running | Phase::Reaped(_) | Phase::Ended { .. })
            && self.streams.contains(id)
            && self.lanes[id].is_open()
    }

    /// As [`takes_from`](Machine::takes_from), and why not.
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
}
