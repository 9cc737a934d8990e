//! The runner and its client over real connections and with real processes.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod attach;
mod client;
mod errors;
mod gaps;
mod harness;
mod hostile;
mod kept;
mod network;
mod nothing;
mod openapi;
mod output;
mod overlong;
mod scripted;
mod stalls;
mod stdin;
mod wait;
