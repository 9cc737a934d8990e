//! Our own stdout and stderr: a chunk is one write, and nothing is held back.

use std::{io, os::fd::BorrowedFd};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::{Errno, write},
    stdio,
};

use crate::diagram::text::shown;

/// One of them.
pub(super) struct Out {
    fd: BorrowedFd<'static>,
    has_failed: bool,
}

impl Out {
    pub(super) fn stdout() -> Self {
        Out { fd: stdio::stdout(), has_failed: false }
    }

    pub(super) fn stderr() -> Self {
        Out { fd: stdio::stderr(), has_failed: false }
    }

    /// Writes all of `bytes`, also where somebody has made the descriptor non-blocking. After a
    /// failure, which is returned once, nothing more is written: what came later would follow a
    /// hole.
    pub(super) fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
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
pub(in crate::verb) fn say(text: &str) {
    let text = shown(text);
    let _written = Out::stderr().write_all(format!("lastbyte: {text}\n").as_bytes());
}
