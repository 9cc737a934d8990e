//! The command line of `lastbyte`: its verbs, and what is made of its words.

use std::{ffi::OsString, iter, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand};

use crate::{
    catalogue::{Specimen, specimens},
    matrix::{check::Check, replay::Replay, sample::Sample, show::Show},
    out::usage,
    verb,
};

/// No exit before the last byte: run commands, and check what orders their output and their end.
#[derive(Parser, Debug)]
#[command(name = "lastbyte", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    Run(Box<verb::run::Run>),
    Serve(verb::serve::Serve),
    Check(Check),
    Replay(Replay),
    Sample(Sample),
    Show(Show),
    Network(verb::network::Network),
    Sweep(verb::sweep::Sweep),
    Merge(verb::merge::Merge),
    Trace(verb::trace::Trace),
    Probe(verb::probe::Probe),
    Soak(verb::soak::Soak),
    #[command(hide = true)]
    OnePage(verb::one_page::OnePage),
    #[command(hide = true)]
    Racy(verb::racy::Racy),
    Vectors(verb::vectors::Vectors),
    Conform(verb::conform::Conform),
    Shim(verb::shim::Shim),
    Doctor(verb::doctor::Doctor),
    Completions(verb::shell::Completions),
    Man(verb::shell::Man),
}

/// Whether these words, without the program's own, are a command line of `lastbyte`. Nothing is run.
///
/// # Errors
///
/// What the command would say: its help, its version, or what is wrong.
pub fn check(words: impl IntoIterator<Item = OsString>) -> Result<(), String> {
    let words = iter::once(OsString::from("lastbyte")).chain(words);
    Cli::try_parse_from(words).map(drop).map_err(|error| error.to_string())
}

/// The command, with the words of this program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => return usage(&told),
    };
    let known: Vec<Specimen> = specimens().collect();
    match cli.verb {
        Verb::Run(run) => run.run(),
        Verb::Serve(serve) => serve.run(),
        Verb::Check(check) => check.run(&known),
        Verb::Replay(replay) => replay.run(&known),
        Verb::Sample(sample) => sample.run(&known),
        Verb::Show(show) => show.run(&known),
        Verb::Network(network) => network.run(),
        Verb::Sweep(sweep) => sweep.run(),
        Verb::Merge(merge) => merge.run(),
        Verb::Trace(trace) => trace.run(),
        Verb::Probe(probe) => probe.run(),
        Verb::Soak(soak) => soak.run(),
        Verb::OnePage(one_page) => one_page.run(),
        Verb::Racy(racy) => racy.run(),
        Verb::Vectors(vectors) => vectors.run(),
        Verb::Conform(conform) => conform.run(),
        Verb::Shim(shim) => shim.run(),
        Verb::Doctor(doctor) => doctor.run(),
        Verb::Completions(completions) => completions.run(&Cli::command()),
        Verb::Man(man) => man.run(Cli::command()),
    }
}
