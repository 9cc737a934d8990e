//! `lastbyte shim`: the reference port behind the conformance protocol, or one with a bug.

use std::{io, process::ExitCode};

use clap::{Args, builder::PossibleValuesParser};
use lastbyte_sim::conform::{
    port::{self, Failed},
    saboteur::Sabotage,
};

use crate::out::{cannot_write, refuse};

/// Answer conformance vectors on stdin, as the reference or with a bug.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lastbyte conform -- lastbyte shim
  lastbyte conform -- lastbyte shim --bug wait-at-reap

Exit codes: 0 when the input has ended; 125 when a line cannot be answered.")]
pub(crate) struct Shim {
    /// Answer with this bug.
    #[arg(long, value_name = "BUG", value_parser = PossibleValuesParser::new(Sabotage::names()))]
    bug: Option<String>,
}

impl Shim {
    /// Exit code 0: the input has ended. 125: it cannot be answered.
    pub(crate) fn run(&self) -> ExitCode {
        let sabotage = self.bug.as_deref().and_then(Sabotage::named);
        match port::serve(sabotage, io::stdin().lock(), io::stdout().lock()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(Failed::Asked(why)) => refuse(&why),
            Err(Failed::Told(error)) => ExitCode::from(cannot_write(&error)),
        }
    }
}
