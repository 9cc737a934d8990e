//! The mix of a soak: its cases, and how often each is drawn.

use lastbyte_sim::dice::Dice;

use super::{
    maker::Maker,
    plan::{Plan, Reader},
    script::{To, Wires},
};

/// What an execution is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Case {
    Short,
    Both,
    Combined,
    Pty,
    Binary,
    Big,
    OnePage,
    Held,
    HeldAndKilled,
    Killed,
    Answers,
    IgnoresTerm,
    Dies,
    Struck,
    Stopped,
    StopsItself,
    SlowReader,
    Gaps,
    Stalls,
    Limited,
    TimesOut,
    Dropped,
    Closed,
    ShutDown,
    Detached,
    Waited,
    Panicked,
    Stdin,
    BrokenStdin,
    Refused,
    Blocking,
}

impl Case {
    /// Each case with its weight: how many of all draws it gets.
    const MIX: [(Case, usize); 31] = [
        (Case::Short, 70),
        (Case::Both, 24),
        (Case::Combined, 12),
        (Case::Pty, 8),
        (Case::Binary, 14),
        (Case::Big, 5),
        (Case::OnePage, 4),
        (Case::Held, 20),
        (Case::HeldAndKilled, 8),
        (Case::Killed, 8),
        (Case::Answers, 6),
        (Case::IgnoresTerm, 4),
        (Case::Dies, 10),
        (Case::Struck, 6),
        (Case::Stopped, 4),
        (Case::StopsItself, 4),
        (Case::SlowReader, 6),
        (Case::Gaps, 4),
        (Case::Stalls, 2),
        (Case::Limited, 4),
        (Case::TimesOut, 4),
        (Case::Dropped, 12),
        (Case::Closed, 8),
        (Case::ShutDown, 4),
        (Case::Detached, 6),
        (Case::Waited, 6),
        (Case::Panicked, 4),
        (Case::Stdin, 8),
        (Case::BrokenStdin, 3),
        (Case::Refused, 2),
        (Case::Blocking, 8),
    ];

    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Case> {
        Case::MIX.into_iter().map(|(case, _)| case)
    }

    pub(super) fn drawn(dice: &mut Dice) -> Self {
        let mut place = dice.below(Case::MIX.iter().map(|(_, weight)| weight).sum());
        for (case, weight) in Case::MIX {
            if place < weight {
                return case;
            }
            place -= weight;
        }
        unreachable!("a draw is below the sum of the weights")
    }

    /// The name in reports.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Case::Short => "short",
            Case::Both => "both",
            Case::Combined => "combined",
            Case::Pty => "pty",
            Case::Binary => "binary",
            Case::Big => "big",
            Case::OnePage => "one-page",
            Case::Held => "held",
            Case::HeldAndKilled => "held-and-killed",
            Case::Killed => "killed",
            Case::Answers => "answers",
            Case::IgnoresTerm => "ignores-term",
            Case::Dies => "dies",
            Case::Struck => "struck",
            Case::Stopped => "stopped",
            Case::StopsItself => "stops-itself",
            Case::SlowReader => "slow-reader",
            Case::Gaps => "gaps",
            Case::Stalls => "stalls",
            Case::Limited => "limited",
            Case::TimesOut => "times-out",
            Case::Dropped => "dropped",
            Case::Closed => "closed",
            Case::ShutDown => "shut-down",
            Case::Detached => "detached",
            Case::Waited => "waited",
            Case::Panicked => "panicked",
            Case::Stdin => "stdin",
            Case::BrokenStdin => "broken-stdin",
            Case::Refused => "refused",
            Case::Blocking => "blocking",
        }
    }

    /// What the dice make of it.
    pub(super) fn plan(self, number: u64, dice: &mut Dice) -> Plan {
        let mut made = Maker::new(number, self, dice);
        match self {
            Case::Short => made.writes(Wires::Separate, &[To::Stdout]),
            Case::Both => made.writes(Wires::Separate, &[To::Stdout, To::Stderr, To::Stdout]),
            Case::Combined => made.writes(Wires::Combined, &[To::Stdout, To::Stderr, To::Stdout]),
            Case::Pty => made.writes(Wires::Pty, &[To::Stdout, To::Stderr]),
            Case::Binary => made.binary(1, 64 * 1024, &[To::Stdout, To::Stderr]),
            Case::Big => made.binary(64 * 1024, 1024 * 1024, &[To::Stderr, To::Stdout]),
            Case::OnePage => made.one_page(),
            Case::Held => made.held(),
            Case::HeldAndKilled => made.held_and_killed(),
            Case::Killed => made.killed(),
            Case::Answers => made.answers(),
            Case::IgnoresTerm => made.ignores_term(),
            Case::Dies => made.dies(),
            Case::Struck => made.struck(),
            Case::Stopped => made.stopped(),
            Case::StopsItself => made.stops_itself(),
            Case::SlowReader => made.slow_reader(),
            Case::Gaps => made.gaps(),
            Case::Stalls => made.stalls(),
            Case::Limited => made.limited(),
            Case::TimesOut => made.times_out(),
            Case::Dropped => made.torn(Reader::Drops),
            Case::Closed => made.torn(Reader::Closes),
            Case::ShutDown => made.torn(Reader::ShutsDown),
            Case::Panicked => made.torn(Reader::Panics),
            Case::Detached => made.detached(),
            Case::Waited => made.waited(),
            Case::Stdin => made.stdin(),
            Case::BrokenStdin => made.broken_stdin(),
            Case::Refused => made.refused(),
            Case::Blocking => made.blocking(),
        }
    }
}
