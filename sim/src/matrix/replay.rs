//! `lastbyte replay TOKEN`: one schedule again, step by step.

use std::process::ExitCode;

use clap::Args;

use super::table::Steps;
use crate::{
    catalogue::Specimen,
    diagram::text::shown,
    out::{refuse, tell},
    schedule::Token,
};

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
            Err(bad) => return refuse(&format!("failed to replay {:?}: {bad}", self.token)),
        };
        let mut text = Steps(&replayed).to_string();
        if changed {
            text += "the code changed under this token: this is not the history it was made of\n";
        }
        let breaks = replayed.diverged_at.is_none() && replayed.broken.is_some();
        text += &match (replayed.diverged_at, replayed.broken) {
            (Some(step), _) => format!("step {}: there is no such choice any more\n", step + 1),
            (None, Some(broken)) => format!("breaks {broken}\n"),
            (None, None) => "breaks no rule\n".to_owned(),
        };
        // A design of somebody else's may say anything.
        tell(&shown(&text), breaks)
    }
}
