//! What a mutant of the machine, the monitor or the core meets (`.ci/mutants`), beside the machine's
//! own tests: built of these three alone, so that a mutant is built and judged in seconds.
//!
//! There is nothing in the library: it is for `tests/`.
