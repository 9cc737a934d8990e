//! The production core and driver as tasks of the exploring executor, with fake children: the bytes
//! choose whose step is next.

use std::sync::Arc;

use crate::history::Start;
use arbitrary::{Arbitrary, Unstructured};
use lastbyte::machine::DrainPolicy;
use lastbyte_sim::{
    executor::{production::Lastbyte, sample::chosen, stack::Stack},
    scenarios::scenarios,
};

/// Runs the schedule that these bytes are: a scenario, perhaps another policy, then choices.
///
/// # Panics
///
/// The schedule breaks a rule.
pub fn tasks(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let (Ok(scenario), Ok(change)) = (u8::arbitrary(&mut u), bool::arbitrary(&mut u)) else {
        return;
    };
    let suiting: Vec<_> = scenarios(3, 2)
        .into_iter()
        .filter(|scenario| scenario.suits(Lastbyte::OFFERS) && scenario.children.len() == 1)
        .collect();
    let Some(scenario) = suiting.get(usize::from(scenario) % suiting.len().max(1)) else { return };
    let mut scenario = Arc::clone(scenario);
    if change {
        let Ok(Start { policy, .. }) = Start::arbitrary(&mut u) else { return };
        // Without a bound, a descendant that keeps a pipe for ever is waited for.
        if policy.check().is_err() || policy.drain == DrainPolicy::UntilEof {
            return;
        }
        // What the scenario expects of its own policy, it does not of another.
        let asked = Arc::make_mut(&mut scenario);
        asked.policy = policy;
        (asked.bound, asked.buffer_max, asked.harmless) = (None, None, false);
    }
    let broken = chosen::<Lastbyte>(&scenario, |choices| {
        usize::from(u8::arbitrary(&mut u).unwrap_or(0)) % choices
    });
    assert_eq!(broken, None, "in {}", scenario.name);
}
