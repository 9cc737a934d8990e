//! Every input in every state: histories that go through each transition of small machines.
//!
//! A machine is explored freely, every legal input of the alphabet in every state. The transitions
//! are then covered by walks: the shortest way to one that no walk has made, on through others as
//! long as there are some, and then to the end of the execution.

use lastbyte::machine::{Full, Input, Machine, Policy, Streams};
use rustc_hash::FxHashMap;

use super::{
    alphabet::{Budget, Extent, epilogue},
    settings,
};
use crate::{
    bytes::Bytes,
    vectors::{Case, Topic, outcome},
};

/// The states of a machine within bounds, with the transitions between them.
pub(super) struct Explored {
    pub(super) states: Vec<(Machine<Bytes>, Budget)>,
    /// From each state: the input, and the state after it.
    pub(super) edges: Vec<Vec<(Input<Bytes>, usize)>>,
    /// How each state was first reached.
    pub(super) reached_by: Vec<Option<(usize, usize)>>,
}

impl Explored {
    pub(super) fn new(streams: Streams, policy: Policy, extent: Extent) -> Option<Self> {
        let start = (Machine::new(streams, policy).ok()?, Budget::new(extent));
        let mut numbers: FxHashMap<(Machine<Bytes>, Budget), usize> = FxHashMap::default();
        numbers.insert(start.clone(), 0);
        let mut explored =
            Explored { states: vec![start], edges: Vec::new(), reached_by: vec![None] };
        while explored.edges.len() < explored.states.len() {
            let from = explored.edges.len();
            let (machine, budget) = explored.states[from].clone();
            let mut edges = Vec::new();
            for input in budget.inputs(streams) {
                let mut after = (machine.clone(), budget);
                if after.0.step(input.clone()).is_err() {
                    continue;
                }
                after.1.spend(&input);
                let new = explored.states.len();
                let to = *numbers.entry(after.clone()).or_insert(new);
                if to == new {
                    explored.states.push(after);
                    explored.reached_by.push(Some((from, edges.len())));
                }
                edges.push((input, to));
            }
            explored.edges.push(edges);
        }
        Some(explored)
    }

    /// The inputs of a shortest way to a state.
    pub(super) fn way_to(&self, mut state: usize) -> Vec<Input<Bytes>> {
        let mut way = Vec::new();
        while let Some((from, edge)) = self.reached_by[state] {
            way.push(self.edges[from][edge].0.clone());
            state = from;
        }
        way.reverse();
        way
    }
}

/// After its first new transition a walk goes on through so many more at most, to stay readable.
const ON_MAX: usize = 2;

/// The walks that cover every transition of a machine within an extent.
pub(super) fn walks(streams: Streams, policy: Policy, extent: Extent) -> Vec<Case> {
    let Some(explored) = Explored::new(streams, policy, extent) else { return Vec::new() };
    let mut made: Vec<Vec<bool>> =
        explored.edges.iter().map(|edges| vec![false; edges.len()]).collect();
    let mut cases = Vec::new();
    for state in 0..explored.states.len() {
        while let Some(edge) = made[state].iter().position(|made| !made) {
            let mut inputs = explored.way_to(state);
            let mut focus = Vec::new();
            let mut at = state;
            let mut next = Some(edge);
            while let Some(edge) = next {
                made[at][edge] = true;
                focus.push(inputs.len());
                let (input, to) = &explored.edges[at][edge];
                inputs.push(input.clone());
                at = *to;
                next = made[at].iter().position(|made| !made).filter(|_| focus.len() <= ON_MAX);
            }
            inputs.extend(epilogue(&mut explored.states[at].0.clone(), cases.len() % 4 == 0));
            cases.push(super::explored(Topic::Transitions, (streams, policy), &inputs, focus));
        }
    }
    cases
}

/// What is explored, and how far: the default policy, then what each other one changes.
pub(super) fn settings() -> Vec<(Streams, Policy, Extent)> {
    let usual = Policy::default();
    let extent = |chunks, waits, requests| Extent { chunks, waits, requests };
    let mut all = vec![
        (Streams::Stdout, usual, extent(2, 0, 1)),
        (Streams::Stdout, usual, extent(1, 1, 0)),
        (Streams::Stdout, usual, extent(0, 0, 2)),
        (Streams::Separate, usual, extent(0, 0, 0)),
    ];
    all.extend(settings::OTHERS.map(|streams| (streams, usual, extent(1, 0, 0))));
    let mut add = |policies: &[Policy], extent| {
        all.extend(policies.iter().map(|&policy| (Streams::Stdout, policy, extent)));
    };
    add(&settings::drains(), extent(1, 0, 1));
    add(&settings::kills(), extent(0, 0, 1));
    add(&settings::clocks(), extent(0, 0, 1));
    add(&settings::bounds(), extent(2, 0, 0));
    add(&[settings::buffer(1, Full::Pause)], extent(1, 0, 1));
    all
}

/// Whether a history goes as under the default policy: then it says nothing of its own.
fn is_usual(case: &Case) -> bool {
    let usual = Policy::default();
    case.policy != usual
        && outcome(case.streams, case.policy, &case.inputs)
            == outcome(case.streams, usual, &case.inputs)
}

/// A history for each transition, where its policy makes a difference.
pub(super) fn cases() -> Vec<Case> {
    settings()
        .into_iter()
        .flat_map(|(streams, policy, extent)| walks(streams, policy, extent))
        .filter(|case| !is_usual(case))
        .collect()
}
