//! The harness is only as good as what it catches: the production machine with one fault each, at
//! least one for every rule that the monitor judges, caught at just that rule.
//!
//! A fault sits between the world and the machine: it changes an input, a step, or both. A set of
//! rules is asserted whole, so a fault that is caught less, more or elsewhere turns this red.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a fault changes some inputs and passes on all others, those to come among them"
)]
#![expect(clippy::expect_used, reason = "a mutant that cannot be built or explored is a failure")]

use std::{fmt::Debug, hash::Hash, time::Duration};

use lastbyte::{
    machine::{
        Actions, BufferPolicy, Cause, Cut, DrainPolicy, End, Event, Full, Illegal, Input, Killed,
        Machine, OutputLimit, Over, PerStream, Policy, Signal, Status, Step, StreamId, Streams,
        Terminal, Timer, Until,
    },
    monitor::{Monitor, Rule},
};
use lastbyte_sim::{
    bytes::Bytes,
    catalogue::base,
    design::Design,
    explorer::{Incomplete, Report, explore},
    world::{Bounds, Happening, Holder, Once},
};

const STATES_MAX: u64 = 1_000_000;
const BOUND: Duration = Duration::from_millis(200);

type Stepped = Result<Step<Bytes>, Illegal>;

/// What is wrong, with what it has to remember.
trait Fault: Clone + Debug + Default + Eq + Hash {
    fn step(&mut self, machine: &mut Machine<Bytes>, input: Input<Bytes>) -> Stepped;

    fn has_event(&self, machine: &Machine<Bytes>) -> bool {
        machine.has_event()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Mutant<F> {
    machine: Machine<Bytes>,
    fault: F,
}

impl<F: Fault> Design for Mutant<F> {
    fn start(streams: Streams, policy: Policy) -> Self {
        let machine = Machine::new(streams, policy).expect("a sound policy");
        Mutant { machine, fault: F::default() }
    }

    fn step(&mut self, input: Input<Bytes>) -> Stepped {
        self.fault.step(&mut self.machine, input)
    }

    fn room(&self, stream: StreamId) -> u64 {
        self.machine.room(stream)
    }

    fn has_event(&self) -> bool {
        self.fault.has_event(&self.machine)
    }
}

/// Declares a fault without memory: a name, and what it does instead of a step.
macro_rules! fault {
    ($name:ident, $step:expr) => {
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
        struct $name;

        impl Fault for $name {
            fn step(&mut self, machine: &mut Machine<Bytes>, input: Input<Bytes>) -> Stepped {
                let step: fn(&mut Machine<Bytes>, Input<Bytes>) -> Stepped = $step;
                step(machine, input)
            }
        }
    };
}

/// One stream, one chunk, one waiter, a bounded drain, and these happenings.
fn small(happenings: &[Happening]) -> Bounds {
    let mut bounds = base(1, 1);
    bounds.streams = Streams::Stdout;
    bounds.once = Once::of(happenings);
    bounds
}

/// The same, and a descendant holds the stream, with so many chunks of the root's.
fn held(chunks: u8, drain: DrainPolicy) -> Bounds {
    let mut bounds = small(&[]);
    bounds.chunks = PerStream::from_fn(|_| chunks);
    bounds.holder = Holder::Descendant(1);
    bounds.policy.drain = drain;
    bounds
}

fn explored<F: Fault>(bounds: &Bounds) -> Report {
    let sound = explore::<Machine<Bytes>>(bounds, STATES_MAX).expect("exhaustive");
    assert!(sound.broken.is_empty(), "without the fault: {:?}", sound.broken);
    explore::<Mutant<F>>(bounds, STATES_MAX).expect("exhaustive")
}

/// The fault breaks these rules, no other, and the first of them in so many steps.
#[track_caller]
fn caught<F: Fault>(bounds: &Bounds, rules: &[Rule], steps: usize) {
    let report = explored::<F>(bounds);
    let broken: Vec<Rule> = report.broken.keys().copied().collect();
    assert_eq!(broken, rules, "{:#?}", report.broken);
    assert_eq!(report.broken[&rules[0]].schedule.len(), steps, "{:#?}", report.broken);
}

/// The actions of a kill, to be misplaced.
fn kill_actions() -> Actions {
    let mut machine = Machine::<Bytes>::new(Streams::Stdout, Policy::default()).expect("sound");
    let _started = machine.step(Input::Started).expect("legal");
    machine.step(Input::Kill).expect("legal").actions
}

fn terminal(status: Status) -> Terminal {
    Terminal { status, cause: Cause::default(), streams: PerStream::default() }
}

fn exit_of(step: &mut Step<Bytes>) -> Option<&mut Terminal> {
    match &mut step.event {
        Some(Event::Exit(terminal)) => Some(terminal),
        Some(Event::Chunk { .. } | Event::Gap { .. } | Event::End { .. }) | None => None,
    }
}

// A timer starts itself anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Restless;

impl Fault for Restless {
    fn step(&mut self, machine: &mut Machine<Bytes>, input: Input<Bytes>) -> Stepped {
        if let Input::Timeout(Timer::Idle(id)) = input {
            // What a chunk in silence would order, without the chunk.
            let ordered = machine.clone().step(Input::Chunk(id, Bytes::nth(9)))?;
            let step = Step { actions: ordered.actions, ..Step::default() };
            return Ok(step);
        }
        machine.step(input)
    }
}

/// If this were red, an idle rule without a cap would be counted as if it ended.
#[test]
fn a_history_without_an_end_is_not_counted() {
    let bounds = held(1, DrainPolicy::Idle { gap: BOUND, max: BOUND });
    let found = explore::<Mutant<Restless>>(&bounds, STATES_MAX);
    assert_eq!(found.map(|report| report.states), Err(Incomplete::Cycle));
}

// The exit is handed over as soon as the root is reaped.
fault!(ExitsEarly, |machine, input| {
    let status = machine.status();
    let mut step = machine.step(input.clone())?;
    if let (Input::Drain, Some(status), None) = (&input, status, &step.event) {
        step.event = Some(Event::Exit(terminal(status)));
    }
    Ok(step)
});

/// If this were red, the race that this project exists to end would pass the harness.
#[test]
fn c01_an_exit_before_the_last_byte_is_caught() {
    caught::<ExitsEarly>(&small(&[]), &[Rule::C1], 2);
}

// A chunk is read and nobody keeps it.
fault!(LosesAChunk, |machine, input| match input {
    Input::Chunk(..) => Ok(Step::default()),
    other => machine.step(other),
});

/// If this were red, lost output would pass the harness.
#[test]
fn c01_a_lost_chunk_is_caught() {
    caught::<LosesAChunk>(&small(&[]), &[Rule::C1], 2);
}

// The end of a stream is told before its last chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct EndsEarly {
    withheld: Option<(StreamId, Bytes)>,
}

impl Fault for EndsEarly {
    fn step(&mut self, machine: &mut Machine<Bytes>, input: Input<Bytes>) -> Stepped {
        match input {
            Input::Chunk(id, chunk) if self.withheld.is_none() => {
                self.withheld = Some((id, chunk));
                Ok(Step::default())
            }
            Input::Drain if self.withheld.is_some() && !machine.has_event() => {
                let withheld = self.withheld.take();
                let event = withheld.map(|(stream, chunk)| Event::Chunk { stream, chunk });
                Ok(Step { event, ..Step::default() })
            }
            other => machine.step(other),
        }
    }

    fn has_event(&self, machine: &Machine<Bytes>) -> bool {
        machine.has_event() || self.withheld.is_some()
    }
}

/// If this were red, a consumer could close its file at the end of a stream and miss the rest.
#[test]
fn c01_an_end_before_the_last_chunk_is_caught() {
    caught::<EndsEarly>(&small(&[]), &[Rule::C1, Rule::C8], 4);
}

// What the limit dropped is not shown in its place.
fault!(HidesGaps, |machine, input| {
    let step = machine.step(input)?;
    match step.event {
        Some(Event::Gap { .. }) => machine.step(Input::Drain),
        Some(Event::Chunk { .. } | Event::End { .. } | Event::Exit(_)) | None => Ok(step),
    }
});

/// If this were red, a log with a hole in it could look whole.
#[test]
fn c01_and_c03_a_hidden_gap_is_caught() {
    let mut bounds = held(3, DrainPolicy::default());
    bounds.policy.buffer = BufferPolicy { bytes_max: 1, chunks_max: 1, full: Full::Gap };
    caught::<HidesGaps>(&bounds, &[Rule::C1, Rule::C3], 5);
}

// A chunk is dropped, and honestly counted, although nothing allows it.
fault!(DropsHonestly, |machine, input| {
    let mut step = machine.step(input)?;
    if let Some(Event::Chunk { stream, .. }) = step.event {
        step.event = Some(Event::Gap { stream, bytes: 1 });
    }
    if let Some(terminal) = exit_of(&mut step) {
        for report in terminal.streams.iter_mut().flatten() {
            (report.dropped, report.delivered) = (report.delivered, 0);
        }
    }
    Ok(step)
});

/// If this were red, dropping all output would be fine as long as it is counted.
#[test]
fn c01_a_gap_that_no_policy_allows_is_caught() {
    caught::<DropsHonestly>(&small(&[]), &[Rule::C1], 3);
}

// The limit drops what is below it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Stingy(Machine<Bytes>);

impl Design for Stingy {
    fn start(streams: Streams, mut policy: Policy) -> Self {
        policy.limit = policy.limit.map(|limit| OutputLimit { bytes_max: 1, ..limit });
        Stingy(Machine::new(streams, policy).expect("a sound policy"))
    }

    fn step(&mut self, input: Input<Bytes>) -> Stepped {
        self.0.step(input)
    }

    fn room(&self, stream: StreamId) -> u64 {
        self.0.room(stream)
    }

    fn has_event(&self) -> bool {
        self.0.has_event()
    }
}

/// If this were red, a limit could take more than it was given.
#[test]
fn c01_a_limit_that_drops_too_early_is_caught() {
    let mut bounds = small(&[]);
    bounds.chunks = PerStream::from_fn(|_| 3);
    bounds.policy.limit = Some(OutputLimit { bytes_max: 2, over: Over::Truncate });
    let report = explore::<Stingy>(&bounds, STATES_MAX).expect("exhaustive");
    let broken: Vec<Rule> = report.broken.keys().copied().collect();
    assert_eq!(broken, [Rule::C1], "{:#?}", report.broken);
}

// The exit is handed over twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct ExitsTwice {
    again: Option<Terminal>,
}

impl Fault for ExitsTwice {
    fn step(&mut self, machine: &mut Machine<Bytes>, input: Input<Bytes>) -> Stepped {
        if let (Input::Drain, Some(terminal)) = (&input, self.again) {
            return Ok(Step { event: Some(Event::Exit(terminal)), ..Step::default() });
        }
        let mut step = machine.step(input)?;
        self.again = exit_of(&mut step).copied().or(self.again);
        Ok(step)
    }

    fn has_event(&self, machine: &Machine<Bytes>) -> bool {
        machine.has_event() || self.again.is_some()
    }
}

/// If this were red, a callback could run on a handle that its first exit had freed.
#[test]
fn c02_a_second_exit_is_caught() {
    caught::<ExitsTwice>(&small(&[]), &[Rule::C2], 8);
}

// The first chunk is delivered in the second's place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Swaps {
    first: Option<Bytes>,
}

impl Fault for Swaps {
    fn step(&mut self, machine: &mut Machine<Bytes>, input: Input<Bytes>) -> Stepped {
        let Input::Chunk(id, chunk) = input else { return machine.step(input) };
        match self.first.take() {
            None if chunk == Bytes::nth(1) => {
                self.first = Some(chunk);
                machine.step(Input::Chunk(id, Bytes::nth(2)))
            }
            first => machine.step(Input::Chunk(id, first.unwrap_or(chunk))),
        }
    }
}

/// If this were red, output in the wrong order would pass the harness.
#[test]
fn c03_swapped_chunks_are_caught() {
    caught::<Swaps>(&held(2, DrainPolicy::default()), &[Rule::C3], 3);
}

// A chunk is delivered twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Repeats {
    last: Option<Event<Bytes>>,
}

impl Fault for Repeats {
    fn step(&mut self, machine: &mut Machine<Bytes>, input: Input<Bytes>) -> Stepped {
        if let (Input::Drain, Some(event)) = (&input, self.last.take()) {
            return Ok(Step { event: Some(event), ..Step::default() });
        }
        let step = machine.step(input)?;
        if let Some(event @ Event::Chunk { .. }) = &step.event {
            self.last = Some(event.clone());
        }
        Ok(step)
    }

    fn has_event(&self, machine: &Machine<Bytes>) -> bool {
        machine.has_event() || self.last.is_some()
    }
}

/// If this were red, output that a program never wrote would pass the harness.
#[test]
fn c03_a_repeated_chunk_is_caught() {
    caught::<Repeats>(&small(&[]), &[Rule::C3], 4);
}

// Waits for the terminal resolve at the reap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct ResolvesEarly {
    waiting: u32,
}

impl Fault for ResolvesEarly {
    fn step(&mut self, machine: &mut Machine<Bytes>, input: Input<Bytes>) -> Stepped {
        self.waiting += u32::from(matches!(input, Input::Wait(Until::Terminal)));
        let reaps = matches!(input, Input::Reap { .. });
        let mut step = machine.step(input)?;
        if reaps {
            step.resolved.terminal = self.waiting;
        }
        Ok(step)
    }
}

/// If this were red, a caller could return from wait before it has the output.
#[test]
fn c04_a_wait_that_overtakes_the_output_is_caught() {
    caught::<ResolvesEarly>(&small(&[]), &[Rule::C4], 3);
}

// Waits for the terminal are forgotten.
fault!(ForgetsWaiters, |machine, input| {
    let mut step = machine.step(input)?;
    step.resolved.terminal = 0;
    Ok(step)
});

/// If this were red, a caller could wait for ever for a command that has long ended.
#[test]
fn c04_a_forgotten_wait_is_caught() {
    caught::<ForgetsWaiters>(&small(&[]), &[Rule::C4], 8);
}

// A cancelled wait takes the others with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct CancelsAll {
    waiting: u32,
}

impl Fault for CancelsAll {
    fn step(&mut self, machine: &mut Machine<Bytes>, input: Input<Bytes>) -> Stepped {
        match input {
            Input::Wait(Until::Terminal) => self.waiting += 1,
            Input::CancelWait(Until::Terminal) => {
                for _ in 1..std::mem::take(&mut self.waiting) {
                    let _cancelled = machine.step(Input::CancelWait(Until::Terminal));
                }
            }
            _ => {}
        }
        machine.step(input)
    }
}

/// If this were red, one caller's timeout could make every other caller wait for ever.
#[test]
fn c04_a_cancelled_wait_that_takes_others_along_is_caught() {
    let bounds = Bounds { waiters: 2, ..small(&[Happening::CancelTerminal]) };
    caught::<CancelsAll>(&bounds, &[Rule::C4], 10);
}

// The terminal is there, and is handed over when it is asked for once more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct NeedsANudge {
    nudged: bool,
}

impl Fault for NeedsANudge {
    fn step(&mut self, machine: &mut Machine<Bytes>, input: Input<Bytes>) -> Stepped {
        let mut after = machine.clone();
        let mut step = after.step(input)?;
        if exit_of(&mut step).is_some() && !std::mem::replace(&mut self.nudged, true) {
            return Ok(Step::default());
        }
        *machine = after;
        Ok(step)
    }
}

/// If this were red, every command could end one timer later than it did.
#[test]
fn c05_a_terminal_that_comes_one_step_late_is_caught() {
    caught::<NeedsANudge>(&small(&[]), &[Rule::C5], 7);
}

// The driver is not told to run a clock at the reap.
fault!(ForgetsTheClock, |machine, input| {
    let reaps = matches!(input, Input::Reap { .. });
    let mut step = machine.step(input)?;
    if reaps {
        step.actions = Actions::default();
    }
    Ok(step)
});

/// If this were red, a background child could hang the command that started it.
#[test]
fn c06_a_drain_without_a_clock_is_caught() {
    caught::<ForgetsTheClock>(&held(1, DrainPolicy::default()), &[Rule::C6], 2);
}

// A timer that runs out is not heard.
fault!(DeafToTime, |machine, input| match input {
    Input::Timeout(Timer::Idle(_) | Timer::Deadline(_)) => Ok(Step::default()),
    other => machine.step(other),
});

/// If this were red, liveness would be a word: this machine does nothing that is wrong, it stops.
#[test]
fn c06_a_machine_that_stops_is_caught() {
    caught::<DeafToTime>(&held(1, DrainPolicy::After(BOUND)), &[Rule::C6], 10);
}

// What stood in the pipe at the reap is not counted.
fault!(IgnoresWhatStands, |machine, input| match input {
    Input::Reap { status, .. } =>
        machine.step(Input::Reap { status, standing: PerStream::default() }),
    other => machine.step(other),
});

/// If this were red, a bound of zero could cut off what the command itself had printed.
#[test]
fn c07_a_cut_with_bytes_of_the_root_unread_is_caught() {
    caught::<IgnoresWhatStands>(&held(2, DrainPolicy::After(Duration::ZERO)), &[Rule::C7], 3);
}

// The terminal counts a byte more than was delivered.
fault!(CountsTooMany, |machine, input| {
    let mut step = machine.step(input)?;
    if let Some(terminal) = exit_of(&mut step) {
        terminal.streams.iter_mut().flatten().for_each(|report| report.delivered += 1);
    }
    Ok(step)
});

/// If this were red, nobody would notice that the terminal counts bytes that were not delivered.
#[test]
fn c08_a_false_count_is_caught() {
    caught::<CountsTooMany>(&small(&[]), &[Rule::C8], 7);
}

// Nobody is ever said to hold a stream.
fault!(SeesNoHolder, |machine, input| {
    let mut step = machine.step(input)?;
    if let Some(terminal) = exit_of(&mut step) {
        terminal.streams.iter_mut().flatten().for_each(|report| report.held = false);
    }
    Ok(step)
});

/// If this were red, nobody would learn that a command left something behind.
#[test]
fn c08_a_holder_that_is_not_reported_is_caught() {
    caught::<SeesNoHolder>(&held(1, DrainPolicy::After(Duration::ZERO)), &[Rule::C8], 7);
}

// Every stream is said to be held.
fault!(SeesGhosts, |machine, input| {
    let mut step = machine.step(input)?;
    if let Some(terminal) = exit_of(&mut step) {
        terminal.streams.iter_mut().flatten().for_each(|report| report.held = true);
    }
    Ok(step)
});

/// If this were red, a clean command could be reported as one that leaks.
#[test]
fn c08_a_holder_that_does_not_exist_is_caught() {
    caught::<SeesGhosts>(&small(&[]), &[Rule::C8], 7);
}

// Each cut is said to be another.
fault!(MisnamesCuts, |machine, input| {
    let mut step = machine.step(input)?;
    let misname = |end: &mut End| {
        if let End::Cut(cut) = end {
            *cut = if *cut == Cut::Idle { Cut::Max } else { Cut::Idle };
        }
    };
    match &mut step.event {
        Some(Event::End { end, .. }) => misname(end),
        Some(Event::Exit(terminal)) => {
            terminal.streams.iter_mut().flatten().for_each(|report| misname(&mut report.end));
        }
        Some(Event::Chunk { .. } | Event::Gap { .. }) | None => {}
    }
    Ok(step)
});

/// If this were red, a user would raise the wrong bound to get the rest of the output.
#[test]
fn c08_a_cut_by_another_name_is_caught() {
    let idle = DrainPolicy::Idle { gap: BOUND, max: BOUND };
    for drain in [DrainPolicy::After(BOUND), idle] {
        let report = explored::<MisnamesCuts>(&held(1, drain));
        let broken: Vec<Rule> = report.broken.keys().copied().collect();
        assert_eq!(broken, [Rule::C8], "{:#?}", report.broken);
    }
}

// A failed read passes for the end.
fault!(TakesErrorsForEnds, |machine, input| match input {
    Input::ReadError(id, _) => machine.step(Input::Eof(id)),
    other => machine.step(other),
});

/// If this were red, a failing disk or pty could pass for complete output.
#[test]
fn c09_a_read_error_that_passes_for_an_end_is_caught() {
    caught::<TakesErrorsForEnds>(&small(&[Happening::ReadError]), &[Rule::C9], 3);
}

// Every status is a success.
fault!(AlwaysSucceeds, |machine, input| {
    let mut step = machine.step(input)?;
    if let Some(terminal) = exit_of(&mut step) {
        terminal.status = Status::Exited { code: 1 };
    }
    Ok(step)
});

/// If this were red, a failed command could be reported as a success.
#[test]
fn c09_a_status_that_was_not_reaped_is_caught() {
    caught::<AlwaysSucceeds>(&small(&[]), &[Rule::C9], 7);
}

// An exit is blamed on a timeout that never ran out.
fault!(BlamesTheTimeout, |machine, input| {
    let mut step = machine.step(input)?;
    if let Some(terminal) = exit_of(&mut step) {
        terminal.cause.timed_out = true;
    }
    Ok(step)
});

/// If this were red, an exit 0 that beat its timeout could be reported as a timeout.
#[test]
fn c10_an_invented_cause_is_caught() {
    caught::<BlamesTheTimeout>(&small(&[]), &[Rule::C10], 7);
}

// A kill is always said to have needed SIGKILL.
fault!(ExaggeratesKills, |machine, input| {
    let mut step = machine.step(input)?;
    if let Some(Killed { escalated, .. }) =
        exit_of(&mut step).and_then(|terminal| terminal.cause.killed_by_us.as_mut())
    {
        *escalated = true;
    }
    Ok(step)
});

/// If this were red, a command that ended on SIGTERM could be blamed for ignoring it.
#[test]
fn c10_an_escalation_that_did_not_happen_is_caught() {
    caught::<ExaggeratesKills>(&small(&[Happening::Kill]), &[Rule::C10], 8);
}

// An exit is blamed on an output limit that was not reached.
fault!(BlamesTheLimit, |machine, input| {
    let mut step = machine.step(input)?;
    if let Some(terminal) = exit_of(&mut step) {
        terminal.cause.output_limit |= terminal.cause.killed_by_us.is_some();
    }
    Ok(step)
});

/// If this were red, a killed command could be blamed for output that it did not write.
#[test]
fn c10_an_output_limit_that_was_not_reached_is_caught() {
    let mut bounds = small(&[Happening::Kill]);
    bounds.policy.limit = Some(OutputLimit { bytes_max: 2, over: Over::Kill });
    caught::<BlamesTheLimit>(&bounds, &[Rule::C10], 8);
}

/// If this were red, the oracle would accuse a sound machine: a caller's signal that waits for the
/// pid is the same as that of a kill which waits with it.
#[test]
fn c10_a_kill_and_a_like_signal_before_the_start_are_both_believed() {
    let mut bounds = small(&[Happening::Kill, Happening::Signal]);
    bounds.policy.kill.signal = Signal::INT;
    let report = explore::<Machine<Bytes>>(&bounds, STATES_MAX).expect("exhaustive");
    assert!(report.broken.is_empty(), "{:#?}", report.broken);
}

// A close only sends the consumer away.
fault!(ClosesHalf, |machine, input| match input {
    Input::Close => machine.step(Input::Detach),
    other => machine.step(other),
});

/// If this were red, a dropped handle could leave its process running.
#[test]
fn c11_a_close_that_leaves_the_root_running_is_caught() {
    caught::<ClosesHalf>(&small(&[Happening::Close]), &[Rule::C11], 2);
}

/// Asks twice for a teardown, answers the second time as the first, and returns what is broken.
fn asked_again(input: &Input<Bytes>) -> Option<Rule> {
    let (streams, policy) = (Streams::Separate, Policy::default());
    let mut machine = Machine::new(streams, policy).expect("a sound policy");
    let mut monitor = Monitor::new(streams, policy);
    let started = machine.step(Input::Started).expect("it has not started");
    monitor.observe(&Input::Started, &started).expect("sound");
    let first = machine.step(input.clone()).expect("legal at any moment");
    monitor.observe(input, &first).expect("sound");
    let _second = machine.step(input.clone()).expect("legal at any moment");
    monitor.observe(input, &first).err().map(|broken| broken.rule)
}

/// If this were red, a teardown whose bound each further call puts off would pass.
#[test]
fn c11_and_c13_a_bound_that_is_armed_again_is_caught() {
    assert_eq!(asked_again(&Input::Close), Some(Rule::C11));
    assert_eq!(asked_again(&Input::Shutdown), Some(Rule::C13));
}

// The consumer still gets what was queued when it closed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct DeliversAfterClose {
    queued: Option<Event<Bytes>>,
}

impl Fault for DeliversAfterClose {
    fn step(&mut self, machine: &mut Machine<Bytes>, input: Input<Bytes>) -> Stepped {
        match input {
            Input::Close if machine.has_event() => {
                let mut kept = machine.clone();
                self.queued = kept.step(Input::Drain)?.event;
                machine.step(Input::Close)
            }
            Input::Drain if self.queued.is_some() => {
                Ok(Step { event: self.queued.take(), ..Step::default() })
            }
            other => machine.step(other),
        }
    }

    fn has_event(&self, machine: &Machine<Bytes>) -> bool {
        machine.has_event() || self.queued.is_some()
    }
}

/// If this were red, a callback could run after close has returned.
#[test]
fn c11_an_event_after_the_close_is_caught() {
    caught::<DeliversAfterClose>(&small(&[Happening::Close]), &[Rule::C11], 4);
}

// A paused pump is not told to read on.
fault!(ForgetsToResume, |machine, input| {
    let drains = matches!(input, Input::Drain);
    let mut step = machine.step(input)?;
    if drains {
        step.actions = Actions::default();
    }
    Ok(step)
});

/// If this were red, a consumer that was slow once could block the child for good.
#[test]
fn c12_a_pump_that_is_never_resumed_is_caught() {
    let mut bounds = small(&[]);
    bounds.policy.buffer = BufferPolicy { bytes_max: 1, chunks_max: 1, full: Full::Pause };
    caught::<ForgetsToResume>(&bounds, &[Rule::C12], 3);
}

// Nothing is too much to buffer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Unbounded(Machine<Bytes>);

impl Design for Unbounded {
    fn start(streams: Streams, mut policy: Policy) -> Self {
        policy.buffer = BufferPolicy::default();
        Unbounded(Machine::new(streams, policy).expect("a sound policy"))
    }

    fn step(&mut self, input: Input<Bytes>) -> Stepped {
        self.0.step(input)
    }

    fn room(&self, stream: StreamId) -> u64 {
        self.0.room(stream)
    }

    fn has_event(&self) -> bool {
        self.0.has_event()
    }
}

/// If this were red, a chatty child could take all memory.
#[test]
fn c12_a_buffer_beyond_its_bound_is_caught() {
    let mut bounds = held(2, DrainPolicy::default());
    bounds.policy.buffer = BufferPolicy { bytes_max: 1, chunks_max: 1, full: Full::Pause };
    let report = explore::<Unbounded>(&bounds, STATES_MAX).expect("exhaustive");
    let broken: Vec<Rule> = report.broken.keys().copied().collect();
    assert_eq!(broken, [Rule::C12], "{:#?}", report.broken);
}

// The limit passes one byte too many.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Generous(Machine<Bytes>);

impl Design for Generous {
    fn start(streams: Streams, mut policy: Policy) -> Self {
        policy.limit = None;
        Generous(Machine::new(streams, policy).expect("a sound policy"))
    }

    fn step(&mut self, input: Input<Bytes>) -> Stepped {
        self.0.step(input)
    }

    fn room(&self, stream: StreamId) -> u64 {
        self.0.room(stream)
    }

    fn has_event(&self) -> bool {
        self.0.has_event()
    }
}

/// If this were red, an output limit could be ignored without anybody noticing.
#[test]
fn c12_an_output_limit_that_is_ignored_is_caught() {
    let mut bounds = small(&[]);
    bounds.chunks = PerStream::from_fn(|_| 3);
    bounds.policy.limit = Some(OutputLimit { bytes_max: 1, over: Over::Truncate });
    let report = explore::<Generous>(&bounds, STATES_MAX).expect("exhaustive");
    let broken: Vec<Rule> = report.broken.keys().copied().collect();
    assert_eq!(broken, [Rule::C12], "{:#?}", report.broken);
}

// The bound of a shutdown leaves waiters waiting.
fault!(ShutsDownAlone, |machine, input| {
    let forces = matches!(input, Input::Timeout(Timer::Shutdown));
    let mut step = machine.step(input)?;
    if forces {
        step.resolved.terminal = 0;
        step.resolved.exited = 0;
    }
    Ok(step)
});

/// If this were red, a runtime could shut down and leave its callers waiting.
#[test]
fn c13_a_shutdown_that_leaves_waiters_is_caught() {
    caught::<ShutsDownAlone>(&small(&[Happening::Shutdown]), &[Rule::C13], 4);
}

// A start that was refused is reported as an execution that ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct EndsWhatNeverBegan {
    refused: bool,
}

impl Fault for EndsWhatNeverBegan {
    fn step(&mut self, machine: &mut Machine<Bytes>, input: Input<Bytes>) -> Stepped {
        if let (Input::Drain, true) = (&input, self.refused) {
            let event = Some(Event::Exit(terminal(Status::Exited { code: 127 })));
            return Ok(Step { event, ..Step::default() });
        }
        self.refused |= matches!(input, Input::Refused);
        machine.step(input)
    }

    fn has_event(&self, machine: &Machine<Bytes>) -> bool {
        machine.has_event() || self.refused
    }
}

/// If this were red, a command that does not exist could look like one that exited 127.
#[test]
fn c14_an_exit_of_what_never_started_is_caught() {
    caught::<EndsWhatNeverBegan>(&small(&[Happening::Refuse]), &[Rule::C14], 2);
}

// A stream that nobody wants is kept all the same.
fault!(DiscardsNothing, |machine, input| match input {
    Input::Discard(_) => Ok(Step::default()),
    other => machine.step(other),
});

/// If this were red, a stream that nobody takes could hold back the terminal.
#[test]
fn c15_a_discarded_stream_that_is_waited_for_is_caught() {
    let bounds =
        Bounds { once: Once::of(&[Happening::Discard]), ..held(1, DrainPolicy::default()) };
    caught::<DiscardsNothing>(&bounds, &[Rule::C15], 3);
}

// A kill after the reap still signals.
fault!(KillsTheDead, |machine, input| {
    let kills = matches!(input, Input::Kill);
    let reaped = machine.status().is_some();
    let mut step = machine.step(input)?;
    if kills && reaped {
        step.actions.merge(&kill_actions());
    }
    Ok(step)
});

/// If this were red, a kill could hit a stranger who got the pid.
#[test]
fn c16_a_signal_after_the_reap_is_caught() {
    caught::<KillsTheDead>(&small(&[Happening::Kill]), &[Rule::C16], 3);
}

// What was asked for before there was a pid is forgotten.
fault!(ForgetsTheLatch, |machine, input| {
    let starts = matches!(input, Input::Started);
    let mut step = machine.step(input)?;
    if starts {
        step.actions = Actions::default();
    }
    Ok(step)
});

/// If this were red, a signal sent while the command starts could be lost.
#[test]
fn c16_a_forgotten_early_signal_is_caught() {
    caught::<ForgetsTheLatch>(&small(&[Happening::Signal]), &[Rule::C16], 2);
}
