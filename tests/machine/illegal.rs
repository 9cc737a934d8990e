//! What the machine refuses, by what it is in.

use std::collections::BTreeSet;

use lastbyte::machine::{
    BufferPolicy, Errno, Full, Input, Policy, Signal, Status, StreamId, Streams, Timer, Until, Why,
};

use crate::watched::{STDERR, STDOUT, Text, Watched, chunk, reap};

/// Where an input can find an execution with stdout and stderr, the columns of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum In {
    Starting,
    /// Stderr has ended, stdout is open and empty.
    Running,
    /// As running, and stdout is paused.
    Paused,
    /// As running, and the root has been reaped.
    Reaped,
    /// The terminal is there to be taken.
    Ended,
    /// Closed; the root has not been reaped yet.
    Closed,
    Done,
    Refused,
}

const ALL: [In; 8] = [
    In::Starting,
    In::Running,
    In::Paused,
    In::Reaped,
    In::Ended,
    In::Closed,
    In::Done,
    In::Refused,
];

fn reach(place: In) -> Watched {
    let buffer = BufferPolicy { bytes_max: 4, chunks_max: 2, full: Full::Pause };
    let mut at = Watched::new(Streams::Separate, Policy { buffer, ..Policy::default() });
    match place {
        In::Starting => return at,
        In::Refused => {
            at.steps([Input::Refused]);
            return at;
        }
        In::Running | In::Paused | In::Reaped | In::Ended | In::Closed | In::Done => {}
    }
    at.steps([Input::Started, Input::Eof(STDERR)]);
    match place {
        In::Starting | In::Refused | In::Running => {}
        In::Paused => at.steps([chunk(STDOUT, "abcd")]),
        In::Reaped => at.steps([reap()]),
        In::Ended => at.steps([Input::Eof(STDOUT), reap()]),
        In::Closed => at.steps([Input::Close]),
        In::Done => {
            at.steps([Input::Eof(STDOUT), reap()]);
            let _taken = at.rest();
        }
    }
    at
}

type Row = (Input<Text>, [Option<Why>; 8]);

/// Legal.
const OK: Option<Why> = None;

fn pump() -> Vec<Row> {
    let [not, such, ended, paused, room, empty, done, refused] = [
        Why::NotStarted,
        Why::NoSuchStream,
        Why::StreamEnded,
        Why::PumpPaused,
        Why::NoRoom,
        Why::EmptyChunk,
        Why::AlreadyDone,
        Why::Refused,
    ]
    .map(Some);
    // Starting, Running, Paused, Reaped, Ended, Closed, Done, Refused.
    let open = [not, OK, OK, OK, ended, ended, done, refused];
    let closed = [not, ended, ended, ended, ended, ended, done, refused];
    let none = [not, such, such, such, such, such, done, refused];
    vec![
        (chunk(STDOUT, "a"), [not, OK, paused, OK, ended, ended, done, refused]),
        (chunk(STDOUT, ""), [not, empty, empty, empty, ended, ended, done, refused]),
        (chunk(STDOUT, "abcde"), [not, room, paused, room, ended, ended, done, refused]),
        (chunk(STDERR, "a"), closed),
        (chunk(StreamId::Pty, "a"), none),
        (Input::Eof(STDOUT), open),
        (Input::Eof(STDERR), closed),
        (Input::Eof(StreamId::Combined), none),
        (Input::ReadError(STDOUT, Errno(5)), open),
        (Input::ReadError(STDERR, Errno(5)), closed),
        (Input::Empty(STDOUT), open),
        (Input::Empty(StreamId::Pty), none),
    ]
}

fn root() -> Vec<Row> {
    let [not, started, reaped, ours, done, refused] = [
        Why::NotStarted,
        Why::AlreadyStarted,
        Why::AlreadyReaped,
        Why::StatusIsOurs,
        Why::AlreadyDone,
        Why::Refused,
    ]
    .map(Some);
    let once = [OK, started, started, started, started, started, started, started];
    let Input::Reap { standing, .. } = reap() else { unreachable!("it is a reap") };
    let forced = Input::Reap { status: Status::Forced, standing };
    vec![
        (Input::Started, once),
        (Input::Refused, once),
        (reap(), [not, OK, OK, reaped, reaped, OK, done, refused]),
        (forced, [not, ours, ours, reaped, reaped, ours, done, refused]),
    ]
}

fn callers() -> Vec<Row> {
    let [such, nobody, consumer, done, refused] =
        [Why::NoSuchStream, Why::NobodyWaits, Why::NoConsumer, Why::AlreadyDone, Why::Refused]
            .map(Some);
    let unless_refused = [OK, OK, OK, OK, OK, OK, OK, refused];
    vec![
        (Input::Drain, [OK, OK, OK, OK, OK, consumer, done, refused]),
        (Input::Wait(Until::Exited), [OK; 8]),
        (Input::Wait(Until::Terminal), [OK; 8]),
        (Input::CancelWait(Until::Exited), [nobody; 8]),
        (Input::CancelWait(Until::Terminal), [nobody; 8]),
        (Input::Signal(Signal::INT), unless_refused),
        (Input::Kill, unless_refused),
        (Input::Discard(STDOUT), [OK, OK, OK, OK, OK, OK, done, refused]),
        (Input::Discard(StreamId::Pty), [such; 8]),
        (Input::Detach, [OK; 8]),
        (Input::Close, [OK; 8]),
        (Input::Shutdown, [OK; 8]),
    ]
}

fn time() -> Vec<Row> {
    let [such, off] = [Why::NoSuchStream, Why::TimerNotRunning].map(Some);
    let reaped = [off, off, off, OK, off, off, off, off];
    vec![
        (Input::Timeout(Timer::Timeout), [off; 8]),
        (Input::Timeout(Timer::Grace), [off; 8]),
        (Input::Timeout(Timer::Stall), [off; 8]),
        (Input::Timeout(Timer::Shutdown), [off; 8]),
        (Input::Timeout(Timer::Close), [off, off, off, off, off, OK, off, off]),
        (Input::Timeout(Timer::Idle(STDOUT)), reaped),
        (Input::Timeout(Timer::Deadline(STDOUT)), reaped),
        (Input::Timeout(Timer::Idle(STDERR)), [off; 8]),
        (Input::Timeout(Timer::Deadline(StreamId::Pty)), [such; 8]),
    ]
}

/// If this were red, a driver's mistake would corrupt an execution, or pass unnoticed: each input
/// has one answer in each place, and a refusal changes nothing.
#[test]
fn c09_every_illegal_input_is_a_typed_error_that_changes_nothing() {
    let mut met = BTreeSet::new();
    for (input, row) in [pump(), root(), callers(), time()].concat() {
        for (place, why) in ALL.into_iter().zip(row) {
            // That nothing has changed is asserted by the step itself.
            let answer = reach(place).try_step(input.clone());
            let refused = answer.as_ref().err().map(|illegal| illegal.why);
            assert_eq!(refused, why, "{input:?} in {place:?}");
            if let Err(illegal) = answer {
                assert_eq!(illegal.input, input.kind());
                let said = illegal.to_string();
                assert!(said.ends_with(&format!("({})", illegal.why.rule())), "{said}");
                met.insert(illegal.why);
            }
        }
    }
    assert_eq!(met.len(), 14, "every reason to refuse is met: {met:?}");
}
