//! Local processes: pipes, a pty or both ends of neither, and a root.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use rustix::io::{Errno as OsErrno, ioctl_fionread};

use super::{
    Backend, Exit, Read,
    blocks::{BLOCK, Blocks},
    pace::{GROWN_PIPE, Next, Pace},
    root::{Means, Root},
    spawn::Child,
};
use crate::{
    Data,
    machine::{Errno, PerStream, Signal, StreamId, Target},
};

/// No terminal buffers more than this between a writer and its master side: Linux gives a pty
/// 8 KiB of flip buffers and 4 KiB of line buffer.
const PTY_HOLDS: u64 = 64 * 1024;

/// What tells when a descriptor is readable: a runtime's I/O driver, or poll(2).
pub(crate) trait Reactor {
    /// A descriptor under its watch.
    type Fd: AsFd;

    /// Takes a non-blocking descriptor under watch.
    fn register(fd: OwnedFd) -> io::Result<Self::Fd>;

    /// Tries `f` when the descriptor may be readable, until it does not say `WouldBlock`.
    fn poll_io<T>(
        fd: &mut Self::Fd,
        cx: &mut Context<'_>,
        f: impl FnMut(BorrowedFd<'_>) -> io::Result<Io<T>>,
    ) -> Poll<io::Result<T>>;
}

/// What a successful I/O call gave.
pub(crate) struct Io<T> {
    pub(crate) value: T,
    pub(crate) next: Next,
}

impl<T> Io<T> {
    pub(crate) fn more(value: T) -> Self {
        Io { value, next: Next::More }
    }
}

/// A local process.
pub(crate) struct Process<R: Reactor> {
    root: Root<R>,
    sources: PerStream<Option<Source<R>>>,
    /// The master side of a pty that is not read any more. Closing it sends SIGHUP to the session,
    /// and a root that has closed its side may still be about to exit.
    hung_up: Option<Source<R>>,
    /// The same terminal, for whoever resizes it: as long as we have it ourselves.
    _terminal: Option<Arc<OwnedFd>>,
    blocks: Blocks,
}

struct Source<R: Reactor> {
    fd: R::Fd,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Pipe(Pace),
    Pty,
}

impl<R: Reactor> Process<R> {
    /// Takes charge of a child that was just spawned. If that fails the child is ended and reaped.
    pub(crate) fn attach(child: Child) -> io::Result<Self> {
        let root = Root::watch(child.pid, child.leads_group, Means::Best)?;
        let mut sources = PerStream::from_fn(|_| None);
        for (id, fd) in child.outputs {
            let kind = match id {
                StreamId::Pty => Kind::Pty,
                StreamId::Stdout | StreamId::Stderr | StreamId::Combined => {
                    Kind::Pipe(Pace::default())
                }
            };
            sources[id] = Some(Source { fd: R::register(fd)?, kind });
        }
        Ok(Process {
            root,
            sources,
            hung_up: None,
            _terminal: child.terminal,
            blocks: Blocks::default(),
        })
    }

    fn standing(&self) -> PerStream<u64> {
        let mut standing = PerStream::default();
        for (place, source) in standing.iter_mut().zip(self.sources.iter()) {
            *place = match source {
                Some(Source { kind: Kind::Pty, .. }) => PTY_HOLDS,
                // A pipe can always be asked; if not, all that it can hold may stand in it.
                Some(Source { fd, .. }) => ioctl_fionread(fd).unwrap_or(GROWN_PIPE as u64),
                None => 0,
            };
        }
        standing
    }
}

/// One read(2).
fn read_once(
    fd: BorrowedFd<'_>,
    kind: &mut Kind,
    blocks: &mut Blocks,
    max: u64,
) -> io::Result<Io<Read>> {
    let max = usize::try_from(max).unwrap_or(usize::MAX).min(BLOCK);
    loop {
        return match blocks.read(|space| rustix::io::read(fd, &mut space[..max])) {
            Ok(bytes) if bytes.is_empty() => Ok(Io::more(Read::Eof)),
            Ok(bytes) => {
                let next = kind.note(fd, bytes.len(), max);
                Ok(Io { value: Read::Chunk(Data::new(bytes)), next })
            }
            Err(OsErrno::INTR) => continue,
            Err(OsErrno::WOULDBLOCK) => Err(io::ErrorKind::WouldBlock.into()),
            // Linux says EIO when the last descriptor of the slave side has been closed.
            Err(OsErrno::IO) if matches!(kind, Kind::Pty) => Ok(Io::more(Read::Eof)),
            Err(errno) => Ok(Io::more(Read::Error(Errno(errno.raw_os_error())))),
        };
    }
}

impl Kind {
    /// Takes note of a read of `len` bytes where `asked` were asked for.
    fn note(&mut self, fd: BorrowedFd<'_>, len: usize, asked: usize) -> Next {
        match self {
            Kind::Pipe(pace) => {
                let next = pace.next(len, asked, Instant::now);
                pace.grow(|size| grow(fd, size));
                next
            }
            // A terminal gives a line at a time.
            Kind::Pty => Next::More,
        }
    }
}

#[cfg(target_os = "linux")]
fn grow(pipe: BorrowedFd<'_>, size: usize) -> Option<usize> {
    rustix::pipe::fcntl_setpipe_size(pipe, size).ok()
}

#[cfg(not(target_os = "linux"))]
fn grow(_: BorrowedFd<'_>, _: usize) -> Option<usize> {
    None
}

impl<R: Reactor> Backend for Process<R> {
    fn poll_read(&mut self, cx: &mut Context<'_>, stream: StreamId, max: u64) -> Poll<Read> {
        let Some(source) = &mut self.sources[stream] else { return Poll::Ready(Read::Eof) };
        let (kind, blocks) = (&mut source.kind, &mut self.blocks);
        R::poll_io(&mut source.fd, cx, |fd| read_once(fd, kind, blocks, max)).map(|read| {
            read.unwrap_or_else(|error| {
                Read::Error(Errno(error.raw_os_error().unwrap_or_default()))
            })
        })
    }

    fn try_read(&mut self, stream: StreamId, max: u64) -> Option<Read> {
        let Some(source) = &mut self.sources[stream] else { return Some(Read::Eof) };
        let fd = source.fd.as_fd();
        read_once(fd, &mut source.kind, &mut self.blocks, max).ok().map(|read| read.value)
    }

    fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<Exit> {
        let polled = self.root.poll_exit(cx);
        polled.map(|status| Exit { status, standing: self.standing() })
    }

    fn try_exit(&mut self) -> Option<Exit> {
        let status = self.root.try_exit()?;
        Some(Exit { status, standing: self.standing() })
    }

    fn wait_exit(&mut self, max: Duration) -> Option<Exit> {
        let status = self.root.wait_exit(max)?;
        Some(Exit { status, standing: self.standing() })
    }

    fn signal(&mut self, signal: Signal, target: Target) {
        self.root.signal(signal, target);
    }

    fn abandon(&mut self, stream: StreamId) {
        let source = self.sources[stream].take();
        if let Some(Source { kind: Kind::Pty, .. }) = source {
            self.hung_up = source;
        }
    }
}
