//! Executions on another machine: a runner that is reached by HTTP, and its client.
//!
//! ```text
//! caller -> client::Execution -- POST exec, GET output, GET wait --> runner -> Host -> Execution
//!           (ordering core)          over any connection            (retained output)
//! ```
//!
//! Output and wait travel on different connections, so their order at the client's end is made
//! there, by the same machine as for local processes. `docs/runner.md` has the protocol.
//!
//! Nothing here reads a wall clock or rolls a die: time is tokio's, which a test can pause, and
//! names come from counters.

pub mod client;
pub mod frames;
pub mod lifecycle;
pub mod policy;
pub mod runner;
pub mod wire;
