//! The production runner and client on a simulated network.
//!
//! Hosts, connections and their faults are turmoil's; time is virtual; children are no processes and
//! do what they are told. On a [`small`] network every message is held, and every order of delivery,
//! of what the child does and of what the reactor tells is run ([`orders`]). What each reader is
//! handed is [judged](judge) by the witness that judges every stack. On larger ones [`faults`] come by
//! seed.

pub mod child;
pub mod faults;
pub mod hosts;
pub mod judge;
pub mod log;
pub mod orders;
pub mod reader;
pub mod small;
pub mod token;
mod wrong;
