//! Waits that are early, late, concurrent, cancelled or handed on.

use std::{
    pin::pin,
    task::{Context, Waker},
};

use lastbyte_loom::machine::{Input, Policy, Streams};

use crate::harness::{
    STATUS, assert_kept, assert_over, block_on, consume, exhaust, join, legal, next, reap, running,
    spawn, starting, steps,
};

/// If this were red, somebody who asks for the status just when the root ends would sleep for ever.
#[test]
fn c04_a_wait_that_registers_during_the_reap_is_woken() {
    exhaust(789, || {
        let core = running(Streams::Stdout, Policy::default());
        let reaper = steps(&core, [reap()]);
        let other = spawn(&core, |core| block_on(core.exited()));
        assert_eq!(block_on(core.exited()), Some(STATUS));
        assert_eq!(join(other), Some(STATUS));
        join(reaper);
        // Its output has not ended: an exit is not a terminal.
        assert_eq!(core.terminal(), None);
        assert_kept(&core);
    });
}

/// If this were red, one of two waiters would sleep for ever, or be told something else.
#[test]
fn c04_two_waiters_and_a_late_one_have_one_outcome() {
    exhaust(1737, || {
        let core = running(Streams::None, Policy::default());
        let waiters = [(); 2].map(|()| spawn(&core, |core| block_on(core.wait())));
        legal(&core, reap());
        let (_, terminal) = consume(&core);
        for waiter in waiters {
            assert_eq!(join(waiter), Some(terminal));
        }
        assert_eq!(block_on(core.wait()), Some(terminal));
        assert_over(&core);
    });
}

/// If this were red, a caller who gives up waiting would take another's wake-up with him.
#[test]
fn c04_a_cancelled_wait_leaves_the_others() {
    exhaust(2921, || {
        let core = running(Streams::None, Policy::default());
        let cancelled = spawn(&core, |core| {
            let _polled = pin!(core.wait()).poll(&mut Context::from_waker(Waker::noop()));
        });
        let waiter = spawn(&core, |core| block_on(core.wait()));
        legal(&core, reap());
        let (_, terminal) = consume(&core);
        assert_eq!(join(waiter), Some(terminal));
        join(cancelled);
        assert_over(&core);
    });
}

/// If this were red, a wait that moves to another task would wake the one it has left.
#[test]
fn c04_a_wait_that_moves_wakes_where_it_is() {
    exhaust(269, || {
        let core = running(Streams::None, Policy::default());
        let waiter = spawn(&core, |core| {
            let mut wait = pin!(core.wait());
            let _polled = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            block_on(wait)
        });
        let reaper = steps(&core, [reap()]);
        let (_, terminal) = consume(&core);
        assert_eq!(join(waiter), Some(terminal));
        join(reaper);
        assert_over(&core);
    });
}

/// If this were red, an execution whose output nobody takes would never be over for its waiters.
#[test]
fn c04_a_detach_during_the_reap_resolves_the_wait() {
    exhaust(152, || {
        let core = running(Streams::Stdout, Policy::default());
        let detacher = spawn(&core, |core| core.step(Input::Detach).expect("a legal step"));
        let reaper = steps(&core, [reap()]);
        let terminal = block_on(core.wait()).expect("it started");
        assert_eq!(terminal.status, STATUS);
        join(detacher);
        join(reaper);
        assert_over(&core);
    });
}

/// If this were red, a command that could not be started would be waited for, or read, for ever.
#[test]
fn c14_a_refused_start_resolves_every_wait() {
    exhaust(258, || {
        let core = starting(Streams::Stdout, Policy::default());
        let starter = steps(&core, [Input::Refused]);
        let waiter = spawn(&core, |core| block_on(core.wait()));
        assert_eq!(next(&core), None);
        assert_eq!(join(waiter), None);
        assert_eq!(block_on(core.exited()), None);
        join(starter);
        assert_over(&core);
    });
}
