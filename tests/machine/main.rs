//! The machine by itself: what it refuses, when it pauses, what it drops and reports, whatever
//! comes in whatever order.
#![expect(clippy::expect_used, reason = "a test that cannot go on must fail")]

mod bounds;
mod illegal;
mod latch;
mod limits;
mod random;
mod sleepers;
mod watched;
mod world;
