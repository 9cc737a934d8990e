//! A driver that sleeps: its pump is paused for a slow consumer, or nothing is left to do.

use std::{future::poll_fn, task::Poll};

use lastbyte_loom::{
    machine::{BufferPolicy, End, Event, Full, Input, Policy, Streams},
    ordering::Core,
};

use crate::harness::{
    Byte, STDOUT, assert_kept, assert_over, block_on, bytes, chunk, consume, exhaust, join, legal,
    reap, running, spawn,
};

/// A buffer of one chunk: each pauses its pump.
fn one() -> Policy {
    let buffer = BufferPolicy { bytes_max: 1, chunks_max: 1, full: Full::Pause };
    Policy { buffer, ..Policy::default() }
}

/// The driver blocks until there is something to do or to read, again and again until it may read.
fn room(core: &Core<Byte>) {
    let mut room = 0;
    while room == 0 {
        room = block_on(poll_fn(|cx| {
            let orders = core.poll_orders(cx);
            let room = orders.room[STDOUT];
            if room == 0 && orders.actions.is_empty() { Poll::Pending } else { Poll::Ready(room) }
        }));
    }
}

/// If this were red, a command whose reader was slow once would block on its pipe for ever.
#[test]
fn c12_a_pump_paused_for_a_slow_consumer_is_resumed_by_him() {
    exhaust(1170, || {
        let core = running(Streams::Stdout, one());
        let driver = spawn(&core, |core| {
            for byte in [1, 2] {
                room(core);
                legal(core, chunk(STDOUT, byte));
            }
            legal(core, Input::Eof(STDOUT));
            legal(core, reap());
        });
        let (events, terminal) = consume(&core);
        assert_eq!(bytes(&events, STDOUT), [1, 2]);
        assert!(terminal.is_complete());
        join(driver);
        assert_over(&core);
    });
}

/// If this were red, a stream that nobody takes any more would block the command that writes it.
#[test]
fn c15_a_discard_resumes_the_pump_it_finds_paused() {
    exhaust(30, || {
        let core = running(Streams::Stdout, one());
        let driver = spawn(&core, |core| {
            for byte in [1, 2, 3] {
                room(core);
                legal(core, chunk(STDOUT, byte));
            }
        });
        let discarder =
            spawn(&core, |core| core.step(Input::Discard(STDOUT)).expect("a legal step"));
        join(driver);
        join(discarder);
        for input in [Input::Eof(STDOUT), reap()] {
            legal(&core, input);
        }
        let (events, terminal) = consume(&core);
        let expected = [
            Event::Gap { stream: STDOUT, bytes: 3 },
            Event::End { stream: STDOUT, end: End::Discarded },
        ];
        assert_eq!(events, expected);
        assert!(!terminal.is_complete());
        assert_over(&core);
    });
}

/// If this were red, a driver that sleeps would not hear that there is something to do, or that
/// nothing will be again.
#[test]
fn c11_a_driver_asleep_hears_of_the_close_and_of_the_end() {
    exhaust(63, || {
        let core = running(Streams::Stdout, Policy::default());
        let closer = spawn(&core, |core| core.step(Input::Close).expect("a legal step"));
        let signals = block_on(poll_fn(|cx| {
            let orders = core.poll_orders(cx);
            if orders.actions.is_empty() {
                Poll::Pending
            } else {
                Poll::Ready(orders.actions.signals())
            }
        }));
        assert!(signals.contains(lastbyte_loom::machine::Signal::KILL));
        let reaper = spawn(&core, |core| core.step(reap()).expect("a legal step"));
        block_on(poll_fn(
            |cx| {
                if core.poll_orders(cx).done { Poll::Ready(()) } else { Poll::Pending }
            },
        ));
        join(closer);
        join(reaper);
        assert_kept(&core);
    });
}

/// If this were red, each command that ends would leave the task behind that ran it.
#[test]
fn c11_a_driver_asleep_hears_that_the_terminal_is_delivered() {
    exhaust(8, || {
        let core = running(Streams::None, Policy::default());
        let driver = spawn(&core, |core| {
            legal(core, reap());
            block_on(poll_fn(|cx| {
                if core.poll_orders(cx).done { Poll::Ready(()) } else { Poll::Pending }
            }));
        });
        let (_, terminal) = consume(&core);
        assert!(terminal.is_complete());
        join(driver);
        assert_over(&core);
    });
}
