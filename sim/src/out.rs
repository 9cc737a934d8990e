//! Our own stdout and stderr: what was found goes to the one, what went wrong to the other. A chunk is
//! one write, and nothing is held back.

use std::{io, os::fd::BorrowedFd, process::ExitCode};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::{Errno, write},
    stdio,
};

use crate::{OWN_ERROR, diagram::text::shown};

/// A filter whose reader has gone exits as SIGPIPE would have ended it.
const BROKEN_PIPE: u8 = 128 + 13;

/// One of them.
pub(crate) struct Out {
    fd: BorrowedFd<'static>,
    has_failed: bool,
}

impl Out {
    pub(crate) fn stdout() -> Self {
        Out { fd: stdio::stdout(), has_failed: false }
    }

    pub(crate) fn stderr() -> Self {
        Out { fd: stdio::stderr(), has_failed: false }
    }

    /// Writes all of `bytes`, also where somebody has made the descriptor non-blocking. After a
    /// failure, which is returned once, nothing more is written: what came later would follow a
    /// hole.
    pub(crate) fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !self.has_failed && !bytes.is_empty() {
            match write(self.fd, bytes) {
                Ok(len @ 1..) => bytes = &bytes[len..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    // Interrupted or not, the next write looks for itself.
                    let _ready =
                        poll(&mut [PollFd::from_borrowed_fd(self.fd, PollFlags::OUT)], None);
                }
                Ok(0) => return Err(self.failed(io::ErrorKind::WriteZero.into())),
                Err(errno) => return Err(self.failed(errno.into())),
            }
        }
        Ok(())
    }

    fn failed(&mut self, error: io::Error) -> io::Error {
        self.has_failed = true;
        error
    }
}

/// One line on stderr, or several. What it quotes, files and other programs included, is shown and not
/// obeyed by a terminal. Where nobody can read it, it is not said.
pub(crate) fn say(text: &str) {
    let text = shown(text);
    let _written = Out::stderr().write_all(format!("lastbyte: {text}\n").as_bytes());
}

/// Says why a verb could not do what was asked.
pub(crate) fn refuse(why: &str) -> ExitCode {
    say(why);
    ExitCode::from(OWN_ERROR)
}

/// All of a text to stdout.
///
/// # Errors
///
/// The code to exit with, of which the user has been told.
pub(crate) fn print(text: &str) -> Result<(), ExitCode> {
    Out::stdout().write_all(text.as_bytes()).map_err(|error| ExitCode::from(cannot_write(&error)))
}

/// What a verb has found: 0 when it is as it should be, 1 when not.
pub(crate) fn tell(text: &str, is_well: bool) -> ExitCode {
    match print(text) {
        Ok(()) if is_well => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(code) => code,
    }
}

/// A reader of ours that has gone is no error of ours; anything else is said.
pub(crate) fn cannot_write(error: &io::Error) -> u8 {
    unwritten(error, "send it where there is room for it")
}

/// The same, with what follows from it.
pub(crate) fn unwritten(error: &io::Error, then: &str) -> u8 {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return BROKEN_PIPE;
    }
    say(&format!("failed to write the output: {error}; {then}"));
    OWN_ERROR
}

/// Prints what clap has to say, in colour where there is somebody to see it. Words of the command line
/// that a terminal would obey are shown in it as escapes.
pub(crate) fn usage(told: &clap::Error) -> ExitCode {
    let text = told.to_string();
    let neutral = shown(&text);
    let printed =
        if neutral == text { told.print() } else { Out::stderr().write_all(neutral.as_bytes()) };
    match printed {
        // Where stderr is closed there is nobody to tell.
        _ if told.use_stderr() => ExitCode::from(OWN_ERROR),
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(cannot_write(&error)),
    }
}
