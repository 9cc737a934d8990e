//! What has come from a runner of one execution, and is not yet in the ordering core.
//!
//! Output and end come on different connections and are put here as they come; the execution's
//! driver takes them from here, and its machine makes the order.

use std::{
    collections::VecDeque,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::gaps::Gaps;
use crate::{
    Cause, Data, End, Errno, Event, Status, StreamId, Streams, Terminal,
    backend::{Exit, Read},
    machine::{Chunk, PerStream},
};

/// Bytes that wait here for the driver, before the connection waits.
const BOUND: u64 = 256 * 1024;

/// `ESTALE`: what a read says of output that others have read and that is no longer kept.
const STALE: Errno = Errno(rustix::io::Errno::STALE.raw_os_error());

/// `ECONNRESET`: what a read says of which the runner has vanished.
const CONNECTION_RESET: Errno = Errno(rustix::io::Errno::CONNRESET.raw_os_error());

pub(super) struct Inbox {
    streams: Streams,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    lanes: PerStream<Lane>,
    queued: u64,
    gaps: Gaps,
    status: Option<Status>,
    cause: Cause,
    terminal: Option<Terminal>,
    lost: bool,
    /// Output that is asked for is no longer kept.
    expired: bool,
    /// The driver waits for the end.
    exit: Option<Waker>,
    /// The connection waits for room.
    room: Option<Waker>,
}

/// What has come of one stream.
#[derive(Default)]
struct Lane {
    queue: VecDeque<Data>,
    end: Option<End>,
    abandoned: bool,
    waker: Option<Waker>,
}

impl Inbox {
    pub(super) fn new(streams: Streams) -> Self {
        Inbox { streams, shared: Mutex::default() }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is here, then wakes the driver where that concerns it.
    fn change(&self, change: impl FnOnce(&mut Shared)) {
        let wakers: Vec<Waker> = {
            let mut shared = self.shared();
            change(&mut shared);
            let knows_end = shared.status.is_some() || shared.lost;
            let exit = shared.exit.take_if(|_| knows_end);
            let ready: PerStream<bool> = {
                let mut ready = PerStream::default();
                for &id in self.streams.ids() {
                    ready[id] = shared.is_readable(self.streams, id);
                }
                ready
            };
            let mut wakers = Vec::from_iter(exit);
            for &id in self.streams.ids() {
                wakers.extend(shared.lanes[id].waker.take_if(|_| ready[id]));
            }
            wakers
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    // The connections' side.

    /// An event of the output. Of a stream that the execution has not, nothing is taken.
    pub(super) fn take(&self, event: Event) {
        self.change(|shared| match event {
            Event::Chunk { stream, chunk } if self.streams.contains(stream) => {
                let lane = &mut shared.lanes[stream];
                if !lane.abandoned {
                    let len = Chunk::len(&chunk);
                    shared.queued += len;
                    shared.gaps.came(stream, len);
                    lane.queue.push_back(chunk);
                }
            }
            Event::Gap { stream, bytes } if self.streams.contains(stream) => {
                shared.gaps.add(stream, bytes);
            }
            Event::End { stream, end } if self.streams.contains(stream) => {
                shared.lanes[stream].end.get_or_insert(end);
            }
            Event::Chunk { .. } | Event::Gap { .. } | Event::End { .. } => {}
            Event::Exit(terminal) => {
                shared.status.get_or_insert(terminal.status);
                shared.cause = terminal.cause;
                shared.terminal.get_or_insert(terminal);
            }
        });
    }

    /// The root's end.
    pub(super) fn exited(&self, status: Status, cause: Cause) {
        self.change(|shared| {
            shared.status.get_or_insert(status);
            shared.cause = cause;
        });
    }

    /// Nothing more will come: the runner has vanished, or knows this execution no more.
    pub(super) fn lose(&self) {
        self.change(|shared| shared.lost = true);
    }

    /// No more output will come: it is no longer kept. The end still may.
    pub(super) fn expire(&self) {
        self.change(|shared| shared.expired = true);
    }

    /// Waits until there is room for more output.
    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut shared = self.shared();
        if shared.queued < BOUND {
            return Poll::Ready(());
        }
        shared.room = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Whether everything is known, or nothing more can be.
    pub(super) fn is_complete(&self) -> bool {
        let shared = self.shared();
        shared.terminal.is_some() || shared.lost || shared.expired
    }

    /// Whether the root's end is known, or can no more be.
    pub(super) fn knows_end(&self) -> bool {
        let shared = self.shared();
        shared.status.is_some() || shared.lost
    }

    // The driver's side.

    pub(super) fn poll_read(&self, cx: &mut Context<'_>, id: StreamId, max: u64) -> Poll<Read> {
        let mut shared = self.shared();
        match shared.read(self.streams, id, max) {
            Some(read) => {
                wake(shared);
                Poll::Ready(read)
            }
            None => {
                shared.lanes[id].waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    pub(super) fn try_read(&self, id: StreamId, max: u64) -> Option<Read> {
        let mut shared = self.shared();
        let read = shared.read(self.streams, id, max);
        wake(shared);
        read
    }

    /// Whether bytes of a stream may still be on their way.
    pub(super) fn may_come(&self, id: StreamId) -> bool {
        let shared = self.shared();
        shared.lanes[id].end.is_none()
            && shared.terminal.is_none()
            && !shared.lost
            && !shared.expired
    }

    pub(super) fn poll_exit(&self, cx: &mut Context<'_>) -> Poll<Exit> {
        let mut shared = self.shared();
        match shared.exit() {
            Some(exit) => Poll::Ready(exit),
            None => {
                shared.exit = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    pub(super) fn try_exit(&self) -> Option<Exit> {
        self.shared().exit()
    }

    /// Nobody reads this stream any more.
    pub(super) fn abandon(&self, id: StreamId) {
        let mut shared = self.shared();
        let lane = &mut shared.lanes[id];
        lane.abandoned = true;
        let dropped = mem::take(&mut lane.queue);
        shared.queued -= dropped.iter().map(Chunk::len).sum::<u64>();
        wake(shared);
    }

    // What was told beside the order.

    /// What the consumer gets, now that the core has handed out this event: gaps in their place,
    /// and how a stream ended there.
    pub(super) fn tell(&self, event: Event) -> Event {
        let event = self.shared().gaps.tell(event);
        self.translate(event)
    }

    /// What stood behind a gap that was told, before the core is asked for the next.
    pub(super) fn held(&self) -> Option<Event> {
        let event = self.shared().gaps.take_held()?;
        Some(self.translate(event))
    }

    fn translate(&self, event: Event) -> Event {
        match event {
            Event::End { stream, end: End::Eof } => {
                Event::End { stream, end: self.shared().lanes[stream].end.unwrap_or(End::Eof) }
            }
            Event::Exit(terminal) => Event::Exit(self.complete(terminal)),
            Event::Chunk { .. } | Event::Gap { .. } | Event::End { .. } => event,
        }
    }

    /// The consumer gets nothing more that was held.
    pub(super) fn close(&self) {
        self.shared().gaps.close();
    }

    /// Our terminal with what was told: causes, and how streams ended of which we had all.
    pub(super) fn complete(&self, mut ours: Terminal) -> Terminal {
        let shared = self.shared();
        let there = shared.cause;
        ours.cause.timed_out |= there.timed_out;
        ours.cause.cancelled |= there.cancelled;
        ours.cause.output_limit |= there.output_limit;
        ours.cause.stalled |= there.stalled;
        ours.cause.killed_by_us = ours.cause.killed_by_us.or(there.killed_by_us);
        let told = shared.terminal.as_ref();
        if let Some(Terminal { status: Status::Forced, .. }) = told {
            ours.status = Status::Forced;
        }
        for report in ours.streams.iter_mut().flatten() {
            let there = told.and_then(|told| told.streams[report.stream]);
            shared.gaps.complete(report, there.map(|there| there.dropped));
            if let (End::Eof, Some(there)) = (report.end, there) {
                report.end = there.end;
                report.held = there.held;
            }
        }
        ours
    }
}

/// Wakes the connection when there is room again, after the lock is released.
fn wake(mut shared: MutexGuard<'_, Shared>) {
    let has_room = shared.queued < BOUND;
    let room = shared.room.take_if(|_| has_room);
    drop(shared);
    if let Some(waker) = room {
        waker.wake();
    }
}

impl Shared {
    /// Whether the end of a stream may be told: that of the last one not before the terminal is
    /// here, which says what the ordering core's own will lack.
    fn may_end(&self, streams: Streams, id: StreamId) -> bool {
        let lane = &self.lanes[id];
        if self.terminal.is_some() {
            return true;
        }
        let another_is_open =
            streams.ids().iter().any(|&other| other != id && self.lanes[other].end.is_none());
        lane.end.is_some() && another_is_open
    }

    fn is_readable(&self, streams: Streams, id: StreamId) -> bool {
        !self.lanes[id].queue.is_empty() || self.may_end(streams, id) || self.lost || self.expired
    }

    fn read(&mut self, streams: Streams, id: StreamId, max: u64) -> Option<Read> {
        if let Some(mut chunk) = self.lanes[id].queue.pop_front() {
            if Chunk::len(&chunk) > max {
                let rest = chunk.split_off(max);
                self.lanes[id].queue.push_front(rest);
            }
            self.queued -= Chunk::len(&chunk);
            return Some(Read::Chunk(chunk));
        }
        if self.may_end(streams, id) {
            return Some(match self.lanes[id].end {
                Some(End::ReadError(errno)) => Read::Error(errno),
                Some(End::Eof | End::Cut(_) | End::Discarded | End::Limit) | None => Read::Eof,
            });
        }
        match (self.lost, self.expired) {
            (true, _) => Some(Read::Error(CONNECTION_RESET)),
            (false, true) => Some(Read::Error(STALE)),
            (false, false) => None,
        }
    }

    /// The root's end, with what may still come of its output.
    fn exit(&self) -> Option<Exit> {
        let status = match self.status {
            Some(status) => status,
            None if self.lost => Status::Lost,
            None => return None,
        };
        // Forced is a machine's own to say: of the runner's we know only that nothing is known.
        let status = if let Status::Forced = status { Status::Lost } else { status };
        let mut standing = PerStream::default();
        for (standing, lane) in standing.iter_mut().zip(self.lanes.iter()) {
            let here = lane.queue.iter().map(Chunk::len).sum();
            let is_all = lane.end.is_some() || self.lost || self.expired;
            *standing = if is_all { here } else { u64::MAX };
        }
        Some(Exit { status, standing })
    }
}
