//! How fast the explorer is: states and transitions a second, in a few worlds.
//!
//! `cargo bench -p lastbyte-sim --bench explorer`. One thread. Each world is explored three times,
//! and the shortest time is told. No time is asserted; the counts are, so that what is measured is
//! the whole search and not a part of it.
#![expect(clippy::expect_used, reason = "a world that cannot be explored is no measurement")]

use std::time::{Duration, Instant};

use lastbyte::machine::Machine;
use lastbyte_sim::{
    bytes::Bytes,
    catalogue::worlds,
    explorer::{Report, explore},
};

/// A world, with what must be found in it.
struct Measured {
    name: &'static str,
    chunks: u8,
    waiters: u8,
    states: u64,
    transitions: u64,
}

const MEASURED: &[Measured] = &[
    Measured { name: "plain", chunks: 3, waiters: 2, states: 86_751, transitions: 415_746 },
    Measured { name: "plain", chunks: 4, waiters: 3, states: 569_024, transitions: 2_880_272 },
    Measured { name: "closes-idle", chunks: 3, waiters: 2, states: 157_840, transitions: 843_328 },
    Measured { name: "killed", chunks: 3, waiters: 2, states: 38_512, transitions: 163_748 },
    Measured { name: "shut-down", chunks: 3, waiters: 2, states: 65_396, transitions: 236_168 },
    Measured { name: "all-at-once", chunks: 3, waiters: 2, states: 246_300, transitions: 656_286 },
];

const STATES_MAX: u64 = 20_000_000;
const RUNS: usize = 3;

fn explored(name: &str, chunks: u8, waiters: u8) -> (Report, Duration) {
    let named = worlds(chunks, waiters).into_iter().find(|named| named.name == name);
    let bounds = named.expect("a world of this name").bounds;
    let started = Instant::now();
    let report = explore::<Machine<Bytes>>(&bounds, STATES_MAX).expect("exhaustive");
    (report, started.elapsed())
}

fn line(name: &str, states: u64, transitions: u64, seconds: f64) {
    let (states_rate, transitions_rate) = (states as f64 / seconds, transitions as f64 / seconds);
    println!(
        "{name:<18}{states:>10}{transitions:>12}{seconds:>9.3}{states_rate:>13.0}{transitions_rate:>15.0}"
    );
}

fn main() {
    println!(
        "{:<18}{:>10}{:>12}{:>9}{:>13}{:>15}",
        "world", "states", "transitions", "s", "states/s", "transitions/s"
    );
    for measured in MEASURED {
        let &Measured { name, chunks, waiters, .. } = measured;
        let seconds = (0..RUNS).map(|_| {
            let (report, took) = explored(name, chunks, waiters);
            assert_eq!(report.states, measured.states, "states of {name}");
            assert_eq!(report.transitions, measured.transitions, "transitions of {name}");
            took.as_secs_f64()
        });
        let shortest = seconds.fold(f64::INFINITY, f64::min);
        let name = format!("{name} {chunks}/{waiters}");
        line(&name, measured.states, measured.transitions, shortest);
    }
    let (mut states, mut transitions, mut seconds) = (0, 0, 0.0);
    for named in worlds(3, 2) {
        let (report, took) = explored(named.name, 3, 2);
        states += report.states;
        transitions += report.transitions;
        seconds += took.as_secs_f64();
    }
    assert_eq!(states, 976_941, "states of all worlds");
    line("all worlds 3/2", states, transitions, seconds);
}
