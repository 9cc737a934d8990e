//! `lastbyte vectors`: makes the conformance vectors.

use std::{fs, io, path::PathBuf, process::ExitCode};

use clap::Args;
use lastbyte_sim::vectors::{generate, store};

use crate::{
    diagram::text::neutral,
    out::{refuse, tell},
};

/// Make the conformance vectors.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  lastbyte vectors --out vectors

Exit codes: 0 when they were written; 125 when they could not be.")]
pub(crate) struct Vectors {
    /// The folder to write to.
    #[arg(long, value_name = "DIR", default_value = "vectors")]
    out: PathBuf,
}

impl Vectors {
    /// Exit code 0: they were written. 125: they could not be.
    pub(crate) fn run(&self) -> ExitCode {
        if let Err(error) = fs::create_dir_all(&self.out) {
            return self.unwritten(&error);
        }
        let vectors = generate::all();
        let files = store::files(&vectors);
        let bytes: usize = files.values().map(String::len).sum();
        let mut files = files.iter();
        match files.try_for_each(|(name, text)| fs::write(self.out.join(name), text)) {
            Ok(()) => {
                let (count, folder) = (vectors.len(), self.out.display().to_string());
                tell(&format!("{count} vectors, {bytes} bytes in {}\n", neutral(&folder)), true)
            }
            Err(error) => self.unwritten(&error),
        }
    }

    fn unwritten(&self, error: &io::Error) -> ExitCode {
        refuse(&format!(
            "failed to write to {}: {error}; give --out a folder that can be written",
            self.out.display()
        ))
    }
}
