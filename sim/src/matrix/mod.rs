//! Designs explored in all of their places: the matrix of designs and rules.
//!
//! `lastbyte check` makes it of the [catalogue](crate::catalogue), and [`own`] of somebody else's
//! stack. [`table`] tells it to people, `json` to programs; [`show`] and
//! [`replay`] look at one schedule of it.

pub mod check;
mod json;
mod options;
pub mod own;
mod progress;
pub mod replay;
pub mod sample;
pub mod show;
pub mod table;

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    panic::resume_unwind,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread::{available_parallelism, scope},
    time::{Duration, Instant},
};

use lastbyte::monitor::Rule;
use num_bigint::BigUint;

use crate::{
    catalogue::{Place, Specimen},
    executor::sample::Strategy,
    explorer::{Counterexample, Report},
    scenarios::CHUNKS_MAX,
    schedule::Token,
};

/// How far designs are explored.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Chunks that the child writes to each stream.
    pub chunks: u8,
    /// Waits of each kind, at any moment.
    pub waiters: u8,
    /// Chunks on each stream for designs that are [kept small](Specimen::is_kept_small), which
    /// have at most one wait.
    pub zoo_chunks: u8,
    /// Gives up, and says so, beyond so many states of one place.
    pub states_max: u64,
    /// Schedules by seed, at full size, of each design that is kept small: half of them random, half
    /// by PCT.
    pub samples: u64,
}

impl Default for Extent {
    /// Two streams of three chunks and two waits of each kind; small designs with one and one, and
    /// sampled beyond.
    fn default() -> Self {
        Extent { chunks: 3, waiters: 2, zoo_chunks: 1, states_max: 20_000_000, samples: 1000 }
    }
}

/// What an exploration tells of its progress, from the thread that makes it.
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    /// A design is explored in a place from now on.
    Begins {
        /// The design's name.
        design: &'static str,
        /// The place's name.
        place: &'static str,
    },
    /// So many states of it were reached.
    Ended {
        /// How many.
        states: u64,
    },
}

/// Whom an exploration tells of its progress.
pub type Watch<'a> = &'a (dyn Fn(Progress) + Sync);

/// Tells nobody.
pub fn unwatched(_: Progress) {}

impl Extent {
    /// Chunks and waits for this design.
    pub fn size(&self, specimen: &Specimen) -> (u8, u8) {
        match specimen.is_kept_small() {
            true => (self.chunks.min(self.zoo_chunks), self.waiters.min(1)),
            false => (self.chunks, self.waiters),
        }
    }

    /// Explores a design in all of its places.
    ///
    /// # Errors
    ///
    /// What to tell the user: which search could not be finished.
    pub fn explore(&self, specimen: Specimen, watch: Watch<'_>) -> Result<Verdict, String> {
        let size = self.size(&specimen);
        let mut explored = Vec::new();
        for place in specimen.places(size.0, size.1) {
            watch(Progress::Begins { design: specimen.name, place: place.name });
            let started = Instant::now();
            let report = place.explore(self.states_max).map_err(|incomplete| {
                format!("failed to explore {} in {}: {incomplete}", specimen.name, place.name)
            })?;
            watch(Progress::Ended { states: report.states });
            explored.push(Explored { place, report, seconds: started.elapsed().as_secs_f64() });
        }
        let sampled = self.sample(&specimen);
        Ok(Verdict { specimen, size, explored, sampled })
    }

    /// Samples a design that was kept small, at full size.
    fn sample(&self, specimen: &Specimen) -> Option<Sampling> {
        let size = (self.chunks.min(CHUNKS_MAX), self.waiters);
        if !specimen.is_kept_small() || self.samples == 0 || size == self.size(specimen) {
            return None;
        }
        let half = self.samples.div_ceil(2);
        let mut sampling = Sampling { size, seeds: half, schedules: 0, found: Vec::new() };
        for place in specimen.places(size.0, size.1) {
            for strategy in [Strategy::Random, Strategy::Pct { changes: 3 }] {
                let Some(samples) = place.sample(strategy, 0..half) else { continue };
                sampling.schedules += half;
                let found = samples.into_values().map(|sampled| (place.clone(), sampled.found));
                sampling.found.extend(found);
            }
        }
        Some(sampling)
    }

    /// Explores designs side by side, one thread for each processor. The verdicts are in the order
    /// of the designs.
    ///
    /// # Errors
    ///
    /// As [`Extent::explore`], for the first design that has one.
    pub fn explore_all(
        &self,
        designs: &[Specimen],
        watch: Watch<'_>,
    ) -> Result<Vec<Verdict>, String> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut verdicts = Vec::new();
            while let place = next.fetch_add(1, Ordering::Relaxed)
                && let Some(&specimen) = designs.get(place)
            {
                verdicts.push((place, self.explore(specimen, watch)));
            }
            verdicts
        };
        let threads = available_parallelism().map_or(1, usize::from);
        let mut verdicts: Vec<_> = scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers
                .into_iter()
                .flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect()
        });
        verdicts.sort_by_key(|(place, _)| *place);
        verdicts.into_iter().map(|(_, verdict)| verdict).collect()
    }
}

/// The designs of this name, or all.
///
/// # Errors
///
/// What to tell the user: there is none of that name, and which there are.
pub fn named(known: &[Specimen], name: Option<&str>) -> Result<Vec<Specimen>, String> {
    let Some(name) = name else { return Ok(known.to_vec()) };
    let designs: Vec<Specimen> = known.iter().filter(|known| known.name == name).copied().collect();
    if designs.is_empty() {
        let known: Vec<&str> = known.iter().map(|specimen| specimen.name).collect();
        return Err(format!("there is no design {name:?}; there are {}", known.join(", ")));
    }
    Ok(designs)
}

/// What to type to run a schedule again.
pub fn replay_command(token: &Token) -> String {
    let path = std::env::args_os().next().map(PathBuf::from);
    let name = path.as_deref().and_then(Path::file_name).and_then(OsStr::to_str);
    format!("{} replay {token}", name.unwrap_or("lastbyte"))
}

/// The rule of this name.
///
/// # Errors
///
/// What to tell the user: there is none.
pub fn rule(name: &str) -> Result<Rule, String> {
    Rule::ALL
        .into_iter()
        .find(|known| known.to_string().eq_ignore_ascii_case(name))
        .ok_or_else(|| format!("there is no rule {name:?}; give one of C1 to C20"))
}

/// One place, explored.
#[derive(Clone, Debug)]
pub struct Explored {
    /// Where.
    pub place: Place,
    /// What was found.
    pub report: Report,
    /// How long it took.
    pub seconds: f64,
}

/// A design beyond the size at which it was explored: not exhaustive.
#[derive(Clone, Debug)]
pub struct Sampling {
    /// Chunks and waiters.
    pub size: (u8, u8),
    /// Seeds from 0, in each place, for each of two strategies: random, and PCT with 3 changes.
    pub seeds: u64,
    /// Schedules in all.
    pub schedules: u64,
    /// What broke, where, and by which schedule, shrunk.
    pub found: Vec<(Place, Counterexample)>,
}

/// A design in all places it was explored in.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The design.
    pub specimen: Specimen,
    /// Chunks and waiters.
    pub size: (u8, u8),
    /// One entry for each place.
    pub explored: Vec<Explored>,
    /// What sampling found, where exploring was kept small.
    pub sampled: Option<Sampling>,
}

impl Verdict {
    /// Distinct states, over all places.
    pub fn states(&self) -> u64 {
        self.explored.iter().map(|explored| explored.report.states).sum()
    }

    /// Distinct complete interleavings, over all places.
    pub fn interleavings(&self) -> BigUint {
        self.explored.iter().map(|explored| &explored.report.interleavings).sum()
    }

    /// Processor time, over all places.
    pub fn seconds(&self) -> f64 {
        self.explored.iter().map(|explored| explored.seconds).sum()
    }

    /// The shortest schedule that breaks a rule, and where.
    pub fn shortest(&self, rule: Rule) -> Option<(&Place, &Counterexample)> {
        self.explored
            .iter()
            .filter_map(|explored| Some((&explored.place, explored.report.broken.get(&rule)?)))
            .min_by_key(|(_, found)| found.schedule.len())
    }

    /// The token of a schedule of it.
    pub fn token(&self, place: &Place, schedule: &[u8]) -> Token {
        Token::new(self.specimen, place, self.size, schedule)
    }

    /// The rules that it breaks.
    pub fn broken(&self) -> BTreeSet<Rule> {
        let broken = |explored: &Explored| explored.report.broken.keys().copied().collect();
        self.explored.iter().flat_map(|explored| -> Vec<Rule> { broken(explored) }).collect()
    }

    /// How long after the start of its search the shortest schedule that breaks a rule was found.
    pub fn found_in(&self, rule: Rule) -> Option<Duration> {
        let (place, _) = self.shortest(rule)?;
        let explored = self.explored.iter().find(|explored| explored.place.name == place.name)?;
        explored.report.found_in.get(&rule).copied()
    }

    /// What sampling found that the design is not known to break.
    pub fn unknown(&self) -> impl Iterator<Item = &(Place, Counterexample)> {
        let sampled = self.sampled.iter().flat_map(|sampling| &sampling.found);
        sampled.filter(|(_, found)| !self.specimen.breaks.contains(&found.broken.rule))
    }

    /// Whether, among these rules, it breaks strictly those that it is known to break, and sampling
    /// found no other.
    pub fn is_expected(&self, rules: &[Rule]) -> bool {
        let broken = self.broken();
        let known = self.specimen.breaks;
        rules.iter().all(|rule| broken.contains(rule) == known.contains(rule))
            && !self.unknown().any(|(_, found)| rules.contains(&found.broken.rule))
    }
}
