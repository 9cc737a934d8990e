//! `lastbyte doctor`: what this system has of what `lastbyte` uses, asked and not guessed.

mod look;

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::out::tell;

/// Tell what this system has of what lastbyte uses: pidfds, pipes, ptys, limits.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lastbyte doctor
  lastbyte doctor --json | jq '.checks[] | select(.state != \"ok\")'

Exit codes: 0 when commands can be run here; 1 when something that they need is missing; 125 when the
answer cannot be told.")]
pub(crate) struct Doctor {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// How it stands with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is there.
    Ok,
    /// It is not, or little of it is; commands run all the same.
    Note,
    /// Commands cannot be run as promised without it.
    Missing,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Note => "note",
            State::Missing => "missing",
        }
    }
}

/// One thing that was looked at.
struct Finding {
    name: &'static str,
    state: State,
    /// What was found.
    found: String,
    /// What it is for, and what to do where it is not there.
    means: &'static str,
}

impl Doctor {
    /// Exit code 0: commands can be run. 1: something is missing that they need.
    pub(crate) fn run(&self) -> ExitCode {
        let findings = look::all();
        let is_well = findings.iter().all(|finding| finding.state != State::Missing);
        let text = if self.json { object(&findings, is_well) } else { lines(&findings, is_well) };
        tell(&text, is_well)
    }
}

fn object(findings: &[Finding], is_well: bool) -> String {
    let checks: Vec<Value> = findings
        .iter()
        .map(|Finding { name, state, found, means }| {
            json!({ "name": name, "state": state.name(), "found": found, "means": means })
        })
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    format!("{}\n", json!({ "version": version, "well": is_well, "checks": checks }))
}

fn lines(findings: &[Finding], is_well: bool) -> String {
    let mut text = String::new();
    for Finding { name, state, found, means } in findings {
        text += &format!("{:<8}{name:<16}{found}\n", state.name());
        if *state != State::Ok {
            text += &format!("{:24}{means}\n", "");
        }
    }
    text += match is_well {
        true => "\ncommands can be run here\n",
        false => "\ncommands cannot be run here as promised: see what is missing\n",
    };
    text
}
