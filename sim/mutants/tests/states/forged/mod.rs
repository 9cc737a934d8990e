//! What the monitor says of steps that no machine made: each thing that it can find wrong, and beside
//! it the step that is nearly the same, and right.
//!
//! The machine makes no such step, so no history of its own shows that the monitor would see one.

mod callers;
mod outcomes;
mod pumps;
mod streams;

use std::{collections::BTreeSet, fmt::Write};

use lastbyte::{
    Policy, Streams,
    machine::{
        Action, Cause, DrainPolicy, End, Event, Input, Killed, PerStream, Reply, Resolved, Signal,
        Status, Step, StreamReport, Terminal, Timer, TimerAction, Until,
    },
    monitor::{Broken, Monitor, Rule},
};

use crate::watched::{STATUS, STDOUT, Text, bytes, chunk, drains, end};

/// An input, and what is said to have followed from it.
type Seen = (Input<Text>, Step<Text>);

/// A history and what breaks it.
struct Forged {
    rule: Rule,
    why: &'static str,
    policy: Policy,
    /// What both begin with.
    before: Vec<Seen>,
    /// Right to its end.
    right: Vec<Seen>,
    /// Wrong in its last step.
    wrong: Vec<Seen>,
}

/// One that waits for every stream's end, so that no clock has to run.
fn patient() -> Policy {
    drains(DrainPolicy::UntilEof)
}

/// Something wrong with an execution whose policy is [`patient`].
fn forged(
    (rule, why): (Rule, &'static str),
    before: &[Seen],
    right: &[Seen],
    wrong: &[Seen],
) -> Forged {
    Forged {
        rule,
        why,
        policy: patient(),
        before: before.to_vec(),
        right: right.to_vec(),
        wrong: wrong.to_vec(),
    }
}

impl Forged {
    fn under(self, policy: Policy) -> Self {
        Forged { policy, ..self }
    }
}

/// Nothing follows from it.
fn when(input: Input<Text>) -> Seen {
    (input, Step::default())
}

/// These actions follow from it.
fn acts<const N: usize>(input: Input<Text>, actions: [Action; N]) -> Seen {
    (input, Step { actions: actions.into_iter().collect(), ..Step::default() })
}

/// It is answered so, and a signal is sent or not.
fn replies(input: Input<Text>, reply: Reply, signal: Option<Signal>) -> Seen {
    let actions = signal.into_iter().map(Action::Signal).collect();
    (input, Step { reply, actions, ..Step::default() })
}

/// So many who wait are told.
fn tells((input, step): Seen, exited: u32, terminal: u32) -> Seen {
    (input, Step { resolved: Resolved { exited, terminal }, ..step })
}

/// The consumer asks, and gets it.
fn gets(event: Event<Text>) -> Seen {
    (Input::Drain, Step { event: Some(event), ..Step::default() })
}

/// The consumer asks, and gets nothing.
fn gets_nothing() -> Seen {
    when(Input::Drain)
}

fn start() -> Seen {
    when(Input::Started)
}

fn reaped() -> Seen {
    when(Input::Reap { status: STATUS, standing: PerStream::default() })
}

fn eof() -> Seen {
    when(Input::Eof(STDOUT))
}

fn read(text: &str) -> Seen {
    when(chunk(STDOUT, text))
}

fn gets_bytes(text: &str) -> Seen {
    gets(bytes(text))
}

fn gets_end(how: End) -> Seen {
    gets(end(how))
}

const KILL: Action = Action::Signal(Signal::KILL);
const TERM: Action = Action::Signal(Signal::TERM);

/// A timer that is told something.
fn timer(timer: Timer, action: TimerAction) -> Action {
    Action::Timer(timer, action)
}

/// The report of stdout that was read to its end.
fn whole(delivered: u64) -> StreamReport {
    StreamReport { stream: STDOUT, end: End::Eof, delivered, dropped: 0, held: false }
}

fn terminal(status: Status, cause: Cause, report: StreamReport) -> Terminal {
    let mut streams = PerStream::default();
    streams[STDOUT] = Some(report);
    Terminal { status, cause, streams }
}

fn gets_exit(status: Status, cause: Cause, report: StreamReport) -> Seen {
    gets(Event::Exit(terminal(status, cause, report)))
}

/// Of an execution without output, and without anything special.
fn gets_clean_exit() -> Seen {
    gets_exit(STATUS, Cause::default(), whole(0))
}

/// The stream ends, the root is reaped, and the consumer has the stream's end.
fn up_to_the_exit() -> [Seen; 3] {
    [eof(), reaped(), gets_end(End::Eof)]
}

fn killed(signal: Signal, escalated: bool) -> Option<Killed> {
    Some(Killed { signal, escalated })
}

/// What the monitor says of a history, and of which step.
fn judge(policy: Policy, history: &[Seen]) -> Result<Monitor<Text>, (usize, Broken)> {
    let mut monitor = Monitor::new(Streams::Stdout, policy);
    for (place, (input, step)) in history.iter().enumerate() {
        if let Err(violation) = monitor.observe(input, step) {
            assert_eq!(violation.step, place as u64 + 1, "the step that broke it");
            return Err((place, Broken { rule: violation.rule, why: violation.why }));
        }
    }
    Ok(monitor)
}

fn all() -> Vec<Forged> {
    [callers::all(), pumps::all(), streams::all(), outcomes::all()].into_iter().flatten().collect()
}

/// If this were red, the oracle that everything is held to would see no mistake where one is, or one
/// where there is none.
#[test]
fn c08_each_mistake_is_seen_in_its_step_and_its_neighbour_is_none() {
    let mut mistaken = String::new();
    for Forged { rule, why, policy, before, right, wrong } in all() {
        let right = [&before[..], &right[..]].concat();
        if let Err((place, broken)) = judge(policy, &right) {
            let step = &right[place];
            writeln!(mistaken, "beside {why:?}, step {place} is right: {broken}: {step:?}")
                .expect("a string takes it");
        }
        let wrong = [before, wrong].concat();
        let found = judge(policy, &wrong).err();
        if found != Some((wrong.len() - 1, Broken { rule, why })) {
            let inputs: Vec<_> = wrong.iter().map(|(input, _)| input).collect();
            writeln!(mistaken, "{rule}: {why:?}: found {found:?} in {inputs:?}")
                .expect("a string takes it");
        }
    }
    assert!(mistaken.is_empty(), "{mistaken}");
}

/// If this were red, what is wrong in the end would be seen by nobody: there is no step to show it.
#[test]
fn c06_what_is_missing_at_the_end_is_seen() {
    let over = [&[start()][..], &up_to_the_exit(), &[gets_clean_exit()]].concat();
    let idle = Policy::default();
    let clocks = [Timer::Idle(STDOUT), Timer::Deadline(STDOUT)];
    let armed = acts(reaped().0, clocks.map(|clock| timer(clock, TimerAction::Arm)));
    let none = (Rule::C6, "nothing more can happen, and there is no terminal");
    let [none, ok] = [Err(Broken { rule: none.0, why: none.1 }), Ok(())];
    for (policy, history, expected) in [
        (patient(), &[][..], ok),
        (patient(), &[start()], none),
        (patient(), &[when(Input::Refused)], ok),
        // Somebody holds the stream: who waits for its end may wait for ever.
        (patient(), &[start(), reaped()], ok),
        (patient(), &[start(), when(Input::Wait(Until::Terminal)), reaped()], ok),
        (patient(), &[start(), eof()], none),
        (idle, &[start(), armed], none),
        (patient(), &over[..over.len() - 1], none),
        (patient(), &over, ok),
    ] {
        let monitor = judge(policy, history).expect("each step is right");
        let said = monitor.finish().map_err(|it| Broken { rule: it.rule, why: it.why });
        assert_eq!(said, expected, "{history:#?}");
    }
}

/// What stands in these sources as a reason: sentences in quotes, outside of comments.
fn reasons(source: &str) -> impl Iterator<Item = &str> {
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| line.split('"').skip(1).step_by(2))
}

/// If this were red, the monitor would have a reason that nobody has seen it give.
#[test]
fn c08_every_reason_of_the_monitor_is_met() {
    let met: BTreeSet<_> = all().iter().map(|forged| forged.why).collect();
    let sources = [
        include_str!("../../../../../src/monitor/mod.rs"),
        include_str!("../../../../../src/monitor/watch.rs"),
    ];
    let known: BTreeSet<_> = sources.into_iter().flat_map(reasons).collect();
    let unmet: Vec<_> = known.difference(&met).copied().collect();
    // At the end, above; and whoever waits when it is over has been told in the step that ended it,
    // or that step was wrong, so nothing is left to be found.
    let at_the_end =
        ["nothing more can happen, and there is no terminal", "somebody waits for ever"];
    assert_eq!(unmet, at_the_end);
    let rules: BTreeSet<_> = all().iter().map(|forged| forged.rule).collect();
    let monitored: BTreeSet<_> = Rule::ALL.into_iter().filter(|rule| rule.is_monitored()).collect();
    assert_eq!(rules, monitored);
}
