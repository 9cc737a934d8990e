//! What can be explored: anything that answers inputs with steps, as the machine does.

use std::{fmt::Debug, hash::Hash};

use lastbyte::machine::{Illegal, Input, Machine, Policy, Step, StreamId, Streams};

use crate::bytes::Bytes;

/// A design of the ordering, at the granularity of one atomic step.
pub trait Design: Clone + Debug + Eq + Hash {
    /// An execution that has not started. The policy has been checked.
    fn start(streams: Streams, policy: Policy) -> Self;

    /// One transition.
    ///
    /// # Errors
    ///
    /// [`Illegal`]; nothing has changed.
    fn step(&mut self, input: Input<Bytes>) -> Result<Step<Bytes>, Illegal>;

    /// The most bytes of `stream` that would be accepted now in one chunk.
    fn room(&self, stream: StreamId) -> u64;

    /// Whether the consumer would get an event now.
    fn has_event(&self) -> bool;
}

/// The production machine.
impl Design for Machine<Bytes> {
    fn start(streams: Streams, policy: Policy) -> Self {
        Machine::new(streams, policy).unwrap_or_else(|invalid| unreachable!("checked: {invalid}"))
    }

    fn step(&mut self, input: Input<Bytes>) -> Result<Step<Bytes>, Illegal> {
        Machine::step(self, input)
    }

    fn room(&self, stream: StreamId) -> u64 {
        Machine::room(self, stream)
    }

    fn has_event(&self) -> bool {
        Machine::has_event(self)
    }
}
