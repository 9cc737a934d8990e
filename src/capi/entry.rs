//! One execution as everybody shares it: its core, its callbacks, and who waits for what.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, ThreadId},
    time::Instant,
};

use super::{
    boundary::{INVALID_STATE, Refusal, lock},
    dispatch::Dispatch,
    event::lastbyte_stdin_report,
    handle::Id,
    queue::Queue,
    waits::Waiting,
    writer::Writer,
};
use crate::{
    Data,
    machine::{Input, Status, Terminal},
    ordering::Core,
};

pub(super) struct Entry {
    pub(super) id: Id,
    pub(super) core: Core<Data>,
    pub(super) pid: Option<u32>,
    pub(super) stdin: Option<Writer>,
    queue: Arc<Queue>,
    queued: AtomicBool,
    dispatch: Mutex<Dispatch>,
    /// A callback has returned to a drain, and the execution was freed meanwhile.
    returned: Condvar,
    news: News,
}

/// What blocked threads sleep on: a count of what has happened.
#[derive(Default)]
struct News {
    count: Mutex<Count>,
    told: Condvar,
}

#[derive(Default)]
struct Count {
    happened: u64,
    sleepers: u32,
    /// Tasks that run for it.
    tasks: u32,
}

/// What one turn of a drain did.
pub(super) struct Turn {
    pub(super) calls: u64,
    /// A callback panicked; it was the last of this turn.
    pub(super) panicked: bool,
}

impl Entry {
    pub(super) fn new(
        id: Id,
        core: Core<Data>,
        pid: Option<u32>,
        stdin: Option<Writer>,
        queue: Arc<Queue>,
        dispatch: Dispatch,
    ) -> Self {
        Entry {
            id,
            core,
            pid,
            stdin,
            queue,
            queued: AtomicBool::new(false),
            dispatch: Mutex::new(dispatch),
            returned: Condvar::new(),
            news: News::default(),
        }
    }

    /// Changes who is registered, and has a drain look at it.
    pub(super) fn register<T>(
        self: &Arc<Self>,
        f: impl FnOnce(&mut Dispatch, &Core<Data>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let registered = f(&mut lock(&self.dispatch), &self.core)?;
        self.post();
        Ok(registered)
    }

    /// Queues it, unless it is queued.
    fn post(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.queue.push(Arc::clone(self));
        }
    }

    pub(super) fn tell_stdin(self: &Arc<Self>, report: lastbyte_stdin_report) {
        lock(&self.dispatch).tell_stdin(report);
        self.post();
    }

    // The drain.

    /// Makes at most `most` calls, on the thread `me`, and queues itself again if there may be
    /// more.
    pub(super) fn turn(self: &Arc<Self>, me: ThreadId, most: u64) -> Turn {
        // Before the look: what comes after it queues this again.
        self.queued.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(self));
        let mut cx = Context::from_waker(&waker);
        let mut turn = Turn { calls: 0, panicked: false };
        let mut dispatch = lock(&self.dispatch);
        let more = loop {
            if turn.calls == most || turn.panicked {
                break true;
            }
            let Some(call) = dispatch.next(&self.core, &mut cx) else { break false };
            dispatch.running = Some(me);
            drop(dispatch);
            let made = catch_unwind(AssertUnwindSafe(|| call.make(self.id.handle())));
            dispatch = lock(&self.dispatch);
            dispatch.running = None;
            turn.calls += 1;
            turn.panicked = made.is_err();
            if dispatch.freed {
                self.returned.notify_all();
                break false;
            }
        };
        let blocked = dispatch.blocked > 0;
        drop(dispatch);
        if blocked {
            self.news.tell();
        }
        if more {
            self.post();
        }
        turn
    }

    // Waiting.

    /// The terminal, once it is settled. Blocks until `until`; `None` is for ever, which a thread
    /// that would have to drain for it must not.
    pub(super) fn wait(
        self: &Arc<Self>,
        until: Option<Instant>,
        is_drainer: bool,
    ) -> Result<Option<Terminal>, Refusal> {
        self.block(1);
        let waker = Waker::from(Arc::clone(self));
        let mut cx = Context::from_waker(&waker);
        let waited = loop {
            let seen = self.news.seen();
            let mut dispatch = lock(&self.dispatch);
            let has_sinks = dispatch.has_sinks();
            if !has_sinks {
                // There is nobody to call for an event; a wait that was asked for is the drain's.
                dispatch.take_in(&self.core, &mut cx);
            }
            if let Some(terminal) = dispatch.settled() {
                break Ok(Some(terminal));
            }
            drop(dispatch);
            if until.is_some_and(|until| until <= Instant::now()) {
                break Ok(None);
            }
            if has_sinks && is_drainer {
                break Err(INVALID_STATE);
            }
            self.post();
            self.news.sleep(seen, until);
        };
        self.block(-1);
        waited
    }

    fn block(&self, by: i32) {
        let mut dispatch = lock(&self.dispatch);
        dispatch.blocked = dispatch.blocked.saturating_add_signed(by);
    }

    /// How the root ended, once it is reaped.
    pub(super) fn exited(self: &Arc<Self>, until: Option<Instant>) -> Option<Status> {
        let waker = Waker::from(Arc::clone(self));
        let mut cx = Context::from_waker(&waker);
        let mut exited = pin!(self.core.exited());
        loop {
            let seen = self.news.seen();
            if let Poll::Ready(status) = exited.as_mut().poll(&mut cx) {
                return status;
            }
            if until.is_some_and(|until| until <= Instant::now()) {
                return None;
            }
            self.news.sleep(seen, until);
        }
    }

    // The end.

    /// Closes it: nobody is called from here on. Says whether one of its callbacks still runs: on
    /// the calling thread, or on one that waits for the calling thread. Waits for any other.
    pub(super) fn close(&self) -> bool {
        let me = thread::current().id();
        let mut dispatch = lock(&self.dispatch);
        dispatch.forget();
        // Before the wait, which the consumer may make long.
        let _closed = self.core.step(Input::Close);
        if let Some(stdin) = &self.stdin {
            stdin.abandon();
        }
        while let Some(other) = dispatch.running.filter(|running| *running != me) {
            let Some(_waiting) = Waiting::begin(other) else { return true };
            dispatch = self.wait_for_return(dispatch);
        }
        dispatch.running.is_some()
    }

    fn wait_for_return<'a>(&self, dispatch: MutexGuard<'a, Dispatch>) -> MutexGuard<'a, Dispatch> {
        self.returned.wait(dispatch).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nothing is left of a closed execution, and says how it ended.
    pub(super) fn gone(&self) -> Option<Terminal> {
        loop {
            let seen = self.news.seen();
            if self.news.tasks() == 0 {
                break;
            }
            self.news.sleep(seen, None);
        }
        let terminal = lock(&self.dispatch).settle_with(self.core.terminal());
        self.news.tell();
        terminal
    }

    pub(super) fn task_begins(&self) {
        lock(&self.news.count).tasks += 1;
    }

    pub(super) fn task_ends(&self) {
        lock(&self.news.count).tasks -= 1;
        self.news.tell();
    }
}

impl Wake for Entry {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.post();
        self.news.tell();
    }
}

impl News {
    fn seen(&self) -> u64 {
        lock(&self.count).happened
    }

    fn tasks(&self) -> u32 {
        lock(&self.count).tasks
    }

    fn tell(&self) {
        let mut count = lock(&self.count);
        count.happened += 1;
        // To notify nobody is a system call all the same.
        if count.sleepers > 0 {
            self.told.notify_all();
        }
    }

    /// Sleeps until something has happened since `seen`, at most until `until`.
    fn sleep(&self, seen: u64, until: Option<Instant>) {
        let mut count = lock(&self.count);
        count.sleepers += 1;
        while count.happened == seen {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            count = match left {
                None => self.told.wait(count).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => break,
                Some(left) => {
                    self.told.wait_timeout(count, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        count.sleepers -= 1;
    }
}
