//! The harness: every interleaving of a bounded execution, under the one checker of the contract.
//!
//! [`explorer::explore`] visits every reachable state of a [`design::Design`] in a bounded
//! [`world`], runs the production monitor on every transition, counts the distinct complete
//! interleavings exactly, and gives the shortest schedule to each rule that breaks. The designs are
//! the production machine and those of the [`zoo`], which must be caught.
//!
//! What it proves holds within the bounds printed with each count, at the granularity of one step;
//! that a step is atomic, and that no wake-up is lost around it, is for the models under loom.
#![forbid(unsafe_code)]

// The verbs name it as any other program would.
extern crate self as lastbyte_sim;

mod arena;
#[cfg(doctest)]
mod book;
pub mod bytes;
pub mod catalogue;
mod child;
pub mod command_line;
pub mod conform;
pub mod design;
pub mod diagram;
pub mod dice;
pub mod executor;
pub mod explorer;
pub mod fingerprint;
mod graph;
mod index;
pub mod lifecycle;
pub mod matrix;
mod memo;
pub mod network;
mod out;
mod parts;
mod progress;
pub mod report;
pub mod scenarios;
pub mod schedule;
pub mod trace;
pub mod vectors;
mod verb;
pub mod world;
pub mod zoo;

/// Exit code of the command's own errors, as of env(1) and timeout(1): no command exits with it by
/// chance as often as with 1 or 2.
pub const OWN_ERROR: u8 = 125;
