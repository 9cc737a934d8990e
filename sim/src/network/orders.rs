//! Every order in which what is under way can happen, run one by one.
//!
//! A running network cannot be copied, so each order is run from its start: the first time with the
//! first choice everywhere, then again with the last choice changed that can be. What happens at one
//! host does not touch another before a message arrives, which is a choice of its own. So two
//! prefixes that are alike at each host lead to the same place, and [`Merge::Alike`] goes on from it
//! once; the number of orders is then a sum over the graph of places. [`Merge::Nothing`] runs them
//! all, and confirms it.

use std::{collections::BTreeMap, fmt};

use lastbyte::monitor::{Broken, Rule};
use num_bigint::BigUint;
use rustc_hash::FxHashMap;

/// Something that can happen next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// At which host: it changes nothing at another.
    pub host: usize,
    /// What, in words that tell it from whatever else can happen there.
    pub what: String,
}

/// A run that waits for choices.
pub trait Run {
    /// What can happen now, always in the same order. Nothing: the run is over.
    fn choices(&mut self) -> Vec<Choice>;

    /// Has one of them happen, and everything that follows from it without another.
    fn take(&mut self, choice: &Choice);

    /// Which rule of the contract is broken by now.
    ///
    /// # Errors
    ///
    /// The first one.
    fn judge(&mut self) -> Result<(), Broken>;
}

/// Which prefixes are taken for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Those in which the same has happened at each host, in the same order there.
    Alike,
    /// None: every order is run to its end.
    Nothing,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    /// Complete orders, each counted.
    pub orders: BigUint,
    /// Places that are not alike; with [`Merge::Nothing`], all.
    pub places: u64,
    /// Runs that were made.
    pub runs: u64,
    /// The longest order, in choices.
    pub longest: usize,
    /// The shortest order that was met, for each rule that breaks.
    pub broken: BTreeMap<Rule, Counterexample>,
}

/// An order in which a rule breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// What broke.
    pub broken: Broken,
    /// The choices, as numbers.
    pub choices: Vec<u8>,
}

/// A run did not find the choices that an earlier one had found after the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diverged {
    /// After how many choices.
    pub after: usize,
    /// What there was then, and now.
    pub choices: [Vec<Choice>; 2],
}

impl fmt::Display for Diverged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [then, now] = self.choices.each_ref().map(|choices| {
            let words: Vec<&str> = choices.iter().map(|choice| choice.what.as_str()).collect();
            words.join(", ")
        });
        write!(f, "after {} choices there were first [{then}] and then [{now}]", self.after)
    }
}

impl std::error::Error for Diverged {}

/// A place on the way of the present run.
struct Frame {
    place: usize,
    choices: Vec<Choice>,
    at: usize,
}

/// Where a choice leads.
#[derive(Clone, Copy)]
enum Next {
    Place(usize),
    Broken,
}

struct Search {
    merge: Merge,
    found: Orders,
    known: FxHashMap<Histories, usize>,
    /// What can happen, by number.
    names: FxHashMap<String, u32>,
    /// Where each choice of each place leads. Kept only when places are merged.
    graph: Vec<Vec<Next>>,
    path: Vec<Frame>,
}

/// Runs every order of what `make` makes. `hosts`: how many there are.
///
/// # Errors
///
/// [`Diverged`]: the runs depend on something else than their choices.
pub fn every_order<R: Run>(
    make: impl Fn() -> R,
    hosts: usize,
    merge: Merge,
) -> Result<Orders, Diverged> {
    let mut search = Search::new(merge);
    while search.run(&mut make(), hosts)? {}
    if merge == Merge::Alike {
        search.found.orders = search.sum();
    }
    Ok(search.found)
}

/// Runs that [`first_break`] makes at most.
const RUNS_MAX: u64 = 2000;

/// Runs orders until one breaks a rule, at most 2,000. The orders are those that were run to their ends
/// by then.
///
/// # Errors
///
/// As [`every_order`].
pub fn first_break<R: Run>(make: impl Fn() -> R, hosts: usize) -> Result<Orders, Diverged> {
    let mut search = Search::new(Merge::Nothing);
    while search.found.broken.is_empty()
        && search.found.runs < RUNS_MAX
        && search.run(&mut make(), hosts)?
    {}
    Ok(search.found)
}

/// Makes the choices of these numbers, and then always the first one.
///
/// # Errors
///
/// Which of them is not there: the code is not the one that they were made with.
pub fn along<R: Run>(run: &mut R, choices: &[u8]) -> Result<Result<(), Broken>, usize> {
    let mut choices = choices.iter().enumerate();
    loop {
        let now = run.choices();
        if now.is_empty() {
            return Ok(run.judge());
        }
        let (at, number) = choices.next().map_or((0, 0), |(at, &number)| (at, number));
        let choice = now.get(usize::from(number)).ok_or(at)?;
        run.take(choice);
        if let Err(broken) = run.judge() {
            return Ok(Err(broken));
        }
    }
}

/// What has happened at each host, in its order there, by number.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Histories(Vec<Vec<u32>>);

impl Search {
    fn new(merge: Merge) -> Self {
        Search {
            merge,
            found: Orders::default(),
            known: FxHashMap::default(),
            names: FxHashMap::default(),
            graph: Vec::new(),
            path: Vec::new(),
        }
    }

    /// One run, and the turn to the next. Whether there is one.
    fn run<R: Run>(&mut self, run: &mut R, hosts: usize) -> Result<bool, Diverged> {
        self.found.runs += 1;
        self.go(run, hosts)?;
        Ok(self.turn_back())
    }

    /// Along the path, then on with the first choice, to an end or to a known place.
    fn go<R: Run>(&mut self, run: &mut R, hosts: usize) -> Result<(), Diverged> {
        let mut histories = Histories(vec![Vec::new(); hosts]);
        for depth in 0..self.path.len() {
            let frame = &self.path[depth];
            let choices = run.choices();
            if choices != frame.choices {
                let choices = [frame.choices.clone(), choices];
                return Err(Diverged { after: depth, choices });
            }
            run.take(&choices[frame.at]);
            let taken = choices[frame.at].clone();
            self.note(&mut histories, taken);
            let is_last = depth + 1 == self.path.len();
            // What came before was judged by the runs before.
            if is_last && self.breaks(run) {
                return Ok(());
            }
        }
        loop {
            let choices = run.choices();
            let Some(place) = self.arrive(&histories, choices.len()) else { return Ok(()) };
            let Some(first) = choices.first().cloned() else {
                self.found.orders += u32::from(self.merge == Merge::Nothing);
                return Ok(());
            };
            self.path.push(Frame { place, choices, at: 0 });
            self.found.longest = self.found.longest.max(self.path.len());
            run.take(&first);
            self.note(&mut histories, first);
            if self.breaks(run) {
                return Ok(());
            }
        }
    }

    fn note(&mut self, histories: &mut Histories, choice: Choice) {
        let fresh = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let name = *self.names.entry(choice.what).or_insert(fresh);
        histories.0[choice.host].push(name);
    }

    /// Notes a place that the last choice led to. `None`: it is known.
    fn arrive(&mut self, histories: &Histories, choices: usize) -> Option<usize> {
        if self.merge == Merge::Nothing {
            self.found.places += 1;
            return Some(0);
        }
        let fresh = self.graph.len();
        let place = *self.known.entry(histories.clone()).or_insert(fresh);
        self.leads_to(Next::Place(place));
        if place != fresh {
            return None;
        }
        self.found.places += 1;
        self.graph.push(Vec::with_capacity(choices));
        Some(place)
    }

    fn leads_to(&mut self, next: Next) {
        if let Some(frame) = self.path.last()
            && self.merge == Merge::Alike
        {
            self.graph[frame.place].push(next);
        }
    }

    fn breaks<R: Run>(&mut self, run: &mut R) -> bool {
        let Err(broken) = run.judge() else { return false };
        self.leads_to(Next::Broken);
        self.found.orders += u32::from(self.merge == Merge::Nothing);
        let number = |at: usize| u8::try_from(at).unwrap_or(u8::MAX);
        let choices: Vec<u8> = self.path.iter().map(|frame| number(frame.at)).collect();
        let found = Counterexample { broken, choices };
        let shortest = self.found.broken.entry(broken.rule).or_insert_with(|| found.clone());
        if found.choices.len() < shortest.choices.len() {
            *shortest = found;
        }
        true
    }

    /// Turns to the next choice of the last place that has one. False: there is none.
    fn turn_back(&mut self) -> bool {
        while let Some(frame) = self.path.last_mut() {
            frame.at += 1;
            if frame.at < frame.choices.len() {
                return true;
            }
            self.path.pop();
        }
        false
    }

    /// The number of ways from the first place to an end. A place is reached by more choices than
    /// any before it, so there is no cycle.
    fn sum(&self) -> BigUint {
        let mut ways: Vec<Option<BigUint>> = vec![None; self.graph.len()];
        let mut open = vec![0];
        while let Some(&place) = open.last() {
            let nexts = &self.graph[place];
            let missing = nexts.iter().find_map(|next| match next {
                Next::Place(next) if ways[*next].is_none() => Some(*next),
                Next::Place(_) | Next::Broken => None,
            });
            if let Some(missing) = missing {
                open.push(missing);
                continue;
            }
            let one = || BigUint::from(1_u32);
            let sum = nexts.iter().fold(BigUint::ZERO, |sum, next| match next {
                Next::Place(next) => sum + ways[*next].clone().unwrap_or_default(),
                Next::Broken => sum + one(),
            });
            ways[place] = Some(if nexts.is_empty() { one() } else { sum });
            open.pop();
        }
        ways.first().cloned().flatten().unwrap_or_default()
    }
}
