//! Every reachable state once, every complete interleaving counted, the shortest way to each break.
//!
//! Breadth first, so the first schedule that breaks a rule is a shortest one. A state is kept while
//! it waits to be expanded; after that its fingerprint of 128 bits stands for it. The number of
//! interleavings is exact: the state graph has no cycle (a cycle is an error, for it would mean
//! that something happens without using anything up), so the paths from each state add up, in
//! integers without a limit. Liveness is read off the same graph: where each end of a history has
//! its terminal, and no state is without a way to one, the terminal is inevitable.

use std::{collections::BTreeMap, fmt, hash::Hash};

use lastbyte::monitor::{Broken, Rule};
use num_bigint::BigUint;
use rustc_hash::FxHashMap;

use crate::{
    design::Design,
    fingerprint::Fingerprint,
    world::{Bounds, Choice, World, Wrong},
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
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Incomplete::TooManyStates { max } => {
                write!(f, "not exhaustive: more than {max} states; lower the bounds")
            }
            Incomplete::Cycle => {
                f.write_str("not countable: a history comes back to a state it was in")
            }
        }
    }
}

impl std::error::Error for Incomplete {}

/// Leads to no state: nothing follows a broken rule.
const BREAKS: u32 = u32::MAX;

/// The state graph by number; state 0 is the start.
struct Graph {
    /// For each state, where its successors begin in `successors`.
    first: Vec<u32>,
    successors: Vec<u32>,
    /// For each state, from which state and by which choice it was first reached.
    reached_by: Vec<(u32, u8)>,
    /// For each state, whether its history is over: the terminal is out.
    over: Vec<bool>,
}

/// Explores a design within bounds, with at most `states_max` states.
///
/// # Errors
///
/// [`Incomplete`] when the search could not be finished.
pub fn explore<D: Design>(bounds: &Bounds, states_max: u64) -> Result<Report, Incomplete> {
    let mut search = Search::<D>::new(bounds);
    let mut next = 0;
    while let Some(world) = search.take(next) {
        search.expand(next, &world);
        next += 1;
        if search.graph.reached_by.len() as u64 > states_max {
            return Err(Incomplete::TooManyStates { max: states_max });
        }
    }
    search.graph.first.push(index(search.graph.successors.len()));
    let order = topological(&search.graph)?;
    let (interleavings, longest) = count(&search.graph, &order);
    let hopeless = hopeless(&search.graph, &order);
    if let (true, Some(&state)) = (bounds.must_end(), hopeless.first()) {
        let why = "from here the terminal cannot be reached any more";
        search.note(Broken { rule: Rule::C6, why }, state, None);
    }
    Ok(Report {
        states: search.graph.reached_by.len() as u64,
        transitions: search.graph.successors.len() as u64,
        interleavings,
        longest,
        hopeless: hopeless.len() as u64,
        broken: search.broken,
    })
}

struct Search<'a, D> {
    bounds: &'a Bounds,
    known: FxHashMap<u128, u32>,
    /// States that wait to be expanded, by number less those expanded before them.
    frontier: std::collections::VecDeque<World<D>>,
    graph: Graph,
    broken: BTreeMap<Rule, Counterexample>,
}

impl<'a, D: Design> Search<'a, D> {
    fn new(bounds: &'a Bounds) -> Self {
        let start = World::new(bounds);
        let mut known = FxHashMap::default();
        known.insert(fingerprint(&start), 0);
        Search {
            bounds,
            known,
            frontier: std::collections::VecDeque::from([start]),
            graph: Graph {
                first: Vec::new(),
                successors: Vec::new(),
                reached_by: vec![(0, 0)],
                over: Vec::new(),
            },
            broken: BTreeMap::new(),
        }
    }

    fn take(&mut self, number: u32) -> Option<World<D>> {
        debug_assert_eq!(number as usize, self.graph.first.len());
        self.frontier.pop_front()
    }

    fn expand(&mut self, number: u32, world: &World<D>) {
        self.graph.first.push(index(self.graph.successors.len()));
        self.graph.over.push(world.is_over());
        if let Err(broken) = world.probe(self.bounds) {
            self.note(broken, number, None);
        }
        let choices = world.choices(self.bounds);
        if choices.is_empty()
            && let Err(broken) = world.finish(self.bounds)
        {
            self.note(broken, number, None);
        }
        for (place, &choice) in choices.iter().enumerate() {
            let place = u8::try_from(place).unwrap_or(u8::MAX);
            let successor = self.follow(number, world, place, choice);
            self.graph.successors.push(successor);
        }
    }

    fn follow(&mut self, from: u32, world: &World<D>, place: u8, choice: Choice) -> u32 {
        let mut after = world.clone();
        if let Err(wrong) = after.take(self.bounds, choice) {
            self.note(broken_by(wrong), from, Some(place));
            return BREAKS;
        }
        let number = index(self.graph.reached_by.len());
        let known = *self.known.entry(fingerprint(&after)).or_insert(number);
        if known == number {
            self.graph.reached_by.push((from, place));
            self.frontier.push_back(after);
        }
        known
    }

    /// Keeps the first schedule that breaks a rule: breadth first, it is a shortest.
    fn note(&mut self, broken: Broken, state: u32, last: Option<u8>) {
        let graph = &self.graph;
        self.broken.entry(broken.rule).or_insert_with(|| {
            let mut schedule: Vec<u8> = last.into_iter().collect();
            let mut state = state;
            while state != 0 {
                let (from, place) = graph.reached_by[state as usize];
                schedule.push(place);
                state = from;
            }
            schedule.reverse();
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

fn fingerprint(world: &impl Hash) -> u128 {
    let mut hasher = Fingerprint::new();
    world.hash(&mut hasher);
    hasher.both()
}

fn index(len: usize) -> u32 {
    // A cap far above the memory of any machine that could hold as many states.
    u32::try_from(len).unwrap_or(BREAKS)
}

/// Paths from each state to an end add up, taken from the ends backwards.
fn count(graph: &Graph, order: &[u32]) -> (BigUint, u32) {
    let states = graph.reached_by.len();
    let mut paths = vec![BigUint::ZERO; states];
    let mut longest = vec![0u32; states];
    for &state in order.iter().rev() {
        let successors = graph.successors_of(state);
        let mut sum = if successors.is_empty() { BigUint::from(1u8) } else { BigUint::ZERO };
        let mut steps = 0;
        for &successor in successors {
            match successor {
                BREAKS => sum += 1u8,
                known => {
                    sum += &paths[known as usize];
                    steps = steps.max(longest[known as usize]);
                }
            }
        }
        longest[state as usize] = if successors.is_empty() { 0 } else { steps + 1 };
        paths[state as usize] = sum;
    }
    (paths.swap_remove(0), longest[0])
}

/// The states, in the order they were found, from which every history ends without the terminal.
/// Where there is none, and no cycle, the terminal is not only possible but inevitable.
fn hopeless(graph: &Graph, order: &[u32]) -> Vec<u32> {
    let mut hopes = graph.over.clone();
    for &state in order.iter().rev() {
        let hope = |&next: &u32| next == BREAKS || hopes[next as usize];
        let any = graph.successors_of(state).iter().any(hope);
        hopes[state as usize] |= any;
    }
    (0..index(hopes.len())).filter(|&state| !hopes[state as usize]).collect()
}

fn topological(graph: &Graph) -> Result<Vec<u32>, Incomplete> {
    let states = graph.reached_by.len();
    let mut incoming = vec![0u32; states];
    for &successor in graph.successors.iter().filter(|&&successor| successor != BREAKS) {
        incoming[successor as usize] += 1;
    }
    let mut order = Vec::with_capacity(states);
    order.push(0);
    let mut next = 0;
    while let Some(&state) = order.get(next) {
        next += 1;
        for &successor in graph.successors_of(state) {
            if successor == BREAKS {
                continue;
            }
            let left = &mut incoming[successor as usize];
            *left -= 1;
            if *left == 0 {
                order.push(successor);
            }
        }
    }
    if order.len() == states { Ok(order) } else { Err(Incomplete::Cycle) }
}

impl Graph {
    fn successors_of(&self, state: u32) -> &[u32] {
        let state = state as usize;
        &self.successors[self.first[state] as usize..self.first[state + 1] as usize]
    }
}
