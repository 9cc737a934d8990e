//! The asynchronous surface, poll by poll: who is woken when, and by nothing else; what a future
//! that is dropped leaves behind; every bound in time to the millisecond; and the driver under
//! random scripts.
//!
//! Nothing here waits for anything: time is tokio's paused clock, and a task runs when the test
//! lets it.
#![expect(clippy::expect_used, reason = "a test that cannot go on must fail")]

mod cancel;
mod child;
mod clocks;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/fake.rs"]
mod fake;
mod futures;
mod polled;
mod random;
mod stdin;
mod steps;
