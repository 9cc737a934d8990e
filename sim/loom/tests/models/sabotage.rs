//! The harness is only as good as what it catches: a wait that is wrong on purpose.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use lastbyte_loom::{
    machine::{Input, Policy, Streams, Terminal},
    ordering::Core,
};
use loom::{sync::Mutex, thread};

use crate::harness::{Byte, block_on, exhaust, join, legal, reap, running};

/// A notification beside the core: whoever ends the execution wakes the one who has registered.
struct Notify(Mutex<Option<Waker>>);

impl Notify {
    fn register(&self, cx: &Context<'_>) {
        *self.0.lock().expect("not poisoned") = Some(cx.waker().clone());
    }

    fn notify(&self) {
        let waker = self.0.lock().expect("not poisoned").take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

type Wait = fn(&Core<Byte>, &Notify, &Context<'_>) -> Poll<Terminal>;

/// Wrong: an end between the two steps wakes nobody, and nobody looks again.
fn check_then_register(core: &Core<Byte>, notify: &Notify, cx: &Context<'_>) -> Poll<Terminal> {
    if let Some(terminal) = core.terminal() {
        return Poll::Ready(terminal);
    }
    notify.register(cx);
    Poll::Pending
}

/// Right: what ends after the registration wakes, what ended before it is seen.
fn register_then_check(core: &Core<Byte>, notify: &Notify, cx: &Context<'_>) -> Poll<Terminal> {
    notify.register(cx);
    core.terminal().map_or(Poll::Pending, Poll::Ready)
}

fn waits(runs: usize, wait: Wait) {
    exhaust(runs, move || {
        let core = running(Streams::None, Policy::default());
        core.step(Input::Detach).expect("a legal step");
        let notify = Arc::new(Notify(Mutex::new(None)));
        let reaper = thread::spawn({
            let (core, notify) = (Arc::clone(&core), Arc::clone(&notify));
            move || {
                legal(&core, reap());
                notify.notify();
            }
        });
        block_on(poll_fn(|cx| wait(&core, &notify, cx)));
        join(reaper);
    });
}

/// If this were red, the models could not see a lost wake-up, and their green would mean nothing.
#[test]
fn c04_a_wait_that_checks_and_then_registers_is_caught_as_a_deadlock() {
    let caught = catch_unwind(AssertUnwindSafe(|| waits(0, check_then_register)));
    let panic = caught.expect_err("a lost wake-up is found");
    let said = panic.downcast_ref::<String>().expect("loom says what it found");
    assert!(said.starts_with("deadlock"), "{said}");
}

/// If this were red, the catch above would be the harness's fault and not the wait's.
#[test]
fn c04_the_same_wait_the_right_way_round_is_clear() {
    waits(13, register_then_check);
}
