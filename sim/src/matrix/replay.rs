//! `lastbyte replay TOKEN`: one schedule again, step by step.

use std::process::ExitCode;

use clap::Args;

use super::table::Steps;
use crate::{OWN_ERROR, catalogue::Specimen, schedule::Token};

/// Run one schedule again, step by step.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  lastbyte replay stock:wait-error:1:1:333:72f3

Exit codes: 0, the rule breaks again; 1, it does not; 125, the token cannot be run.")]
pub struct Replay {
    /// The token that `check` printed.
    token: String,
}

impl Replay {
    /// Exit code 0: the rule breaks again. 1: it does not. 125: the token cannot be run.
    pub fn run(&self, known: &[Specimen]) -> ExitCode {
        let replayed = Token::parse(&self.token).and_then(|token| token.replay_among(known));
        let (replayed, changed) = match replayed {
            Ok(replayed) => replayed,
            Err(bad) => {
                eprintln!("lastbyte: failed to replay {:?}: {bad}", self.token);
                return ExitCode::from(OWN_ERROR);
            }
        };
        print!("{}", Steps(&replayed));
        if changed {
            println!("the code changed under this token: this is not the history it was made of");
        }
        match (replayed.diverged_at, replayed.broken) {
            (Some(step), _) => {
                println!("step {}: there is no such choice any more", step + 1);
                ExitCode::FAILURE
            }
            (None, Some(broken)) => {
                println!("breaks {broken}");
                ExitCode::SUCCESS
            }
            (None, None) => {
                println!("breaks no rule");
                ExitCode::FAILURE
            }
        }
    }
}
