//! What was read and not yet taken: one queue per stream, and the order in which it all came.

use alloc::collections::VecDeque;
use core::hash::{Hash, Hasher};

use super::{PerStream, StreamId, lane::Queued};

#[derive(Debug)]
pub(super) struct Backlog<C> {
    queues: PerStream<VecDeque<Ticketed<C>>>,
    next_ticket: u64,
}

/// Makes `copy` a copy. Most queues of most states are empty.
#[inline]
pub(super) fn copy_queue<T: Clone>(copy: &mut VecDeque<T>, queue: &VecDeque<T>) {
    if !(copy.is_empty() && queue.is_empty()) {
        copy.clone_from(queue);
    }
}

impl<C: Clone> Clone for Backlog<C> {
    fn clone(&self) -> Self {
        Backlog { queues: self.queues.clone(), ..*self }
    }

    fn clone_from(&mut self, source: &Self) {
        let Backlog { queues, next_ticket } = source;
        for (copy, queue) in self.queues.iter_mut().zip(queues.iter()) {
            copy_queue(copy, queue);
        }
        self.next_ticket = *next_ticket;
    }
}

#[derive(Clone, Debug)]
struct Ticketed<C> {
    ticket: u64,
    queued: Queued<C>,
}

impl<C> Backlog<C> {
    pub(super) fn new() -> Self {
        Backlog { queues: PerStream::from_fn(|_| VecDeque::new()), next_ticket: 0 }
    }

    #[inline]
    pub(super) fn push(&mut self, stream: StreamId, queued: Queued<C>) {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.queues[stream].push_back(Ticketed { ticket, queued });
    }

    /// The place of the stream whose first entry came before all others.
    #[inline]
    pub(super) fn oldest(&self) -> Option<usize> {
        let [first, second] = self.queues.each_ref().map(VecDeque::front);
        match (first, second) {
            (None, None) => None,
            (Some(_), None) => Some(0),
            (None, Some(_)) => Some(1),
            (Some(first), Some(second)) => Some(usize::from(second.ticket < first.ticket)),
        }
    }

    #[inline]
    pub(super) fn pop(&mut self, stream: StreamId) -> Option<Queued<C>> {
        self.queues[stream].pop_front().map(|first| first.queued)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.queues.iter().all(VecDeque::is_empty)
    }

    /// All entries in the order they came, each with the place of its stream.
    fn in_order(&self) -> impl Iterator<Item = (usize, &Queued<C>)> {
        let mut heads = [0; 2];
        core::iter::from_fn(move || {
            let (slot, entry) = self
                .queues
                .iter()
                .enumerate()
                .filter_map(|(slot, queue)| queue.get(heads[slot]).map(|entry| (slot, entry)))
                .min_by_key(|(_, entry)| entry.ticket)?;
            heads[slot] += 1;
            Some((slot, &entry.queued))
        })
    }
}

// Tickets are only an order: two backlogs with the same entries in the same order are the same
// state, whatever numbers the entries drew. The explorer counts states by this equality.
impl<C: PartialEq> PartialEq for Backlog<C> {
    fn eq(&self, other: &Self) -> bool {
        self.in_order().eq(other.in_order())
    }
}

impl<C: Eq> Eq for Backlog<C> {}

impl<C: Hash> Hash for Backlog<C> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for entry in self.in_order() {
            entry.hash(state);
        }
    }
}
