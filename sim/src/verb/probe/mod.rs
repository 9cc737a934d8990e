//! `lastbyte probe`: whether a command line that runs shell commands loses any of their output.
//!
//! A black-box test: all that is known of the command line is that it takes a command for a shell
//! and is to give back its output and its exit. `docs/probe.md` has the cases.

mod cases;
mod interval;
mod page;
mod report;
mod tally;
mod trial;

use std::{
    ffi::{OsStr, OsString},
    io::{self, Write},
    num::NonZeroUsize,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::{available_parallelism, scope},
    time::Duration,
};

use clap::{Args, builder::PossibleValuesParser};
use indicatif::ProgressBar;
use lastbyte::Status;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::run::options::{count, duration};
use crate::{
    out::{cannot_write, refuse, say},
    progress::counted,
};
use cases::{Case, Script};
use lastbyte_sim::report::{Sheet, page as report_page, quoted};
use report::Row;
use tally::{Fault, Tally};

/// Test any command line that runs a shell command: does all output come before the exit?
///
/// Runs small scripts through it, many times, and counts the runs in which output is lost, cut off
/// or altered, the exit code is wrong, or nothing ends. `{}` is where the script belongs.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lastbyte probe -- sh -c {}
  lastbyte probe -n 1000 -j 16 -- ssh -q host {}
  lastbyte probe --case short --json -- docker exec c sh -c {}

Exit codes: 0 when no run was faulty; 1 when one was; 125 for an error of lastbyte itself, or a
command line that runs no shell commands; 130 when interrupted.")]
pub(crate) struct Probe {
    /// Runs of each case.
    #[arg(short = 'n', default_value_t = 100, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    runs: u32,
    /// Runs at once [default: one for each processor].
    #[arg(short = 'j', value_name = "J", value_parser = count, default_value_t = processors(), hide_default_value = true)]
    jobs: NonZeroUsize,
    /// What is to have ended by then has; what has not hangs.
    #[arg(long, value_name = "DUR", default_value = "10s", value_parser = duration)]
    timeout: Duration,
    /// Only this case; any number of times.
    #[arg(long, value_name = "CASE", value_parser = names())]
    case: Vec<String>,
    /// Not this case; any number of times.
    #[arg(long, value_name = "CASE", value_parser = names())]
    skip: Vec<String>,
    /// Show no progress. There is none either where stderr is no terminal.
    #[arg(long, short)]
    quiet: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Write a page for people to this file too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The command line, with `{}` once where the shell command belongs.
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// A case that hangs so often is not run to the end: each time costs the timeout.
const HANGS_MAX: u32 = 3;

/// An interrupted filter exits as SIGINT would have ended it.
const INTERRUPTED: u8 = 130;

fn processors() -> NonZeroUsize {
    available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(cases::ALL.iter().map(|case| case.name))
}

/// `word` with the script in place of `{}`.
fn put_script(word: &OsStr, script: &str) -> OsString {
    let bytes = word.as_bytes();
    match bytes.windows(2).position(|two| two == b"{}") {
        Some(at) => {
            let filled = [&bytes[..at], script.as_bytes(), &bytes[at + 2..]].concat();
            OsString::from_vec(filled)
        }
        None => word.to_owned(),
    }
}

/// Why a probe came to no end.
enum Failed {
    /// An error of ours, in words.
    Own(String),
    /// What was found cannot be told.
    Write(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Failed::Write(error)
    }
}

impl Probe {
    pub(crate) fn run(&self) -> ExitCode {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // Without it the signal ends us at once, which is no harm.
            let _told = signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)));
        }
        let opened = Sheet::open("--html", self.html.as_deref())
            .and_then(|sheet| Ok((self.check()?, sheet)));
        let probed = opened
            .map_err(Failed::Own)
            .and_then(|(cases, sheet)| self.probe(&cases, sheet, &stop, &mut io::stdout().lock()));
        match probed {
            Err(Failed::Own(why)) => refuse(&why),
            Err(Failed::Write(error)) => ExitCode::from(cannot_write(&error)),
            Ok(_) if stop.load(Ordering::Relaxed) => {
                say("interrupted: not every run was made");
                ExitCode::from(INTERRUPTED)
            }
            Ok(all) if report::is_faulty(&all) => ExitCode::FAILURE,
            Ok(_) => ExitCode::SUCCESS,
        }
    }

    /// The cases, if they can be run.
    fn check(&self) -> Result<Vec<&'static Case>, String> {
        let places =
            |word: &OsString| word.as_bytes().windows(2).filter(|two| two == b"{}").count();
        match self.command.iter().map(places).sum() {
            1 => {}
            0 => {
                return Err("no {} in the command line; put it where the shell command belongs, \
                             as in `lastbyte probe -- sh -c {}`"
                    .to_owned());
            }
            places => {
                return Err(format!(
                    "{{}} stands {places} times in the command line; the \
                                          shell command can stand in one place; leave one"
                ));
            }
        }
        if self.timeout.is_zero() {
            return Err(
                "a timeout of 0 lets nothing end; give --timeout a second or more".to_owned()
            );
        }
        let has = |list: &[String], case: &Case| list.iter().any(|name| name == case.name);
        let wanted = |case: &&Case| {
            (self.case.is_empty() || has(&self.case, case)) && !has(&self.skip, case)
        };
        let cases: Vec<&Case> = cases::ALL.iter().filter(wanted).collect();
        if cases.is_empty() {
            return Err("every case is skipped; leave one".to_owned());
        }
        self.check_shell()?;
        Ok(cases)
    }

    /// A command line that runs nothing loses everything, which is not what was asked. A wrapper
    /// that is only wrong at times gets a second look, and a third.
    fn check_shell(&self) -> Result<(), String> {
        let mut said = String::new();
        for _ in 0..3 {
            let line = trial::fill(&self.command, "exit 0");
            let output = trial::output(&line, 0, self.timeout)
                .map_err(|error| format!("failed to {error}"))?;
            let terminal = output.terminal;
            if terminal.cause.timed_out || terminal.status == (Status::Exited { code: 0 }) {
                return Ok(());
            }
            let stderr = String::from_utf8_lossy(&output.stderr);
            said = format!("{}, and said {:?}", terminal.status, stderr.trim_end());
        }
        let line = quoted(&trial::fill(&self.command, "exit 0"));
        Err(format!(
            "the command line does not run a shell command: `{line}` {said}; put {{}} where a shell \
             takes its command, as in `lastbyte probe -- sh -c {{}}`"
        ))
    }

    fn probe(
        &self,
        cases: &[&'static Case],
        sheet: Sheet,
        stop: &AtomicBool,
        to: &mut impl Write,
    ) -> Result<Tally, Failed> {
        if !self.json {
            writeln!(to, "{}", report::head())?;
        }
        let (mut rows, mut all) = (Vec::new(), Tally::default());
        let bar = counted("runs", u64::from(self.runs) * cases.len() as u64, self.quiet);
        for (place, &case) in cases.iter().enumerate() {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            bar.set_message(format!("{}; {} faulty so far", case.name, all.faulty().hits));
            let row = self.repeat(case, stop, &bar).map_err(Failed::Own)?;
            // A case that hangs leaves some out.
            bar.set_position(u64::from(self.runs) * (place as u64 + 1));
            all.add_all(&row.tally);
            if !self.json {
                bar.suspend(|| writeln!(to, "{}", report::row(&row)))?;
            }
            rows.push(row);
        }
        bar.finish_and_clear();
        let is_whole = !stop.load(Ordering::Relaxed);
        if self.json {
            writeln!(to, "{}", report::json(self, &rows, &all, is_whole))?;
        } else {
            write!(to, "{}", report::rest(self, &rows, &all, is_whole))?;
        }
        let page = || report_page(&page::of_probe(self, &rows, &all, is_whole));
        sheet.write(page).map_err(Failed::Own)?;
        Ok(all)
    }

    /// Makes the runs of a case, several at once.
    fn repeat(
        &self,
        case: &'static Case,
        stop: &AtomicBool,
        bar: &ProgressBar,
    ) -> Result<Row, String> {
        let scripts = case.scripts(self.timeout);
        let tally = Mutex::new(Tally::default());
        let next = AtomicU32::new(0);
        let hangs = || lock(&tally).of(Fault::Hung).hits >= HANGS_MAX;
        let work = || -> Result<(), String> {
            while !stop.load(Ordering::Relaxed) && !hangs() {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= self.runs {
                    break;
                }
                let script: &Script = &scripts[number as usize % scripts.len()];
                let seen = trial::run(&self.command, script, self.timeout)
                    .map_err(|error| format!("failed to {error}"))?;
                lock(&tally).add(number + 1, seen);
                bar.inc(1);
            }
            Ok(())
        };
        let worked: Result<Vec<()>, String> = scope(|scope| {
            let workers: Vec<_> = (0..self.jobs.get()).map(|_| scope.spawn(work)).collect();
            workers
                .into_iter()
                .map(|worker| {
                    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect()
        });
        worked?;
        let stopped = hangs() && lock(&tally).runs < self.runs;
        Ok(Row { case, tally: tally.into_inner().unwrap_or_else(PoisonError::into_inner), stopped })
    }
}

fn lock(tally: &Mutex<Tally>) -> std::sync::MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}
