//! The Rust in the book, compiled and run as doctests. `sim/tests/book.rs` has the rest of it, and
//! holds this list to the pages.

#[doc = include_str!("../../docs/start.md")]
struct Start;

#[doc = include_str!("../../docs/runtime.md")]
struct Runtime;
