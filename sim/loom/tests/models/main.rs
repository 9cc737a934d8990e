//! The ordering core under loom: each model runs in every order its threads can take, without a
//! bound; the few in `larger` say theirs. A step is atomic, no wake-up is lost, and the monitor
//! finds no broken rule.
//!
//! What a step means is the explorer's to check; here it is only that steps of several threads do
//! not mix, and that whoever blocks is woken. That the models would see it is tried too: on copies
//! of the production text with a mistake in them (`sabotages`).
#![expect(clippy::expect_used, reason = "a model that cannot go on must fail")]

extern crate alloc;

// What the sabotaged copies of the ordering core find in the crate they are compiled in.
use lastbyte_loom::{machine, monitor};
#[path = "../../../../src/sync.rs"]
mod sync;

mod driver;
mod harness;
mod larger;
mod orderings;
mod sabotages;
mod subject;
mod teardown;
mod waits;
