//! The one place that chooses std's synchronisation or loom's: nothing else says `loom`.
//!
//! The ordering core needs a lock and shared ownership; wakers come from `core::task`.

#[cfg(loom)]
pub(crate) use loom::sync::{Arc, Mutex as StdMutex};
#[cfg(not(loom))]
pub(crate) use std::sync::{Arc, Mutex as StdMutex};

/// A lock that cannot be poisoned: what it guards is changed by [`Machine::step`] alone, which
/// does not panic, so that a value left behind by a panic elsewhere is whole.
///
/// [`Machine::step`]: crate::machine::Machine::step
#[derive(Debug)]
pub(crate) struct Mutex<T>(StdMutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Mutex(StdMutex::new(value))
    }

    /// Runs `f` under the lock.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let mut guard = match self.0.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        };
        f(&mut guard)
    }
}
