//! The vectors with one thing changed in one step: what the monitor says of each change, in all,
//! as a table. A cell is how many histories break that rule first.
//!
//! A change may leave a history that is right, or be seen only later; what must not happen is that
//! the table changes and nobody looks why.

use std::{collections::BTreeMap, fmt::Write};

use lastbyte::{
    machine::{
        Action, Chunk, Cut, End, Errno, Event, Input, Killed, Machine, PumpAction, Reply, Signal,
        Status, Step, StreamId, StreamReport, Streams, Terminal, Timer, TimerAction,
    },
    monitor::{Monitor, Rule},
};

use crate::{
    vector::{Vector, all},
    words::Text,
};

/// One history of so many is changed.
const ONE_OF: u64 = 5;

/// What is changed in a step. `false`: there is nothing to change.
type Change = fn(&mut Input<Text>, &mut Step<Text>, &Before) -> bool;

/// What came before a step.
struct Before {
    /// The last event that was delivered.
    event: Option<Event<Text>>,
    /// An exit, as it would be now.
    terminal: Terminal,
}

/// The history is over behind the step.
const ENDS: &str = "nothing more happens";

const CHANGES: &[(&str, Change)] = &[
    ("the event is lost", |_, step, _| step.event.take().is_some()),
    ("the event is the one before", |_, step, before| {
        step.event.is_some() && set(&mut step.event, before.event.clone())
    }),
    ("an event nobody took", |input, step, before| {
        !matches!(input, Input::Drain) && set(&mut step.event, before.event.clone())
    }),
    ("an exit", |input, step, before| {
        matches!(input, Input::Drain) && set(&mut step.event, Some(Event::Exit(before.terminal)))
    }),
    ("a byte is another", |_, step, _| match &mut step.event {
        Some(Event::Chunk { chunk, .. }) => {
            chunk.0[0] ^= 1;
            true
        }
        _ => false,
    }),
    ("a byte is missing", |_, step, _| match &mut step.event {
        Some(Event::Chunk { chunk, .. }) => chunk.0.pop().is_some(),
        _ => false,
    }),
    ("a byte is added", |_, step, _| match &mut step.event {
        Some(Event::Chunk { chunk, .. }) => {
            chunk.0.push(b'!');
            true
        }
        _ => false,
    }),
    ("a chunk is a gap", |_, step, _| match &step.event {
        Some(Event::Chunk { stream, chunk }) => {
            let gap = Event::Gap { stream: *stream, bytes: chunk.len() };
            set(&mut step.event, Some(gap))
        }
        _ => false,
    }),
    ("the event is of the other stream", |_, step, _| match &mut step.event {
        Some(
            Event::Chunk { stream, .. } | Event::Gap { stream, .. } | Event::End { stream, .. },
        ) => {
            *stream = match stream {
                StreamId::Stdout => StreamId::Stderr,
                StreamId::Stderr | StreamId::Combined | StreamId::Pty => StreamId::Stdout,
            };
            true
        }
        _ => false,
    }),
    ("a gap is longer", |_, step, _| gap(step, |bytes| bytes + 1)),
    ("a gap is shorter", |_, step, _| gap(step, |bytes| bytes - 1)),
    ("an end is EOF", |_, step, _| end(step, End::Eof)),
    ("an end is a read error", |_, step, _| end(step, End::ReadError(Errno(7)))),
    ("an end is a cut by silence", |_, step, _| end(step, End::Cut(Cut::Idle))),
    ("an end is a cut by a shutdown", |_, step, _| end(step, End::Cut(Cut::Shutdown))),
    ("an end is a limit", |_, step, _| end(step, End::Limit)),
    ("an end is discarded", |_, step, _| end(step, End::Discarded)),
    ("the exit has another status", |_, step, _| {
        exit(step, |exit| exit.status = Status::Exited { code: 77 })
    }),
    ("the exit is forced", |_, step, _| exit(step, |exit| exit.status = Status::Forced)),
    ("the exit lacks a report", |_, step, _| {
        exit(step, |exit| exit.streams.iter_mut().for_each(|report| *report = None))
    }),
    ("more was delivered", |_, step, _| report(step, |report| report.delivered += 1)),
    ("more was dropped", |_, step, _| report(step, |report| report.dropped += 1)),
    ("it was held, or not", |_, step, _| report(step, |report| report.held ^= true)),
    ("it ended in another way", |_, step, _| report(step, |report| report.end = End::Limit)),
    ("we timed it out", |_, step, _| exit(step, |exit| exit.cause.timed_out ^= true)),
    ("we cancelled it", |_, step, _| exit(step, |exit| exit.cause.cancelled ^= true)),
    ("its output was too long", |_, step, _| exit(step, |exit| exit.cause.output_limit ^= true)),
    ("it stalled", |_, step, _| exit(step, |exit| exit.cause.stalled ^= true)),
    ("we killed it", |_, step, _| {
        let killed = Killed { signal: Signal::HUP, escalated: false };
        exit(step, |exit| exit.cause.killed_by_us = Some(killed))
    }),
    ("we did not kill it", |_, step, _| exit(step, |exit| exit.cause.killed_by_us = None)),
    ("SIGKILL is sent", |_, step, _| adds(step, Action::Signal(Signal::KILL))),
    ("no signal is sent", |_, step, _| without(step, |it| matches!(it, Action::Signal(_)))),
    ("no pump is told", |_, step, _| without(step, |it| matches!(it, Action::Pump(..)))),
    ("no timer is told", |_, step, _| without(step, |it| matches!(it, Action::Timer(..)))),
    ("a pump is paused", |_, step, _| {
        adds(step, Action::Pump(StreamId::Stdout, PumpAction::Pause))
    }),
    ("a pump goes on", |_, step, _| adds(step, Action::Pump(StreamId::Stdout, PumpAction::Resume))),
    ("a pump is abandoned", |_, step, _| {
        adds(step, Action::Pump(StreamId::Stdout, PumpAction::Abandon))
    }),
    ("the bound of a close is armed", |_, step, _| {
        adds(step, Action::Timer(Timer::Close, TimerAction::Arm))
    }),
    ("the bound of a shutdown is armed", |_, step, _| {
        adds(step, Action::Timer(Timer::Shutdown, TimerAction::Arm))
    }),
    ("silence is timed", |_, step, _| {
        adds(step, Action::Timer(Timer::Idle(StreamId::Stdout), TimerAction::Arm))
    }),
    ("a waiter for the exit is told", |_, step, _| {
        step.resolved.exited += 1;
        true
    }),
    ("a waiter for the terminal is told", |_, step, _| {
        step.resolved.terminal += 1;
        true
    }),
    ("no waiter is told", |_, step, _| {
        let told = step.resolved;
        step.resolved = Default::default();
        told != step.resolved
    }),
    ("it is done", |_, step, _| reply(step, Reply::Done)),
    ("it is latched", |_, step, _| reply(step, Reply::Latched)),
    ("it has exited", |_, step, _| reply(step, Reply::AlreadyExited)),
    ("more stood at the reap", |input, _, _| match input {
        Input::Reap { standing, .. } => {
            standing.iter_mut().for_each(|bytes| *bytes += 1);
            true
        }
        _ => false,
    }),
    ("a start", |input, _, _| becomes(input, Input::Started)),
    ("a refusal", |input, _, _| becomes(input, Input::Refused)),
    ("an EOF", |input, _, _| becomes(input, Input::Eof(StreamId::Stdout))),
    ("a detach", |input, _, _| becomes(input, Input::Detach)),
    ("a close", |input, _, _| becomes(input, Input::Close)),
    ("a shutdown", |input, _, _| becomes(input, Input::Shutdown)),
    ("a discard", |input, _, _| becomes(input, Input::Discard(StreamId::Stdout))),
    ("a read that found nothing", |input, _, _| becomes(input, Input::Empty(StreamId::Stdout))),
    ("the cap of the drain", |input, _, _| {
        becomes(input, Input::Timeout(Timer::Deadline(StreamId::Stdout)))
    }),
    ("the end of silence", |input, _, _| {
        becomes(input, Input::Timeout(Timer::Idle(StreamId::Stdout)))
    }),
    ("the bound of a close", |input, _, _| becomes(input, Input::Timeout(Timer::Close))),
    ("the timeout", |input, _, _| becomes(input, Input::Timeout(Timer::Timeout))),
    ("another reap", |input, _, _| {
        let status = Status::Exited { code: 0 };
        becomes(input, Input::Reap { status, standing: Default::default() })
    }),
    ("a chunk", |input, _, _| becomes(input, Input::Chunk(StreamId::Stdout, Text(b"!".into())))),
    (ENDS, |_, _, _| true),
];

fn set<T: PartialEq>(place: &mut T, value: T) -> bool {
    let changes = *place != value;
    *place = value;
    changes
}

fn becomes(input: &mut Input<Text>, other: Input<Text>) -> bool {
    // What is put down of a drain is its event.
    !matches!(input, Input::Drain) && set(input, other)
}

fn gap(step: &mut Step<Text>, change: fn(u64) -> u64) -> bool {
    match &mut step.event {
        Some(Event::Gap { bytes, .. }) => {
            *bytes = change(*bytes);
            true
        }
        _ => false,
    }
}

fn end(step: &mut Step<Text>, other: End) -> bool {
    match &mut step.event {
        Some(Event::End { end, .. }) => set(end, other),
        _ => false,
    }
}

fn exit(step: &mut Step<Text>, change: impl FnOnce(&mut Terminal)) -> bool {
    match &mut step.event {
        Some(Event::Exit(exit)) => {
            let before = *exit;
            change(exit);
            *exit != before
        }
        _ => false,
    }
}

fn report(step: &mut Step<Text>, change: fn(&mut StreamReport)) -> bool {
    exit(step, |exit| {
        if let Some(report) = exit.streams.iter_mut().flatten().next() {
            change(report);
        }
    })
}

fn reply(step: &mut Step<Text>, other: Reply) -> bool {
    set(&mut step.reply, other)
}

/// Has other actions in a step.
fn acts(step: &mut Step<Text>, change: impl FnOnce(&mut Vec<Action>)) -> bool {
    let mut list: Vec<Action> = step.actions.list(Streams::Separate).collect();
    change(&mut list);
    set(&mut step.actions, list.into_iter().collect())
}

fn adds(step: &mut Step<Text>, action: Action) -> bool {
    acts(step, |list| list.push(action))
}

fn without(step: &mut Step<Text>, what: fn(&Action) -> bool) -> bool {
    acts(step, |list| list.retain(|action| !what(action)))
}

/// The first rule that a history breaks with `change` made in its step `at`; and whether there was
/// anything to change.
fn judge(vector: &Vector, (name, change): (&str, Change), at: usize) -> Option<Option<Rule>> {
    let mut machine = Machine::new(vector.streams, vector.policy).ok()?;
    let mut monitor = Monitor::new(vector.streams, vector.policy);
    let mut before = Before { event: None, terminal: terminal(Status::Exited { code: 0 }) };
    for (place, input) in vector.inputs.iter().enumerate() {
        let (mut input, stepped) = (input.clone(), machine.step(input.clone()));
        let Ok(mut step) = stepped else {
            // What was refused is not told.
            if place == at {
                return None;
            }
            continue;
        };
        if let Some(status) = machine.status() {
            before.terminal.status = status;
        }
        let event = step.event.clone();
        if place == at && !change(&mut input, &mut step, &before) {
            return None;
        }
        if let Err(violation) = monitor.observe(&input, &step) {
            return Some(Some(violation.rule));
        }
        if place == at && name == ENDS {
            break;
        }
        before.event = event.or(before.event);
    }
    Some(monitor.finish().err().map(|violation| violation.rule))
}

/// A number of a vector's own, whatever vectors are added: FNV-1a of its name.
fn number_of(vector: &Vector) -> u64 {
    vector.id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn terminal(status: Status) -> Terminal {
    Terminal { status, cause: Default::default(), streams: Default::default() }
}

/// If this were red, the monitor would judge some history otherwise than it did: look which, and
/// whether it is right now.
#[test]
fn c08_what_the_monitor_says_of_each_change_is_what_it_said() {
    let vectors = all();
    let mut table = String::new();
    for (name, change) in CHANGES {
        let (mut changed, mut rules) = (0_u64, BTreeMap::<Rule, u64>::new());
        for vector in vectors.iter().filter(|vector| number_of(vector).is_multiple_of(ONE_OF)) {
            // Each history once for each change, at a step of its own.
            let places = vector.inputs.len().max(1) as u64;
            let at = usize::try_from(number_of(vector) / ONE_OF % places).expect("a place");
            let Some(found) = judge(vector, (name, *change), at) else { continue };
            changed += 1;
            found.into_iter().for_each(|rule| *rules.entry(rule).or_default() += 1);
        }
        let found: String = rules.iter().map(|(rule, count)| format!(" {rule}:{count}")).collect();
        writeln!(table, "{name}: {changed}{}{found}", if found.is_empty() { "" } else { ";" })
            .expect("a string takes it");
    }
    insta::assert_snapshot!("altered", table);
}
