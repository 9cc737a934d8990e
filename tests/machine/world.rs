//! A machine under the monitor, and beside it what a driver and a consumer know of it: bytes add up
//! after each step, clocks and pumps are as the machine means, and in the end there is a terminal.
//!
//! Shared with the fuzzers (`sim/fuzzed`), which make their own histories.

use lastbyte::machine::{
    Actions, Chunk, DrainPolicy, Errno, Event, Input, PerStream, Policy, PumpAction, Signal,
    Status, StreamId, Streams, Terminal, Timer, TimerAction, Until,
};

use super::watched::{STATUS, Text, Watched};

/// An input whose stream is a number: it is looked up in the streams there are.
#[derive(Clone, Debug)]
pub(crate) enum Any {
    Started,
    Refused,
    Chunk(u8, usize),
    Eof(u8),
    ReadError(u8),
    Empty(u8),
    Reap(Status, u64, u64),
    Drain,
    Wait(Until),
    CancelWait(Until),
    Signal(Signal),
    Kill,
    Discard(u8),
    Detach,
    Close,
    Shutdown,
    Timeout(u8),
    /// The driver carries out what it was told since the last time.
    Obey,
}

/// One of `streams`, and sometimes one that is not.
fn stream(streams: Streams, number: u8) -> StreamId {
    let ids = streams.ids();
    match ids.len() {
        0 => StreamId::ALL[usize::from(number % 4)],
        _ if number == 8 => StreamId::Pty,
        len => ids[usize::from(number) % len],
    }
}

impl Any {
    /// The input that is meant, with bytes counted on from `content` so that they tell themselves
    /// apart. `None`: it is the driver's turn.
    pub(crate) fn input(self, streams: Streams, content: &mut u8) -> Option<Input<Text>> {
        let stream = |number| stream(streams, number);
        Some(match self {
            Any::Started => Input::Started,
            Any::Refused => Input::Refused,
            Any::Chunk(number, len) => {
                let mut next = || {
                    *content = content.wrapping_add(1);
                    *content
                };
                Input::Chunk(stream(number), Text((0..len).map(|_| next()).collect()))
            }
            Any::Eof(number) => Input::Eof(stream(number)),
            Any::ReadError(number) => Input::ReadError(stream(number), Errno(5)),
            Any::Empty(number) => Input::Empty(stream(number)),
            Any::Reap(status, a, b) => {
                Input::Reap { status, standing: PerStream::from_fn(|place| [a, b][place]) }
            }
            Any::Drain => Input::Drain,
            Any::Wait(until) => Input::Wait(until),
            Any::CancelWait(until) => Input::CancelWait(until),
            Any::Signal(signal) => Input::Signal(signal),
            Any::Kill => Input::Kill,
            Any::Discard(number) => Input::Discard(stream(number)),
            Any::Detach => Input::Detach,
            Any::Close => Input::Close,
            Any::Shutdown => Input::Shutdown,
            Any::Timeout(number) => {
                let timers: Vec<Timer> = Timer::all(streams).collect();
                Input::Timeout(timers[usize::from(number) % timers.len()])
            }
            Any::Obey => return None,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    Off,
    Running,
    Held,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    read: u64,
    delivered: u64,
    gapped: u64,
    dropped: u64,
}

/// A machine, and beside it what a driver and a consumer know.
pub(crate) struct World {
    watched: Watched,
    streams: Streams,
    counts: PerStream<Count>,
    clocks: Vec<(Timer, Clock)>,
    pumps: PerStream<Option<PumpAction>>,
    /// What the driver has been told and has not done.
    told: Actions,
    content: u8,
    /// The outcome, from when waiters are told it.
    outcome: Option<Terminal>,
}

impl World {
    pub(crate) fn new(streams: Streams, policy: Policy) -> Self {
        World {
            watched: Watched::new(streams, policy),
            streams,
            counts: PerStream::default(),
            clocks: Timer::all(streams).map(|timer| (timer, Clock::Off)).collect(),
            pumps: PerStream::default(),
            told: Actions::default(),
            content: 0,
            outcome: None,
        }
    }

    pub(crate) fn happens(&mut self, any: Any) {
        match any.input(self.streams, &mut self.content) {
            Some(input) => {
                self.step(input);
            }
            None => self.obey(),
        }
    }

    /// Whether it was legal.
    pub(crate) fn step(&mut self, input: Input<Text>) -> bool {
        if let Input::Timeout(_) = input {
            // Only a clock that the driver runs can run out.
            self.obey();
        }
        let Ok(step) = self.watched.try_step(input.clone()) else { return false };
        if let Input::Chunk(stream, chunk) = &input {
            self.counts[*stream].read += chunk.len();
        }
        if let Input::Timeout(timer) = input {
            self.set(timer, Clock::Off);
        }
        match step.event {
            Some(Event::Chunk { stream, chunk }) => self.counts[stream].delivered += chunk.len(),
            Some(Event::Gap { stream, bytes }) => self.counts[stream].gapped += bytes,
            Some(Event::Exit(terminal)) => {
                assert_eq!(Some(terminal), self.watched.machine.terminal());
            }
            Some(Event::End { .. }) | None => {}
        }
        // Whoever waits is told the same, early or late (C4).
        let outcome = self.watched.machine.terminal();
        assert!(self.outcome.is_none() || self.outcome == outcome, "the outcome has changed");
        self.outcome = outcome;
        self.told.merge(&step.actions);
        self.adds_up();
        true
    }

    /// No byte is lost or made at any step (C8).
    fn adds_up(&mut self) {
        let terminal = self.watched.machine.terminal();
        for &id in self.streams.ids() {
            let count = &mut self.counts[id];
            let known = count.delivered + self.watched.machine.buffered(id);
            let dropped = count.read.checked_sub(known).expect("no byte is made");
            assert!(dropped >= count.dropped, "what was dropped stays dropped");
            assert!(dropped >= count.gapped, "a gap is of bytes that were dropped");
            count.dropped = dropped;
            if let Some(report) = terminal.and_then(|terminal| terminal.streams[id]) {
                assert_eq!((report.delivered, report.dropped), (count.delivered, dropped));
                assert_eq!(report.delivered + report.dropped, count.read);
            }
        }
    }

    /// What was asked for in many steps, done at once, leaves clocks and pumps as the machine means.
    fn obey(&mut self) {
        let told = std::mem::take(&mut self.told);
        for place in 0..self.clocks.len() {
            let (timer, clock) = self.clocks[place];
            let now = match (told.timer(timer), clock) {
                (None, clock) => clock,
                (Some(TimerAction::Arm), _) => Clock::Running,
                (Some(TimerAction::ArmHeld), _) => Clock::Held,
                (Some(TimerAction::Disarm), _) => Clock::Off,
                (Some(TimerAction::Hold), Clock::Running) => Clock::Held,
                (Some(TimerAction::Resume), Clock::Held) => Clock::Running,
                (Some(what), clock) => panic!("{timer:?} is {clock:?} and is to {what:?}"),
            };
            self.set(timer, now);
            let runs = now == Clock::Running;
            assert_eq!(runs, self.watched.machine.is_running(timer), "{timer:?} is {now:?}");
        }
        for &id in self.streams.ids() {
            self.pumps[id] = told.pump(id).or(self.pumps[id]);
            let reads = match self.pumps[id] {
                None | Some(PumpAction::Resume) => self.watched.machine.is_open(id),
                Some(PumpAction::Pause | PumpAction::Abandon) => false,
            };
            assert_eq!(reads, self.watched.machine.room(id) > 0, "{id}: {:?}", self.pumps[id]);
        }
    }

    fn set(&mut self, timer: Timer, clock: Clock) {
        for (known, place) in &mut self.clocks {
            if *known == timer {
                *place = clock;
            }
        }
    }

    /// A fair consumer, a root that ends, or none but a close; and time runs out.
    pub(crate) fn ends(mut self, root_ends: bool) {
        self.step(Input::Started);
        if root_ends {
            self.step(Input::Reap { status: STATUS, standing: PerStream::default() });
        } else {
            self.step(Input::Close);
        }
        let until_eof = self.watched.machine.policy().drain == DrainPolicy::UntilEof;
        let timers: Vec<Timer> = Timer::all(self.streams).collect();
        // Each round ends a stream, drains it or fires what forces it: a few are enough.
        for _round in 0..8 {
            while self.watched.machine.has_event() {
                assert!(self.step(Input::Drain));
            }
            for &id in self.streams.ids() {
                let ends = if until_eof { Input::Eof(id) } else { Input::Empty(id) };
                self.step(ends);
            }
            for &timer in &timers {
                self.step(Input::Timeout(timer));
            }
        }
        self.obey();
        assert!(self.watched.machine.is_done(), "{:?}", self.watched.machine);
        assert_eq!(self.watched.monitor.finish(), Ok(()));
        let left = timers.iter().find(|&&timer| self.watched.machine.is_running(timer));
        assert_eq!(left, None, "no clock runs after the end");
    }
}
