//! An executor that explores: async code runs on it, and every await is a scheduling choice.
//!
//! A *run* polls one task at a time, on one thread, in the order that a list of choices gives. The
//! twins of tokio's primitives ([`sync`], [`task`], [`time`]) wrap the real ones: each of their
//! awaits first hands the choice back, and each operation notes which object it touched. From
//! those notes a run knows its *footprint*: a fingerprint of what happened before what. Two
//! schedules with equal footprints differ only in the order of steps that share no object, so the
//! [`search`] goes on from one of them. Fake children ([`child`]), virtual time and the
//! [`witness`], who holds what the callers see against the contract, make up the rest of the world.
//!
//! Between two awaits a task is not interrupted. Where the real code ran on several threads,
//! [`task::preempt`] marks the places at which another thread may come in between.

pub mod child;
pub mod footprint;
mod local;
pub mod production;
pub mod run;
pub mod sample;
pub mod search;
pub mod shrink;
pub mod stack;
pub mod sync;
pub mod task;
pub mod time;
pub mod trace;
pub mod witness;
