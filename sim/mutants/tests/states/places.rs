//! Histories that end in states of which no two are alike, with something in every field.

use std::time::Duration;

use lastbyte::machine::{
    BufferPolicy, Errno, Full, Input, Machine, OutputLimit, Over, PerStream, Policy, Signal,
    Status, Streams, Timer, Until,
};

use crate::watched::{STDERR, STDOUT, Text, Watched, chunk, reap, standing};

/// One policy for all, so that it tells no two of them apart: small bounds, each timer, a tail.
pub(crate) fn policy() -> Policy {
    let full = Full::KillAfter(Duration::from_secs(1));
    Policy {
        buffer: BufferPolicy { bytes_max: 4, chunks_max: 3, full },
        limit: Some(OutputLimit { bytes_max: 6, over: Over::KeepTail { bytes_max: 2 } }),
        timeout: Some(Duration::from_secs(9)),
        ..Policy::default()
    }
}

/// A machine and its monitor after a history.
pub(crate) fn after(history: &[Input<Text>]) -> Watched {
    let mut at = Watched::new(Streams::Separate, policy());
    for input in history {
        let _step = at.step(input.clone());
    }
    at
}

/// A machine that has ended, nobody there to see it.
pub(crate) fn machine(history: &[Input<Text>]) -> Machine<Text> {
    after(history).machine
}

fn reaped(status: Status) -> Input<Text> {
    Input::Reap { status, standing: PerStream::default() }
}

/// What may come after the start, in small pieces: each is a state of its own.
fn pieces() -> Vec<Vec<Input<Text>>> {
    let [a, b] = [chunk(STDOUT, "a"), chunk(STDERR, "b")];
    let [eof, err_eof] = [STDOUT, STDERR].map(Input::Eof);
    let time = |timer| Input::Timeout(timer);
    let signal = |signal| Input::Signal(signal);
    let [drain, kill, close, shutdown] = [Input::Drain, Input::Kill, Input::Close, Input::Shutdown];
    let over = || [chunk(STDOUT, "abcd"), drain.clone(), chunk(STDOUT, "efgh")];
    vec![
        vec![],
        // What is buffered, and in which order it came.
        vec![a.clone()],
        vec![chunk(STDOUT, "c")],
        vec![b.clone()],
        vec![a.clone(), b.clone()],
        vec![b.clone(), a.clone()],
        vec![a.clone(), a.clone()],
        vec![chunk(STDOUT, "aa")],
        vec![chunk(STDOUT, "aaaa")],
        vec![a.clone(), drain.clone()],
        vec![b.clone(), drain.clone()],
        // A limit, what is kept behind it, and what is dropped between.
        over().to_vec(),
        [&over()[..], &[chunk(STDOUT, "i")]].concat(),
        [&over()[..], &[chunk(STDOUT, "i"), eof.clone()]].concat(),
        // How a stream ended.
        vec![eof.clone()],
        vec![err_eof.clone()],
        vec![eof.clone(), drain.clone()],
        vec![Input::ReadError(STDOUT, Errno(5))],
        vec![Input::ReadError(STDOUT, Errno(7))],
        vec![Input::Discard(STDOUT)],
        vec![a.clone(), Input::Discard(STDOUT)],
        vec![Input::Detach],
        // Who waits.
        vec![Input::Wait(Until::Exited)],
        vec![Input::Wait(Until::Terminal)],
        vec![Input::Wait(Until::Terminal), Input::Wait(Until::Terminal)],
        // Why it is killed, and how far that is.
        vec![kill.clone()],
        vec![kill.clone(), time(Timer::Grace)],
        vec![time(Timer::Timeout)],
        vec![a.clone(), time(Timer::Stall)],
        vec![close.clone()],
        vec![close.clone(), time(Timer::Close)],
        vec![shutdown.clone()],
        vec![shutdown.clone(), time(Timer::Shutdown)],
        // The root's end, what stands then, and the clocks on what is open.
        vec![reap()],
        vec![standing(3)],
        vec![standing(3), a.clone()],
        vec![reaped(Status::Exited { code: 1 })],
        vec![reaped(Status::Signaled { signal: Signal::KILL, core: false })],
        vec![reaped(Status::Signaled { signal: Signal::KILL, core: true })],
        vec![reaped(Status::Unknown(Errno(10)))],
        vec![reaped(Status::Lost)],
        vec![reap(), chunk(STDOUT, "aaaa")],
        vec![reap(), time(Timer::Idle(STDOUT))],
        vec![reap(), time(Timer::Idle(STDERR))],
        vec![reap(), time(Timer::Deadline(STDOUT))],
        vec![reap(), time(Timer::Deadline(STDERR))],
        vec![reap(), shutdown.clone()],
        vec![reap(), time(Timer::Idle(STDOUT)), Input::Empty(STDOUT)],
        vec![reap(), eof.clone()],
        vec![reap(), eof.clone(), err_eof.clone()],
        vec![reap(), eof.clone(), err_eof.clone(), shutdown],
        vec![reap(), eof, err_eof, drain.clone(), drain.clone(), drain],
        vec![signal(Signal::INT), close, reap()],
    ]
}

/// Every history.
pub(crate) fn all() -> Vec<Vec<Input<Text>>> {
    let asked = [
        Input::Signal(Signal::INT),
        Input::Signal(Signal::TERM),
        Input::Kill,
        Input::Shutdown,
        Input::Close,
        Input::Refused,
        Input::Wait(Until::Exited),
    ];
    let started = pieces().into_iter().map(|piece| [&[Input::Started][..], &piece].concat());
    [vec![]].into_iter().chain(asked.map(|input| vec![input])).chain(started).collect()
}
