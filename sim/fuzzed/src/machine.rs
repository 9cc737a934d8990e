//! Any history under any policy: the machine held to the contract by the monitor, to the sums of
//! its bytes, and to an end.

use arbitrary::{Arbitrary, Unstructured};
use lastbyte::machine::Machine;

use crate::{
    history::{Start, any},
    watched::Text,
    world::World,
};

/// Runs the history that these bytes are.
///
/// # Panics
///
/// The machine breaks a promise.
pub fn machine(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let Ok(Start { streams, policy }) = Start::arbitrary(&mut u) else { return };
    if policy.check().is_err() {
        assert!(Machine::<Text>::new(streams, policy).is_err(), "it cannot be carried out");
        return;
    }
    let Ok(root_ends) = bool::arbitrary(&mut u) else { return };
    let mut world = World::new(streams, policy);
    while !u.is_empty() {
        let Ok(any) = any(&mut u) else { break };
        world.happens(any);
    }
    world.ends(root_ends);
}
