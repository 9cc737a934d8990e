//! `lastbyte sweep`: the simulated network over a range of seeds, in parts, on any number of machines.
//!
//! What came of each seed is a line of a file; `lastbyte merge` folds the files of all parts into one
//! report. `docs/sweep.md` has the schema.

pub(super) mod file;
pub(super) mod page;
pub(super) mod row;
mod shard;

use std::{
    collections::BTreeSet,
    num::NonZeroUsize,
    ops::Range,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{available_parallelism, scope},
    time::{Duration, Instant},
};

use clap::Args;
use indicatif::ProgressBar;
use lastbyte_sim::network::{faults, reader::Design};
use serde_json::{Value, json};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::{
    network::{as_expected, design, name_of, range},
    run::options::count,
};
use crate::{
    diagram::text::shown,
    out::{refuse, say, tell},
    progress::counted,
    report::{self, Fact, Report, Sheet, grouped},
};
use file::{Head, Log};
use page::{Part, Told};
use row::{Row, Sum};
use shard::{Shard, from_environment};

/// Run seeds of the simulated network, one part of them, and write what came of each.
///
/// A sweep that was ended or killed goes on where it was when it is run again. Without --shard the part
/// is taken from the variables of a Kubernetes Indexed Job, a Slurm array or a parallel CI job.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lastbyte sweep --seeds 0..100000 --out results
  lastbyte sweep --seeds 0..100000 --shard 3/8 --out results
  lastbyte merge results

Exit codes: 0 when all is as expected: the client that ships breaks no rule, and a wrong one is caught;
1 when it is not; 125 for an error of lastbyte itself; 130 when it was interrupted, to go on later.")]
pub(crate) struct Sweep {
    /// From where up to where: `A..B`, or the first `N`.
    #[arg(long, value_parser = range)]
    seeds: Range<u64>,
    /// Which part: `I/N`, or `slice:I/N`, `count:I/N`, `hash:I/N`.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// The folder for its file.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Who reads.
    #[arg(long, default_value = "lastbyte", value_parser = name_of(Design::ALL, Design::name))]
    design: String,
    /// Seeds at once [default: one for each processor].
    #[arg(short = 'j', value_name = "J", value_parser = count)]
    jobs: Option<NonZeroUsize>,
    /// Show no progress on a terminal.
    #[arg(long)]
    quiet: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Write a page for people to this file too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// An interrupted sweep exits as SIGINT would have ended it.
const INTERRUPTED: u8 = 130;

/// What a sweep is about, and how far it came.
struct Swept {
    shard: Shard,
    head: Head,
    sum: Sum,
    /// Seeds of this part that had been run before.
    before: u64,
    /// How long the others took.
    took: Duration,
}

impl Sweep {
    pub(crate) fn run(&self) -> ExitCode {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // Without it the signal ends us at once, which costs the seeds that are under way.
            let _told = signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)));
        }
        let opened = Sheet::open("--html", self.html.as_deref());
        let (sheet, swept) = match opened.and_then(|sheet| Ok((sheet, self.sweep(&stop)?))) {
            Ok(found) => found,
            Err(why) => return refuse(&why),
        };
        if stop.load(Ordering::Relaxed) {
            say("interrupted: run it again to go on");
            return ExitCode::from(INTERRUPTED);
        }
        if let Err(why) = sheet.write(|| report::page(&self.page(&swept))) {
            return refuse(&why);
        }
        let text = if self.json { self.object(&swept) } else { self.text(&swept) };
        tell(&text, self.is_as_expected(&swept))
    }

    /// A part of a wrong design may well have no seed that catches it.
    fn is_as_expected(&self, swept: &Swept) -> bool {
        let design = design(&self.design);
        as_expected(design, swept.sum.breaks())
            || (design != Design::Lastbyte && swept.shard.of > 1)
    }

    fn page(&self, swept: &Swept) -> Report {
        let Swept { head, sum, before, took, .. } = swept;
        let (made, seconds) = (sum.runs - before, took.as_secs_f64());
        let timings = vec![
            Fact::new(grouped(before), "seeds that had been run before"),
            Fact::new(format!("{seconds:.1} s"), "in all"),
            Fact::new(format!("{:.0}", made as f64 / seconds.max(f64::EPSILON)), "seeds a second"),
        ];
        page::of(Told {
            verb: "sweep",
            head,
            parts: &[Part { name: head.part(), sum: sum.clone() }],
            sum,
            is_well: self.is_as_expected(swept),
            timings,
        })
    }

    fn text(&self, swept: &Swept) -> String {
        let Range { start, end } = self.seeds;
        let part = match swept.shard.of {
            1 => String::new(),
            _ => format!(", part {}", swept.shard),
        };
        let before = swept.before;
        format!(
            "seeds {start}..{end}{part}: {before} had been run before\n{}{}",
            swept.sum.head(),
            // Of a file that goes on from elsewhere.
            shown(&swept.sum.told_rules())
        )
    }

    fn object(&self, swept: &Swept) -> String {
        let mut fields = swept.sum.fields();
        fields.insert("shard".to_owned(), json!(swept.shard.to_string()));
        fields.insert("before".to_owned(), json!(swept.before));
        format!("{}\n", Value::Object(fields))
    }

    fn shard(&self) -> Result<Shard, String> {
        if let Some(shard) = self.shard {
            return Ok(shard);
        }
        match from_environment(|name| std::env::var(name).ok())? {
            Some((shard, engine)) => {
                say(&format!("part {shard}, as the variables of {engine} say"));
                Ok(shard)
            }
            None => Ok(Shard::WHOLE),
        }
    }

    fn sweep(&self, stop: &AtomicBool) -> Result<Swept, String> {
        let (shard, seeds) = (self.shard()?, self.seeds.clone());
        let head = Head::new(&self.design, &seeds, shard);
        let (log, contents) = Log::open(&self.out, &head)?;
        if contents.is_torn {
            say("the last line had been torn: its seed is run again");
        }
        let (mut sum, mut done) = (Sum::default(), BTreeSet::new());
        for row in contents.rows {
            done.insert(row.seed);
            sum.add(row);
        }
        let before = sum.runs;
        let begun = Instant::now();
        let left = seeds.clone().filter(|&seed| shard.has(&seeds, seed) && !done.contains(&seed));
        let bar =
            self.bar(seeds.clone().filter(|&seed| shard.has(&seeds, seed)).count() as u64, before);
        let shared = Shared {
            left: Mutex::new(left),
            written: Mutex::new(Written { log, sum, failed: None }),
            bar,
        };
        let jobs = self.jobs.or(available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        let design = design(&self.design);
        scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| shared.work(design, stop));
            }
        });
        shared.bar.finish_and_clear();
        let Written { sum, failed, .. } =
            shared.written.into_inner().unwrap_or_else(PoisonError::into_inner);
        match failed {
            Some(why) => Err(why),
            None => Ok(Swept { shard, head, sum, before, took: begun.elapsed() }),
        }
    }

    fn bar(&self, seeds: u64, before: u64) -> ProgressBar {
        let bar = counted("seeds", seeds, self.quiet);
        bar.set_position(before);
        bar
    }
}

/// What the threads of a sweep share.
struct Shared<I> {
    left: Mutex<I>,
    written: Mutex<Written>,
    bar: ProgressBar,
}

struct Written {
    log: Log,
    sum: Sum,
    failed: Option<String>,
}

impl<I: Iterator<Item = u64>> Shared<I> {
    fn work(&self, design: Design, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) && lock(&self.written).failed.is_none() {
            let Some(seed) = lock(&self.left).next() else { return };
            let row = Row::of(&faults::run(seed, design), design);
            let mut written = lock(&self.written);
            // Behind a line that is torn there is nothing to be written.
            if written.failed.is_none() {
                match written.log.write(&row) {
                    Ok(()) => written.sum.add(row),
                    Err(why) => written.failed = Some(why),
                }
            }
            drop(written);
            self.bar.inc(1);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
