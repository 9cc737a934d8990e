//! What the fuzzers run: one function for each target, from bytes to a panic where a promise is
//! broken.
//!
//! `fuzz/` calls them under libFuzzer, with a nightly compiler; the tests of this package call them
//! over the checked-in corpus, with any. `docs/fuzzing.md` is the page about it.

#[cfg(feature = "capi")]
mod capi;
mod client;
mod history;
mod machine;
mod options;
mod ordering;
pub mod seeds;
mod tasks;
mod trace;
mod vectors;
mod wire;

// The tests of the machine and the fuzzer hold it to the same.
#[expect(clippy::expect_used, reason = "a test that cannot go on must fail")]
#[expect(dead_code, reason = "the tests of the machine use the rest")]
#[path = "../../../tests/machine/watched.rs"]
mod watched;
#[expect(clippy::expect_used, reason = "a test that cannot go on must fail")]
#[path = "../../../tests/machine/world.rs"]
mod world;

#[cfg(feature = "capi")]
pub use capi::capi;
pub use {
    client::client, machine::machine, options::options, ordering::ordering, tasks::tasks,
    trace::trace, vectors::vectors, wire::wire,
};

/// A target: its name, which is also that of its corpus, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("machine", machine),
    ("ordering", ordering),
    ("tasks", tasks),
    ("wire", wire),
    ("client", client),
    ("trace", trace),
    ("vectors", vectors),
    ("options", options),
    #[cfg(feature = "capi")]
    ("capi", capi),
];
