//! Faults by seed: nothing is lost that need not be, and a seed is the whole of a run.

use std::process::Command;

use lastbyte::monitor::Rule;
use lastbyte_sim::network::{
    faults::{self, Outcome},
    reader::Design,
};

const SEEDS: u64 = 400;

fn broken(outcome: &Outcome) -> Option<String> {
    let broken = outcome.broken?;
    let seed = outcome.seed;
    Some(format!("{} {}: lastbyte network replay seed:lastbyte:{seed}", broken.rule, broken.why))
}

/// If this were red, a network that breaks and heals would cost a byte, or tell an exit that was
/// none; or a runner that is there would be called lost.
#[test]
fn c09_through_every_fault_a_reader_has_all_or_is_told_that_the_runner_is_lost() {
    let (mut complete, mut lost) = (0, 0);
    for seed in 0..SEEDS {
        let outcome = faults::run(seed, Design::Lastbyte);
        if let Some(broken) = broken(&outcome) {
            panic!("{broken}");
        }
        complete += outcome.endings.complete;
        lost += outcome.endings.lost;
    }
    // The faults do something, and not to everybody.
    assert!(complete > 10 * lost && lost > 10, "{complete} complete, {lost} lost");
}

/// If this were red, a failure could not be reproduced from its seed.
#[test]
fn a_seed_is_a_run_byte_for_byte() {
    for seed in 0..50 {
        let (first, second) =
            (faults::run(seed, Design::Lastbyte), faults::run(seed, Design::Lastbyte));
        assert_eq!(first.log, second.log, "seed {seed}");
    }
    assert_ne!(faults::run(1, Design::Lastbyte).log, faults::run(2, Design::Lastbyte).log);
}

/// If this were red, a run would depend on the process that makes it: on addresses, on the hour, on
/// hash seeds or on the environment.
#[test]
fn a_seed_is_the_same_run_in_another_process_at_another_time() {
    for seed in [3, 7, 38] {
        let replay = |zone: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_lastbyte"));
            command.args(["network", "replay", &format!("seed:lastbyte:{seed}")]);
            let output = command.env("TZ", zone).env("RUST_LOG", zone).output().expect("it runs");
            String::from_utf8(output.stdout).expect("it is text")
        };
        let (first, second) = (replay("UTC"), replay("Asia/Tokyo"));
        assert_eq!(first, second, "seed {seed}");
        let here = faults::run(seed, Design::Lastbyte).log;
        assert_eq!(first, here + "\nno rule is broken\n", "seed {seed}");
    }
}

/// If this were red, a client that was really written so would pass.
#[test]
fn wrong_clients_break_strictly_what_they_are_known_to_break() {
    // What each is about comes first, then what follows from it: a design that cannot tell one thing
    // from another leaves waits without an answer as well.
    for (design, mut rules) in [
        (Design::ExitOnWait, vec![Rule::C1, Rule::C4]),
        (Design::ResumeFromStart, vec![Rule::C3, Rule::C1, Rule::C4, Rule::C8, Rule::C9]),
        (Design::ResumeFromEnd, vec![Rule::C1, Rule::C4]),
        (Design::LostIsExit, vec![Rule::C9, Rule::C1, Rule::C4]),
    ] {
        let mut found: Vec<Rule> = (0..SEEDS)
            .filter_map(|seed| faults::run(seed, design).broken)
            .map(|broken| broken.rule)
            .collect();
        found.sort();
        found.dedup();
        rules.sort();
        assert_eq!(found, rules, "{design:?}");
    }
}
