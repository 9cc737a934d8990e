//! The command `lastbyte`.

mod verb;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// No exit before the last byte: run commands, and check what orders their output and their end.
#[derive(Parser, Debug)]
#[command(name = "lastbyte", version, about)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    Check(verb::check::Check),
    Replay(verb::replay::Replay),
}

fn main() -> ExitCode {
    match Cli::parse().verb {
        Verb::Check(check) => check.run(),
        Verb::Replay(replay) => replay.run(),
    }
}
