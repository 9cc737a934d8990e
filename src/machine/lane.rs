//! One stream inside the machine: where its source stands, what is kept of it, and its counts.

use alloc::collections::VecDeque;

use super::{BufferPolicy, Chunk, Cut, End, Full, StreamId, StreamReport, backlog::copy_queue};

/// Where the source of a stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// The pump reads.
    Flowing,
    /// The pump waits for the consumer.
    Paused,
    /// No byte follows; the consumer does not know yet.
    Ended { end: End, held: bool },
    /// The consumer has the end.
    Finished { end: End, held: bool },
}

/// What becomes of the next chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Intake {
    /// It is for the consumer.
    Deliver,
    /// The output limit has been passed.
    OverLimit,
    /// Nobody wants it.
    Discard,
}

/// What the root left in the source at its end, as long as its pump has not shown that it is all
/// read (C7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owed {
    /// Up to this many bytes are still to be read, then one more look decides.
    Bytes(u64),
    /// It is all read.
    Nothing,
}

/// One thing queued for the consumer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Queued<C> {
    Chunk(C),
    Gap(u64),
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Lane<C> {
    pub(super) source: Source,
    pub(super) intake: Intake,
    pub(super) owed: Owed,
    /// To be cut as soon as nothing is owed and a read has found nothing.
    pub(super) due: Option<Cut>,
    pub(super) read: u64,
    pub(super) delivered: u64,
    pub(super) dropped: u64,
    /// Bytes and chunks in the backlog.
    pub(super) queued_bytes: u64,
    pub(super) queued_chunks: u32,
    /// Bytes dropped behind all that is queued.
    pub(super) gap: u64,
    /// The end of an over-long stream, behind the gap; delivered when the stream has ended.
    pub(super) tail: VecDeque<C>,
    pub(super) tail_bytes: u64,
}

impl<C: Clone> Clone for Lane<C> {
    fn clone(&self) -> Self {
        Lane { tail: self.tail.clone(), ..*self }
    }

    fn clone_from(&mut self, other: &Self) {
        let Lane {
            source,
            intake,
            owed,
            due,
            read,
            delivered,
            dropped,
            queued_bytes,
            queued_chunks,
            gap,
            tail,
            tail_bytes,
        } = other;
        copy_queue(&mut self.tail, tail);
        (self.source, self.intake, self.owed, self.due) = (*source, *intake, *owed, *due);
        (self.read, self.delivered, self.dropped) = (*read, *delivered, *dropped);
        (self.queued_bytes, self.queued_chunks) = (*queued_bytes, *queued_chunks);
        (self.gap, self.tail_bytes) = (*gap, *tail_bytes);
    }
}

impl<C> Default for Lane<C> {
    fn default() -> Self {
        Lane {
            source: Source::Flowing,
            intake: Intake::Deliver,
            owed: Owed::Nothing,
            due: None,
            read: 0,
            delivered: 0,
            dropped: 0,
            queued_bytes: 0,
            queued_chunks: 0,
            gap: 0,
            tail: VecDeque::new(),
            tail_bytes: 0,
        }
    }
}

impl<C: Chunk> Lane<C> {
    /// The largest chunk that would be accepted now, in bytes.
    #[inline]
    pub(super) fn room(&self, buffer: &BufferPolicy) -> u64 {
        match (self.source, self.intake, buffer.full) {
            (Source::Paused | Source::Ended { .. } | Source::Finished { .. }, _, _) => 0,
            (Source::Flowing, Intake::Deliver, Full::Pause | Full::KillAfter(_)) => {
                buffer.bytes_max - self.queued_bytes
            }
            (Source::Flowing, Intake::Deliver, Full::Gap)
            | (Source::Flowing, Intake::OverLimit | Intake::Discard, _) => u64::MAX,
        }
    }

    /// Whether bytes may still come.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        matches!(self.source, Source::Flowing | Source::Paused)
    }

    #[inline]
    pub(super) fn is_paused(&self) -> bool {
        matches!(self.source, Source::Paused)
    }

    /// Whether a gap or the end is what the consumer gets next of this stream.
    #[inline]
    pub(super) fn speaks_next(&self) -> bool {
        self.queued_chunks == 0 && (self.gap_is_next() || self.end_is_next().is_some())
    }

    /// Whether the trailing gap can be shown: while it may still grow in silence it is not.
    #[inline]
    pub(super) fn gap_is_next(&self) -> bool {
        self.gap > 0
            && self.queued_chunks == 0
            && (!self.is_open() || matches!(self.intake, Intake::Deliver))
    }

    /// Whether all but the end has been delivered, and the end is known.
    #[inline]
    pub(super) fn end_is_next(&self) -> Option<(End, bool)> {
        match self.source {
            Source::Ended { end, held } if self.queued_chunks == 0 && self.gap == 0 => {
                Some((end, held))
            }
            Source::Ended { .. } | Source::Flowing | Source::Paused | Source::Finished { .. } => {
                None
            }
        }
    }

    /// Drops bytes behind all that is queued.
    pub(super) fn drop_bytes(&mut self, len: u64) {
        self.dropped += len;
        self.gap += len;
    }

    /// Keeps the last `max` bytes of what came after the limit.
    pub(super) fn keep_tail(&mut self, chunk: C, max: u64) {
        self.tail_bytes += chunk.len();
        self.tail.push_back(chunk);
        while self.tail_bytes > max {
            let excess = self.tail_bytes - max;
            let Some(first) = self.tail.front_mut() else { break };
            let gone = first.len().min(excess);
            if gone == first.len() {
                self.tail.pop_front();
            } else {
                *first = first.split_off(gone);
            }
            self.tail_bytes -= gone;
            self.drop_bytes(gone);
        }
    }

    pub(super) fn report(&self, stream: StreamId) -> Option<StreamReport> {
        match self.source {
            Source::Ended { end, held } | Source::Finished { end, held } => Some(StreamReport {
                stream,
                end,
                delivered: self.delivered,
                dropped: self.dropped,
                held,
            }),
            Source::Flowing | Source::Paused => None,
        }
    }
}
