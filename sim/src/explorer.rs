//! Every reachable state once, every complete interleaving counted, the shortest way to each break.
//!
//! Breadth first, so the first schedule that breaks a rule is a shortest one. A state is three
//! numbers: those of its design, its history and its child, each kept once (`parts.rs`).
//! States are compared by these numbers; designs and histories by their fingerprint of 128 bits.
//! The number of interleavings is exact: the state graph has no cycle (a cycle is an error, for it
//! would mean that something happens without using anything up), so the paths from each state add
//! up, in integers without a limit. Liveness is read off the same graph: where each end of a history
//! has its terminal, and no state is without a way to one, the terminal is inevitable.
//!
//! How fast that is: `cargo bench -p lastbyte-sim --bench explorer`; the figures and what bounds
//! them are in `docs/architecture.md`.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use lastbyte::monitor::{Broken, Rule};
use num_bigint::BigUint;

use crate::{
    design::Design,
    graph::{BREAKS, Graph, index},
    index::{Index, Peeked},
    parts::{Parted, Parts},
    world::{Bounds, Wrong, finish},
};

/// What an exploration found. All of it holds for every history within the bounds.
#[derive(Clone, Debug)]
pub struct Report {
    /// Distinct states reached.
    pub states: u64,
    /// Transitions taken, one for each choice in each state.
    pub transitions: u64,
    /// Distinct complete interleavings: schedules from the start until nothing more can happen, or
    /// until a rule breaks.
    pub interleavings: BigUint,
    /// Steps of the longest of them.
    pub longest: u32,
    /// States from which no history reaches the terminal, or a broken rule.
    pub hopeless: u64,
    /// For each rule that breaks, a shortest schedule that breaks it.
    pub broken: BTreeMap<Rule, Counterexample>,
    /// How long after the start of the search each of them was found.
    pub found_in: BTreeMap<Rule, Duration>,
}

/// A shortest schedule that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// The rule, and what happened.
    pub broken: Broken,
    /// The choices, by their place among those that were possible.
    pub schedule: Vec<u8>,
}

/// Why there is no report: nothing is claimed of a search that was not exhaustive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incomplete {
    /// More states than the caller allowed.
    TooManyStates {
        /// The cap.
        max: u64,
    },
    /// A history comes back to a state it was in.
    Cycle,
    /// The same schedule, made again, did something else.
    NotDeterministic,
    /// A step did not do what it does wherever it finds the same.
    Untold,
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Incomplete::TooManyStates { max } => {
                write!(
                    f,
                    "not exhaustive: more than {max} states; lower the bounds, or raise --states-max"
                )
            }
            Incomplete::Cycle => {
                f.write_str("not countable: a history comes back to a state it was in")
            }
            Incomplete::NotDeterministic => f.write_str(
                "not explorable: the same schedule did something else when it was made again; \
                 look for an unbiased `select!`, random numbers, the time of day, the order of a \
                 hash map, and state that outlives a run",
            ),
            Incomplete::Untold => f.write_str(
                "not explorable: a step did something else although all that it is known to touch \
                 was the same; let tasks share through `executor::sync` alone",
            ),
        }
    }
}

impl std::error::Error for Incomplete {}

/// Explores a design within bounds, with at most `states_max` states.
///
/// # Errors
///
/// [`Incomplete`] when the search could not be finished.
pub fn explore<D: Design>(bounds: &Bounds, states_max: u64) -> Result<Report, Incomplete> {
    let mut search = Search::<D>::new(bounds);
    let mut next = 0;
    while let Some(&world) = search.worlds.get(next) {
        search.expand(index(next), world);
        next += 1;
        if search.worlds.len() as u64 > states_max {
            return Err(Incomplete::TooManyStates { max: states_max });
        }
    }
    let order = search.graph.order()?;
    let hopeless = search.graph.hopeless(&order);
    if let (true, Some(&state)) = (bounds.must_end(), hopeless.first()) {
        let why = "from here the terminal cannot be reached any more";
        search.note(Broken { rule: Rule::C6, why }, state, None);
    }
    Ok(Report {
        states: search.graph.states() as u64,
        transitions: search.graph.transitions() as u64,
        interleavings: search.graph.paths(&order),
        longest: search.graph.longest(&order),
        hopeless: hopeless.len() as u64,
        broken: search.broken,
        found_in: search.found_in,
    })
}

struct Search<'a, D> {
    bounds: &'a Bounds,
    parts: Parts<'a, D>,
    /// The states, by number.
    worlds: Vec<Parted>,
    numbers: Index,
    /// For each state, from which state and by which choice it was first reached.
    reached_by: Vec<(u32, u8)>,
    graph: Graph,
    broken: BTreeMap<Rule, Counterexample>,
    found_in: BTreeMap<Rule, Duration>,
    started: Instant,
    /// What follows from the state that is being expanded, for each choice.
    after: Vec<Option<Parted>>,
    /// For each of these its hash, and where it is looked for.
    peeked: Vec<(u64, Peeked)>,
}

impl<'a, D: Design> Search<'a, D> {
    fn new(bounds: &'a Bounds) -> Self {
        let started = Instant::now();
        let (parts, start) = Parts::new(bounds);
        let mut numbers = Index::new();
        numbers.number(start.hash(), 0, |_| false);
        Search {
            bounds,
            parts,
            worlds: vec![start],
            numbers,
            reached_by: vec![(0, 0)],
            graph: Graph::new(),
            broken: BTreeMap::new(),
            found_in: BTreeMap::new(),
            started,
            after: Vec::new(),
            peeked: Vec::new(),
        }
    }

    fn expand(&mut self, number: u32, world: Parted) {
        if let Err(broken) = self.parts.probe(world) {
            self.note(broken, number, None);
        }
        let menu = self.parts.menu(world);
        if menu.is_empty()
            && let Err(broken) = finish(self.bounds, self.parts.history(world))
        {
            self.note(broken, number, None);
        }
        self.after.clear();
        let mut cursors = self.parts.cursors(world);
        for (place, at) in menu.enumerate() {
            let after = self.parts.follow(world, self.parts.acted(at), &mut cursors);
            self.after.push(after.ok());
            if let Err(broken) = after {
                self.note(broken, number, Some(u8::try_from(place).unwrap_or(u8::MAX)));
            }
        }
        self.number_all(number);
        self.graph.close(self.parts.is_over(world));
    }

    /// Gives what follows from a state its numbers.
    fn number_all(&mut self, from: u32) {
        self.peeked.clear();
        let hashes = self.after.iter().map(|after| after.map_or(0, Parted::hash));
        self.peeked.extend(hashes.map(|hash| (hash, self.numbers.peek(hash))));
        for (place, (&after, &(hash, peeked))) in self.after.iter().zip(&self.peeked).enumerate() {
            let Some(world) = after else {
                self.graph.lead_to(BREAKS);
                continue;
            };
            let worlds = &self.worlds;
            let new = index(worlds.len());
            let is = |number: u32| worlds[number as usize] == world;
            let number = match peeked.number(hash, is) {
                Some(number) => number,
                None => self.numbers.number(hash, new, is),
            };
            if number == new {
                self.worlds.push(world);
                self.reached_by.push((from, u8::try_from(place).unwrap_or(u8::MAX)));
            }
            self.graph.lead_to(number);
        }
    }

    /// Keeps the first schedule that breaks a rule: breadth first, it is a shortest.
    fn note(&mut self, broken: Broken, state: u32, last: Option<u8>) {
        let (reached_by, found_in) = (&self.reached_by, &mut self.found_in);
        let started = self.started;
        self.broken.entry(broken.rule).or_insert_with(|| {
            let mut schedule: Vec<u8> = last.into_iter().collect();
            let mut state = state;
            while state != 0 {
                let (from, place) = reached_by[state as usize];
                schedule.push(place);
                state = from;
            }
            schedule.reverse();
            found_in.insert(broken.rule, started.elapsed());
            Counterexample { broken, schedule }
        });
    }
}

/// A design that refuses what an honest driver may do has broken the rule that it names as reason.
pub(crate) fn broken_by(wrong: Wrong) -> Broken {
    match wrong {
        Wrong::Broken(broken) => broken,
        Wrong::Refused(illegal) => Broken {
            rule: Rule::ALL
                .into_iter()
                .find(|rule| rule.to_string() == illegal.why.rule())
                .unwrap_or(Rule::C6),
            why: "an input that the contract allows was refused",
        },
    }
}
