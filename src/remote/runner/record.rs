//! One execution in a runner: its recorder, its readers, its input, and who is attached.
//!
//! The recorder is the one consumer of the execution. It takes an event when there is room for it
//! among what is kept, so that a bound here becomes a pause of the child.

use std::{
    collections::BTreeMap,
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    sync::{Mutex as AsyncMutex, Notify},
    time::{Instant, sleep},
};

use super::{
    budget::{Budget, FLOOR},
    input::Input,
    retained::{Bound, Entry, Holder, NoSuchPlace, ReaderId, Retained},
};
use crate::{Execution, Handle, remote::lifecycle::ExecId};

/// Room beyond the bound for what stood in pipes and buffers at the root's end, so that a command
/// that is over has its terminal although nobody has read its output: a grown pipe and a buffer for
/// each of two streams fit.
const LEFT_BEHIND: u64 = 2 * 1024 * 1024;

/// An execution that is running or kept.
pub(crate) struct Record {
    pub(crate) id: ExecId,
    pub(crate) handle: Handle,
    /// It lives on without anybody attached.
    pub(crate) detached: bool,
    pub(crate) input: AsyncMutex<Input>,
    shutting_down: AtomicBool,
    budget: Arc<Budget>,
    /// Told when a reader has gone.
    left: Arc<Notify>,
    /// How long somebody who reads in pieces may be away between two of them.
    away_max: Duration,
    shared: Mutex<Shared>,
}

struct Shared {
    retained: Retained,
    recorder: Option<Waker>,
    readers: BTreeMap<ReaderId, Waker>,
    attached: u32,
    attachments: u64,
    /// How many have asked for a number to read by.
    numbered: u64,
    /// Whoever watches whether anybody is attached.
    watcher: Option<Waker>,
}

impl Record {
    /// A record of an execution whose recorder is to be [run](Record::keep).
    pub(super) fn new(
        id: ExecId,
        execution: &mut Execution,
        detached: bool,
        bound: Bound,
        away_max: Duration,
        (budget, left): (Arc<Budget>, Arc<Notify>),
    ) -> Self {
        let stdin = execution.stdin();
        let mut retained = Retained::new(bound);
        retained.expect_starter(Instant::now() + away_max);
        Record {
            id,
            handle: execution.handle(),
            detached,
            input: AsyncMutex::new(Input::new(stdin)),
            shutting_down: AtomicBool::new(false),
            budget,
            left,
            away_max,
            shared: Mutex::new(Shared {
                retained,
                recorder: None,
                readers: BTreeMap::new(),
                attached: 0,
                attachments: 0,
                numbered: 0,
                watcher: None,
            }),
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is shared, then wakes whom that concerns.
    fn change<T>(&self, change: impl FnOnce(&mut Shared, &mut Vec<Waker>) -> T) -> T {
        let mut wakes = Vec::new();
        let mut shared = self.shared();
        let before = shared.retained.kept();
        let changed = change(&mut shared, &mut wakes);
        wakes.extend(self.budget.change(before, shared.retained.kept()));
        drop(shared);
        wakes.into_iter().for_each(Waker::wake);
        changed
    }

    /// Records the execution to its end. Returns when its exit is recorded, or when it was closed.
    pub(crate) async fn keep(&self, mut execution: Execution) {
        let mut exit = pin!(self.handle.exited());
        let mut has_exited = false;
        let mut lease = pin!(sleep(Duration::ZERO));
        loop {
            poll_fn(|cx| {
                has_exited = has_exited || exit.as_mut().poll(cx).is_ready();
                loop {
                    let Poll::Pending = self.poll_room(cx, has_exited) else {
                        return Poll::Ready(());
                    };
                    let expiry = self.shared().retained.expire_leases(Instant::now());
                    let Some(expiry) = expiry else { return Poll::Pending };
                    lease.as_mut().reset(expiry);
                    if lease.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            })
            .await;
            let Some(event) = execution.next().await else { return };
            let ended = self.change(|shared, wakes| {
                shared.retained.push(event);
                wakes.extend(std::mem::take(&mut shared.readers).into_values());
                shared.retained.has_ended()
            });
            if ended {
                return;
            }
        }
    }

    fn poll_room(&self, cx: &mut Context<'_>, has_exited: bool) -> Poll<()> {
        self.change(|shared, wakes| {
            shared.retained.expire_leases(Instant::now());
            let more = if has_exited { LEFT_BEHIND } else { 0 };
            if shared.retained.has_room(more)
                && (has_exited
                    || self.budget.has_room_or_wakes(cx.waker())
                    || shared.retained.makes_do_with(FLOOR))
            {
                shared.recorder = None;
                return Poll::Ready(());
            }
            shared.recorder = Some(cx.waker().clone());
            // Who holds what he was sent has to ask anew.
            wakes.extend(std::mem::take(&mut shared.readers).into_values());
            Poll::Pending
        })
    }

    /// Ends it as a runner that goes away, or leaves its box: it is killed by policy, its end
    /// forced at a bound. What nobody has made room for by then is dropped and accounted for.
    pub(crate) fn shut_down(&self) {
        self.shutting_down.store(true, Ordering::Relaxed);
        self.handle.shutdown();
    }

    pub(crate) fn is_shutting_down(&self) -> bool {
        self.shutting_down.load(Ordering::Relaxed)
    }

    /// Lets somebody read from `offset` on; see [`Retained::attach`].
    pub(crate) fn attach(
        self: &Arc<Self>,
        offset: u64,
        holds: Option<Holder>,
    ) -> Result<Reading, NoSuchPlace> {
        let id = self.change(|shared, wakes| {
            let id = shared.retained.attach(offset, holds)?;
            wakes.extend(shared.wake_recorder());
            Ok(id)
        })?;
        Ok(Reading { record: Arc::clone(self), id, attached: self.attached() })
    }

    /// Somebody is there for this execution, for as long as the guard lives.
    pub(crate) fn attached(self: &Arc<Self>) -> Attached {
        let mut shared = self.shared();
        shared.attached += 1;
        shared.attachments += 1;
        drop(shared);
        Attached(Arc::clone(self))
    }

    /// A number to read by, that nobody else has. Whoever started it has 0.
    pub(crate) fn number(&self) -> u64 {
        let mut shared = self.shared();
        shared.numbered += 1;
        shared.numbered
    }

    /// Ready while nobody is attached, with the number of attachments there have been. Nobody ever
    /// abandons one that is detached.
    pub(crate) fn poll_abandoned(&self, cx: &mut Context<'_>) -> Poll<u64> {
        let mut shared = self.shared();
        if shared.attached == 0 && !self.detached {
            return Poll::Ready(shared.attachments);
        }
        shared.watcher = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Somebody has had its terminal, beside its output.
    pub(crate) fn tell_end(&self) {
        self.shared().retained.tell_end();
    }

    /// Whether somebody has had all of it, its exit included.
    pub(crate) fn is_told(&self) -> bool {
        self.shared().retained.is_told()
    }

    /// Whether somebody has begun to read it and nobody has had all of it.
    pub(crate) fn is_half_read(&self) -> bool {
        self.shared().retained.is_half_read()
    }

    /// How far its output goes, and how much of it is kept.
    pub(crate) fn extent(&self) -> (u64, u64) {
        let shared = self.shared();
        (shared.retained.end(), shared.retained.kept())
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let kept = self.shared().retained.kept();
        self.budget.change(kept, 0).into_iter().for_each(Waker::wake);
    }
}

impl Shared {
    fn wake_recorder(&mut self) -> Option<Waker> {
        let has_room = self.retained.has_room(0);
        self.recorder.take_if(|_| has_room)
    }
}

/// Somebody is attached.
pub(crate) struct Attached(Arc<Record>);

impl Drop for Attached {
    fn drop(&mut self) {
        self.0.change(|shared, wakes| {
            shared.attached -= 1;
            wakes.extend(shared.watcher.take());
        });
    }
}

/// One reader of an execution's output.
pub(crate) struct Reading {
    record: Arc<Record>,
    id: ReaderId,
    #[expect(dead_code, reason = "what it does is to be dropped")]
    attached: Attached,
}

impl Reading {
    /// The next event; `None` when the exit was the last, or when nothing more can come before
    /// somebody says that he has what he holds. Has the task woken when there is more.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Entry>> {
        let id = self.id;
        self.record.change(|shared, wakes| {
            if let Some(entry) = shared.retained.read(id) {
                wakes.extend(shared.wake_recorder());
                return Poll::Ready(Some(entry));
            }
            let waits = shared.recorder.is_some() && shared.retained.holds_all(id);
            if shared.retained.is_through(id) || waits {
                return Poll::Ready(None);
            }
            shared.readers.insert(id, cx.waker().clone());
            Poll::Pending
        })
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let id = self.id;
        self.record.change(|shared, wakes| {
            shared.readers.remove(&id);
            shared.retained.detach(id, Instant::now() + self.record.away_max);
            wakes.extend(shared.wake_recorder());
        });
        self.record.left.notify_waiters();
    }
}
