//! A design explored in all of its places: what `check` tells of it and `show` draws.

use std::{
    collections::BTreeSet,
    panic::resume_unwind,
    sync::atomic::{AtomicUsize, Ordering},
    thread::{available_parallelism, scope},
    time::Instant,
};

use clap::Args;
use lastbyte::monitor::Rule;
use lastbyte_sim::{
    catalogue::{Place, Specimen, specimens},
    explorer::{Counterexample, Report},
    schedule::Token,
};
use num_bigint::BigUint;

/// How far designs are explored.
#[derive(Args, Debug)]
pub(crate) struct Extent {
    /// Chunks that the child writes to each stream.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(0..=6))]
    chunks: u8,
    /// Waits of each kind, at any moment.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=4))]
    waiters: u8,
    /// Chunks on each stream, in the scenario `plain`, where designs of the zoo are explored that
    /// consist of many tasks; with at most one wait.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=3))]
    zoo_chunks: u8,
    /// Give up, and say so, beyond so many states of one world.
    #[arg(long, default_value_t = 20_000_000)]
    states_max: u64,
}

impl Extent {
    /// Explores a design in all of its places.
    ///
    /// # Errors
    ///
    /// What to tell the user: which search could not be finished.
    pub(crate) fn explore(&self, specimen: Specimen) -> Result<Verdict, String> {
        let size = match specimen.is_kept_small() {
            true => (self.chunks.min(self.zoo_chunks), self.waiters.min(1)),
            false => (self.chunks, self.waiters),
        };
        let mut explored = Vec::new();
        for place in specimen.places(size.0, size.1) {
            let started = Instant::now();
            let report = place.explore(self.states_max).map_err(|incomplete| {
                format!("{} in {}: {incomplete}", specimen.name, place.name)
            })?;
            explored.push(Explored { place, report, seconds: started.elapsed().as_secs_f64() });
        }
        Ok(Verdict { specimen, size, explored })
    }

    /// Explores designs side by side, one thread for each processor. The verdicts are in the order
    /// of the designs.
    ///
    /// # Errors
    ///
    /// As [`Extent::explore`], for the first design that has one.
    pub(crate) fn explore_all(&self, designs: &[Specimen]) -> Result<Vec<Verdict>, String> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut verdicts = Vec::new();
            while let place = next.fetch_add(1, Ordering::Relaxed)
                && let Some(&specimen) = designs.get(place)
            {
                verdicts.push((place, self.explore(specimen)));
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
pub(crate) fn designs(name: Option<&str>) -> Result<Vec<Specimen>, String> {
    let wanted = |specimen: &Specimen| name.is_none_or(|name| name == specimen.name);
    let designs: Vec<Specimen> = specimens().filter(wanted).collect();
    if designs.is_empty() {
        let known: Vec<&str> = specimens().map(|specimen| specimen.name).collect();
        let name = name.unwrap_or_default();
        return Err(format!("no design {name:?}; there are {}", known.join(", ")));
    }
    Ok(designs)
}

/// One place, explored.
pub(crate) struct Explored {
    pub(crate) place: Place,
    pub(crate) report: Report,
    pub(crate) seconds: f64,
}

/// A design in all places it was explored in.
pub(crate) struct Verdict {
    pub(crate) specimen: Specimen,
    /// Chunks and waiters.
    pub(crate) size: (u8, u8),
    pub(crate) explored: Vec<Explored>,
}

impl Verdict {
    pub(crate) fn states(&self) -> u64 {
        self.explored.iter().map(|explored| explored.report.states).sum()
    }

    pub(crate) fn interleavings(&self) -> BigUint {
        self.explored.iter().map(|explored| &explored.report.interleavings).sum()
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.explored.iter().map(|explored| explored.seconds).sum()
    }

    /// The shortest schedule that breaks a rule, and where.
    pub(crate) fn shortest(&self, rule: Rule) -> Option<(&Place, &Counterexample)> {
        self.explored
            .iter()
            .filter_map(|explored| Some((&explored.place, explored.report.broken.get(&rule)?)))
            .min_by_key(|(_, found)| found.schedule.len())
    }

    pub(crate) fn token(&self, place: &Place, schedule: &[u8]) -> Token {
        Token::new(self.specimen, place, self.size, schedule)
    }

    /// Whether it breaks strictly the rules that it is known to break.
    pub(crate) fn is_expected(&self) -> bool {
        let broken: BTreeSet<Rule> = self
            .explored
            .iter()
            .flat_map(|explored| explored.report.broken.keys().copied())
            .collect();
        broken == self.specimen.breaks.iter().copied().collect()
    }
}
