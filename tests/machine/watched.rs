//! What these tests share: bytes with content, and a machine under the monitor.

use lastbyte::{
    machine::{
        Chunk, Cut, DrainPolicy, End, Event, Illegal, Input, Machine, PerStream, Policy, Status,
        Step, StreamId, Streams, Terminal,
    },
    monitor::Monitor,
};

pub(crate) const STDOUT: StreamId = StreamId::Stdout;
pub(crate) const STDERR: StreamId = StreamId::Stderr;
pub(crate) const STATUS: Status = Status::Exited { code: 0 };

/// The bytes of one read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Text(pub(crate) Vec<u8>);

impl Chunk for Text {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn split_off(&mut self, at: u64) -> Self {
        let at = usize::try_from(at).expect("a place in memory");
        assert!(at < self.0.len(), "the place is inside it");
        Text(self.0.split_off(at))
    }
}

pub(crate) fn chunk(stream: StreamId, text: &str) -> Input<Text> {
    Input::Chunk(stream, Text(text.into()))
}

/// A reap with nothing left to read.
pub(crate) fn reap() -> Input<Text> {
    standing(0)
}

/// A reap with so many bytes standing in each source.
pub(crate) fn standing(bytes: u64) -> Input<Text> {
    Input::Reap { status: STATUS, standing: PerStream::from_fn(|_| bytes) }
}

pub(crate) fn drains(drain: DrainPolicy) -> Policy {
    Policy { drain, ..Policy::default() }
}

/// A machine whose every step the monitor checks, and whose every refusal must change nothing.
pub(crate) struct Watched {
    pub(crate) machine: Machine<Text>,
    pub(crate) monitor: Monitor<Text>,
}

impl Watched {
    pub(crate) fn new(streams: Streams, policy: Policy) -> Self {
        Watched {
            machine: Machine::new(streams, policy).expect("the policy makes sense"),
            monitor: Monitor::new(streams, policy),
        }
    }

    /// One that runs, with stdout alone.
    pub(crate) fn running(policy: Policy) -> Self {
        let mut watched = Watched::new(Streams::Stdout, policy);
        let _started = watched.step(Input::Started);
        watched
    }

    pub(crate) fn try_step(&mut self, input: Input<Text>) -> Result<Step<Text>, Illegal> {
        let before = self.machine.clone();
        match self.machine.step(input.clone()) {
            Ok(step) => {
                if let Err(violation) = self.monitor.observe(&input, &step) {
                    panic!("{input:?}: {violation}");
                }
                Ok(step)
            }
            Err(illegal) => {
                assert_eq!(self.machine, before, "{illegal}: it changed something");
                Err(illegal)
            }
        }
    }

    /// A step that is legal here.
    pub(crate) fn step(&mut self, input: Input<Text>) -> Step<Text> {
        match self.try_step(input) {
            Ok(step) => step,
            Err(illegal) => panic!("{illegal}"),
        }
    }

    /// Legal steps one after the other.
    pub(crate) fn steps<const N: usize>(&mut self, inputs: [Input<Text>; N]) {
        for input in inputs {
            let _step = self.step(input);
        }
    }

    /// The next event, if there is one.
    pub(crate) fn next(&mut self) -> Option<Event<Text>> {
        self.step(Input::Drain).event
    }

    /// Every event up to the terminal.
    pub(crate) fn rest(&mut self) -> (Vec<Event<Text>>, Terminal) {
        let mut events = Vec::new();
        loop {
            match self.next().expect("the terminal is due") {
                Event::Exit(terminal) => return (events, terminal),
                event @ (Event::Chunk { .. } | Event::Gap { .. } | Event::End { .. }) => {
                    events.push(event);
                }
            }
        }
    }
}

pub(crate) fn bytes(text: &str) -> Event<Text> {
    Event::Chunk { stream: STDOUT, chunk: Text(text.into()) }
}

pub(crate) fn gap(bytes: u64) -> Event<Text> {
    Event::Gap { stream: STDOUT, bytes }
}

pub(crate) fn end(end: End) -> Event<Text> {
    Event::End { stream: STDOUT, end }
}

pub(crate) fn cut(cut: Cut) -> Event<Text> {
    end(End::Cut(cut))
}
