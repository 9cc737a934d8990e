//! A driver that sleeps: its pump is paused for a slow consumer, or nothing is left to do.

use std::{future::poll_fn, task::Poll};

use lastbyte_loom::machine::{
    BufferPolicy, End, Event, Full, Input, Policy, Signal, SignalSet, Streams,
};

use crate::{
    harness::{Acts, STDOUT, block_on, bytes, chunk, exhaust, join, reap, running, spawn},
    subject::{Honest, Subject},
};

/// A buffer of one chunk: each pauses its pump.
fn one() -> Policy {
    let buffer = BufferPolicy { bytes_max: 1, chunks_max: 1, full: Full::Pause };
    Policy { buffer, ..Policy::default() }
}

/// The driver blocks until there is something to do or to read, again and again until it may read.
/// Which signals it was to send meanwhile.
pub(crate) fn room<K: Subject>(core: &K) -> SignalSet {
    let mut signals = SignalSet::default();
    loop {
        let orders = block_on(poll_fn(|cx| {
            let orders = core.poll_orders(cx);
            let idle = orders.room[STDOUT] == 0 && orders.actions.is_empty();
            if idle { Poll::Pending } else { Poll::Ready(orders) }
        }));
        signals.extend(orders.actions.signals());
        if orders.room[STDOUT] > 0 {
            return signals;
        }
    }
}

/// If this were red, a command whose reader was slow once would block on its pipe for ever.
#[test]
fn c12_a_pump_paused_for_a_slow_consumer_is_resumed_by_him() {
    exhaust(1170, paused_then_resumed::<Honest>);
}

pub(crate) fn paused_then_resumed<K: Subject>() {
    let core = running::<K>(Streams::Stdout, one());
    let driver = spawn(&core, |core| {
        for byte in [1, 2] {
            let _none = room(core);
            core.legal(chunk(STDOUT, byte));
        }
        core.legal(Input::Eof(STDOUT));
        core.legal(reap());
    });
    let (events, terminal) = core.consume();
    assert_eq!(bytes(&events, STDOUT), [1, 2]);
    assert!(terminal.is_complete());
    join(driver);
    core.assert_over();
}

/// If this were red, a stream that nobody takes any more would block the command that writes it.
#[test]
fn c15_a_discard_resumes_the_pump_it_finds_paused() {
    exhaust(30, discard_resumes::<Honest>);
}

pub(crate) fn discard_resumes<K: Subject>() {
    let core = running::<K>(Streams::Stdout, one());
    let driver = spawn(&core, |core| {
        for byte in [1, 2, 3] {
            let _none = room(core);
            core.legal(chunk(STDOUT, byte));
        }
    });
    let discarder = spawn(&core, |core| core.step(Input::Discard(STDOUT)).expect("a legal step"));
    join(driver);
    join(discarder);
    for input in [Input::Eof(STDOUT), reap()] {
        core.legal(input);
    }
    let (events, terminal) = core.consume();
    let expected = [
        Event::Gap { stream: STDOUT, bytes: 3 },
        Event::End { stream: STDOUT, end: End::Discarded },
    ];
    assert_eq!(events, expected);
    assert!(!terminal.is_complete());
    core.assert_over();
}

/// If this were red, a driver that sleeps would not hear that there is something to do, or that
/// nothing will be again.
#[test]
fn c11_a_driver_asleep_hears_of_the_close_and_of_the_end() {
    exhaust(63, asleep_until_close_and_end::<Honest>);
}

pub(crate) fn asleep_until_close_and_end<K: Subject>() {
    let core = running::<K>(Streams::Stdout, Policy::default());
    let closer = spawn(&core, |core| core.step(Input::Close).expect("a legal step"));
    let signals = block_on(poll_fn(|cx| {
        let orders = core.poll_orders(cx);
        if orders.actions.is_empty() {
            Poll::Pending
        } else {
            Poll::Ready(orders.actions.signals())
        }
    }));
    assert!(signals.contains(Signal::KILL));
    let reaper = spawn(&core, |core| core.step(reap()).expect("a legal step"));
    block_on(poll_fn(|cx| if core.poll_orders(cx).done { Poll::Ready(()) } else { Poll::Pending }));
    join(closer);
    join(reaper);
    core.assert_kept();
}

/// If this were red, each command that ends would leave the task behind that ran it.
#[test]
fn c11_a_driver_asleep_hears_that_the_terminal_is_delivered() {
    exhaust(8, asleep_until_delivery::<Honest>);
}

pub(crate) fn asleep_until_delivery<K: Subject>() {
    let core = running::<K>(Streams::None, Policy::default());
    let driver =
        spawn(&core, |core| {
            core.legal(reap());
            block_on(poll_fn(|cx| {
                if core.poll_orders(cx).done { Poll::Ready(()) } else { Poll::Pending }
            }));
        });
    let (_, terminal) = core.consume();
    assert!(terminal.is_complete());
    join(driver);
    core.assert_over();
}
