//! Mistakes that a soak can make on purpose, so that it can be seen to find them.

use std::{fs::File, mem, process::Command};

use clap::ValueEnum;

use super::carry::Stage;

/// What is done wrong in each execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Mistake {
    /// The last byte of each chunk is not handed on.
    Lose,
    /// The first byte of each chunk is another.
    Alter,
    /// Nobody reads, and nobody waits.
    Hang,
    /// A descriptor stays open.
    LeakDescriptor,
    /// A process is left to itself.
    LeakProcess,
    /// No monitor is attached.
    NoMonitor,
}

impl Mistake {
    /// The chunk as it is handed on.
    pub(super) fn chunk(self, chunk: &[u8]) -> Vec<u8> {
        let mut chunk = chunk.to_vec();
        match self {
            Mistake::Lose => drop(chunk.pop()),
            Mistake::Alter => {
                if let Some(first) = chunk.first_mut() {
                    *first ^= 1;
                }
            }
            Mistake::Hang | Mistake::LeakDescriptor | Mistake::LeakProcess | Mistake::NoMonitor => {
            }
        }
        chunk
    }

    /// What is left behind.
    pub(super) fn leak(self, stage: &Stage) {
        match self {
            Mistake::LeakDescriptor => {
                if let Ok(file) = File::open("/dev/null") {
                    mem::forget(file);
                }
            }
            Mistake::LeakProcess => {
                let (mark, value) = &stage.mark;
                // Told as left, it is what this is about; not started, it is missed.
                let _left = Command::new("sh").args(["-c", "sleep 20 &"]).env(mark, value).status();
            }
            Mistake::Lose | Mistake::Alter | Mistake::Hang | Mistake::NoMonitor => {}
        }
    }
}
