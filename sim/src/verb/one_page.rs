//! `lastbyte one-page`: a child of `lastbyte soak` that writes through a stdout that holds one page.
//! Hidden: it is of no use to anybody else.

use std::{fs::File, io, path::PathBuf, process::ExitCode};

use clap::Args;

use crate::out::refuse;

/// Write the beginning of a file to a stdout that holds one page.
#[derive(Args, Debug)]
pub(crate) struct OnePage {
    /// The file.
    file: PathBuf,
    /// How many of its bytes.
    bytes: u64,
}

impl OnePage {
    pub(crate) fn run(&self) -> ExitCode {
        match self.write() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(&format!("failed to write {}: {error}", self.file.display())),
        }
    }

    fn write(&self) -> io::Result<()> {
        // The kernel rounds it up to a page (`fcntl(2)`, `F_SETPIPE_SZ`).
        rustix::pipe::fcntl_setpipe_size(rustix::stdio::stdout(), 1)?;
        let mut from = io::Read::take(File::open(&self.file)?, self.bytes);
        io::copy(&mut from, &mut io::stdout().lock())?;
        Ok(())
    }
}
