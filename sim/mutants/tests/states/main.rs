//! States as values: what their copies and hashes are, what each answers to whoever asks, and what
//! the monitor says of steps that no machine made.
#![expect(clippy::expect_used, reason = "a test that cannot go on must fail")]

mod answers;
mod copies;
mod cores;
mod forged;
mod places;
mod values;
#[expect(dead_code, reason = "the tests of the machine use the rest")]
#[path = "../../../../tests/machine/watched.rs"]
mod watched;
