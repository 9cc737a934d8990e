//! One step of the machine, and one chunk through the core, with nobody else at its lock.

use std::{
    hint::black_box,
    task::{Context, Poll, Waker},
};

use lastbyte::{
    Data, Policy, StreamId, Streams,
    machine::{Chunk, Event, Input, Machine},
    ordering::Core,
};

use crate::{Samples, allocations, sample};

/// Chunks that stand in the buffer before they are taken.
const BURST: u64 = 16;

const LEN: u64 = 64;

/// Steps, or chunks, of one sample for each round.
const STEPS: u64 = 2 * BURST;

/// A chunk that owns nothing: what is measured is the machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Length(u64);

impl Chunk for Length {
    fn len(&self) -> u64 {
        self.0
    }

    fn split_off(&mut self, at: u64) -> Self {
        let rest = Length(self.0 - at);
        self.0 = at;
        rest
    }
}

/// A chunk of [`LEN`] bytes.
trait Fresh: Chunk + Sized {
    fn fresh() -> Self;
}

impl Fresh for Length {
    fn fresh() -> Self {
        Length(LEN)
    }
}

impl Fresh for Data {
    fn fresh() -> Self {
        Data::new(bytes::Bytes::from_static(&[7; LEN as usize]))
    }
}

/// A machine that is pumped and drained.
pub(crate) struct Lengths {
    machine: Machine<Length>,
}

impl Lengths {
    pub(crate) fn new() -> Self {
        Lengths { machine: started() }
    }

    pub(crate) fn rounds(&mut self, rounds: u64) {
        rounds_of(&mut self.machine, rounds);
    }
}

fn started<C: Chunk>() -> Machine<C> {
    let mut machine = Machine::new(Streams::Separate, Policy::default()).expect("the default");
    let _started = machine.step(Input::Started).expect("a start is legal");
    machine
}

fn rounds_of<C: Fresh>(machine: &mut Machine<C>, rounds: u64) {
    let machine = black_box(machine);
    let mut bytes = 0;
    for _ in 0..rounds {
        for place in 0..BURST {
            let chunk = Input::Chunk(stream(place), C::fresh());
            let _kept = machine.step(chunk).expect("there is room");
        }
        for _ in 0..BURST {
            let step = machine.step(Input::Drain).expect("a drain is legal");
            bytes += len_of(step.event);
        }
    }
    assert_eq!(bytes, rounds * BURST * LEN, "every byte is delivered");
}

fn stream(place: u64) -> StreamId {
    if place.is_multiple_of(2) { StreamId::Stdout } else { StreamId::Stderr }
}

fn len_of<C: Chunk>(event: Option<Event<C>>) -> u64 {
    match event {
        Some(Event::Chunk { chunk, .. }) => chunk.len(),
        Some(Event::Gap { .. } | Event::End { .. } | Event::Exit(_)) | None => 0,
    }
}

pub(crate) fn machine_of_lengths(rounds: u64) -> Samples {
    let mut lengths = Lengths::new();
    unallocated(rounds * STEPS, || lengths.rounds(rounds))
}

pub(crate) fn machine_of_data(rounds: u64) -> Samples {
    let mut machine = started::<Data>();
    unallocated(rounds * STEPS, || rounds_of(&mut machine, rounds))
}

/// A core that is pumped and drained.
pub(crate) struct Shared {
    core: Core<Data>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        let core = Core::new(Streams::Separate, Policy::default()).expect("the default");
        let _orders = core.drive(Input::Started).expect("a start is legal");
        Shared { core }
    }

    pub(crate) fn rounds(&mut self, rounds: u64) {
        self.with(rounds, |core| core.try_event());
    }

    /// As a task that consumes does: it takes what there is, and is woken when there is more.
    fn polled(&mut self, rounds: u64) {
        let mut cx = Context::from_waker(Waker::noop());
        self.with(rounds, |core| match core.poll_event(&mut cx) {
            Poll::Ready(event) => event,
            Poll::Pending => None,
        });
    }

    fn with(&mut self, rounds: u64, mut next: impl FnMut(&Core<Data>) -> Option<Event<Data>>) {
        let core = black_box(&self.core);
        let mut bytes = 0;
        for _ in 0..rounds {
            for place in 0..BURST {
                let chunk = Input::Chunk(stream(place), Data::fresh());
                let orders = core.drive(chunk).expect("there is room");
                assert!(!orders.done);
            }
            while let Some(event) = next(core) {
                bytes += len_of(Some(event));
            }
        }
        assert_eq!(bytes, rounds * BURST * LEN, "every byte is delivered");
    }
}

pub(crate) fn core(rounds: u64) -> Samples {
    let mut shared = Shared::new();
    unallocated(rounds * BURST, || shared.rounds(rounds))
}

pub(crate) fn polled_core(rounds: u64) -> Samples {
    let mut shared = Shared::new();
    unallocated(rounds * BURST, || shared.polled(rounds))
}

/// Samples of work that must not allocate, once it is warm.
fn unallocated(count: u64, mut work: impl FnMut()) -> Samples {
    work();
    let before = allocations::made();
    work();
    assert_eq!(allocations::made(), before, "no step allocates");
    sample(count, work)
}
