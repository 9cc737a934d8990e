//! An execution's stdin as requests feed it: bytes at an offset, so that one sent again is not
//! written twice (C17).

use crate::{
    Error, ErrorKind, Stdin,
    remote::wire::{StdinAnswer, StdinState},
};

/// The stdin of one execution. Behind a lock that is held while the command does not read, so that
/// requests take turns.
pub(crate) struct Input {
    stdin: Option<Stdin>,
    state: StdinState,
    accepted: u64,
    written: u64,
}

impl Input {
    pub(crate) fn new(stdin: Option<Stdin>) -> Self {
        let state = if stdin.is_some() { StdinState::Open } else { StdinState::Closed };
        Input { stdin, state, accepted: 0, written: 0 }
    }

    pub(crate) fn answer(&self) -> StdinAnswer {
        StdinAnswer { accepted: self.accepted, written: self.written, state: self.state }
    }

    /// Where the next byte goes that a request brings which begins at `offset`: how many of its
    /// bytes were written by an earlier one.
    pub(crate) fn place(&self, offset: u64) -> Result<u64, Error> {
        self.written.checked_sub(offset).ok_or_else(|| {
            let written = self.written;
            let op = format!(
                "write to stdin at offset {offset}: only {written} bytes were written before; \
                 send from there"
            );
            Error::new(ErrorKind::InvalidState, op)
        })
    }

    /// Writes all of `bytes`, waiting while the command does not read.
    ///
    /// Cancel safety: what was written by then is counted.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(stdin) = &mut self.stdin else {
            // That it is broken is in the answer, with the counts.
            return if self.state == StdinState::Broken { Ok(()) } else { Err(closed()) };
        };
        let mut count = Count { stdin, written: &mut self.written, accepted: &mut self.accepted };
        let wrote = count.write(bytes).await;
        drop(count);
        if wrote.is_err() {
            self.stdin = None;
            self.state = StdinState::Broken;
        }
        Ok(())
    }

    /// Ends the input. A second time changes nothing.
    pub(crate) fn close(&mut self) {
        if self.stdin.take().is_some() {
            self.state = StdinState::Closed;
        }
    }
}

fn closed() -> Error {
    let op = "write to stdin: it was closed, or is `null`; start the command with a pipe";
    Error::new(ErrorKind::InvalidState, op)
}

/// Keeps the counts true also when a write is given up in the middle.
struct Count<'a> {
    stdin: &'a mut Stdin,
    written: &'a mut u64,
    accepted: &'a mut u64,
}

impl Count<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), ()> {
        *self.accepted = *self.written + bytes.len() as u64;
        self.stdin.write_all(bytes).await.map_err(drop)
    }
}

impl Drop for Count<'_> {
    fn drop(&mut self) {
        *self.written = self.stdin.report().written;
    }
}
