//! Kill, close and shutdown against everything that may be under way.

use lastbyte_loom::machine::{Cut, End, Input, Policy, Reply, Signal, Status, Streams, Timer};

use crate::{
    harness::{
        Acts, STATUS, STDOUT, block_on, bytes, chunk, exhaust, join, reap, running, spawn,
        starting, steps,
    },
    subject::{Honest, Subject},
};

/// If this were red, a handle freed in the middle of a read would lose count of bytes, tell two
/// ends, or call back after it was gone.
#[test]
fn c11_a_close_against_a_pump_leaves_one_end_and_no_event() {
    exhaust(1597, close_against_pump::<Honest>);
}

pub(crate) fn close_against_pump<K: Subject>() {
    let core = running::<K>(Streams::Stdout, Policy::default());
    let pump = spawn(&core, |core| {
        let read = core.made(chunk(STDOUT, 1));
        let ended = core.made(Input::Eof(STDOUT));
        assert!(read || !ended, "a stream that was cut stays cut");
        (u64::from(read), ended)
    });
    let closer = spawn(&core, |core| {
        assert_eq!(core.step(Input::Close), Ok(Reply::Done));
        assert_eq!(core.try_event(), None);
        core.legal(reap());
    });
    let terminal = block_on(core.wait()).expect("it started");
    assert_eq!(terminal.status, STATUS);
    let (read, ended) = join(pump);
    let report = terminal.streams[STDOUT].expect("a report");
    assert_eq!((report.delivered, report.dropped), (0, read));
    assert!(ended || report.end == End::Cut(Cut::Close));
    join(closer);
    core.assert_over();
}

/// If this were red, closing a command that is just ending would hang, or end it twice.
#[test]
fn c02_a_close_against_the_reap_leaves_one_terminal() {
    exhaust(301, close_against_reap::<Honest>);
}

pub(crate) fn close_against_reap<K: Subject>() {
    let core = running::<K>(Streams::Stdout, Policy::default());
    let reaper = steps(&core, [reap()]);
    let closer = spawn(&core, |core| core.step(Input::Close).expect("a legal step"));
    assert_eq!(block_on(core.exited()), Some(STATUS));
    let terminal = block_on(core.wait()).expect("it started");
    // An exit that beats the close stays clean (C10).
    let beaten = join(closer) == Reply::AlreadyExited;
    assert_eq!(terminal.cause.cancelled, !beaten);
    assert_eq!(core.next(), None);
    join(reaper);
    core.assert_over();
}

/// If this were red, a consumer who sleeps while somebody else closes would never wake.
#[test]
fn c11_a_close_and_its_bound_wake_the_consumer_who_sleeps() {
    exhaust(594, close_at_its_bound::<Honest>);
}

pub(crate) fn close_at_its_bound<K: Subject>() {
    let core = running::<K>(Streams::Stdout, Policy::default());
    let closer = spawn(&core, |core| {
        core.step(Input::Close).expect("a legal step");
        core.legal(Input::Timeout(Timer::Close));
    });
    let waiter = spawn(&core, |core| block_on(core.exited()));
    assert_eq!(core.next(), None);
    assert_eq!(join(waiter), Some(Status::Forced));
    join(closer);
    core.assert_over();
}

/// If this were red, a service that stops would leave callers waiting for commands that hang.
#[test]
fn c13_a_shutdown_at_its_bound_resolves_every_wait() {
    exhaust(1737, shutdown_at_its_bound::<Honest>);
}

pub(crate) fn shutdown_at_its_bound<K: Subject>() {
    let core = running::<K>(Streams::Stdout, Policy::default());
    let exited = spawn(&core, |core| block_on(core.exited()));
    let waiter = spawn(&core, |core| block_on(core.wait()));
    assert_eq!(core.step(Input::Shutdown), Ok(Reply::Done));
    core.legal(Input::Timeout(Timer::Shutdown));
    assert_eq!(join(exited), Some(Status::Forced));
    let outcome = join(waiter);
    // The consumer comes late, and finds the end and the same terminal.
    let (events, terminal) = core.consume();
    assert_eq!(bytes(&events, STDOUT), []);
    assert_eq!(outcome, Some(terminal));
    core.assert_over();
}

/// If this were red, output that was taken in while a service stops would not be accounted for.
#[test]
fn c13_a_shutdown_against_a_pump_accounts_for_every_byte() {
    exhaust(854, shutdown_against_pump::<Honest>);
}

pub(crate) fn shutdown_against_pump<K: Subject>() {
    let core = running::<K>(Streams::Stdout, Policy::default());
    let pump = spawn(&core, |core| u64::from(core.made(chunk(STDOUT, 1))));
    let stopper = spawn(&core, |core| {
        core.step(Input::Shutdown).expect("a legal step");
        core.legal(Input::Timeout(Timer::Shutdown));
    });
    let (_, terminal) = core.consume();
    let report = terminal.streams[STDOUT].expect("a report");
    assert_eq!(report.delivered + report.dropped, join(pump));
    assert_eq!(report.end, End::Cut(Cut::Shutdown));
    join(stopper);
    core.assert_over();
}

/// If this were red, a kill that comes with the exit would be blamed for it, sent twice, or lost.
#[test]
fn c16_a_kill_against_the_reap_is_sent_or_answered() {
    exhaust(151, kill_against_reap::<Honest>);
}

pub(crate) fn kill_against_reap<K: Subject>() {
    let core = running::<K>(Streams::None, Policy::default());
    let killer = spawn(&core, |core| core.step(Input::Kill).expect("a legal step"));
    let reaper = spawn(&core, |core| {
        core.drive(reap()).expect("a legal step").actions.signals().contains(Signal::TERM)
    });
    let waiter_sees = block_on(core.exited());
    assert_eq!(waiter_sees, Some(STATUS));
    let killed = join(killer) == Reply::Done;
    let sent = join(reaper) | core.orders().actions.signals().contains(Signal::TERM);
    assert_eq!(sent, killed);
    let (_, terminal) = core.consume();
    assert_eq!(terminal.cause.cancelled, killed);
    core.assert_over();
}

/// If this were red, a kill that is asked for while the root starts would be forgotten.
#[test]
fn c16_a_kill_against_the_start_is_never_forgotten() {
    exhaust(94, kill_against_start::<Honest>);
}

pub(crate) fn kill_against_start<K: Subject>() {
    let core = starting::<K>(Streams::None, Policy::default());
    let killer = spawn(&core, |core| core.step(Input::Kill).expect("a legal step"));
    let closer = spawn(&core, |core| core.step(Input::Signal(Signal::INT)).expect("legal"));
    let at_start = core.drive(Input::Started).expect("a legal step").actions.signals();
    let replies = [join(killer), join(closer)];
    let later = core.orders().actions.signals();
    for (reply, signal) in replies.into_iter().zip([Signal::TERM, Signal::INT]) {
        assert_eq!(at_start.contains(signal), reply == Reply::Latched);
        assert_eq!(later.contains(signal), reply == Reply::Done);
    }
    core.legal(reap());
    let (_, terminal) = core.consume();
    assert!(terminal.cause.cancelled);
    core.assert_over();
}
