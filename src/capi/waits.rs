//! Whose callback who waits for. Two threads, each in a callback, that free what the other is called
//! for would wait for each other: the last of a circle is told, and does not wait.

use std::{
    sync::Mutex,
    thread::{self, ThreadId},
};

use super::boundary::lock;

/// Each thread that waits, and the one whose callback it waits for.
static WAITING: Mutex<Vec<(ThreadId, ThreadId)>> = Mutex::new(Vec::new());

/// That this thread waits, until it is dropped.
pub(super) struct Waiting(ThreadId);

impl Waiting {
    /// Begins to wait for a callback that runs on `other`. `None`: that thread waits for this one,
    /// itself or through others.
    pub(super) fn begin(other: ThreadId) -> Option<Self> {
        let me = thread::current().id();
        let mut waiting = lock(&WAITING);
        let mut last = Some(other);
        while let Some(thread) = last {
            if thread == me {
                return None;
            }
            last = waiting.iter().find(|(who, _)| *who == thread).map(|(_, whom)| *whom);
        }
        waiting.push((me, other));
        Some(Waiting(me))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        lock(&WAITING).retain(|(who, _)| *who != self.0);
    }
}
