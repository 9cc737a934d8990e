//! What all of one execution share: its pipes, the state of its root, and who is told of it.

use std::{
    cell::RefCell,
    collections::VecDeque,
    task::{Context, Waker},
    time::Duration,
};

use lastbyte::machine::{PerStream, Signal, Status, StreamId};

use super::Script;
use crate::executor::{
    footprint::ObjectId,
    run::{self, glance, hold, learn, set, wait},
    witness::{Seen, Witness},
};

/// What all of one execution share.
pub(super) struct Kernel {
    pub(super) script: Script,
    pub(super) pipes: PerStream<RefCell<Pipe>>,
    pub(super) root: RefCell<Root>,
    /// Set when the group is killed: descendants in it end.
    pub(super) group_killed: Flag,
    /// Set when the pid is known.
    pub(super) pid_known: Flag,
    pub(super) witness: RefCell<Witness>,
    /// Which execution of the run it is.
    pub(super) execution: usize,
}

/// A pipe, with who holds its ends.
pub(super) struct Pipe {
    pub(super) object: ObjectId,
    pub(super) bytes: VecDeque<u8>,
    pub(super) read: u64,
    /// Processes that hold the writing end.
    pub(super) writers: u32,
    pub(super) reader_gone: bool,
    pub(super) capacity: usize,
    pub(super) wakers: Vec<Waker>,
}

/// The root, as its kernel knows it.
pub(super) struct Root {
    pub(super) object: ObjectId,
    pub(super) status: Option<Status>,
    pub(super) ended_at: Option<Duration>,
    pub(super) reaped: bool,
    pub(super) stdin_open: bool,
    /// It waits for the end of its stdin.
    pub(super) stdin_awaited: bool,
    pub(super) stdin_taken: u64,
    pub(super) stopped: bool,
    /// What it was sent and has not acted on.
    pub(super) pending: VecDeque<Signal>,
    pub(super) wakers: Vec<Waker>,
}

impl Pipe {
    pub(super) fn holds(&self) {
        hold(self.object, &(&self.bytes, self.read, self.writers, self.reader_gone));
    }

    /// Whoever waits looks again.
    pub(super) fn changed(&mut self) {
        set(self.object, &(&self.bytes, self.read, self.writers, self.reader_gone));
        self.wakers.drain(..).for_each(Waker::wake);
    }

    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        wait(self.object);
        register(&mut self.wakers, cx);
    }
}

impl Root {
    pub(super) fn state(&self) -> impl std::hash::Hash {
        let Root { status, ended_at, reaped, stdin_open, stdin_taken, stopped, .. } = *self;
        let pending = self.pending.clone();
        (status, ended_at, reaped, stdin_open, self.stdin_awaited, stdin_taken, stopped, pending)
    }

    pub(super) fn holds(&self) {
        hold(self.object, &self.state());
    }

    /// Whoever waits looks again.
    pub(super) fn changed(&mut self) {
        set(self.object, &self.state());
        self.wakers.drain(..).for_each(Waker::wake);
    }

    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        wait(self.object);
        register(&mut self.wakers, cx);
    }
}

/// A flag that descendants look at.
pub(super) struct Flag {
    pub(super) object: ObjectId,
    pub(super) set: RefCell<bool>,
    pub(super) wakers: RefCell<Vec<Waker>>,
}

impl Flag {
    pub(super) fn set(&self) {
        set(self.object, &true);
        self.set.replace(true);
        self.wakers.take().into_iter().for_each(Waker::wake);
    }

    /// Or has the task woken.
    pub(super) fn is_set(&self, cx: &Context<'_>) -> bool {
        let is_set = *self.set.borrow();
        if is_set {
            glance(self.object);
            learn(&());
        } else {
            register(&mut self.wakers.borrow_mut(), cx);
            wait(self.object);
        }
        is_set
    }
}

impl Kernel {
    pub(super) fn see(&self, seen: Seen) {
        run::tell(self.execution, &seen);
        if let Err(broken) = self.witness.borrow_mut().see(&seen) {
            run::with(|run| run.find(broken));
        }
    }

    pub(super) fn close(&self, stream: StreamId) {
        let mut pipe = self.pipes[stream].borrow_mut();
        pipe.writers -= 1;
        if pipe.writers == 0 { pipe.changed() } else { pipe.holds() }
    }

    /// A signal arrives.
    pub(super) fn deliver(&self, signal: Signal, group: bool) {
        let mut root = self.root.borrow_mut();
        glance(root.object);
        if root.status.is_none() {
            root.pending.push_back(signal);
            root.changed();
        }
        drop(root);
        if group && signal == Signal::KILL {
            self.group_killed.set();
        }
    }
}

/// Whoever registers is woken once by the next change; a waker is kept once.
fn register(wakers: &mut Vec<Waker>, cx: &Context<'_>) {
    if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
        wakers.push(cx.waker().clone());
    }
}
