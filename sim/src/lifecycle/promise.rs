//! What a registry of boxes promises, and how a broken promise is told.

use std::fmt;

/// One of the things that must hold in every history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Promise {
    /// A box's own end follows the end of each of its executions (C20).
    ChildrenFirst,
    /// What is granted is within the limits, and what is not is given back.
    Quota,
    /// No number is used twice.
    Unique,
    /// Each request is answered once, with what is so.
    Answer,
    /// A refusal has its reason, and nothing is left of what was refused (C14).
    Refusal,
    /// Nothing begins in a box that is not up, or is being left.
    Order,
    /// Whoever is ended was to be ended, once, and lives (C16): nobody else's box is touched.
    Isolated,
    /// What the runner truly reports is taken.
    Legal,
    /// Everybody is answered in the end, and nothing stays on its way (C6).
    NoHang,
}

/// A broken promise, and what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Broken {
    /// Which.
    pub promise: Promise,
    /// In which way.
    pub why: &'static str,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.promise, self.why)
    }
}

impl Promise {
    /// Breaks it unless `holds`.
    pub(super) fn unless(self, holds: bool, why: &'static str) -> Result<(), Broken> {
        if holds { Ok(()) } else { Err(Broken { promise: self, why }) }
    }
}
