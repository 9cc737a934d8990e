//! Breadth first over every state of a model: counts, liveness, the shortest way to each break.
//!
//! States are compared whole; nothing rests on a hash. The counting and the liveness are those of
//! the explorer of executions (`graph.rs`).

use std::{
    collections::BTreeMap,
    hash::{Hash, Hasher},
};

use num_bigint::BigUint;
use rustc_hash::FxHasher;

use super::promise::{Broken, Promise};
use crate::{
    explorer::Incomplete,
    graph::{BREAKS, Graph, index},
    index::Index,
};

/// Something with states, of which one follows from another by a choice.
pub trait Model {
    /// What it is like at a moment.
    type State: Clone + Eq + Hash;
    /// What can happen next.
    type Choice: Clone;

    /// Where it starts.
    fn start(&self) -> Self::State;

    /// Everything that can happen now.
    fn choices(&self, state: &Self::State) -> Vec<Self::Choice>;

    /// Makes it happen.
    ///
    /// # Errors
    ///
    /// The promise that this breaks.
    fn take(&self, state: &mut Self::State, choice: &Self::Choice) -> Result<(), Broken>;

    /// Looks at a state in which nothing can happen any more.
    ///
    /// # Errors
    ///
    /// The promise that is broken by staying so for ever.
    fn finish(&self, state: &Self::State) -> Result<(), Broken>;
}

/// What an exploration found: it holds for every history of the model.
#[derive(Clone, Debug)]
pub struct Found<S, C> {
    /// Distinct states.
    pub states: u64,
    /// Transitions between them.
    pub transitions: u64,
    /// Distinct complete histories.
    pub interleavings: BigUint,
    /// Steps of the longest.
    pub longest: u32,
    /// States from which no history comes to a good end.
    pub hopeless: u64,
    /// The states in which histories end.
    pub ends: Vec<S>,
    /// For each promise that breaks, how, and a shortest way there.
    pub broken: BTreeMap<Promise, (Broken, Vec<C>)>,
}

/// Explores all of it, if it has at most `states_max` states.
///
/// # Errors
///
/// [`Incomplete`] when the search could not be finished: then nothing is claimed.
pub fn explore<M: Model>(
    model: &M,
    states_max: u64,
) -> Result<Found<M::State, M::Choice>, Incomplete> {
    let mut search = Search::new(model);
    let mut next = 0;
    while next < search.states.len() {
        search.expand(next);
        next += 1;
        if search.states.len() as u64 > states_max {
            return Err(Incomplete::TooManyStates { max: states_max });
        }
    }
    let order = search.graph.order()?;
    Ok(Found {
        states: search.graph.states() as u64,
        transitions: search.graph.transitions() as u64,
        interleavings: search.graph.paths(&order),
        longest: search.graph.longest(&order),
        hopeless: search.graph.hopeless(&order).len() as u64,
        ends: search.ends,
        broken: search.broken,
    })
}

struct Search<'a, M: Model> {
    model: &'a M,
    states: Vec<M::State>,
    numbers: Index,
    /// For each state, from which and by which choice it was first reached.
    reached_by: Vec<Option<(u32, M::Choice)>>,
    graph: Graph,
    ends: Vec<M::State>,
    broken: BTreeMap<Promise, (Broken, Vec<M::Choice>)>,
}

impl<'a, M: Model> Search<'a, M> {
    fn new(model: &'a M) -> Self {
        let mut search = Search {
            model,
            states: Vec::new(),
            numbers: Index::new(),
            reached_by: Vec::new(),
            graph: Graph::new(),
            ends: Vec::new(),
            broken: BTreeMap::new(),
        };
        search.number(model.start(), None);
        search
    }

    fn expand(&mut self, number: usize) {
        let state = self.states[number].clone();
        let choices = self.model.choices(&state);
        let mut over = false;
        if choices.is_empty() {
            match self.model.finish(&state) {
                Ok(()) => over = true,
                Err(broken) => self.note(broken, number, None),
            }
            self.ends.push(state.clone());
        }
        for choice in choices {
            let mut after = state.clone();
            let to = match self.model.take(&mut after, &choice) {
                Ok(()) => self.number(after, Some((index(number), choice))),
                Err(broken) => {
                    self.note(broken, number, Some(choice));
                    BREAKS
                }
            };
            self.graph.lead_to(to);
        }
        self.graph.close(over);
    }

    fn number(&mut self, state: M::State, by: Option<(u32, M::Choice)>) -> u32 {
        let mut hasher = FxHasher::default();
        state.hash(&mut hasher);
        let new = index(self.states.len());
        let states = &self.states;
        let number =
            self.numbers.number(hasher.finish(), new, |number| states[number as usize] == state);
        if number == new {
            self.states.push(state);
            self.reached_by.push(by);
        }
        number
    }

    /// Keeps the first way to a broken promise: breadth first, it is a shortest.
    fn note(&mut self, broken: Broken, state: usize, last: Option<M::Choice>) {
        let reached_by = &self.reached_by;
        self.broken.entry(broken.promise).or_insert_with(|| {
            let mut way: Vec<M::Choice> = last.into_iter().collect();
            let mut at = state;
            while let Some((from, choice)) = &reached_by[at] {
                way.push(choice.clone());
                at = *from as usize;
            }
            way.reverse();
            (broken, way)
        });
    }
}
