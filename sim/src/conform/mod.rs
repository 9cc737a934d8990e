//! Holds a port to the vectors: starts its shim, asks, compares, and says which rule is broken.
//!
//! A shim is a small program that a port provides: it reads one vector a line and answers one line,
//! with the port's machine between. `docs/conformance.md` has the protocol.

pub mod drawn;
pub mod judge;
pub mod junit;
pub mod pool;
pub mod port;
pub mod report;
pub mod saboteur;
mod shim;

use std::time::Duration;

use lastbyte::monitor::Rule;

use crate::vectors::Vector;

/// What became of one vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The answer is the expected one.
    Passed,
    /// The answer is another.
    Differs(Difference),
    /// There is no answer of the form.
    Trouble(Trouble),
    /// It was not asked: the shim had failed to answer too often.
    NotAsked,
}

/// Where an answer leaves the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The place of the step, counted from 1; none where the steps agree and what follows does not.
    pub step: Option<usize>,
    /// What should have followed.
    pub expected: Vec<String>,
    /// What followed.
    pub got: Vec<String>,
    /// The rule that is broken.
    pub rule: Rule,
    /// How the contract's own checker tells it, where the history that the port told breaks it.
    pub broken: Option<String>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The shim ended: how, and the last that it said on stderr.
    Died(String),
    /// It did not answer within the bound.
    Hung(Duration),
    /// It printed something else than an answer.
    Rubbish(String),
    /// It answered another vector.
    OutOfOrder(String),
}

impl Trouble {
    /// One word for it.
    pub const fn name(&self) -> &'static str {
        match self {
            Trouble::Died(_) => "died",
            Trouble::Hung(_) => "hung",
            Trouble::Rubbish(_) => "rubbish",
            Trouble::OutOfOrder(_) => "out of order",
        }
    }

    /// What happened and what to look at.
    pub fn told(&self) -> String {
        match self {
            Trouble::Died(how) => format!(
                "the shim ended and had not answered: {how}; it is to answer each line of its stdin with \
                 one on stdout, until stdin ends"
            ),
            Trouble::Hung(bound) => format!(
                "no answer within {bound:?}: does the shim flush its line, and read on after it?"
            ),
            Trouble::Rubbish(what) => {
                format!(
                    "not an answer: {what}; stdout is for answers alone, one line each, as \
                     docs/conformance.md has them"
                )
            }
            Trouble::OutOfOrder(what) => format!(
                "out of order: {what}; the lines are answered one by one, each with its own `id`"
            ),
        }
    }
}

/// What became of all vectors.
#[derive(Clone, Debug, Default)]
pub struct Outcomes {
    /// The vectors that were asked for, with what became of each.
    pub all: Vec<(Vector, Verdict)>,
    /// What a shim did wrong after its last answer.
    pub endings: Vec<String>,
}

impl Outcomes {
    /// Whether everything is as it should be.
    pub fn is_passed(&self) -> bool {
        self.endings.is_empty() && self.failed().next().is_none()
    }

    /// The vectors that did not pass.
    pub fn failed(&self) -> impl Iterator<Item = &(Vector, Verdict)> {
        self.all.iter().filter(|(_, verdict)| *verdict != Verdict::Passed)
    }
}

impl Verdict {
    /// The rule that is broken, where one is.
    pub fn rule(&self) -> Option<Rule> {
        match self {
            Verdict::Differs(difference) => Some(difference.rule),
            Verdict::Passed | Verdict::Trouble(_) | Verdict::NotAsked => None,
        }
    }
}
