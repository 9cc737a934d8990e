//! What the monitor remembers of one stream.

use alloc::collections::VecDeque;

use super::{Broken, Checked, Clock, Rule, buffer_is_bounded, hold};
use crate::machine::{
    Chunk, Cut, DrainPolicy, End, Full, OutputLimit, Over, Policy, StreamId, StreamReport, Timer,
    TimerAction,
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Watch<C> {
    /// Read, and neither delivered nor accounted for by a gap.
    pending: VecDeque<C>,
    read: u64,
    delivered: u64,
    gapped: u64,
    paused: bool,
    pub(super) discarded: bool,
    source_end: Option<End>,
    abandoned: bool,
    pub(super) end_delivered: Option<End>,
    /// What the root may have left unread; `None` when it is shown to be read.
    owed: Option<u64>,
    due: Option<Cut>,
    /// Why it was abandoned, where the drain policy did it.
    cut: Option<Cut>,
    /// When it was abandoned, the root had been reaped and its last byte was shown to be read, and
    /// no end came: somebody held it.
    held: bool,
    idle: Clock,
    deadline: Clock,
}

impl<C: Clone> Clone for Watch<C> {
    fn clone(&self) -> Self {
        Watch { pending: self.pending.clone(), ..*self }
    }

    fn clone_from(&mut self, source: &Self) {
        let Watch {
            pending,
            read,
            delivered,
            gapped,
            paused,
            discarded,
            source_end,
            abandoned,
            end_delivered,
            owed,
            due,
            cut,
            held,
            idle,
            deadline,
        } = source;
        if !(self.pending.is_empty() && pending.is_empty()) {
            self.pending.clone_from(pending);
        }
        (self.read, self.delivered, self.gapped) = (*read, *delivered, *gapped);
        (self.paused, self.discarded, self.abandoned) = (*paused, *discarded, *abandoned);
        (self.source_end, self.end_delivered) = (*source_end, *end_delivered);
        (self.owed, self.due, self.cut, self.held) = (*owed, *due, *cut, *held);
        (self.idle, self.deadline) = (*idle, *deadline);
    }
}

impl<C> Default for Watch<C> {
    fn default() -> Self {
        Watch {
            pending: VecDeque::new(),
            read: 0,
            delivered: 0,
            gapped: 0,
            paused: false,
            discarded: false,
            source_end: None,
            abandoned: false,
            end_delivered: None,
            owed: None,
            due: None,
            cut: None,
            held: false,
            idle: Clock::Off,
            deadline: Clock::Off,
        }
    }
}

impl<C: Chunk + Clone + Eq> Watch<C> {
    pub(super) fn note_chunk(&mut self, chunk: &C, consumer_gone: bool) -> Checked {
        hold(Rule::C1, !self.is_closed(), "bytes were accepted after the end of their stream")?;
        hold(Rule::C12, !self.paused, "a paused pump was let in")?;
        self.read += chunk.len();
        if !consumer_gone {
            self.pending.push_back(chunk.clone());
        }
        self.owed = match self.owed {
            Some(left) if left > 0 => Some(left.saturating_sub(chunk.len())),
            Some(_) | None => None,
        };
        if let Some(Cut::Idle) = self.due {
            self.due = None;
        }
        Ok(())
    }

    pub(super) fn note_source_end(&mut self, end: End) -> Checked {
        hold(Rule::C1, !self.is_closed(), "a stream ended twice")?;
        self.source_end = Some(end);
        self.paused = false;
        Ok(())
    }

    pub(super) fn note_empty(&mut self) {
        self.owed = None;
    }

    pub(super) fn note_reap(&mut self, standing: u64, drain: &DrainPolicy) {
        if self.is_closed() {
            return;
        }
        self.owed = Some(standing);
        self.due = match *drain {
            DrainPolicy::After(after) if after.is_zero() => Some(Cut::After),
            DrainPolicy::Idle { max, .. } if max.is_zero() => Some(Cut::Max),
            DrainPolicy::Idle { gap, .. } if gap.is_zero() => Some(Cut::Idle),
            DrainPolicy::UntilEof | DrainPolicy::After(_) | DrainPolicy::Idle { .. } => None,
        };
    }

    /// A timer has run out.
    pub(super) fn note_due(&mut self, cut: Cut) {
        match cut {
            Cut::Idle => self.idle = Clock::Off,
            Cut::After | Cut::Max | Cut::Close | Cut::Shutdown => self.deadline = Clock::Off,
        }
        // Silence after the cap changes nothing: the cap stands.
        if !matches!((self.due, cut), (Some(_), Cut::Idle)) {
            self.due = Some(cut);
        }
    }

    pub(super) fn forget(&mut self) {
        self.pending.clear();
    }

    pub(super) fn note_pause(&mut self, policy: &Policy) -> Checked {
        self.paused = true;
        let full = self.pending_bytes() >= policy.buffer.bytes_max
            || self.pending.len() as u64 >= u64::from(policy.buffer.chunks_max);
        hold(Rule::C12, full, "a pump was paused below the bound")
    }

    pub(super) fn note_resume(&mut self) {
        self.paused = false;
    }

    pub(super) fn note_abandon(&mut self, reaped: bool, forced: bool, shutdown: bool) -> Checked {
        self.abandoned = true;
        self.paused = false;
        self.held = reaped && self.owed.is_none() && !self.discarded;
        self.cut = self.due;
        if forced || self.discarded {
            return Ok(());
        }
        hold(Rule::C1, reaped, "a stream was cut before the reap")?;
        hold(Rule::C7, self.owed.is_none(), "a stream was cut with bytes of the root unread")?;
        hold(Rule::C6, self.due.is_some() || shutdown, "a stream was cut before its time")
    }

    pub(super) fn note_timer(&mut self, timer: Timer, action: TimerAction) {
        match timer {
            Timer::Idle(_) => self.idle.apply(action),
            Timer::Deadline(_) => self.deadline.apply(action),
            Timer::Timeout | Timer::Grace | Timer::Stall | Timer::Close | Timer::Shutdown => {}
        }
    }

    pub(super) fn check_chunk(&mut self, chunk: &C, policy: &Policy) -> Checked {
        let ended = self.end_delivered.is_some();
        hold(Rule::C1, !ended, "bytes were delivered after the end of their stream")?;
        self.delivered += chunk.len();
        if let Some(OutputLimit { bytes_max, over }) = policy.limit {
            let tail = match over {
                Over::KeepTail { bytes_max } => bytes_max,
                Over::Truncate | Over::Kill => 0,
            };
            let within = self.delivered <= bytes_max.saturating_add(tail);
            hold(Rule::C12, within, "more was delivered than the output limit allows")?;
        }
        self.take(chunk.len(), Some(chunk))
    }

    pub(super) fn check_gap(&mut self, bytes: u64, policy: &Policy, forced: bool) -> Checked {
        hold(Rule::C8, bytes > 0, "a gap of no bytes")?;
        hold(Rule::C1, self.end_delivered.is_none(), "a gap after the end of its stream")?;
        let limited = policy.limit.is_some_and(|limit| self.delivered >= limit.bytes_max);
        let may_drop =
            limited || forced || self.discarded || matches!(policy.buffer.full, Full::Gap);
        hold(Rule::C1, may_drop, "bytes were dropped, and no policy allows it")?;
        self.gapped += bytes;
        self.take(bytes, None)
    }

    /// Takes bytes from the front of what is pending, and compares them if they were delivered.
    fn take(&mut self, mut len: u64, delivered: Option<&C>) -> Checked {
        let unread = Broken { rule: Rule::C3, why: "bytes were delivered that were never read" };
        let mut delivered = delivered.cloned();
        while len > 0 {
            let mut first = self.pending.pop_front().ok_or(unread)?;
            if first.len() > len {
                let rest = first.split_off(len);
                self.pending.push_front(rest);
            }
            len -= first.len();
            if let Some(mut now) = delivered.take() {
                if now.len() > first.len() {
                    delivered = Some(now.split_off(first.len()));
                }
                hold(Rule::C3, now == first, "the bytes delivered are not the bytes read")?;
            }
        }
        Ok(())
    }

    pub(super) fn check_end(&mut self, end: End, policy: &Policy, shutdown: bool) -> Checked {
        hold(Rule::C1, self.end_delivered.is_none(), "a stream ended twice for the consumer")?;
        hold(Rule::C1, self.pending.is_empty(), "the end of a stream overtook its last byte")?;
        self.end_delivered = Some(end);
        match end {
            End::Eof | End::Limit => {
                let seen = self.source_end == Some(End::Eof);
                hold(Rule::C9, seen, "an EOF that no read returned")?;
                let limited = end == End::Eof || policy.limit.is_some();
                hold(Rule::C8, limited, "a limit that does not exist")
            }
            End::ReadError(_) => {
                hold(Rule::C9, self.source_end == Some(end), "a read error that no read returned")
            }
            End::Cut(cut) => {
                let whole = !self.abandoned && self.gapped == 0;
                hold(Rule::C9, !whole, "a stream reported as cut was read to its end")?;
                let named = self.cut == Some(cut) || shutdown && cut == Cut::Shutdown;
                hold(Rule::C8, named, "a cut is reported by the name of another")
            }
            End::Discarded => {
                hold(Rule::C15, self.discarded, "a stream was discarded that somebody takes")
            }
        }
    }

    /// Whether the consumer, who was told that there is nothing, is kept from what was read. What
    /// an output limit holds back is not for him yet.
    pub(super) fn withholds(&self, policy: &Policy) -> bool {
        let kept_back = policy.limit.is_some() || self.discarded;
        self.has_pending() && (!kept_back || self.is_closed())
            || self.is_closed() && self.end_delivered.is_none()
    }

    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(super) fn has_read_more_than(&self, bytes: u64) -> bool {
        self.read > bytes
    }

    fn pending_bytes(&self) -> u64 {
        self.pending.iter().map(Chunk::len).sum()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.source_end.is_some() || self.abandoned
    }

    pub(super) fn matches(&self, stream: StreamId, report: Option<&StreamReport>) -> bool {
        report.is_some_and(|report| {
            report.stream == stream
                && Some(report.end) == self.end_delivered
                && report.delivered == self.delivered
                && report.dropped == self.gapped
                && report.held == self.held
                && self.read == self.delivered + self.gapped
        })
    }

    pub(super) fn check_buffer(&self, policy: &Policy) -> Checked {
        if self.discarded || !buffer_is_bounded(policy) {
            hold(Rule::C15, !(self.discarded && self.paused), "a stream nobody takes is paused")?;
            return Ok(());
        }
        let buffer = policy.buffer;
        let bytes = self.pending_bytes();
        let chunks = self.pending.len() as u64;
        hold(Rule::C12, bytes <= buffer.bytes_max, "more bytes are buffered than the bound")?;
        let over = chunks > u64::from(buffer.chunks_max);
        hold(Rule::C12, !over, "more chunks are buffered than the bound")?;
        let low = bytes <= buffer.bytes_max / 2 && chunks <= u64::from(buffer.chunks_max) / 2;
        let stuck = self.paused && !self.is_closed() && low;
        hold(Rule::C12, !stuck, "a pump stays paused although the consumer has caught up")
    }

    /// After the reap each open stream has a clock that runs, unless its pump is paused (C6).
    pub(super) fn check_drain_clock(&self, policy: &Policy) -> Checked {
        if self.is_closed() || matches!(policy.drain, DrainPolicy::UntilEof) {
            return Ok(());
        }
        let runs = [self.idle, self.deadline].contains(&Clock::Running);
        if self.paused {
            return hold(Rule::C6, !runs, "a drain clock runs while its pump is paused");
        }
        let bounded = self.deadline == Clock::Running
            || matches!(self.due, Some(Cut::After | Cut::Max))
            || matches!(self.due, Some(Cut::Idle)) && self.deadline != Clock::Held;
        hold(Rule::C6, bounded, "after the reap nothing bounds a stream that is still open")
    }
}
