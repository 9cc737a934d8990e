//! The child's stdin: bytes in order, then EOF exactly once (C17).

use std::{
    fmt, io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno as OsErrno,
};

/// What a pty's line discipline takes for the end of input: the default VEOF, control-D.
const VEOF: u8 = 4;

/// Our end of the child's stdin. Dropping it is the EOF (C17).
///
/// A child that stops reading ends its stdin and nothing else: writes return [`StdinClosed`], the
/// execution goes on. Nor does it wait for its stdin: the terminal comes although this is open.
pub struct Stdin {
    fd: Held,
    is_pty: bool,
    /// Whether the last byte written ended a line. A pty's end-of-file character before the end of
    /// a line hands over what stands in it, and only the next one is the end (`termios(3)`).
    at_line_start: bool,
    counts: StdinReport,
}

/// The descriptor, from the first wait on under the watch of tokio's I/O driver.
enum Held {
    Plain(OwnedFd),
    #[cfg(feature = "tokio")]
    Watched(tokio::io::unix::AsyncFd<OwnedFd>),
    /// It leads elsewhere; dropping it is the EOF.
    #[cfg(feature = "tokio")]
    Relay(on_tokio::Relay),
    /// The child has stopped reading, or its input has been ended.
    Closed,
}

/// How much of the input went where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StdinReport {
    /// Bytes that were handed in to be written.
    pub accepted: u64,
    /// Bytes that the kernel took. Whether the child read them is not known.
    pub written: u64,
}

/// The child has stopped reading its stdin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StdinClosed(pub StdinReport);

impl fmt::Display for StdinClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StdinReport { accepted, written } = self.0;
        write!(f, "the child stopped reading its stdin after {written} of {accepted} bytes")
    }
}

impl std::error::Error for StdinClosed {}

impl Stdin {
    pub(crate) fn new(fd: OwnedFd, is_pty: bool) -> Self {
        Stdin { fd: Held::Plain(fd), is_pty, at_line_start: true, counts: StdinReport::default() }
    }

    /// How much went where so far.
    pub fn report(&self) -> StdinReport {
        self.counts
    }

    /// Ends the child's input, and says how much of it was written. On a pty the EOF is the
    /// terminal's end-of-file character, sent twice when the last line is not complete.
    pub fn close(self) -> StdinReport {
        self.counts
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.fd {
            Held::Plain(fd) => Some(fd.as_fd()),
            #[cfg(feature = "tokio")]
            Held::Watched(fd) => Some(fd.get_ref().as_fd()),
            #[cfg(feature = "tokio")]
            Held::Relay(_) => None,
            Held::Closed => None,
        }
    }

    fn wrote(&mut self, bytes: &[u8]) {
        self.counts.written += bytes.len() as u64;
        if let Some(last) = bytes.last() {
            // A terminal reads a carriage return as the end of a line, unless told otherwise.
            self.at_line_start = matches!(last, b'\n' | b'\r');
        }
    }

    /// One write(2). `WouldBlock`: not now.
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let Some(fd) = self.as_fd() else { return Err(io::ErrorKind::BrokenPipe.into()) };
            match rustix::io::write(fd, bytes) {
                Ok(len) => {
                    self.wrote(&bytes[..len]);
                    return Ok(len);
                }
                Err(OsErrno::INTR) => {}
                Err(OsErrno::WOULDBLOCK) => return Err(io::ErrorKind::WouldBlock.into()),
                Err(errno) => {
                    self.fd = Held::Closed;
                    return Err(errno.into());
                }
            }
        }
    }

    /// Writes all of `bytes`, blocking the thread while the child does not read.
    ///
    /// # Errors
    ///
    /// [`StdinClosed`] when the child has stopped reading; it says how far it got.
    pub fn write_all_blocking(&mut self, bytes: &[u8]) -> Result<(), StdinClosed> {
        #[cfg(feature = "tokio")]
        if let Held::Relay(_) = self.fd {
            return crate::blocking::block_on(self.write_all(bytes));
        }
        self.counts.accepted += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.try_write(rest) {
                Ok(len) => rest = &rest[len..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if let Some(fd) = self.as_fd() {
                        // An interrupted wait only tries again.
                        let _ready =
                            poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::OUT)], None);
                    }
                }
                Err(_) => return Err(StdinClosed(self.counts)),
            }
        }
        Ok(())
    }
}

impl Stdin {
    fn end(&mut self) {
        if self.is_pty {
            // A pty has no end to close: its master side is also the output.
            if let Some(fd) = self.as_fd() {
                let ends: &[u8] = if self.at_line_start { &[VEOF] } else { &[VEOF, VEOF] };
                let _sent = rustix::io::write(fd, ends);
            }
        }
        self.fd = Held::Closed;
    }
}

impl Drop for Stdin {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdin").field("report", &self.counts).finish_non_exhaustive()
    }
}

#[cfg(feature = "tokio")]
mod on_tokio {
    use std::{
        future::poll_fn,
        io,
        pin::Pin,
        task::{Context, Poll, ready},
    };

    use tokio::io::{AsyncWrite, Interest};

    use super::{Held, Stdin, StdinClosed, StdinReport};
    use crate::on_tokio::watch;

    pub(super) type Relay = Pin<Box<dyn AsyncWrite + Send + Sync>>;

    impl Stdin {
        /// The input of an execution on a [backend](crate::backend::Backend) of one's own: what is
        /// written goes there. Dropping it is the EOF; a `BrokenPipe` says that it is not read any
        /// more.
        pub fn relay(to: impl AsyncWrite + Send + Sync + 'static) -> Self {
            let counts = StdinReport::default();
            Stdin { fd: Held::Relay(Box::pin(to)), is_pty: false, at_line_start: true, counts }
        }

        /// Writes all of `bytes`, waiting while the child does not read.
        ///
        /// # Errors
        ///
        /// [`StdinClosed`] when the child has stopped reading; it says how far it got.
        ///
        /// # Cancel safety
        ///
        /// Not cancel safe: a part may have been written; [`report`](Stdin::report) says how much.
        pub async fn write_all(&mut self, bytes: &[u8]) -> Result<(), StdinClosed> {
            self.counts.accepted += bytes.len() as u64;
            let mut rest = bytes;
            while !rest.is_empty() {
                match poll_fn(|cx| self.poll_write_once(cx, rest)).await {
                    Ok(len) => rest = &rest[len..],
                    Err(_) => return Err(StdinClosed(self.counts)),
                }
            }
            Ok(())
        }

        fn poll_write_once(
            &mut self,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            if let Held::Plain(_) = self.fd {
                match self.try_write(bytes) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    written => return Poll::Ready(written),
                }
                if let Held::Plain(fd) = std::mem::replace(&mut self.fd, Held::Closed) {
                    self.fd = Held::Watched(watch(fd, Interest::WRITABLE)?);
                }
            }
            if let Held::Relay(to) = &mut self.fd {
                let written = ready!(to.as_mut().poll_write(cx, bytes));
                match &written {
                    Ok(len) => self.wrote(&bytes[..*len]),
                    Err(_) => self.fd = Held::Closed,
                }
                return Poll::Ready(written);
            }
            loop {
                let Held::Watched(fd) = &self.fd else {
                    return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
                };
                let mut guard = ready!(fd.poll_write_ready(cx))?;
                match guard.try_io(|fd| Ok(rustix::io::write(fd, bytes)?)) {
                    Err(_would_block) => {}
                    Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                    Ok(Ok(len)) => {
                        self.wrote(&bytes[..len]);
                        return Poll::Ready(Ok(len));
                    }
                    Ok(Err(error)) => {
                        self.fd = Held::Closed;
                        return Poll::Ready(Err(error));
                    }
                }
            }
        }
    }

    /// Follows `std::io`: a child that has stopped reading is a `BrokenPipe` error.
    impl AsyncWrite for Stdin {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let this = self.get_mut();
            let written = ready!(this.poll_write_once(cx, bytes))?;
            this.counts.accepted += written as u64;
            Poll::Ready(Ok(written))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            let this = self.get_mut();
            this.end();
            Poll::Ready(Ok(()))
        }
    }
}
