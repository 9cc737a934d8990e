//! What can be asked of a machine, a core and a monitor, in each place of an execution's way: by a
//! table written by hand.

use std::sync::{Arc, Mutex};

use lastbyte::{
    machine::{Cause, Input, Killed, Machine, Policy, Signal, Status, Step, Streams, Timer, Until},
    ordering::{Core, Observe},
};

use crate::{
    places::policy,
    watched::{STDERR, STDOUT, Text, Watched, chunk, reap},
};

/// All that a machine can be asked but its terminal.
#[derive(Debug, PartialEq, Eq)]
struct Answers {
    status: Option<Status>,
    cause: Cause,
    /// Nothing changes any more; it was refused; there is an event.
    is_done: bool,
    is_refused: bool,
    has_event: bool,
    /// A wait for the reap, and one for the terminal, resolve at once.
    is_reached: [bool; 2],
    is_open: [bool; 2],
    room: [u64; 2],
    buffered: [u64; 2],
    running: Vec<Timer>,
}

/// An execution that has not started.
fn new() -> Answers {
    Answers {
        status: None,
        cause: Cause::default(),
        is_done: false,
        is_refused: false,
        has_event: false,
        is_reached: [false; 2],
        is_open: [true; 2],
        room: [4; 2],
        buffered: [0; 2],
        running: vec![],
    }
}

fn running() -> Answers {
    Answers { running: vec![Timer::Timeout], ..new() }
}

const EXITED: Status = Status::Exited { code: 0 };

/// It has ended, and nobody knows yet.
fn ended() -> Answers {
    Answers {
        status: Some(EXITED),
        has_event: true,
        is_reached: [true, false],
        is_open: [false; 2],
        room: [0; 2],
        ..new()
    }
}

fn done() -> Answers {
    Answers { is_done: true, has_event: false, is_reached: [true; 2], ..ended() }
}

fn killed(cause: Cause, signal: Signal, escalated: bool) -> Cause {
    Cause { killed_by_us: Some(Killed { signal, escalated }), ..cause }
}

fn cancelled() -> Cause {
    Cause { cancelled: true, ..Cause::default() }
}

type Row = (&'static str, Vec<Input<Text>>, Answers);

/// Up to the root's end.
fn before_the_reap() -> Vec<Row> {
    let [a, b] = [chunk(STDOUT, "aaaa"), chunk(STDERR, "b")];
    let [start, eof] = [Input::Started, Input::Eof(STDOUT)];
    let stall = vec![Timer::Timeout, Timer::Stall];
    let by_close = Answers {
        cause: killed(cancelled(), Signal::KILL, false),
        is_open: [false; 2],
        room: [0; 2],
        running: vec![Timer::Close],
        ..new()
    };
    let by_kill = Answers {
        cause: killed(cancelled(), Signal::TERM, false),
        running: vec![Timer::Grace],
        ..new()
    };
    vec![
        ("it has not started", vec![], new()),
        (
            "it is refused",
            vec![Input::Refused],
            Answers { is_done: true, is_refused: true, is_reached: [true; 2], ..new() },
        ),
        ("it runs", vec![start.clone()], running()),
        (
            "a pump is paused",
            vec![start.clone(), a.clone(), b],
            Answers {
                has_event: true,
                room: [0, 3],
                buffered: [4, 1],
                running: stall.clone(),
                ..new()
            },
        ),
        (
            "all is taken",
            vec![start.clone(), a, Input::Drain],
            Answers { room: [4, 4], ..running() },
        ),
        (
            "a stream has ended",
            vec![start.clone(), eof.clone()],
            Answers { has_event: true, is_open: [false, true], room: [0, 4], ..running() },
        ),
        (
            "its end is taken",
            vec![start.clone(), eof, Input::Drain],
            Answers { is_open: [false, true], room: [0, 4], ..running() },
        ),
        (
            "a stream is discarded",
            vec![start.clone(), Input::Discard(STDERR)],
            Answers { room: [4, u64::MAX], ..running() },
        ),
        ("it is killed", vec![start.clone(), Input::Kill], by_kill),
        ("it is closed", vec![start.clone(), Input::Close], by_close),
        (
            "its timeout has come",
            vec![start, Input::Timeout(Timer::Timeout)],
            Answers {
                cause: killed(Cause { timed_out: true, ..Cause::default() }, Signal::TERM, false),
                running: vec![Timer::Grace],
                ..new()
            },
        ),
    ]
}

/// From the root's end on.
fn after_the_reap() -> Vec<Row> {
    let clocks = [STDOUT, STDERR].map(|id| [Timer::Idle(id), Timer::Deadline(id)]).concat();
    let start = Input::Started;
    let ends = vec![start.clone(), Input::Eof(STDOUT), Input::Eof(STDERR), reap()];
    let and = |more: &[Input<Text>]| [&ends[..], more].concat();
    let drains = [Input::Drain, Input::Drain];
    vec![
        (
            "the root is reaped",
            vec![start.clone(), reap()],
            Answers { status: Some(EXITED), is_reached: [true, false], running: clocks, ..new() },
        ),
        ("all has ended", ends.clone(), ended()),
        ("its ends are taken", and(&drains), ended()),
        ("its exit is taken", and(&[&drains[..], &[Input::Drain]].concat()), done()),
        ("it has ended, and is closed", and(&[Input::Close]), done()),
        ("nobody is there", and(&[Input::Detach]), done()),
        (
            "it is shut down, and does not end",
            vec![
                start.clone(),
                chunk(STDOUT, "aa"),
                Input::Shutdown,
                Input::Timeout(Timer::Grace),
                Input::Timeout(Timer::Shutdown),
            ],
            Answers {
                status: Some(Status::Forced),
                cause: killed(cancelled(), Signal::TERM, true),
                is_reached: [true; 2],
                ..ended()
            },
        ),
        (
            "it is closed, and does not end",
            vec![start, Input::Close, Input::Timeout(Timer::Close)],
            Answers {
                status: Some(Status::Forced),
                cause: killed(cancelled(), Signal::KILL, false),
                ..done()
            },
        ),
    ]
}

fn rows() -> impl Iterator<Item = Row> {
    before_the_reap().into_iter().chain(after_the_reap())
}

fn ask(machine: &Machine<Text>) -> Answers {
    let rooms = machine.rooms();
    let each = [STDOUT, STDERR];
    assert_eq!(each.map(|id| rooms[id]), each.map(|id| machine.room(id)));
    Answers {
        status: machine.status(),
        cause: machine.cause(),
        is_done: machine.is_done(),
        is_refused: machine.is_refused(),
        has_event: machine.has_event(),
        is_reached: [Until::Exited, Until::Terminal].map(|until| machine.is_reached(until)),
        is_open: each.map(|id| machine.is_open(id)),
        room: each.map(|id| machine.room(id)),
        buffered: each.map(|id| machine.buffered(id)),
        running: Timer::all(Streams::Separate).filter(|&timer| machine.is_running(timer)).collect(),
    }
}

/// If this were red, whoever asks would be told of another state than the one it is in.
#[test]
fn c04_each_question_has_its_answer_in_each_place() {
    for (place, history, expected) in rows() {
        let mut at = Watched::new(Streams::Separate, policy());
        for input in &history {
            let step = at.step(input.clone());
            assert_eq!(step.ready, at.machine.has_event(), "{place}: {input:?}");
        }
        assert_eq!(ask(&at.machine), expected, "{place}");
        assert_eq!(at.machine.policy(), &policy());
        assert_eq!(at.machine.streams(), Streams::Separate);
        let over = expected.is_reached[1];
        assert_eq!(at.machine.terminal().is_some(), over && !expected.is_refused, "{place}");
        assert_eq!(at.monitor.history().is_over(), over, "{place}");
        assert_eq!(at.monitor.steps(), history.len() as u64, "{place}");
        if at.machine.has_event() {
            assert!(at.next().is_some(), "{place}: there is an event");
        }
    }
}

/// If this were red, a stream that an execution does not have would be waited for or read.
#[test]
fn c15_a_stream_that_is_not_there_is_neither_open_nor_read() {
    let at = Watched::running(Policy::default());
    assert_eq!([STDOUT, STDERR].map(|id| at.machine.is_open(id)), [true, false]);
    let room = Policy::default().buffer.bytes_max;
    assert_eq!([STDOUT, STDERR].map(|id| at.machine.room(id)), [room, 0]);
}

/// Whoever is told each step, and writes down what came.
struct Scribe(Arc<Mutex<Vec<Input<Text>>>>);

impl Observe<Text> for Scribe {
    fn observe(&mut self, input: &Input<Text>, _: &Step<Text>) {
        self.0.lock().expect("nobody panics").push(input.clone());
    }
}

/// If this were red, callers would be told of another state than the machine is in, or whoever
/// records an execution of other steps than were made.
#[test]
fn c04_a_core_answers_as_its_machine_and_tells_each_step() {
    for (place, history, expected) in rows() {
        let core = Core::monitored(Streams::Separate, policy()).expect("the policy makes sense");
        let told = Arc::default();
        core.observe(Box::new(Scribe(Arc::clone(&told))));
        let mut at = Watched::new(Streams::Separate, policy());
        for input in &history {
            let step = at.step(input.clone());
            // An event is the consumer's to take, or that of whoever steps for him.
            if let Input::Drain = input {
                assert_eq!(core.try_event(), step.event, "{place}");
            } else {
                assert_eq!(core.step(input.clone()), Ok(step.reply), "{place}");
            }
        }
        assert_eq!(*told.lock().expect("nobody panics"), history, "{place}");
        let said = core.verdict().map(|verdict| (verdict.steps, verdict.violation));
        assert_eq!(said, Some((history.len() as u64, None)), "{place}");
        assert_eq!((core.status(), core.cause()), (expected.status, expected.cause), "{place}");
        assert_eq!(core.terminal(), at.machine.terminal(), "{place}");
        assert_eq!(core.is_done(), expected.is_done, "{place}");
        let open = [STDOUT, STDERR].map(|id| core.is_open(id));
        assert_eq!(open, expected.is_open, "{place}");
        let orders = core.orders();
        assert_eq!([STDOUT, STDERR].map(|id| orders.room[id]), expected.room, "{place}");
        assert_eq!(orders.done, expected.is_done, "{place}");
        assert_eq!(core.try_event().is_some(), expected.has_event, "{place}");
    }
}

/// If this were red, a monitor would miss steps where nobody records, or whoever records would where
/// there is no monitor.
#[test]
fn c04_who_watches_sees_each_step_whoever_else_does() {
    let history = [Input::Started, chunk(STDOUT, "a"), reap()];
    for [monitored, observed] in [[false, false], [false, true], [true, false], [true, true]] {
        let make = if monitored { Core::monitored } else { Core::new };
        let core = make(Streams::Separate, policy()).expect("the policy makes sense");
        let told: Arc<Mutex<Vec<_>>> = Arc::default();
        if observed {
            core.observe(Box::new(Scribe(Arc::clone(&told))));
        }
        for input in &history {
            let _orders = core.drive(input.clone()).expect("it is legal here");
        }
        let steps = core.verdict().map(|verdict| verdict.steps);
        assert_eq!(steps, monitored.then_some(3), "{monitored} {observed}");
        let expected = if observed { &history[..] } else { &[] };
        assert_eq!(*told.lock().expect("nobody panics"), expected, "{monitored} {observed}");
    }
}
