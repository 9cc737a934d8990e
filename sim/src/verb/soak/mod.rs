//! `lastbyte soak`: real commands, as many and as mixed as there is time for, under the monitor.
//!
//! Every execution is planned from a seed and its number, carried out on this machine, and held
//! against what must come of it. `docs/soak.md` has the mix.

mod carry;
mod cases;
mod census;
mod eyes;
mod maker;
mod mistake;
mod page;
mod plan;
mod report;
mod run;
mod script;
mod series;

use std::{
    num::NonZeroUsize,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::available_parallelism,
    time::Duration,
};

use clap::{Args, builder::PossibleValuesParser};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::run::options::{count, duration};
use crate::{
    out::{print, refuse, say, tell},
    report::Sheet,
};
use cases::Case;
use mistake::Mistake;

/// Run real commands for as long as asked: does any byte get lost, does anything hang or leak?
///
/// A seeded mix: short and large outputs, text and binary, ptys, pipes that are held by descendants
/// under each drain policy, kills and stops from all sides, readers that stop, close, detach, panic or
/// are dropped. The monitor of the contract is attached to each execution.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  lastbyte soak --for 10m
  lastbyte soak --for 10m --html soak.html
  lastbyte soak --executions 2000 --seed 7 --json
  lastbyte soak --seed 7 --only 1234 --executions 500

Exit codes: 0 when nothing was lost, hung, broken or left; 1 when something was; 125 for an error of
lastbyte itself; 130 when interrupted, after the verdict on what had been run.")]
pub(crate) struct Soak {
    /// How long to start executions [default: 1m, or as long as --executions takes].
    #[arg(long = "for", value_name = "DUR", value_parser = duration)]
    for_: Option<Duration>,
    /// How many executions to start.
    #[arg(long, value_name = "N", value_parser = count)]
    executions: Option<NonZeroUsize>,
    /// Where the plans come from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Only the execution of this number, again and again; once unless told otherwise.
    #[arg(long, value_name = "NUMBER", conflicts_with = "case")]
    only: Option<u64>,
    /// Only executions of this case; any number of times.
    #[arg(long, value_name = "CASE", value_parser = names())]
    case: Vec<String>,
    /// Executions at once [default: eight for each processor].
    #[arg(short = 'j', value_name = "J", value_parser = count, default_value_t = jobs(), hide_default_value = true)]
    jobs: NonZeroUsize,
    /// What is not over by then hangs.
    #[arg(long, value_name = "DUR", default_value = "1m", value_parser = duration)]
    hang: Duration,
    /// Show no progress on a terminal.
    #[arg(long)]
    quiet: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Write a page for people to this file too, with what is used of the system over time.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Be wrong in this way, to be seen to find it.
    #[arg(long, value_enum, hide = true)]
    mistake: Option<Mistake>,
}

/// As long as a soak takes that was not told how long.
const USUAL: Duration = Duration::from_secs(60);

/// An interrupted soak exits as SIGINT would have ended it.
const INTERRUPTED: u8 = 130;

fn jobs() -> NonZeroUsize {
    let each = NonZeroUsize::MIN.saturating_add(7);
    available_parallelism().unwrap_or(NonZeroUsize::MIN).saturating_mul(each)
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(Case::all().map(Case::name))
}

impl Soak {
    pub(crate) fn run(&self) -> ExitCode {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // Without it the signal ends us at once, which is no harm; a second one does.
            let _told = signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)));
        }
        if self.hang.is_zero() {
            return refuse("a bound of 0 lets nothing end; give --hang a second or more");
        }
        let opened = Sheet::open("--html", self.html.as_deref());
        let found = opened.and_then(|sheet| {
            let found = run::soak(self, &stop)?;
            sheet.write(|| crate::report::page(&page::of_soak(&found)))?;
            Ok(found)
        });
        let found = match found {
            Ok(found) => found,
            Err(why) => return refuse(&why),
        };
        let text = if self.json { report::json(&found) } else { report::text(&found) };
        if !stop.load(Ordering::Relaxed) {
            return tell(&text, found.is_clear());
        }
        if let Err(code) = print(&text) {
            return code;
        }
        say("interrupted: the verdict is on what had been run");
        ExitCode::from(INTERRUPTED)
    }

    /// How long executions are started, if there is a bound.
    fn time(&self) -> Option<Duration> {
        match (self.for_, self.count()) {
            (None, None) => Some(USUAL),
            (for_, _) => for_,
        }
    }

    /// How many are started, if there is a bound.
    fn count(&self) -> Option<u64> {
        match (self.executions, self.only, self.for_) {
            (Some(executions), _, _) => Some(executions.get() as u64),
            (None, Some(_), None) => Some(1),
            (None, _, _) => None,
        }
    }

    fn wants(&self, case: Case) -> bool {
        self.case.is_empty() || self.case.iter().any(|name| name == case.name())
    }
}
