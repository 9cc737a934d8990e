//! Races of a runner's boxes: every order of each, how each may end, and that mistakes are seen.

mod counts;
mod explored;
mod mutants;
mod races;
mod refusals;
