//! The run of a soak: so many executions at once, what came of them, and what is left.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{available_parallelism, yield_now},
    time::{Duration, Instant},
};

use indicatif::ProgressBar;
use lastbyte_sim::dice::Dice;
use tokio::{
    runtime::{Builder, Runtime},
    time::interval,
};

use crate::progress;

use super::{
    Soak,
    carry::{Stage, carry},
    census::{self, Census},
    eyes::{Counts, Fault, FaultKind},
    plan::Plan,
    series::{Look, Series},
};

/// The file of binary bytes: as much as the largest child writes in one go.
const FILE_BYTES: usize = 1024 * 1024;

/// How often the system is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Memory is compared with what it was when so many executions were over.
const SETTLED: u64 = 1000;

/// How many faults are told in full.
const TOLD: usize = 20;

/// What a soak has found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) seed: u64,
    pub(super) jobs: usize,
    pub(super) executions: u64,
    pub(super) took: Duration,
    pub(super) counts: Counts,
    /// What came of each case.
    pub(super) cases: BTreeMap<&'static str, Of>,
    /// For each kind of fault, how many there were.
    pub(super) faults: BTreeMap<FaultKind, u64>,
    /// The first of them: number, case, what.
    pub(super) told: Vec<(u64, &'static str, Fault)>,
    pub(super) before: Census,
    pub(super) settled: Option<Census>,
    pub(super) peak: Census,
    pub(super) after: Census,
    /// How it was over time.
    pub(super) series: Series,
    /// Processes with our mark that were still there.
    pub(super) processes_left: u64,
    pub(super) children_left: bool,
}

/// What came of one case.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Of {
    pub(super) runs: u64,
    pub(super) seen: u64,
    pub(super) faulty: u64,
    pub(super) longest: Duration,
}

impl Found {
    /// Nothing was lost, hung, broken or left, and something was run.
    pub(super) fn is_clear(&self) -> bool {
        self.executions > 0 && self.faults.is_empty() && self.leaks().is_empty()
    }

    /// What has leaked, in words.
    pub(super) fn leaks(&self) -> Vec<String> {
        let Found { before, peak, after, jobs, .. } = self;
        let jobs = *jobs as u64;
        let mut leaks = Vec::new();
        let mut over = |what: &str, count: u64, bound: u64, when: &str| {
            if count > bound {
                leaks.push(format!("{count} {what} {when}, where {bound} are allowed"));
            }
        };
        over("descriptors", after.descriptors, before.descriptors, "are left");
        over("threads", after.threads, before.threads, "are left");
        over("zombies", after.zombies, 0, "are left");
        over("processes", self.processes_left, 0, "are left");
        // Two outputs and their watches, stdin, a pidfd; the ends of one start.
        over("descriptors", peak.descriptors, before.descriptors + 8 * jobs + 64, "were open");
        over("threads", peak.threads, before.threads + 2 * jobs + 64, "were there");
        if let Some(settled) = self.settled {
            let bound = 2 * settled.resident + 64 * 1024 * 1024;
            over("bytes of memory", after.resident, bound, "are in use");
        }
        if self.children_left {
            leaks.push("a child is left".to_owned());
        }
        leaks
    }
}

/// What is counted while it runs.
#[derive(Default)]
struct Tally {
    executions: u64,
    counts: Counts,
    cases: BTreeMap<&'static str, Of>,
    faults: BTreeMap<FaultKind, u64>,
    told: Vec<(u64, &'static str, Fault)>,
    settled: Option<Census>,
    peak: Census,
    series: Series,
}

impl Tally {
    fn add(&mut self, plan: &Plan, judged: Result<Counts, Fault>, took: Duration) {
        self.executions += 1;
        let of = self.cases.entry(plan.case.name()).or_default();
        of.runs += 1;
        of.longest = of.longest.max(took);
        match judged {
            Ok(counts) => {
                of.seen += counts.seen;
                self.counts.expected += counts.expected;
                self.counts.seen += counts.seen;
                self.counts.gapped += counts.gapped;
            }
            Err(fault) => {
                of.faulty += 1;
                self.counts.lost += fault.lost;
                *self.faults.entry(fault.kind).or_default() += 1;
                if self.told.len() < TOLD {
                    self.told.push((plan.number, plan.case.name(), fault));
                }
            }
        }
    }

    fn look(&mut self, since: Duration) {
        let now = Census::take();
        let (seconds, executions) = (since.as_secs_f64(), self.executions);
        self.series.add(Look { seconds, executions, census: now });
        self.peak = self.peak.max(now);
        if self.executions >= SETTLED {
            self.settled = self.settled.or(Some(now));
        }
    }
}

/// Which executions are started, by whoever is free.
struct Line {
    seed: u64,
    only: Option<u64>,
    started: AtomicU64,
    /// Numbers that were looked at: not all are wanted.
    number: AtomicU64,
    count: Option<u64>,
    until: Option<Instant>,
    stop: Arc<AtomicBool>,
}

impl Line {
    /// The next plan, if there is one.
    fn next(&self, soak: &Soak) -> Option<Plan> {
        let is_late = self.until.is_some_and(|until| Instant::now() >= until);
        let started = self.started.fetch_add(1, Ordering::Relaxed);
        let is_enough = self.count.is_some_and(|count| started >= count);
        if is_late || is_enough || self.stop.load(Ordering::Relaxed) {
            return None;
        }
        if let Some(only) = self.only {
            return Some(Plan::of(self.seed, only));
        }
        loop {
            let plan = Plan::of(self.seed, self.number.fetch_add(1, Ordering::Relaxed));
            if soak.wants(plan.case) {
                return Some(plan);
            }
        }
    }
}

/// Runs it.
///
/// # Errors
///
/// It could not begin, in words.
pub(super) fn soak(soak: &Soak, stop: &Arc<AtomicBool>) -> Result<Found, String> {
    let stage = Arc::new(stage(soak)?);
    // What the first runtime sets up for the whole process stays.
    drop(runtime()?);
    let before = Census::take();
    let begun = Instant::now();
    let line = Arc::new(Line {
        seed: soak.seed,
        only: soak.only,
        started: AtomicU64::new(0),
        number: AtomicU64::new(0),
        count: soak.count(),
        until: soak.time().and_then(|time| begun.checked_add(time)),
        stop: Arc::clone(stop),
    });
    let tally = Arc::new(Mutex::new(Tally::default()));
    let runtime = runtime()?;
    runtime.block_on(all(soak, &line, &stage, &tally));
    let took = begun.elapsed();
    // What hangs is not waited for: it is told as a hang, and as what is left.
    runtime.shutdown_timeout(LOOK);
    let removed = fs::remove_file(&stage.path);
    removed.map_err(|error| format!("failed to remove {}: {error}", stage.path.display()))?;
    let processes_left = settle(&stage, before);
    let mut tally = std::mem::take(&mut *lock(&tally));
    let after = Census::take();
    let (seconds, executions) = (took.as_secs_f64(), tally.executions);
    tally.series.add(Look { seconds, executions, census: after });
    Ok(Found {
        seed: soak.seed,
        jobs: soak.jobs.get(),
        executions: tally.executions,
        took,
        counts: tally.counts,
        cases: tally.cases,
        faults: tally.faults,
        told: tally.told,
        before,
        settled: tally.settled,
        peak: tally.peak,
        after,
        series: tally.series,
        processes_left,
        children_left: census::has_children(),
    })
}

fn lock(tally: &Mutex<Tally>) -> std::sync::MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

fn runtime() -> Result<Runtime, String> {
    Builder::new_multi_thread()
        .worker_threads(available_parallelism().map_or(1, usize::from))
        .enable_all()
        .build()
        .map_err(|error| format!("failed to start a runtime: {error}"))
}

/// Waits until what was started is gone, within a bound; processes that are not.
fn settle(stage: &Stage, before: Census) -> u64 {
    let begun = Instant::now();
    loop {
        let left = census::marked(&stage.mark);
        let now = Census::take();
        let is_over = left == 0
            && now.threads <= before.threads
            && now.descriptors <= before.descriptors
            && !census::has_children();
        if is_over || begun.elapsed() > stage.hang {
            return left;
        }
        yield_now();
    }
}

async fn all(soak: &Soak, line: &Arc<Line>, stage: &Arc<Stage>, tally: &Arc<Mutex<Tally>>) {
    let bar = bar(soak);
    let workers: Vec<_> = (0..soak.jobs.get())
        .map(|_| {
            let (line, stage, tally) = (Arc::clone(line), Arc::clone(stage), Arc::clone(tally));
            let soak = soak.clone();
            tokio::spawn(async move {
                while let Some(plan) = line.next(&soak) {
                    let plan = Arc::new(plan);
                    let begun = Instant::now();
                    let judged = carry(Arc::clone(&plan), Arc::clone(&stage)).await;
                    lock(&tally).add(&plan, judged, begun.elapsed());
                }
            })
        })
        .collect();
    let watched = Arc::clone(tally);
    let shown = bar.clone();
    let watcher = tokio::spawn(async move {
        let (mut every, begun) = (interval(LOOK), Instant::now());
        loop {
            every.tick().await;
            show(&shown, &mut lock(&watched), begun.elapsed());
        }
    });
    for worker in workers {
        // A worker carries no execution itself that could panic.
        let _ended = worker.await;
    }
    watcher.abort();
    bar.finish_and_clear();
}

fn bar(soak: &Soak) -> ProgressBar {
    let left = if soak.count().is_some() { ", {eta} left" } else { "" };
    let form = format!("{{elapsed}} {{pos}} executions, {{per_sec}}{left}; {{msg}}");
    progress::bar(soak.count(), soak.quiet, &form)
}

fn show(bar: &ProgressBar, tally: &mut Tally, since: Duration) {
    tally.look(since);
    let Census { descriptors, threads, resident, .. } = tally.peak;
    let faults: u64 = tally.faults.values().sum();
    bar.set_message(format!(
        "at most {descriptors} descriptors, {threads} threads, {} MiB; {faults} faults",
        resident >> 20
    ));
    bar.set_position(tally.executions);
}

/// What the executions share.
fn stage(soak: &Soak) -> Result<Stage, String> {
    let program = std::env::current_exe().map_err(|error| {
        format!("failed to find our own program, which is a child too: {error}")
    })?;
    let mark = format!("{}-{}", std::process::id(), soak.seed);
    let path = std::env::temp_dir().join(format!("lastbyte-soak-{mark}"));
    let bytes = bytes(soak.seed);
    write(&path, &bytes).map_err(|error| {
        format!("failed to write {}: {error}; set TMPDIR to a folder with room", path.display())
    })?;
    Ok(Stage {
        program,
        path,
        bytes,
        mark: ("LASTBYTE_SOAK", mark),
        hang: soak.hang,
        mistake: soak.mistake,
    })
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    fs::File::create_new(path)?.write_all(bytes)
}

fn bytes(seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    std::iter::repeat_with(|| dice.number().to_le_bytes()).flatten().take(FILE_BYTES).collect()
}
