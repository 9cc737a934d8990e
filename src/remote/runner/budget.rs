//! What is kept of the output of all executions together, and who waits for some of it to go.
//!
//! At its bound, what was read is forgotten and each execution makes do with [`FLOOR`]: its reader
//! still gets on, so that nobody waits for a reader who is not his own for ever (C12).

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Waker,
};

/// What each execution may keep whatever the others keep.
pub(super) const FLOOR: u64 = 64 * 1024;

/// Bytes that are kept, of all executions.
#[derive(Debug)]
pub(super) struct Budget {
    max: u64,
    shared: Mutex<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    used: u64,
    waiting: Vec<Waker>,
}

impl Budget {
    pub(super) fn new(max: u64) -> Self {
        Budget { max, shared: Mutex::default() }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much is kept.
    pub(super) fn used(&self) -> u64 {
        self.shared().used
    }

    /// Whether more may be kept.
    pub(super) fn has_room(&self) -> bool {
        self.used() < self.max
    }

    /// Whether more may be kept; otherwise the task is woken when it may.
    pub(super) fn has_room_or_wakes(&self, waker: &Waker) -> bool {
        let mut shared = self.shared();
        if shared.used < self.max {
            return true;
        }
        if !shared.waiting.iter().any(|waiting| waiting.will_wake(waker)) {
            shared.waiting.push(waker.clone());
        }
        false
    }

    /// One execution keeps so much now, and not what it kept before. Returns whom that concerns,
    /// for the caller to wake when he holds no lock.
    #[must_use = "whoever waits for room is to be woken"]
    pub(super) fn change(&self, before: u64, now: u64) -> Vec<Waker> {
        if before == now {
            return Vec::new();
        }
        let mut shared = self.shared();
        shared.used = (shared.used + now).saturating_sub(before);
        if shared.used < self.max { mem::take(&mut shared.waiting) } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this were red, whoever waits for room would wait although there is some.
    #[test]
    fn c12_whoever_waits_is_woken_when_it_falls_below_the_bound() {
        let budget = Budget::new(100);
        assert!(budget.change(0, 100).is_empty());
        assert!(!budget.has_room_or_wakes(Waker::noop()));
        assert!(budget.change(100, 100).is_empty(), "nothing has changed");
        assert!(budget.change(0, 1).is_empty(), "still full");
        assert_eq!(budget.change(2, 0).len(), 1);
        assert_eq!(budget.used(), 99);
        assert!(budget.has_room_or_wakes(Waker::noop()));
        assert!(budget.change(1, 0).is_empty(), "nobody waits");
    }
}
