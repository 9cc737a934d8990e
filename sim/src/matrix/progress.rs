//! A progress bar on stderr, where that is a terminal.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use indicatif::ProgressBar;

use super::{Extent, Progress};
use crate::{catalogue::Specimen, progress};

/// How an exploration gets on: places done and to do, what is explored now, states so far.
#[derive(Debug)]
pub(super) struct Bar {
    bar: ProgressBar,
    states: AtomicU64,
}

/// Often enough to look alive.
const TICK: Duration = Duration::from_millis(120);

impl Bar {
    /// A bar for all places of these designs.
    pub(super) fn new(designs: &[Specimen], extent: &Extent, quiet: bool) -> Self {
        let places = |design: &Specimen| {
            let (chunks, waiters) = extent.size(design);
            design.places(chunks, waiters).len() as u64
        };
        let form = "{spinner} {pos}/{len} places [{bar:30}] {elapsed}, {eta} left; {msg}";
        let bar = progress::bar(Some(designs.iter().map(places).sum()), quiet, form);
        bar.enable_steady_tick(TICK);
        Bar { bar, states: AtomicU64::new(0) }
    }

    pub(super) fn tell(&self, progress: Progress) {
        match progress {
            Progress::Begins { design, place } => {
                let states = self.states.load(Ordering::Relaxed);
                self.bar.set_message(format!("{states} states; {design} in {place}"));
            }
            Progress::Ended { states } => {
                self.states.fetch_add(states, Ordering::Relaxed);
                self.bar.inc(1);
            }
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
