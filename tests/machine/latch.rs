//! What is asked for before the root has a pid.

use lastbyte::machine::{Cut, End, Event, Input, Killed, Policy, Reply, Signal, Streams, Timer};

use crate::watched::{STDOUT, Watched, reap};

fn latched(input: Input<crate::watched::Text>) -> (Watched, Vec<Signal>) {
    let mut at = Watched::new(Streams::Stdout, Policy::default());
    let asked = at.step(input);
    assert_eq!(asked.reply, Reply::Latched);
    assert!(asked.actions.is_empty(), "there is nobody to signal yet");
    let signals = at.step(Input::Started).actions.signals().iter().collect();
    (at, signals)
}

/// If this were red, a kill that comes during the start would leave the command running.
#[test]
fn c16_a_kill_before_the_start_is_done_at_the_start() {
    let (mut at, signals) = latched(Input::Kill);
    assert_eq!(signals, [Signal::TERM]);
    assert!(at.machine.is_running(Timer::Grace));
    at.steps([Input::Eof(STDOUT), reap()]);
    let (_, terminal) = at.rest();
    assert!(terminal.cause.cancelled);
    let term = Killed { signal: Signal::TERM, escalated: false };
    assert_eq!(terminal.cause.killed_by_us, Some(term));
}

/// If this were red, a signal that comes during the start would be lost, or taken for a kill.
#[test]
fn c16_a_signal_before_the_start_is_sent_at_the_start_and_is_no_kill() {
    let (mut at, signals) = latched(Input::Signal(Signal::HUP));
    assert_eq!(signals, [Signal::HUP]);
    at.steps([Input::Eof(STDOUT), reap()]);
    let (_, terminal) = at.rest();
    assert_eq!(terminal.cause, lastbyte::machine::Cause::default());
}

/// If this were red, a caller who sends the signal that a kill sends too would have the kill
/// reported as not done.
#[test]
fn c10_a_kill_and_its_own_signal_before_the_start_are_one_kill() {
    let mut at = Watched::new(Streams::Stdout, Policy::default());
    at.steps([Input::Signal(Signal::TERM), Input::Kill]);
    let signals: Vec<_> = at.step(Input::Started).actions.signals().iter().collect();
    assert_eq!(signals, [Signal::TERM]);
    at.steps([Input::Eof(STDOUT), reap()]);
    let (_, terminal) = at.rest();
    assert!(terminal.cause.cancelled);
}

/// If this were red, a handle dropped during the start would leave a child that nobody knows of.
#[test]
fn c11_a_close_before_the_start_kills_at_the_start() {
    let (mut at, signals) = latched(Input::Close);
    assert_eq!(signals, [Signal::KILL]);
    assert!(at.machine.is_running(Timer::Close));
    assert!(!at.machine.is_open(STDOUT));
    at.steps([reap()]);
    assert!(at.machine.is_done(), "nobody is there to take the terminal");
}

/// If this were red, a runtime that stops during a start would wait for that command for ever.
#[test]
fn c13_a_shutdown_before_the_start_kills_and_has_its_bound() {
    let (mut at, signals) = latched(Input::Shutdown);
    assert_eq!(signals, [Signal::TERM]);
    at.steps([Input::Timeout(Timer::Grace), Input::Timeout(Timer::Shutdown)]);
    let (events, terminal) = at.rest();
    assert_eq!(events, [Event::End { stream: STDOUT, end: End::Cut(Cut::Shutdown) }]);
    assert_eq!(terminal.status, lastbyte::machine::Status::Forced);
}

/// If this were red, a caller's hang-up and the kill that he asks for after it would reach the root
/// in the wrong order, or a SIGKILL would hide what should come before it.
#[test]
fn c16_signals_that_go_together_go_as_the_kernel_delivers_them() {
    let mut at = Watched::new(Streams::Stdout, Policy::default());
    let quit = Input::Signal(Signal::QUIT);
    at.steps([Input::Signal(Signal::KILL), Input::Kill, quit, Input::Signal(Signal::HUP)]);
    let signals: Vec<_> = at.step(Input::Started).actions.signals().iter().collect();
    assert_eq!(signals, [Signal::HUP, Signal::QUIT, Signal::TERM, Signal::KILL]);
}
