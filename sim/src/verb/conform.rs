//! `lastbyte conform -- SHIM...`: holds a port to the vectors.

use std::{
    ffi::OsString, io::IsTerminal, num::NonZeroUsize, path::PathBuf, process::ExitCode, thread,
    time::Duration,
};

use clap::Args;
use lastbyte_sim::{
    conform::{
        Outcomes, Verdict,
        drawn::drawn,
        junit,
        pool::{self, Asking},
    },
    diagram::terminal,
    report::{self, Sheet},
    vectors::{Vector, store},
};

use super::run::options;
use crate::{
    out::{refuse, tell},
    progress::counted,
};

/// Hold a port to the conformance vectors.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lastbyte conform -- ports/python/conform
  lastbyte conform --only C7 --html port.html -- ports/python/conform
  lastbyte conform --show races.odjdny7n

Exit codes: 0 when every vector passes; 1 when one fails; 125 when there are no vectors, or no shim.")]
pub(crate) struct Conform {
    /// The folder of the vectors.
    #[arg(long, value_name = "DIR", default_value = "vectors")]
    vectors: PathBuf,
    /// Only vectors of this topic, about this rule, or with this in their id.
    #[arg(long, value_name = "PATTERN")]
    only: Option<String>,
    /// Write the outcome to this file as JUnit XML too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a page for people to this file too, with each vector that fails step by step.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Show no progress. There is none either where stderr is no terminal.
    #[arg(long, short)]
    quiet: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Draw one vector; with a shim, up to where its answer differs.
    #[arg(long, value_name = "ID")]
    show: Option<String>,
    /// Shims at once [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = options::count)]
    jobs: Option<NonZeroUsize>,
    /// The bound on one answer.
    #[arg(long, value_name = "DUR", value_parser = options::duration, default_value = "10s")]
    timeout: Duration,
    /// The bound on the first answer, before which a shim may build itself.
    #[arg(long, value_name = "DUR", value_parser = options::duration, default_value = "10m")]
    first: Duration,
    /// The shim and its arguments.
    #[arg(last = true, value_name = "SHIM")]
    shim: Vec<OsString>,
}

impl Conform {
    /// Exit code 0: every vector passes. 1: not so. 125: nothing can be said: no vectors, no shim.
    pub(crate) fn run(&self) -> ExitCode {
        match self.outcome() {
            Ok((text, is_passed)) => tell(&text, is_passed),
            Err(why) => refuse(&why),
        }
    }

    /// What to print, and whether every vector passes.
    fn outcome(&self) -> Result<(String, bool), String> {
        let (html, junit) = self.sheets()?;
        let vectors = self.chosen()?;
        if self.shim.is_empty() {
            return match (&self.show, &vectors[..]) {
                (Some(_), [vector]) => Ok((draw(vector, None), true)),
                _ => Err(
                    "no shim is named; give its command after `--`, as in `lastbyte conform -- \
                      ports/python/conform`"
                        .to_owned(),
                ),
            };
        }
        let jobs = self.jobs.or(thread::available_parallelism().ok()).map_or(1, usize::from);
        let (shim, bound, first) = (self.shim.clone(), self.timeout, self.first);
        let asking = Asking { shim, jobs, bound, first };
        let bar = counted("vectors", vectors.len() as u64, self.quiet);
        let outcomes = pool::ask(vectors, &asking, &|| bar.inc(1));
        bar.finish_and_clear();
        let outcomes = outcomes?;
        html.write(|| report::page(&report::of_conform(&outcomes, report::command_line())))?;
        junit.write(|| junit::junit(&outcomes))?;
        Ok((self.text(&outcomes), outcomes.is_passed()))
    }

    fn sheets(&self) -> Result<(Sheet, Sheet), String> {
        let html = Sheet::open("--html", self.html.as_deref())?;
        Ok((html, Sheet::open("--junit", self.junit.as_deref())?))
    }

    fn chosen(&self) -> Result<Vec<Vector>, String> {
        let mut vectors = store::read(&self.vectors).map_err(|error| error.to_string())?;
        if let Some(id) = &self.show {
            vectors.retain(|vector| vector.id == *id);
            let none = || {
                let folder = self.vectors.display();
                format!("there is no vector {id:?} in {folder}; its files have all ids, one a line")
            };
            return if vectors.is_empty() { Err(none()) } else { Ok(vectors) };
        }
        if let Some(pattern) = &self.only {
            vectors.retain(|vector| is_meant(vector, pattern));
        }
        if vectors.is_empty() {
            let pattern = self.only.as_deref().unwrap_or_default();
            return Err(format!(
                "no vector in {} is meant by {pattern:?}; write a topic such as `races`, a rule such as \
                 `C7`, or part of an id",
                self.vectors.display()
            ));
        }
        Ok(vectors)
    }

    fn text(&self, outcomes: &Outcomes) -> String {
        if self.json {
            format!("{}\n", outcomes.to_json())
        } else if let (Some(_), [(vector, verdict)]) = (&self.show, &outcomes.all[..]) {
            draw(vector, Some(verdict))
        } else {
            outcomes.told()
        }
    }
}

fn is_meant(vector: &Vector, pattern: &str) -> bool {
    vector.id.contains(pattern) || vector.rules.iter().any(|rule| rule.to_string() == pattern)
}

fn draw(vector: &Vector, verdict: Option<&Verdict>) -> String {
    let stdout = std::io::stdout();
    let width =
        rustix::termios::tcgetwinsize(&stdout).map_or(100, |size| usize::from(size.ws_col).max(1));
    let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    terminal(&drawn(vector, verdict), width, colour)
}
