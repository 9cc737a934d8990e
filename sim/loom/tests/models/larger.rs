//! More threads than can be run in every order: each model states how often it lets a thread that
//! could go on be stopped for another.

use std::future::poll_fn;

use lastbyte_loom::machine::{
    BufferPolicy, End, Event, Full, Input, Policy, Reply, Signal, SignalSet, Streams, Timer,
};

use crate::{
    driver::room,
    harness::{
        Acts, Byte, STATUS, STDERR, STDOUT, block_on, block_on_despite, bytes, chunk,
        exhaust_within, join, reap, running, spawn, steps,
    },
    subject::{Honest, Subject},
};

/// If this were red, with everybody at work at once, output or a wake-up would be lost.
#[test]
fn c04_two_pumps_reaper_waiter_and_consumer_within_2_preemptions() {
    exhaust_within::<2>(17_955, everybody::<Honest>);
}

pub(crate) fn everybody<K: Subject>() {
    let core = running::<K>(Streams::Separate, Policy::default());
    let pumps = [(STDOUT, 1), (STDERR, 2)]
        .map(|(stream, byte)| steps(&core, [chunk(stream, byte), Input::Eof(stream)]));
    let reaper = steps(&core, [reap()]);
    let waiter = spawn(&core, |core| block_on(core.wait()));
    let (events, terminal) = core.consume();
    assert_eq!(bytes(&events, STDOUT), [1]);
    assert_eq!(bytes(&events, STDERR), [2]);
    assert!(terminal.is_complete());
    assert_eq!(join(waiter), Some(terminal));
    for thread in pumps.into_iter().chain([reaper]) {
        join(thread);
    }
    core.assert_over();
}

/// If this were red, a close amid everybody's work would leave one of them asleep.
#[test]
fn c11_a_close_among_pump_reaper_waiter_and_consumer_within_2_preemptions() {
    exhaust_within::<2>(14_032, close_among_all::<Honest>);
}

pub(crate) fn close_among_all<K: Subject>() {
    let core = running::<K>(Streams::Stdout, Policy::default());
    let pump =
        spawn(&core, |core| [chunk(STDOUT, 1), Input::Eof(STDOUT)].map(|input| core.made(input)));
    let reaper = steps(&core, [reap()]);
    let waiter = spawn(&core, |core| block_on(core.wait()));
    let closer = spawn(&core, |core| core.step(Input::Close).expect("a legal step"));
    let (mut taken, mut delivered) = (0, None);
    // The close throws away what he may have been woken for, and wakes him again at the end.
    while let Some(event) = block_on_despite(1, poll_fn(|cx| core.poll_event(cx))) {
        match event {
            Event::Chunk { chunk: Byte(1), .. } => taken += 1,
            Event::End { end, .. } => assert_eq!(end, End::Eof),
            Event::Exit(terminal) => delivered = Some(terminal),
            other @ (Event::Chunk { .. } | Event::Gap { .. }) => panic!("{other:?}"),
        }
    }
    let terminal = join(waiter).expect("it started");
    assert_eq!(terminal.status, STATUS);
    assert!(delivered.is_none_or(|delivered| delivered == terminal));
    let [read, _ended] = join(pump);
    let report = terminal.streams[STDOUT].expect("a report");
    assert_eq!((report.delivered, report.delivered + report.dropped), (taken, u64::from(read)));
    join(reaper);
    join(closer);
    core.assert_over();
}

/// If this were red, a pump that is paused while others wait and kill would stay so.
#[test]
fn c12_a_slow_consumer_a_waiter_and_a_kill_within_3_preemptions() {
    exhaust_within::<3>(49_972, slow_consumer_and_kill::<Honest>);
}

pub(crate) fn slow_consumer_and_kill<K: Subject>() {
    let buffer = BufferPolicy { bytes_max: 1, chunks_max: 1, full: Full::Pause };
    let core = running::<K>(Streams::Stdout, Policy { buffer, ..Policy::default() });
    let driver = spawn(&core, |core| {
        let mut signals = SignalSet::default();
        for byte in [1, 2] {
            signals.extend(room(core));
            signals.extend(core.drive(chunk(STDOUT, byte)).expect("legal").actions.signals());
        }
        for input in [Input::Eof(STDOUT), reap()] {
            signals.extend(core.drive(input).expect("legal").actions.signals());
        }
        signals.contains(Signal::TERM)
    });
    let waiter = spawn(&core, |core| block_on(core.wait()));
    let killer = spawn(&core, |core| core.step(Input::Kill).expect("a legal step"));
    let (events, terminal) = core.consume();
    assert_eq!(bytes(&events, STDOUT), [1, 2]);
    assert_eq!(join(waiter), Some(terminal));
    let killed = join(killer) == Reply::Done;
    assert_eq!(terminal.cause.cancelled, killed);
    assert_eq!(join(driver), killed);
    core.assert_over();
}

/// If this were red, a service that stops amid everybody's work would hang, or lose count of bytes.
#[test]
fn c13_a_shutdown_among_two_pumps_waiter_and_consumer_within_2_preemptions() {
    exhaust_within::<2>(28_953, shutdown_among_all::<Honest>);
}

pub(crate) fn shutdown_among_all<K: Subject>() {
    let core = running::<K>(Streams::Separate, Policy::default());
    let pumps = [STDOUT, STDERR]
        .map(|stream| spawn(&core, move |core| u64::from(core.made(chunk(stream, 1)))));
    let waiter = spawn(&core, |core| block_on(core.wait()));
    let stopper = spawn(&core, |core| {
        core.step(Input::Shutdown).expect("a legal step");
        core.legal(Input::Timeout(Timer::Shutdown));
    });
    let (_, terminal) = core.consume();
    assert_eq!(join(waiter), Some(terminal));
    for (stream, pump) in [STDOUT, STDERR].into_iter().zip(pumps) {
        let report = terminal.streams[stream].expect("a report");
        assert_eq!(report.delivered + report.dropped, join(pump));
    }
    join(stopper);
    core.assert_over();
}
