//! The bounds of an exploration as options of a command.

use clap::Args;

use super::Extent;

/// How far designs are explored.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Chunks that the child writes to each stream.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(0..=6))]
    chunks: u8,
    /// Waits of each kind, at any moment.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=4))]
    waiters: u8,
    /// Chunks on each stream, in the scenario `plain`, where designs of the zoo are explored that
    /// consist of many tasks; with at most one wait. Beyond, they are sampled.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=3))]
    zoo_chunks: u8,
    /// Give up, and say so, beyond so many states of one world.
    #[arg(long, default_value_t = 20_000_000)]
    states_max: u64,
    /// Schedules by seed of such a design with all chunks and waits, in each scenario: half random,
    /// half PCT. Not exhaustive.
    #[arg(long, default_value_t = 1000)]
    samples: u64,
}

impl From<Bounds> for Extent {
    fn from(bounds: Bounds) -> Self {
        let Bounds { chunks, waiters, zoo_chunks, states_max, samples } = bounds;
        Extent { chunks, waiters, zoo_chunks, states_max, samples }
    }
}
