//! The C ABI as C sees it: a header, a library, and programs compiled by gcc.
#![expect(clippy::expect_used, reason = "what the tests share is no test to clippy")]

mod doc;
mod header;
mod library;
mod programs;
mod symbols;
