//! Every interleaving of the races of a runner's boxes, under the promises of their registry.
//!
//! A [`race::Race`] is a handful of callers, each with one request, a machine with so much to give,
//! and what may go wrong. [`world::World`] puts the production [`Lifecycle`] between them and a
//! runner that reports each thing it was told to do at any later moment, in any order.
//! [`search::explore`] visits every state, counts the interleavings exactly, and gives the shortest
//! schedule to each [`promise::Promise`] that breaks. It also collects how the callers were
//! answered, so that a test can list every way in which a race may end.
//!
//! [`Lifecycle`]: lastbyte::remote::lifecycle::Lifecycle

pub mod promise;
pub mod race;
pub mod search;
pub mod world;
