//! The production runner and client on a simulated network: every order of a small one, and faults
//! by seed.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod faults;
mod small;
mod toy;
