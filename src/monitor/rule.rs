//! The rules by name, and how a broken one is told.

use core::fmt;

/// A rule of the contract. `docs/contract.md` has their words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// Last byte first.
    C1,
    /// One terminal.
    C2,
    /// Faithful bytes.
    C3,
    /// Wait follows.
    C4,
    /// No spurious wait.
    C5,
    /// Never hangs.
    C6,
    /// Root completeness.
    C7,
    /// No silent loss.
    C8,
    /// Evidence, not guesses.
    C9,
    /// Cause beside status.
    C10,
    /// Quiet teardown.
    C11,
    /// Bounded and isolated.
    C12,
    /// Shutdown wakes everyone.
    C13,
    /// Typed refusal.
    C14,
    /// No orphan stream.
    C15,
    /// Safe kill.
    C16,
    /// Stdin.
    C17,
    /// Clean child.
    C18,
    /// Attach and retention.
    C19,
    /// Children first.
    C20,
}

impl Rule {
    /// All twenty, in order.
    pub const ALL: [Rule; 20] = [
        Rule::C1,
        Rule::C2,
        Rule::C3,
        Rule::C4,
        Rule::C5,
        Rule::C6,
        Rule::C7,
        Rule::C8,
        Rule::C9,
        Rule::C10,
        Rule::C11,
        Rule::C12,
        Rule::C13,
        Rule::C14,
        Rule::C15,
        Rule::C16,
        Rule::C17,
        Rule::C18,
        Rule::C19,
        Rule::C20,
    ];

    /// Its name, as in the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Rule::C1 => "last byte first",
            Rule::C2 => "one terminal",
            Rule::C3 => "faithful bytes",
            Rule::C4 => "wait follows",
            Rule::C5 => "no spurious wait",
            Rule::C6 => "never hangs",
            Rule::C7 => "root completeness",
            Rule::C8 => "no silent loss",
            Rule::C9 => "evidence, not guesses",
            Rule::C10 => "cause beside status",
            Rule::C11 => "quiet teardown",
            Rule::C12 => "bounded and isolated",
            Rule::C13 => "shutdown wakes everyone",
            Rule::C14 => "typed refusal",
            Rule::C15 => "no orphan stream",
            Rule::C16 => "safe kill",
            Rule::C17 => "stdin",
            Rule::C18 => "clean child",
            Rule::C19 => "attach and retention",
            Rule::C20 => "children first",
        }
    }

    /// Whether a history of one machine can break it, so that the monitor judges it.
    pub const fn is_monitored(self) -> bool {
        !matches!(self, Rule::C17 | Rule::C18 | Rule::C19 | Rule::C20)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Broken {
    /// Which rule.
    pub rule: Rule,
    /// What happened.
    pub why: &'static str,
}

impl Broken {
    /// The same, at a step.
    pub fn at(self, step: u64) -> Violation {
        Violation { rule: self.rule, why: self.why, step }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.rule, self.rule.name(), self.why)
    }
}

/// A broken rule, and the step that broke it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// What happened.
    pub why: &'static str,
    /// The step, counted from 1.
    pub step: u64,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { rule, why, step } = self;
        write!(f, "step {step} breaks {rule} ({}): {why}", rule.name())
    }
}

impl core::error::Error for Violation {}
