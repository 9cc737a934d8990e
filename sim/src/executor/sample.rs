//! Seeded schedules, where there are too many to make them all. What they find is cut down to what
//! is needed for it (`shrink.rs`).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use lastbyte::monitor::{Broken, Rule};

use crate::explorer::Counterexample;

use super::{
    run::Choice,
    search::{QUIET, STEPS_MAX},
    shrink::shrink,
    stack::{Scenario, Stack, enter},
};

/// How schedules are sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Each choice by chance.
    Random,
    /// Tasks have priorities by chance, which change at `changes` steps: finds a bug of that depth
    /// with a probability that is known (Burckhardt et al., ASPLOS 2010).
    Pct {
        /// Changes of priority in a run.
        changes: u32,
    },
}

/// A seed whose schedule breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// The first seed that does.
    pub seed: u64,
    /// Steps of its schedule, as it was made.
    pub steps: usize,
    /// The schedule, cut down to what breaks the same rule.
    pub found: Counterexample,
}

/// For each rule that broke, the first seed that broke it.
pub type Samples = BTreeMap<Rule, Sampled>;

/// Makes one schedule for each seed. Not exhaustive.
pub fn sample<S: Stack>(
    scenario: &Arc<Scenario>,
    strategy: Strategy,
    seeds: impl IntoIterator<Item = u64>,
) -> Samples {
    let mut broken = BTreeMap::new();
    for seed in seeds {
        if let (schedule, Some(found)) = sample_one::<S>(scenario, strategy, seed) {
            broken.entry(found.rule).or_insert_with(|| {
                let found = Counterexample { broken: found, schedule };
                let steps = found.schedule.len();
                Sampled { seed, steps, found: shrink::<S>(scenario, found) }
            });
        }
    }
    broken
}

/// Makes the schedule of one seed.
pub fn sample_one<S: Stack>(
    scenario: &Arc<Scenario>,
    strategy: Strategy,
    seed: u64,
) -> (Vec<u8>, Option<Broken>) {
    let session = enter::<S>(scenario, QUIET);
    let mut chance = Chance(seed);
    let mut priorities: BTreeMap<usize, u64> = BTreeMap::new();
    let mut changes: BTreeSet<u64> = match strategy {
        Strategy::Random => BTreeSet::new(),
        Strategy::Pct { changes } => (0..changes).map(|_| chance.below(60)).collect(),
    };
    let mut choices = Vec::new();
    let mut schedule = Vec::new();
    loop {
        session.choices(&mut choices);
        if choices.is_empty() {
            return (schedule, session.finish().err());
        }
        let place = match strategy {
            Strategy::Random => chance.below(choices.len() as u64) as usize,
            Strategy::Pct { .. } => {
                let mut rank = |choice: &Choice| match choice {
                    Choice::Time => 0,
                    Choice::Task(task) => {
                        *priorities.entry(*task).or_insert_with(|| chance.next() | 1 << 63)
                    }
                };
                let ranks: Vec<u64> = choices.iter().map(&mut rank).collect();
                (0..ranks.len()).max_by_key(|&place| ranks[place]).unwrap_or(0)
            }
        };
        if changes.remove(&(schedule.len() as u64))
            && let Choice::Task(task) = choices[place]
        {
            priorities.insert(task, chance.below(1 << 32));
        }
        schedule.push(u8::try_from(place).unwrap_or(u8::MAX));
        if let Err(broken) = session.take(choices[place]) {
            return (schedule, Some(broken));
        }
        if schedule.len() > STEPS_MAX {
            return (schedule, None);
        }
    }
}

/// Makes the schedule that `choose` makes, who is told how many choices there are: the rule that it
/// breaks. A schedule that does not come to an end is left where it is.
pub fn chosen<S: Stack>(
    scenario: &Arc<Scenario>,
    mut choose: impl FnMut(usize) -> usize,
) -> Option<Broken> {
    let session = enter::<S>(scenario, QUIET);
    let mut choices = Vec::new();
    for _step in 0..STEPS_MAX {
        session.choices(&mut choices);
        if choices.is_empty() {
            return session.finish().err();
        }
        let place = choose(choices.len()).min(choices.len() - 1);
        if let Err(broken) = session.take(choices[place]) {
            return Some(broken);
        }
    }
    None
}

/// A sequence of numbers from a seed (splitmix64, Steele et al., OOPSLA 2014).
#[derive(Clone, Debug)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}
