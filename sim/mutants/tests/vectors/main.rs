//! Every conformance vector by the machine itself, and what the monitor says of each step, as it was
//! and with one thing changed in it.
//!
//! Built of the machine and the monitor alone, so that it is quick to build: it is what a mutant of
//! them meets first (`.ci/mutants`).
#![expect(clippy::expect_used, reason = "a test that cannot go on must fail")]

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a change is made to some, and all others have nothing to change"
)]
mod altered;
mod replayed;
mod vector;
#[expect(
    dead_code,
    unreachable_pub,
    reason = "the harness has it in its library, and uses the rest"
)]
#[path = "../../../src/vectors/words/mod.rs"]
mod words;
