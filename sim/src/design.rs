//! What can be explored: anything that answers inputs with steps, as the machine does.

use std::{fmt::Debug, hash::Hash};

use lastbyte::machine::{Illegal, Input, Machine, Policy, Step, StreamId, Streams};

use crate::byte::Byte;

/// A design of the ordering, at the granularity of one atomic step.
pub trait Design: Clone + Debug + Eq + Hash {
    /// An execution that has not started. The policy has been checked.
    fn start(streams: Streams, policy: Policy) -> Self;

    /// One transition.
    ///
    /// # Errors
    ///
    /// [`Illegal`]; nothing has changed.
    fn step(&mut self, input: Input<Byte>) -> Result<Step<Byte>, Illegal>;

    /// Whether a chunk of one byte would be accepted now.
    fn has_room(&self, stream: StreamId) -> bool;

    /// Whether the consumer would get an event now.
    fn has_event(&self) -> bool;
}

/// The production machine.
impl Design for Machine<Byte> {
    fn start(streams: Streams, policy: Policy) -> Self {
        Machine::new(streams, policy).unwrap_or_else(|invalid| unreachable!("checked: {invalid}"))
    }

    fn step(&mut self, input: Input<Byte>) -> Result<Step<Byte>, Illegal> {
        Machine::step(self, input)
    }

    fn has_room(&self, stream: StreamId) -> bool {
        self.room(stream) > 0
    }

    fn has_event(&self) -> bool {
        Machine::has_event(self)
    }
}
