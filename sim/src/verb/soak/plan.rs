//! One execution of a soak as it is planned: what the child does, under which policies, who reads
//! it, and what must come of it. A seed and a number are the whole of a plan.

use std::time::Duration;

use lastbyte::{Policy, Signal};
use lastbyte_sim::dice::Dice;

use super::{
    cases::Case,
    script::{Piece, Script, Wires},
};

/// A planned execution.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) number: u64,
    pub(super) case: Case,
    pub(super) start: Start,
    pub(super) wires: Wires,
    /// What the root writes to each stream, stdout or the only one first.
    pub(super) written: [Vec<Piece>; 2],
    pub(super) policy: Policy,
    /// Bytes that are written to its stdin, of the file; `None` leaves it closed.
    pub(super) feed: Option<u64>,
    pub(super) reader: Reader,
    pub(super) act: Act,
    pub(super) due: Due,
}

/// What is started.
#[derive(Clone, Debug)]
pub(super) enum Start {
    Shell(String),
    /// Ourselves: so many bytes through a stdout that holds one page.
    OnePage(u64),
    /// A program that is not there.
    Missing,
}

/// Who takes its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// Somebody who takes each at once.
    Takes,
    /// Somebody who pauses this long before each.
    Slow(Duration),
    /// Somebody who takes none for this long.
    Stops(Duration),
    /// Somebody who takes none until the root has ended.
    AfterExit,
    /// A thread without a runtime.
    Blocking,
    /// Somebody who waits and throws the output away.
    Waits,
    /// Somebody who is dropped in the midst of it.
    Drops(Duration),
    /// Somebody who closes in the midst of it.
    Closes(Duration),
    /// Somebody who shuts down in the midst of it.
    ShutsDown(Duration),
    /// Somebody who detaches in the midst of it.
    Detaches(Duration),
    /// Somebody who panics in the midst of it.
    Panics(Duration),
}

/// What is done when the first byte has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Nothing,
    Kill,
    Signal(Signal),
    /// SIGSTOP to the group, then SIGCONT.
    StopAndContinue,
    /// SIGCONT again and again: the child stops itself.
    KeepContinuing,
}

/// What must come of it.
#[derive(Clone, Debug)]
pub(super) struct Due {
    pub(super) ends: Ends,
    pub(super) bytes: Bytes,
    /// What a descendant writes to stdout behind the root's.
    pub(super) late: Option<Piece>,
    pub(super) cause: Cause,
}

/// How the root may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// It is never started.
    Refused,
    Code(i32),
    Signal(Signal),
    /// With this code, or by SIGTERM or SIGKILL of ours: whichever is first.
    CodeOrKilled(i32),
    /// By SIGTERM or SIGKILL.
    Killed,
}

/// Which bytes the reader must have had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bytes {
    /// All, descendants' included, and each stream ended with its EOF.
    All,
    /// All of the root's.
    Root,
    /// All but those in whose place there is a gap.
    AllButGaps,
    /// Those from the beginning to somewhere.
    Beginning,
}

/// What the terminal must say of what we did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Nothing,
    TimedOut,
    Killed {
        escalated: bool,
    },
    Stalled,
    /// It depends on who was first.
    Whichever,
}

impl Plan {
    /// The plan of this number.
    pub(super) fn of(seed: u64, number: u64) -> Self {
        // Neighbours have nothing in common: the dice mix what they are given.
        let mut dice = Dice::new(seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let mixed = u64::from(dice.number()) << 32 | u64::from(dice.number());
        let mut dice = Dice::new(mixed);
        let case = Case::drawn(&mut dice);
        case.plan(number, &mut dice)
    }

    /// A plan in which nothing is special: all is taken, and all must come.
    pub(super) fn plain(number: u64, case: Case, script: Script, code: i32) -> Self {
        Plan {
            number,
            case,
            start: Start::Shell(script.text),
            wires: script.wires,
            written: script.written,
            policy: Policy::default(),
            feed: None,
            reader: Reader::Takes,
            act: Act::Nothing,
            due: Due {
                ends: Ends::Code(code),
                bytes: Bytes::All,
                late: None,
                cause: Cause::Nothing,
            },
        }
    }
}
