//! What was seen anywhere in a run, in the one order in which it happened.

use std::{
    collections::BTreeSet,
    fmt::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::executor::witness::Seen;

/// Who saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// A child, by its number.
    Child(usize),
    /// A reader of that child's output, who was the how-many-th to attach.
    Reader(usize, usize),
    /// The network or a host: something that is done to them.
    World,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Line {
    /// When, in virtual time.
    pub at: Duration,
    /// By whom.
    pub who: Who,
    /// What.
    pub what: What,
}

/// What a line says.
#[derive(Clone, Debug)]
pub enum What {
    /// Something that the contract speaks of.
    Seen(Seen),
    /// He is there no more.
    Gone,
    /// Anything else, in words.
    Said(String),
}

/// The log of a run. Clones are the same one.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Lines>>);

#[derive(Default)]
struct Lines {
    lines: Vec<Line>,
    gone: BTreeSet<Who>,
    now: Duration,
}

impl Log {
    fn shared(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The network's time, of which the hosts' differ by less than a tick.
    pub fn set_time(&self, now: Duration) {
        self.shared().now = now;
    }

    /// Notes what somebody saw.
    pub fn note(&self, who: Who, seen: Seen) {
        self.push(who, What::Seen(seen));
    }

    /// Notes something in words.
    pub fn say(&self, who: Who, words: String) {
        self.push(who, What::Said(words));
    }

    /// Notes that somebody is there no more. What he sees afterwards is not noted.
    pub fn gone(&self, who: Who) {
        self.push(who, What::Gone);
        self.shared().gone.insert(who);
    }

    fn push(&self, who: Who, what: What) {
        let mut shared = self.shared();
        let at = shared.now;
        if shared.gone.contains(&who) {
            return;
        }
        shared.lines.push(Line { at, who, what });
    }

    /// The lines from this one on.
    pub fn since(&self, first: usize) -> Vec<Line> {
        self.shared().lines.get(first..).unwrap_or_default().to_vec()
    }

    /// All of it as text, one line each.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.shared().lines {
            // A string takes whatever is written to it.
            let _written = writeln!(text, "{line}");
        }
        text
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Child(number) => write!(f, "child {number}"),
            Who::Reader(child, number) => write!(f, "reader {child}.{number}"),
            Who::World => f.write_str("network"),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6} ms  {:<10}  ", self.at.as_millis(), self.who.to_string())?;
        match &self.what {
            What::Seen(seen) => write!(f, "{seen:?}"),
            What::Gone => f.write_str("is gone"),
            What::Said(words) => f.write_str(words),
        }
    }
}
