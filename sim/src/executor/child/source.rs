//! The reading end of a pipe.

use std::{
    fmt,
    rc::Rc,
    task::{Context, Poll},
};

use lastbyte::{Data, backend::Read, machine::StreamId};

use super::kernel::Kernel;
use crate::executor::{
    run::{self, At, choice, glance, learn, look},
    witness::Seen,
};

/// The reading end of a pipe.
pub struct Source {
    pub(super) kernel: Rc<Kernel>,
    pub(super) stream: StreamId,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.stream).finish()
    }
}

/// The largest read, unless the reader asks for less.
const READ_MAX: u64 = 1 << 16;

impl Source {
    /// Which stream it is.
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// Whether anybody was given the writing end.
    pub fn is_ours(&self) -> bool {
        self.stream == StreamId::Stdout || self.kernel.script.has_stderr
    }

    /// Reads once: what stands in the pipe, its end, or an error.
    ///
    /// Cancel safety: bytes are taken only if they are returned.
    pub async fn read(&mut self) -> Read {
        choice(At::Await, None).await;
        std::future::poll_fn(|cx| self.poll_read(cx, READ_MAX)).await
    }

    /// As [`Source::read`], for at most `max` bytes.
    pub async fn read_at_most(&mut self, max: u64) -> Read {
        choice(At::Await, None).await;
        std::future::poll_fn(|cx| self.poll_read(cx, max)).await
    }

    /// Reads once, or has the task woken.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, max: u64) -> Poll<Read> {
        if let Some(read) = self.try_read(max) {
            return Poll::Ready(read);
        }
        self.kernel.pipes[self.stream].borrow_mut().wait(cx);
        Poll::Pending
    }

    /// Reads what stands there now. `None`: nothing.
    pub fn try_read(&mut self, max: u64) -> Option<Read> {
        let mut pipe = self.kernel.pipes[self.stream].borrow_mut();
        glance(pipe.object);
        if let Some((stream, at, errno)) = self.kernel.script.read_error
            && stream == self.stream
            && pipe.read >= at
        {
            learn(&errno);
            drop(pipe);
            run::note(|| format!("a read of {stream} fails"));
            self.kernel.see(Seen::ReadFailed { stream, errno });
            return Some(Read::Error(errno));
        }
        let stream = self.stream;
        if pipe.bytes.is_empty() {
            learn(&(pipe.writers > 0));
            if pipe.writers > 0 {
                return None;
            }
            drop(pipe);
            run::note(|| format!("reads the end of {stream}"));
            self.kernel.see(Seen::ReadEof { stream });
            return Some(Read::Eof);
        }
        let len = pipe.bytes.len().min(usize::try_from(max).unwrap_or(usize::MAX));
        let bytes: Vec<u8> = pipe.bytes.drain(..len).collect();
        pipe.read += bytes.len() as u64;
        learn(&bytes);
        pipe.changed();
        drop(pipe);
        run::note(|| format!("reads {:?} from {stream}", String::from_utf8_lossy(&bytes)));
        self.kernel.see(Seen::Read { stream, bytes: bytes.len() as u64 });
        Some(Read::Chunk(Data::new(bytes.into())))
    }

    /// Bytes that stand unread now, as of `FIONREAD`.
    pub fn standing(&self) -> u64 {
        let pipe = self.kernel.pipes[self.stream].borrow();
        look(pipe.object, &pipe.bytes.len());
        pipe.bytes.len() as u64
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let mut pipe = self.kernel.pipes[self.stream].borrow_mut();
        pipe.reader_gone = true;
        pipe.changed();
        drop(pipe);
        self.kernel.see(Seen::LetGo { stream: self.stream });
    }
}
