//! What the runs of one case add up to.

use super::{
    interval::{Interval, clopper_pearson},
    trial::Seen,
};

/// What can be wrong with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing came of a stream that had output.
    Lost,
    /// The end of a stream is missing.
    Truncated,
    /// Other bytes came than were written, or more.
    Altered,
    /// The exit code or signal is another.
    Code,
    /// It did not end.
    Hung,
}

impl Fault {
    pub(super) const ALL: [Fault; 5] =
        [Fault::Lost, Fault::Truncated, Fault::Altered, Fault::Code, Fault::Hung];

    pub(super) fn name(self) -> &'static str {
        match self {
            Fault::Lost => "lost",
            Fault::Truncated => "truncated",
            Fault::Altered => "altered",
            Fault::Code => "wrong code",
            Fault::Hung => "hung",
        }
    }
}

/// How often so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) hits: u32,
    pub(super) runs: u32,
}

impl Rate {
    pub(super) fn bounds(self) -> Interval {
        clopper_pearson(self.hits, self.runs)
    }

    pub(super) fn value(self) -> f64 {
        f64::from(self.hits) / f64::from(self.runs.max(1))
    }
}

/// The runs of a case, or of all.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) runs: u32,
    hits: [u32; Fault::ALL.len()],
    /// Runs with any fault.
    faulty: u32,
    /// Runs in which a stream came shorter than it was written.
    short: u32,
    /// The first faulty run, counted from 1, and what was wrong with it.
    pub(super) first: Option<(u32, Seen)>,
}

impl Tally {
    /// Takes note of a run, which is the `number`th of its case.
    pub(super) fn add(&mut self, number: u32, seen: Seen) {
        self.runs += 1;
        for fault in Fault::ALL {
            // Both streams may be lost in one run.
            self.hits[fault as usize] += u32::from(seen.faults.contains(&fault));
        }
        let is_short = |fault: &Fault| matches!(fault, Fault::Lost | Fault::Truncated);
        self.short += u32::from(seen.faults.iter().any(is_short));
        if !seen.faults.is_empty() {
            self.faulty += 1;
            if self.first.as_ref().is_none_or(|(first, _)| number < *first) {
                self.first = Some((number, seen));
            }
        }
    }

    /// Adds another case; the first faulty runs stay with their cases.
    pub(super) fn add_all(&mut self, other: &Tally) {
        self.runs += other.runs;
        self.faulty += other.faulty;
        self.short += other.short;
        for (sum, hits) in self.hits.iter_mut().zip(other.hits) {
            *sum += hits;
        }
    }

    pub(super) fn of(&self, fault: Fault) -> Rate {
        Rate { hits: self.hits[fault as usize], runs: self.runs }
    }

    pub(super) fn faulty(&self) -> Rate {
        Rate { hits: self.faulty, runs: self.runs }
    }

    /// The loss rate: lost or truncated.
    pub(super) fn short(&self) -> Rate {
        Rate { hits: self.short, runs: self.runs }
    }
}
