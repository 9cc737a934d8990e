//! Drain: the consumer takes one event; wait: somebody wants to know the outcome.

use super::{
    Chunk, Consumer, Event, Machine, Phase, Step, StreamId, Until, Why,
    lane::{Lane, Queued, Source},
};

impl<C: Chunk> Machine<C> {
    #[inline(always)]
    pub(super) fn drain(&mut self, step: &mut Step<C>) -> Result<(), Why> {
        match self.phase {
            Phase::Refused => return Err(Why::Refused),
            Phase::Done(_) => return Err(Why::AlreadyDone),
            Phase::Starting(_) | Phase::Running | Phase::Reaped(_) | Phase::Ended { .. } => {}
        }
        if let Consumer::Gone = self.consumer {
            return Err(Why::NoConsumer);
        }
        // An end is due as soon as its stream's last byte is delivered; it holds nobody up.
        if self.lanes.iter().any(Lane::speaks_next) {
            step.event = self.next_word();
        } else if let Some(slot) = self.backlog.oldest() {
            step.event = self.take_queued(self.streams.at(slot), step);
        } else if let Phase::Ended { status, .. } = self.phase {
            self.finish(status, step);
            step.event = self.terminal().map(Event::Exit);
        }
        Ok(())
    }

    /// What a stream says that has nothing queued: a gap, or its end.
    #[cold]
    fn next_word(&mut self) -> Option<Event<C>> {
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
        None
    }

    #[inline(always)]
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
    #[inline]
    pub fn has_event(&self) -> bool {
        if let Consumer::Gone = self.consumer {
            return false;
        }
        match self.phase {
            Phase::Refused | Phase::Done(_) => return false,
            Phase::Ended { .. } => return true,
            Phase::Starting(_) | Phase::Running | Phase::Reaped(_) => {}
        }
        !self.backlog.is_empty() || self.lanes.iter().any(Lane::speaks_next)
    }

    pub(super) fn wait(&mut self, until: Until, step: &mut Step<C>) -> Result<(), Why> {
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

    pub(super) fn cancel_wait(&mut self, until: Until) -> Result<(), Why> {
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

    pub(super) fn resolve(&mut self, until: Until, step: &mut Step<C>) {
        match until {
            Until::Exited => step.resolved.exited += core::mem::take(&mut self.waiting.exited),
            Until::Terminal => {
                step.resolved.terminal += core::mem::take(&mut self.waiting.terminal);
            }
        }
    }
}
