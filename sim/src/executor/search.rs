//! Every schedule of a scenario, or a sample of them.
//!
//! [`explore`] is stateless: it cannot copy a running task, so it re-runs each schedule from the
//! start. It goes breadth first, from each footprint once, so that the first schedule that breaks
//! a rule is a shortest one. The number of complete schedules is a sum over the graph, which has
//! no cycle. [`count_plainly`] makes every schedule one by one, and confirms both.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use lastbyte::monitor::{Broken, Rule};
use num_bigint::BigUint;
use rustc_hash::FxHashMap;

use crate::explorer::{Counterexample, Incomplete, Report};

use super::{
    run::{Choice, Mode},
    stack::{Scenario, Session, Stack, enter},
    trace::Line,
};

pub(super) const QUIET: Mode = Mode { untracked: false, traced: false, early: 0 };

/// Steps of one schedule, at most: a stack that needs more does not end.
pub(super) const STEPS_MAX: usize = 1000;

/// Where nothing follows: a rule was broken.
const BREAKS: u32 = u32::MAX;

struct Node {
    from: u32,
    place: u8,
    /// What may go on here.
    choices: u8,
}

/// Every schedule of a stack in a scenario, with at most `states_max` footprints.
///
/// # Errors
///
/// [`Incomplete`] when the search could not be finished.
pub fn explore<S: Stack>(scenario: &Arc<Scenario>, states_max: u64) -> Result<Report, Incomplete> {
    let mut search = Search {
        nodes: Vec::new(),
        known: FxHashMap::default(),
        first: Vec::new(),
        successors: Vec::new(),
        over: Vec::new(),
        broken: BTreeMap::new(),
        choices: Vec::new(),
    };
    search.arrive(&enter::<S>(scenario, QUIET), 0, 0);
    let mut next = 0;
    let mut prefix = Vec::new();
    while next < search.nodes.len() {
        search.expand::<S>(scenario, next, &mut prefix);
        next += 1;
        if search.nodes.len() as u64 > states_max {
            return Err(Incomplete::TooManyStates { max: states_max });
        }
    }
    search.first.push(search.successors.len());
    search.report()
}

struct Search {
    nodes: Vec<Node>,
    known: FxHashMap<u128, u32>,
    /// For each node, where its successors begin.
    first: Vec<usize>,
    successors: Vec<u32>,
    over: Vec<bool>,
    broken: BTreeMap<Rule, Counterexample>,
    choices: Vec<Choice>,
}

impl Search {
    /// Numbers a state that was reached. What ends here must be finished.
    fn arrive(&mut self, session: &Session, from: u32, place: u8) -> u32 {
        let number = u32::try_from(self.nodes.len()).unwrap_or(BREAKS);
        let known = *self.known.entry(session.footprint()).or_insert(number);
        if known != number {
            return known;
        }
        session.choices(&mut self.choices);
        let choices = u8::try_from(self.choices.len()).unwrap_or(u8::MAX);
        self.nodes.push(Node { from, place, choices });
        self.over.push(session.is_over());
        if choices == 0
            && let Err(broken) = session.finish()
        {
            self.note(broken, number, None);
        }
        number
    }

    fn expand<S: Stack>(&mut self, scenario: &Arc<Scenario>, number: usize, prefix: &mut Vec<u8>) {
        self.first.push(self.successors.len());
        self.way_to(number as u32, prefix);
        for place in 0..self.nodes[number].choices {
            let session = enter::<S>(scenario, QUIET);
            for &place in prefix.iter() {
                session.choices(&mut self.choices);
                // It has been here before, and nothing broke.
                let _held = session.take(self.choices[place as usize]);
            }
            session.choices(&mut self.choices);
            let successor = match session.take(self.choices[place as usize]) {
                Ok(()) => self.arrive(&session, number as u32, place),
                Err(broken) => {
                    self.note(broken, number as u32, Some(place));
                    BREAKS
                }
            };
            self.successors.push(successor);
        }
    }

    fn way_to(&self, mut number: u32, way: &mut Vec<u8>) {
        way.clear();
        while number != 0 {
            let node = &self.nodes[number as usize];
            way.push(node.place);
            number = node.from;
        }
        way.reverse();
    }

    /// Keeps the first schedule that breaks a rule: breadth first, it is a shortest.
    fn note(&mut self, broken: Broken, number: u32, last: Option<u8>) {
        if self.broken.contains_key(&broken.rule) {
            return;
        }
        let mut schedule = Vec::new();
        self.way_to(number, &mut schedule);
        schedule.extend(last);
        self.broken.insert(broken.rule, Counterexample { broken, schedule });
    }

    /// The states, each before those that follow from it.
    ///
    /// # Errors
    ///
    /// [`Incomplete::Cycle`]: a schedule comes back to a state it was in.
    fn order(&self) -> Result<Vec<u32>, Incomplete> {
        let states = self.nodes.len();
        let mut incoming = vec![0u32; states];
        for &successor in self.successors.iter().filter(|&&successor| successor != BREAKS) {
            incoming[successor as usize] += 1;
        }
        let mut order = vec![0u32];
        let mut next = 0;
        while let Some(&state) = order.get(next) {
            next += 1;
            for &successor in self.successors_of(state as usize) {
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

    fn successors_of(&self, state: usize) -> &[u32] {
        &self.successors[self.first[state]..self.first[state + 1]]
    }

    fn report(self) -> Result<Report, Incomplete> {
        let order = self.order()?;
        let states = self.nodes.len();
        let mut paths = vec![BigUint::ZERO; states];
        let mut longest = vec![0u32; states];
        let mut hopes = self.over.clone();
        for &state in order.iter().rev() {
            let state = state as usize;
            let successors = self.successors_of(state);
            let mut sum = BigUint::from(u8::from(successors.is_empty()));
            for &successor in successors {
                match successor {
                    BREAKS => {
                        sum += 1u8;
                        hopes[state] = true;
                    }
                    known => {
                        sum += &paths[known as usize];
                        longest[state] = longest[state].max(longest[known as usize]);
                        hopes[state] |= hopes[known as usize];
                    }
                }
            }
            longest[state] += u32::from(!successors.is_empty());
            paths[state] = sum;
        }
        Ok(Report {
            states: states as u64,
            transitions: self.successors.len() as u64,
            interleavings: paths.swap_remove(0),
            longest: longest[0],
            hopeless: hopes.iter().filter(|&&hope| !hope).count() as u64,
            broken: self.broken,
        })
    }
}

/// One schedule, run again.
#[derive(Debug, Default)]
pub struct Rerun {
    /// The steps, in words.
    pub lines: Vec<Line>,
    /// The rule that broke.
    pub broken: Option<Broken>,
    /// A choice that there is not.
    pub diverged_at: Option<usize>,
}

/// Runs a schedule again, with a trace.
pub fn rerun<S: Stack>(scenario: &Arc<Scenario>, schedule: &[u8]) -> Rerun {
    let session = enter::<S>(scenario, Mode { traced: true, ..QUIET });
    let mut choices = Vec::new();
    let mut rerun = Rerun::default();
    for (step, &place) in schedule.iter().enumerate() {
        session.choices(&mut choices);
        let Some(&choice) = choices.get(place as usize) else {
            rerun.diverged_at = Some(step);
            break;
        };
        rerun.broken = session.take(choice).err();
        if rerun.broken.is_some() {
            break;
        }
    }
    session.choices(&mut choices);
    if rerun.broken.is_none() && rerun.diverged_at.is_none() && choices.is_empty() {
        rerun.broken = session.finish().err();
    }
    rerun.lines = session.lines();
    rerun
}

/// What a search without reduction found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plain {
    /// Complete schedules, each made from start to end.
    pub schedules: u64,
    /// The rules broken, with the length of the shortest schedule of each.
    pub broken: BTreeMap<Rule, u32>,
    /// Distinct footprints of complete schedules under the reduction.
    pub ends: BTreeSet<u128>,
}

/// Makes every schedule one by one, depth first, without taking any two for one.
///
/// # Errors
///
/// [`Incomplete`] when there are more than `schedules_max`.
pub fn count_plainly<S: Stack>(
    scenario: &Arc<Scenario>,
    schedules_max: u64,
) -> Result<Plain, Incomplete> {
    let mut plain = Plain { schedules: 0, broken: BTreeMap::new(), ends: BTreeSet::new() };
    // The choices made so far, each with the number there were.
    let mut path: Vec<(u8, u8)> = Vec::new();
    let mut choices = Vec::new();
    loop {
        let session = enter::<S>(scenario, QUIET);
        let mut steps = 0;
        let broken = loop {
            session.choices(&mut choices);
            if choices.is_empty() {
                break session.finish().err();
            }
            if steps == path.len() {
                path.push((0, u8::try_from(choices.len()).unwrap_or(u8::MAX)));
            }
            let place = path[steps].0 as usize;
            steps += 1;
            if let Err(broken) = session.take(choices[place]) {
                break Some(broken);
            }
        };
        plain.schedules += 1;
        plain.ends.insert(session.footprint());
        if let Some(Broken { rule, .. }) = broken {
            let shortest = plain.broken.entry(rule).or_insert(u32::MAX);
            *shortest = (*shortest).min(steps as u32);
        }
        if plain.schedules > schedules_max {
            return Err(Incomplete::TooManyStates { max: schedules_max });
        }
        path.truncate(steps);
        while path.last().is_some_and(|&(place, of)| place + 1 == of) {
            path.pop();
        }
        match path.last_mut() {
            Some((place, _)) => *place += 1,
            None => return Ok(plain),
        }
    }
}
