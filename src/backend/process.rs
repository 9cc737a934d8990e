//! Local processes: pipes, a pty or both ends of neither, and a root.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rustix::io::{Errno as OsErrno, ioctl_fionread};

use super::{
    Backend, Exit, Read,
    blocks::{BLOCK, Blocks},
    root::{Means, Root},
    spawn::Child,
};
use crate::{
    Data,
    machine::{Errno, PerStream, Signal, StreamId, Target},
};

/// The largest pipe that an unprivileged user may ask for by default (`pipe(7)`).
const GROWN_PIPE: usize = 1024 * 1024;

/// What a pipe holds unless it is grown (`pipe(7)`).
const PIPE: usize = 64 * 1024;

/// Full reads in a row that show that a pipe's size is what limits its stream.
const FULL_READS: u32 = 4;

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
        fd: &Self::Fd,
        cx: &mut Context<'_>,
        f: impl FnMut(BorrowedFd<'_>) -> io::Result<Io<T>>,
    ) -> Poll<io::Result<T>>;
}

/// What a successful I/O call says of the next one.
pub(crate) struct Io<T> {
    pub(crate) value: T,
    /// The descriptor was emptied: a next call would find nothing.
    #[cfg_attr(not(feature = "tokio"), expect(dead_code, reason = "poll(2) looks anew each time"))]
    pub(crate) emptied: bool,
}

impl<T> Io<T> {
    pub(crate) fn more(value: T) -> Self {
        Io { value, emptied: false }
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

#[derive(Clone, Copy, Debug)]
enum Kind {
    Pipe { full_reads: u32 },
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
                    Kind::Pipe { full_reads: 0 }
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
                let len = bytes.len();
                grow(fd, kind, len);
                let chunk = Read::Chunk(Data::new(bytes));
                // A pipe that gave less than was asked for is empty (`epoll(7)`); a pty gives a
                // line at a time.
                let emptied = matches!(kind, Kind::Pipe { .. }) && len < max;
                Ok(Io { value: chunk, emptied })
            }
            Err(OsErrno::INTR) => continue,
            Err(OsErrno::WOULDBLOCK) => Err(io::ErrorKind::WouldBlock.into()),
            // Linux says EIO when the last descriptor of the slave side has been closed.
            Err(OsErrno::IO) if matches!(kind, Kind::Pty) => Ok(Io::more(Read::Eof)),
            Err(errno) => Ok(Io::more(Read::Error(Errno(errno.raw_os_error())))),
        };
    }
}

/// Grows a pipe that is always full. The kernel limits pipe memory per user; a pipe that may not
/// grow stays as it is.
fn grow(fd: BorrowedFd<'_>, kind: &mut Kind, len: usize) {
    let Kind::Pipe { full_reads } = kind else { return };
    if *full_reads == FULL_READS {
        return;
    }
    *full_reads = if len >= PIPE { *full_reads + 1 } else { 0 };
    #[cfg(target_os = "linux")]
    if *full_reads == FULL_READS {
        let _size = rustix::pipe::fcntl_setpipe_size(fd, GROWN_PIPE);
    }
}

impl<R: Reactor> Backend for Process<R> {
    fn poll_read(&mut self, cx: &mut Context<'_>, stream: StreamId, max: u64) -> Poll<Read> {
        let Some(source) = &mut self.sources[stream] else { return Poll::Ready(Read::Eof) };
        let (kind, blocks) = (&mut source.kind, &mut self.blocks);
        R::poll_io(&source.fd, cx, |fd| read_once(fd, kind, blocks, max)).map(|read| {
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
