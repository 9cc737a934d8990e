//! The ordering core under loom: each model runs in every order its threads can take, without a
//! bound. A step is atomic, no wake-up is lost, and the monitor finds no broken rule.
//!
//! What a step means is the explorer's to check; here it is only that steps of several threads do
//! not mix, and that whoever blocks is woken.
#![expect(clippy::expect_used, reason = "a model that cannot go on must fail")]

mod driver;
mod harness;
mod orderings;
mod sabotage;
mod teardown;
mod waits;
