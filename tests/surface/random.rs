//! The driver under random scripts, held to the model of the child and to the monitor.
//!
//! The model ([`Child`]) says what can happen; the system is a real driver on tokio's paused clock,
//! over a backend that tells each reader at most once. After every step nobody sleeps over what he
//! waits for; at the end the terminal has come within its bound, everybody has the same one, and
//! every byte is where the terminal says.

use std::{future::Future, pin::Pin, task::Poll, time::Duration};

use lastbyte::{
    Event, Execution, Full, Handle, Output, OutputLimit, Over, Signal, Status, StreamId,
    StreamReport, Terminal,
    backend::Read,
    machine::{Cut, End, PerStream, Until},
};
use proptest::{prelude::*, test_runner::FileFailurePersistence};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use tokio::runtime::Runtime;
use tokio_test::task::{Spawn, spawn};

use crate::{
    child::{Child, Does, Ending, Finale, byte_at},
    fake::Fake,
    polled::settle,
};

type Waiting<T> = Spawn<Pin<Box<dyn Future<Output = T>>>>;

/// Somebody who waits.
struct Waiter<T> {
    waits: Waiting<T>,
    outcome: Option<T>,
}

impl<T> Waiter<T> {
    fn new(future: impl Future<Output = T> + 'static) -> Self {
        let mut waiter = Waiter { waits: spawn(Box::pin(future)), outcome: None };
        waiter.polls();
        waiter
    }

    fn polls(&mut self) {
        if self.outcome.is_none()
            && let Poll::Ready(outcome) = self.waits.poll()
        {
            self.outcome = Some(outcome);
        }
    }

    fn sleeps(&self) -> bool {
        self.outcome.is_none() && !self.waits.is_woken()
    }

    /// Does as a task does that is woken. It is never for nothing.
    fn wakes(&mut self) {
        if self.outcome.is_none() && self.waits.is_woken() {
            self.polls();
            assert!(self.outcome.is_some(), "it was woken for nothing");
        }
    }
}

/// What a consumer has been given of one stream.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    /// Bytes and gaps.
    place: u64,
    delivered: u64,
    end: Option<End>,
}

/// The consumer, who polls the execution as a stream.
struct Consumer {
    stream: Spawn<Execution>,
    /// His last poll found nothing.
    pending: bool,
    taken: PerStream<Taken>,
    terminal: Option<Terminal>,
    over: bool,
}

impl Consumer {
    /// Polls once; says whether there may be more.
    fn polls(&mut self) -> bool {
        let slept = self.pending && !self.stream.is_woken();
        let polled = self.stream.poll_next();
        self.pending = polled.is_pending();
        assert!(!slept || self.pending, "he slept over what he could take");
        match polled {
            Poll::Pending => return false,
            Poll::Ready(None) => {
                self.over = true;
                return false;
            }
            Poll::Ready(Some(event)) => self.takes(event),
        }
        true
    }

    fn takes(&mut self, event: Event) {
        assert_eq!(self.terminal, None, "nothing follows the terminal");
        match event {
            Event::Chunk { stream, chunk } => {
                let taken = &mut self.taken[stream];
                assert_eq!(taken.end, None, "nothing follows an end");
                for &byte in chunk.iter() {
                    assert_eq!(byte, byte_at(stream, taken.place), "byte {}", taken.place);
                    taken.place += 1;
                }
                taken.delivered += chunk.len() as u64;
            }
            Event::Gap { stream, bytes } => self.taken[stream].place += bytes,
            Event::End { stream, end } => self.taken[stream].end = Some(end),
            Event::Exit(terminal) => self.terminal = Some(terminal),
        }
    }
}

/// A real driver and everybody around it.
struct World {
    runtime: Runtime,
    fake: Fake,
    handle: Handle,
    consumer: Option<Consumer>,
    exited: Vec<Waiter<Status>>,
    waits: Vec<Waiter<Terminal>>,
}

impl World {
    fn starts(child: &Child) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let fake = Fake::default();
        for pipe in fake.script().pipes.iter_mut() {
            pipe.split = child.split;
        }
        let execution = {
            let _inside = runtime.enter();
            fake.start_with(child.streams, child.policy)
        };
        let handle = execution.handle();
        let consumer = Consumer {
            stream: spawn(execution),
            pending: false,
            taken: PerStream::default(),
            terminal: None,
            over: false,
        };
        let (exited, waits) = (Vec::new(), Vec::new());
        World { runtime, fake, handle, consumer: Some(consumer), exited, waits }
    }

    fn passes(&self, time: Duration) {
        self.runtime.block_on(async {
            tokio::time::advance(time).await;
            settle().await;
        });
    }

    fn runs(&self) {
        self.runtime.block_on(settle());
    }

    fn consumes(&mut self) -> &mut Consumer {
        self.consumer.as_mut().expect("the model knows whether there is one")
    }

    fn execution(&mut self) -> Execution {
        let consumer = self.consumer.take().expect("the model knows whether there is one");
        consumer.stream.into_inner()
    }

    /// `written` is what the child has written with this.
    fn writes(&self, id: StreamId, len: u64, written: u64) {
        let bytes: Vec<u8> = (written - len..written).map(|place| byte_at(id, place)).collect();
        self.fake.write_to(id, &bytes);
    }

    fn ends(&self, id: StreamId, ending: Ending) {
        let end = match ending {
            Ending::Eof => Read::Eof,
            Ending::Fails(errno) => Read::Error(errno),
        };
        self.fake.end(id, end);
    }

    fn gives_up(&mut self, number: u8) {
        let number = usize::from(number);
        if !self.waits.is_empty() {
            drop(self.waits.swap_remove(number % self.waits.len()));
        }
        if !self.exited.is_empty() {
            drop(self.exited.swap_remove(number % self.exited.len()));
        }
    }

    fn happens(&mut self, child: &Child, does: Does) {
        match does {
            Does::Writes(id, len) => self.writes(id, len, child.sources[id].written),
            Does::Ends(id, ending) => self.ends(id, ending),
            Does::Exits(status) => self.fake.exit(status),
            Does::ReactorIsLate(late) => self.fake.change(|script| script.reactor_is_late = late),
            Does::Passes(time) => self.passes(time),
            Does::Runs => self.runs(),
            Does::Polls(times) => {
                for _ in 0..times {
                    self.consumes().polls();
                }
            }
            Does::Waits(Until::Exited) => self.exited.push(Waiter::new(self.handle.exited())),
            Does::Waits(Until::Terminal) => self.waits.push(Waiter::new(self.handle.wait())),
            Does::GivesUp(number) => self.gives_up(number),
            Does::Signals(signal) => drop(self.handle.signal(signal)),
            Does::Kills => drop(self.handle.kill()),
            Does::Discards(id) => self.consumes().stream.discard(id),
            Does::Detaches => drop(self.execution().detach()),
            Does::Drops => drop(self.execution()),
            Does::Closes => drop(self.handle.close()),
            Does::ShutsDown => drop(self.handle.shutdown()),
        }
        self.exited.iter_mut().for_each(Waiter::wakes);
        self.waits.iter_mut().for_each(Waiter::wakes);
    }

    /// What holds after every step.
    fn holds(&self) {
        let verdict = self.handle.verdict().expect("debug builds are monitored");
        assert_eq!(verdict.violation, None, "after {} steps", verdict.steps);
        {
            let script = self.fake.script();
            assert_eq!(script.broken, None);
            let kept = script.pipes.iter().any(|pipe| pipe.ended && !pipe.abandoned);
            assert!(!kept, "a source that has ended is let go of at once");
        }
        if self.handle.status().is_some() {
            assert!(!self.exited.iter().any(Waiter::sleeps), "the root has ended");
        }
        if self.handle.terminal().is_some() {
            assert!(!self.waits.iter().any(Waiter::sleeps), "the terminal is delivered");
        }
    }
}

impl World {
    /// The rest of the life, and of everybody's time. Returns what was collected, if it was.
    fn finishes(&mut self, child: &mut Child) -> Option<Output> {
        self.fake.change(|script| script.reactor_is_late = false);
        self.waits.push(Waiter::new(self.handle.wait()));
        self.exited.push(Waiter::new(self.handle.exited()));
        let last = match child.finale {
            Finale::Closes | Finale::ClosesInVain => Does::Closes,
            Finale::ShutsDown | Finale::ShutsDownUnheard => Does::ShutsDown,
            Finale::Takes | Finale::Outputs | Finale::Waits => Does::Runs,
        };
        *child = Child::apply(child.clone(), &last);
        self.happens(child, last);
        self.runs();
        if child.exited.is_none() && child.finale != Finale::ClosesInVain {
            let status = Status::Signaled { signal: Signal::TERM, core: false };
            child.exits(status);
            self.fake.exit(status);
        }
        if child.drain_max().is_none() && !child.torn_down {
            for &id in child.streams.ids() {
                if child.sources[id].ended.is_none() {
                    child.sources[id].ended = Some(Ending::Eof);
                    self.fake.end(id, Read::Eof);
                }
            }
        }
        match child.finale {
            Finale::Outputs if child.consumer => {
                let output = self.execution().output();
                Some(self.polls_to_the_end(child, output))
            }
            Finale::Waits if child.consumer => {
                let mut execution = self.execution();
                let terminal = self.polls_to_the_end(child, async move { execution.wait().await });
                assert_eq!(self.handle.terminal(), Some(terminal));
                None
            }
            Finale::Takes
            | Finale::Outputs
            | Finale::Waits
            | Finale::Closes
            | Finale::ClosesInVain
            | Finale::ShutsDown
            | Finale::ShutsDownUnheard => {
                self.takes_all(child);
                None
            }
        }
    }

    /// Time for what the policies bound: nothing may need more than the longest of them, and what
    /// has ended by itself needs none.
    fn bound(child: &Child) -> Duration {
        let teardown = child.policy.teardown;
        match child.finale {
            Finale::ClosesInVain if child.exited.is_none() => teardown.close_max,
            Finale::ShutsDownUnheard => teardown.shutdown_max,
            // Who tears down has nobody to wait for but the root.
            Finale::Takes | Finale::Outputs | Finale::Waits if !child.torn_down => {
                child.drain_max().unwrap_or_default()
            }
            Finale::Takes
            | Finale::Outputs
            | Finale::Waits
            | Finale::Closes
            | Finale::ClosesInVain
            | Finale::ShutsDown => Duration::ZERO,
        }
    }

    fn takes_all(&mut self, child: &Child) {
        for time in [Duration::ZERO, Self::bound(child)] {
            self.passes(time);
            for _turn in 0..1000 {
                if child.finale == Finale::ShutsDownUnheard && time.is_zero() {
                    break;
                }
                let Some(consumer) = &mut self.consumer else { break };
                if !consumer.polls() {
                    if consumer.over {
                        break;
                    }
                    self.runs();
                    if !consumer_is_woken(&self.consumer) {
                        break;
                    }
                }
            }
        }
    }

    fn polls_to_the_end<T>(&mut self, child: &Child, future: impl Future<Output = T>) -> T {
        let mut task = spawn(future);
        for time in [Duration::ZERO, Self::bound(child)] {
            self.passes(time);
            for _turn in 0..1000 {
                if let Poll::Ready(output) = task.poll() {
                    return output;
                }
                self.runs();
                if !task.is_woken() {
                    break;
                }
            }
        }
        panic!("it is not over at its bound, and nobody will wake it")
    }
}

fn consumer_is_woken(consumer: &Option<Consumer>) -> bool {
    consumer.as_ref().is_some_and(|consumer| consumer.stream.is_woken())
}

impl World {
    /// Everybody has the same end, and it is true.
    fn is_over(&mut self, child: &Child, output: Option<&Output>) {
        self.runs();
        self.holds();
        let terminal = self.handle.terminal().expect("the terminal has come within its bound");
        for wait in &mut self.waits {
            wait.polls();
            assert_eq!(wait.outcome, Some(terminal), "all have the same");
        }
        for exited in &mut self.exited {
            exited.polls();
            assert_eq!(exited.outcome, Some(terminal.status), "all have the same");
        }
        assert!(self.fake.script().dropped, "the driver has gone");
        match child.exited {
            Some(status) if terminal.status != Status::Forced => {
                assert_eq!(terminal.status, status);
            }
            Some(_) | None => assert!(child.torn_down, "nobody asked to force it"),
        }
        let cause = terminal.cause;
        if cause.timed_out || cause.stalled {
            assert!(self.fake.script().signals_in_life > 0, "it had ended before");
        }
        for &id in child.streams.ids() {
            self.adds_up(child, id, &terminal);
        }
        let over = |limit: OutputLimit| {
            terminal.reports().any(|report| report.delivered + report.dropped > limit.bytes_max)
        };
        assert!(!cause.output_limit || child.policy.limit.is_some_and(over), "it had kept it");
        if let Some(output) = output {
            assert_eq!(output.terminal, terminal);
        }
    }

    fn adds_up(&self, child: &Child, id: StreamId, terminal: &Terminal) {
        let source = child.sources[id];
        let read = self.fake.script().pipes[id].read;
        let report = terminal.streams[id].expect("each stream has its report");
        is_delivered_to_the_limit(child, &report);
        assert_eq!(report.delivered + report.dropped, read, "{id}: every byte is accounted for");
        if let Some(consumer) = &self.consumer
            && let Some(delivered) = consumer.terminal
        {
            assert_eq!(delivered, *terminal);
            let taken = consumer.taken[id];
            assert_eq!(taken.end, Some(report.end), "{id}");
            assert_eq!((taken.delivered, taken.place), (report.delivered, read), "{id}");
        }
        match report.end {
            End::Eof | End::Limit => {
                assert_eq!(source.ended, Some(Ending::Eof), "{id}");
                assert_eq!(read, source.written, "{id}: an end is behind the last byte");
            }
            End::ReadError(errno) => {
                assert_eq!(source.ended, Some(Ending::Fails(errno)), "{id}");
                assert_eq!(read, source.written, "{id}");
            }
            End::Cut(Cut::After | Cut::Idle | Cut::Max) => {
                assert!(read >= source.of_the_root, "{id}: the root's own bytes are read");
            }
            End::Discarded | End::Cut(Cut::Close | Cut::Shutdown) => {
                let unwanted = child.unwanted || child.finale == Finale::Waits;
                assert!(unwanted, "{id}: nobody asked for that");
            }
        }
    }
}

/// What a consumer who wants all of it gets of a stream that has said its end (C8).
fn is_delivered_to_the_limit(child: &Child, report: &StreamReport) {
    let taken = matches!(child.finale, Finale::Takes | Finale::Outputs) && !child.unwanted;
    let ended = matches!(report.end, End::Eof | End::Limit);
    if !taken || !ended || child.policy.buffer.full == Full::Gap {
        return;
    }
    let written = child.sources[report.stream].written;
    let allowed = match child.policy.limit {
        None => written,
        Some(OutputLimit { bytes_max, over: Over::KeepTail { bytes_max: tail } }) => {
            bytes_max + tail
        }
        Some(OutputLimit { bytes_max, over: Over::Truncate | Over::Kill }) => bytes_max,
    };
    assert_eq!(report.delivered, written.min(allowed), "{}", report.stream);
    assert_eq!(report.end == End::Limit, written > allowed, "{}", report.stream);
}

/// The bytes that `output` has collected stand as they were written, but for what was dropped.
fn is_collected(child: &Child, output: &Output, taken_before: &PerStream<u64>) {
    for report in output.terminal.reports() {
        let collected = match report.stream {
            StreamId::Stderr => &output.stderr,
            StreamId::Stdout | StreamId::Combined | StreamId::Pty => &output.stdout,
        };
        let before = taken_before[report.stream];
        assert_eq!(collected.len() as u64 + before, report.delivered);
        if report.dropped == 0 {
            let written = child.sources[report.stream].written;
            let expected: Vec<u8> =
                (before..written).map(|place| byte_at(report.stream, place)).collect();
            assert!(expected.starts_with(collected), "{}", report.stream);
        }
    }
}

struct Scripts;

impl StateMachineTest for Scripts {
    type SystemUnderTest = World;
    type Reference = Child;

    fn init_test(child: &Child) -> World {
        World::starts(child)
    }

    fn apply(mut world: World, child: &Child, does: Does) -> World {
        world.happens(child, does);
        world
    }

    fn check_invariants(world: &World, _: &Child) {
        world.holds();
    }

    fn teardown(mut world: World, mut child: Child) {
        let taken = world.consumer.as_ref().map(|consumer| consumer.taken).unwrap_or_default();
        let output = world.finishes(&mut child);
        world.is_over(&child, output.as_ref());
        if let Some(output) = &output {
            let mut before = PerStream::default();
            for &id in child.streams.ids() {
                before[id] = taken[id].delivered;
            }
            is_collected(&child, output, &before);
        }
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig {
        cases: 3_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/surface/random.proptest-regressions",
        ))),
        ..ProptestConfig::default()
    })]

    /// If this were red, some script of a child and its callers would make the driver lose a byte,
    /// a wake-up, a bound or a rule of the contract.
    #[test]
    fn c06_any_script_of_child_and_callers_keeps_the_contract(sequential 1..60 => Scripts);
}
