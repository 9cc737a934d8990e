//! What every race is asked: all of its orders, with nothing broken and nobody left waiting.

use std::collections::BTreeSet;

use lastbyte::remote::lifecycle::Lifecycle;
use lastbyte_sim::lifecycle::{
    race::Race,
    search::{Found, explore},
    world::{Choice, Raced, World},
};
use num_bigint::BigUint;

pub(crate) const STATES_MAX: u64 = 1_000_000;

pub(crate) fn found(race: &Race) -> Found<World<Lifecycle>, Choice> {
    let found = explore(&Raced::new(race), STATES_MAX);
    found.unwrap_or_else(|incomplete| panic!("{}: {incomplete}", race.name))
}

/// How a race may end: the callers' answers, and how many executions were killed and how many
/// ended by themselves.
pub(crate) fn endings(race: &Race, found: &Found<World<Lifecycle>, Choice>) -> BTreeSet<String> {
    let ending = |end: &World<Lifecycle>| {
        let (killed, ended) = end.ends();
        match (killed, ended) {
            (0, 0) => end.answers(race),
            _ => format!("{} | killed {killed}, ended {ended}", end.answers(race)),
        }
    };
    found.ends.iter().map(ending).collect()
}

/// The race has so many states and interleavings, and just these endings.
#[track_caller]
pub(crate) fn ends_in(race: &Race, states: u64, interleavings: u64, expected: &[&str]) {
    let found = found(race);
    assert!(found.broken.is_empty(), "{}: {:#?}", race.name, found.broken);
    // No cycle (else it would not be countable), and from every state a good end: nothing hangs.
    assert_eq!(found.hopeless, 0, "{}", race.name);
    let endings = endings(race, &found);
    let endings: Vec<&str> = endings.iter().map(String::as_str).collect();
    assert_eq!(endings, expected, "{}", race.name);
    let counted = (found.states, found.interleavings);
    assert_eq!(counted, (states, BigUint::from(interleavings)), "{}", race.name);
}
