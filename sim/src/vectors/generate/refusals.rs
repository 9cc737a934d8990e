//! Illegal inputs: each that a state refuses, in a history that goes on as if nothing had come.

use std::collections::BTreeSet;

use lastbyte::machine::{Input, Machine, Policy, Streams, Why};

use super::{
    alphabet::{Budget, epilogue, illegal},
    cover::{Explored, settings},
};
use crate::{
    bytes::Bytes,
    vectors::{Case, Topic},
};

/// So many refused inputs in one history.
const AT_ONCE: usize = 12;

/// The refused inputs of a state, with the reasons.
fn refused(machine: &Machine<Bytes>, budget: Budget) -> Vec<(Input<Bytes>, Why)> {
    let inputs = budget.inputs(machine.streams()).into_iter().chain(illegal(machine));
    let mut again = machine.clone();
    // A refused input changes nothing; an accepted one is taken back.
    let refusal = |input: Input<Bytes>| match again.step(input.clone()) {
        Ok(_accepted) => {
            again.clone_from(machine);
            None
        }
        Err(illegal) => Some((input, illegal.why)),
    };
    inputs.filter_map(refusal).collect()
}

/// A history for each input that is refused for a reason, beside the same other refusals.
fn refusals(
    streams: Streams,
    policy: Policy,
    explored: &Explored,
    seen: &mut BTreeSet<Vec<String>>,
) -> Vec<Case> {
    let mut cases = Vec::new();
    for (state, (machine, budget)) in explored.states.iter().enumerate() {
        let all = refused(machine, *budget);
        let told = all.iter().map(|(input, why)| format!("{input:?} {why:?}")).collect();
        if !seen.insert(told) {
            continue;
        }
        for some in all.chunks(AT_ONCE) {
            let mut inputs = explored.way_to(state);
            let focus = (inputs.len()..inputs.len() + some.len()).collect();
            inputs.extend(some.iter().map(|(input, _)| input.clone()));
            inputs.extend(epilogue(&mut machine.clone(), true));
            cases.push(super::explored(Topic::Refusals, (streams, policy), &inputs, focus));
        }
    }
    cases
}

/// The refusals of every machine that is explored.
pub(super) fn cases() -> Vec<Case> {
    let mut seen = BTreeSet::new();
    settings()
        .into_iter()
        .filter_map(|(streams, policy, extent)| {
            let explored = Explored::new(streams, policy, extent)?;
            Some(refusals(streams, policy, &explored, &mut seen))
        })
        .flatten()
        .collect()
}
