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
    Run(Box<verb::run::Run>),
    Check(verb::check::Check),
    Replay(verb::replay::Replay),
    Show(verb::show::Show),
    Probe(verb::probe::Probe),
    #[command(hide = true)]
    Racy(verb::racy::Racy),
}

/// Our own errors, as of env(1) and timeout(1): no command exits with it by chance as often as
/// with 1 or 2.
const OWN_ERROR: u8 = 125;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed stdout or stderr leaves nobody to tell.
            let _printed = error.print();
            let code = if error.use_stderr() { OWN_ERROR } else { 0 };
            return ExitCode::from(code);
        }
    };
    match cli.verb {
        Verb::Run(run) => run.run(),
        Verb::Check(check) => check.run(),
        Verb::Replay(replay) => replay.run(),
        Verb::Show(show) => show.run(),
        Verb::Probe(probe) => probe.run(),
        Verb::Racy(racy) => racy.run(),
    }
}
