//! Waits that are early, late, concurrent, cancelled or handed on.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Wake, Waker},
    thread::panicking,
};

use lastbyte_loom::machine::{Input, Policy, Streams};

use crate::{
    harness::{
        Acts, Kept, STATUS, STDOUT, Shared, block_on, exhaust, join, reap, running, spawn,
        starting, steps,
    },
    subject::{Honest, Subject},
};

/// If this were red, somebody who asks for the status just when the root ends would sleep for ever.
#[test]
fn c04_a_wait_that_registers_during_the_reap_is_woken() {
    exhaust(789, registers_during_reap::<Honest>);
}

pub(crate) fn registers_during_reap<K: Subject>() {
    let core = running::<K>(Streams::Stdout, Policy::default());
    let reaper = steps(&core, [reap()]);
    let other = spawn(&core, |core| block_on(core.exited()));
    assert_eq!(block_on(core.exited()), Some(STATUS));
    assert_eq!(join(other), Some(STATUS));
    join(reaper);
    // Its output has not ended: an exit is not a terminal.
    assert_eq!(core.terminal(), None);
    core.assert_kept();
}

/// If this were red, one of two waiters would sleep for ever, or be told something else.
#[test]
fn c04_two_waiters_and_a_late_one_have_one_outcome() {
    exhaust(1737, two_waiters::<Honest>);
}

pub(crate) fn two_waiters<K: Subject>() {
    let core = running::<K>(Streams::None, Policy::default());
    let waiters = [(); 2].map(|()| spawn(&core, |core| block_on(core.wait())));
    core.legal(reap());
    let (_, terminal) = core.consume();
    for waiter in waiters {
        assert_eq!(join(waiter), Some(terminal));
    }
    assert_eq!(block_on(core.wait()), Some(terminal));
    core.assert_over();
}

/// If this were red, a caller who gives up waiting would take another's wake-up with him.
#[test]
fn c04_a_cancelled_wait_leaves_the_others() {
    exhaust(2921, cancelled_wait::<Honest>);
}

pub(crate) fn cancelled_wait<K: Subject>() {
    let core = running::<K>(Streams::None, Policy::default());
    let cancelled = spawn(&core, |core| {
        let _polled = pin!(core.wait()).poll(&mut Context::from_waker(Waker::noop()));
    });
    let waiter = spawn(&core, |core| block_on(core.wait()));
    core.legal(reap());
    let (_, terminal) = core.consume();
    assert_eq!(join(waiter), Some(terminal));
    join(cancelled);
    core.assert_over();
}

/// If this were red, a wait that moves to another task would wake the one it has left.
#[test]
fn c04_a_wait_that_moves_wakes_where_it_is() {
    exhaust(269, moving_wait::<Honest>);
}

pub(crate) fn moving_wait<K: Subject>() {
    let core = running::<K>(Streams::None, Policy::default());
    let waiter = spawn(&core, |core| {
        let mut wait = Kept::new(Box::pin(core.wait()));
        let _polled = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        block_on(wait.as_mut())
    });
    let reaper = steps(&core, [reap()]);
    let (_, terminal) = core.consume();
    assert_eq!(join(waiter), Some(terminal));
    join(reaper);
    core.assert_over();
}

/// If this were red, an execution whose output nobody takes would never be over for its waiters.
#[test]
fn c04_a_detach_during_the_reap_resolves_the_wait() {
    exhaust(152, detach_during_reap::<Honest>);
}

pub(crate) fn detach_during_reap<K: Subject>() {
    let core = running::<K>(Streams::Stdout, Policy::default());
    let detacher = spawn(&core, |core| core.step(Input::Detach).expect("a legal step"));
    let reaper = steps(&core, [reap()]);
    let terminal = block_on(core.wait()).expect("it started");
    assert_eq!(terminal.status, STATUS);
    join(detacher);
    join(reaper);
    core.assert_over();
}

/// If this were red, a command that could not be started would be waited for, or read, for ever.
#[test]
fn c14_a_refused_start_resolves_every_wait() {
    exhaust(258, refused_start::<Honest>);
}

pub(crate) fn refused_start<K: Subject>() {
    let core = starting::<K>(Streams::Stdout, Policy::default());
    let starter = steps(&core, [Input::Refused]);
    let waiter = spawn(&core, |core| block_on(core.wait()));
    assert_eq!(core.next(), None);
    assert_eq!(join(waiter), None);
    assert_eq!(block_on(core.exited()), None);
    join(starter);
    core.assert_over();
}

/// If this were red, who waits for the end would be woken by the exit, to find nothing.
#[test]
fn c04_the_reap_wakes_those_who_wait_for_it_and_nobody_else() {
    exhaust(109, exit_and_end::<Honest>);
}

pub(crate) fn exit_and_end<K: Subject>() {
    let core = running::<K>(Streams::Stdout, Policy::default());
    let exited = spawn(&core, |core| block_on(core.exited()));
    let waiter = spawn(&core, |core| block_on(core.wait()));
    core.legal(reap());
    assert_eq!(join(exited), Some(STATUS));
    core.legal(Input::Eof(STDOUT));
    let (_, terminal) = core.consume();
    assert_eq!(join(waiter), Some(terminal));
    core.assert_over();
}

/// The waker of an executor that runs at once what it wakes, and frees at once what it lets go of:
/// either looks into the execution.
struct Asking<K: Subject>(Shared<K>);

impl<K: Subject> Wake for Asking<K> {
    fn wake(self: Arc<Self>) {
        let _asked = self.0.is_done();
    }
}

impl<K: Subject> Drop for Asking<K> {
    fn drop(&mut self) {
        if !panicking() {
            let _asked = self.0.is_done();
        }
    }
}

/// If this were red, foreign code would run under the lock, and deadlock as soon as it asks.
#[test]
fn c04_a_waker_may_look_into_the_execution() {
    exhaust(11, asking_waker::<Honest>);
}

pub(crate) fn asking_waker<K: Subject>() {
    let core = running::<K>(Streams::None, Policy::default());
    let mut wait = Kept::new(Box::pin(core.exited()));
    {
        let asking = Waker::from(Arc::new(Asking(Arc::clone(&core))));
        let _polled = wait.as_mut().poll(&mut Context::from_waker(&asking));
    }
    let reaper = steps(&core, [reap()]);
    drop(wait);
    join(reaper);
    core.consume();
    core.assert_over();
}

/// If this were red, whoever moves to another task could deadlock with what is left of the first.
#[test]
fn c04_a_waker_that_is_replaced_may_look_into_the_execution() {
    exhaust(380, replaced_wakers::<Honest>);
}

pub(crate) fn replaced_wakers<K: Subject>() {
    let core = running::<K>(Streams::None, Policy::default());
    let mut wait = Kept::new(Box::pin(core.exited()));
    let mut poll = |waker: fn(&Shared<K>) -> Waker| {
        let _polled = wait.as_mut().poll(&mut Context::from_waker(&waker(&core)));
        let _polled = core.poll_event(&mut Context::from_waker(&waker(&core)));
        let _orders = core.poll_orders(&mut Context::from_waker(&waker(&core)));
    };
    poll(|core| Waker::from(Arc::new(Asking(Arc::clone(core)))));
    let reaper = steps(&core, [reap()]);
    poll(|_| Waker::noop().clone());
    join(reaper);
    core.assert_kept();
}
