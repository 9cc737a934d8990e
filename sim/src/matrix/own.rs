//! Somebody else's stack as a row of the matrix: the main of a program of its own.
//!
//! Implement [`Stack`](crate::executor::stack::Stack) for it, make a [`Specimen`] of it, and call
//! [`main`]. `sim/examples/your-stack` does so for a stack that a reader may know.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::{check::Check, replay::Replay, sample::Sample, show::Show};
use crate::{catalogue::Specimen, out::usage};

/// Every schedule of exec stacks, held against the contract.
#[derive(Parser, Debug)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    Check(Check),
    Replay(Replay),
    Sample(Sample),
    Show(Show),
}

/// `check`, `sample`, `show` and `replay`, as of `lastbyte`, for these designs.
pub fn main(designs: &[Specimen]) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => return usage(&told),
    };
    match cli.verb {
        Verb::Check(check) => check.run(designs),
        Verb::Replay(replay) => replay.run(designs),
        Verb::Sample(sample) => sample.run(designs),
        Verb::Show(show) => show.run(designs),
    }
}
