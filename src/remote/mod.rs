//! Executions on another machine: what a runner and its client are made of.

pub mod lifecycle;
