//! What is put between callers and runner: the production registry, or one with a mistake in it.

use std::{fmt::Debug, hash::Hash};

use lastbyte::remote::lifecycle::{Action, BoxId, BoxState, Illegal, Input, Lifecycle, Resources};

/// A registry of boxes: the production one, or one with a mistake in it.
pub trait Registry: Clone + Debug + Eq + Hash {
    /// See [`Lifecycle::step`].
    ///
    /// # Errors
    ///
    /// [`Illegal`] for what the runner cannot have done.
    fn step(&mut self, input: Input) -> Result<Vec<Action>, Illegal>;

    /// See [`Lifecycle::used`].
    fn used(&self) -> Resources;

    /// See [`Lifecycle::boxes`].
    fn states(&self) -> Vec<(BoxId, BoxState)>;
}

impl Registry for Lifecycle {
    fn step(&mut self, input: Input) -> Result<Vec<Action>, Illegal> {
        Lifecycle::step(self, input)
    }

    fn used(&self) -> Resources {
        Lifecycle::used(self)
    }

    fn states(&self) -> Vec<(BoxId, BoxState)> {
        self.boxes().map(|(id, state, _)| (id, state)).collect()
    }
}
