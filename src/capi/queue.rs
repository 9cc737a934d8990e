//! The queue: which executions have something for their callbacks, in the order in which they came
//! to have it.
//!
//! Events are not in it. They stay in the backlog of their execution, which is bounded and has the
//! terminal's place reserved; what is posted is the execution, once. So a flood of one execution
//! takes one place, the queue cannot be full, and turns go round.

use std::{
    collections::VecDeque,
    io,
    os::fd::{AsRawFd, OwnedFd},
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Instant,
};

use rustix::event::{EventfdFlags, eventfd};

use super::{
    boundary::{Refusal, SHUTDOWN, lock},
    entry::Entry,
};

#[derive(Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    filled: Condvar,
}

#[derive(Default)]
struct Inner {
    ready: VecDeque<Arc<Entry>>,
    /// Readable while something is queued; made when somebody asks for it.
    fd: Option<OwnedFd>,
    /// No execution is started any more.
    stopping: bool,
    /// The runtime is freed: nothing is called any more.
    closed: bool,
    /// Executions whose driver still runs.
    unfinished: usize,
    sleepers: u32,
}

impl Queue {
    /// Posts an execution that is not queued.
    pub(super) fn push(&self, entry: Arc<Entry>) {
        let mut inner = lock(&self.inner);
        if inner.closed {
            return;
        }
        inner.ready.push_back(entry);
        if inner.ready.len() == 1 {
            inner.signal();
            // To notify nobody is a system call all the same.
            if inner.sleepers > 0 {
                self.filled.notify_one();
            }
        }
    }

    /// The one that has waited longest.
    pub(super) fn pop(&self) -> Option<Arc<Entry>> {
        let mut inner = lock(&self.inner);
        let entry = inner.ready.pop_front();
        if inner.ready.is_empty() {
            inner.quiet();
        }
        entry
    }

    /// Sleeps until something is queued, at most until `until`; `None` is for ever. Says whether
    /// something is.
    pub(super) fn sleep(&self, until: Option<Instant>) -> bool {
        let mut inner = lock(&self.inner);
        inner.sleepers += 1;
        while inner.ready.is_empty() && !inner.is_over() {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            inner = match left {
                None => self.filled.wait(inner).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => break,
                Some(left) => {
                    let waited = self.filled.wait_timeout(inner, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        inner.sleepers -= 1;
        !inner.ready.is_empty()
    }

    /// Counts an execution that starts, if one still may.
    pub(super) fn begin(&self) -> Result<(), Refusal> {
        let mut inner = lock(&self.inner);
        if inner.stopping {
            return Err(SHUTDOWN);
        }
        inner.unfinished += 1;
        Ok(())
    }

    /// An execution that was counted has ended, or was not started.
    pub(super) fn end(&self) {
        let mut inner = lock(&self.inner);
        inner.unfinished -= 1;
        self.wake_if_over(&inner);
    }

    /// No execution is started any more; a drain does not sleep when all have ended.
    pub(super) fn stop(&self) {
        let mut inner = lock(&self.inner);
        inner.stopping = true;
        self.wake_if_over(&inner);
    }

    /// Nothing is called any more, and nobody sleeps.
    pub(super) fn close(&self) {
        let mut inner = lock(&self.inner);
        (inner.stopping, inner.closed) = (true, true);
        let ready = std::mem::take(&mut inner.ready);
        self.wake_if_over(&inner);
        drop(inner);
        drop(ready);
    }

    fn wake_if_over(&self, inner: &Inner) {
        if inner.is_over() {
            inner.signal();
            self.filled.notify_all();
        }
    }

    /// A descriptor that is readable while something is queued. It stays ours.
    pub(super) fn fd(&self) -> io::Result<i32> {
        let mut inner = lock(&self.inner);
        if let Some(fd) = &inner.fd {
            return Ok(fd.as_raw_fd());
        }
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let number = fd.as_raw_fd();
        inner.fd = Some(fd);
        if inner.is_over() || !inner.ready.is_empty() {
            inner.signal();
        }
        Ok(number)
    }
}

impl Inner {
    /// Whether nothing can come any more.
    fn is_over(&self) -> bool {
        self.closed || self.stopping && self.unfinished == 0
    }

    fn signal(&self) {
        if let Some(fd) = &self.fd {
            // A full counter means that it is readable.
            let _added = rustix::io::write(fd, &1u64.to_ne_bytes());
        }
    }

    fn quiet(&self) {
        if let Some(fd) = self.fd.as_ref().filter(|_| !self.is_over()) {
            let _count = rustix::io::read(fd, &mut [0; 8]);
        }
    }
}
