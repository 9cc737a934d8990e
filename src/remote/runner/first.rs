//! A connection that says something: its first bytes are waited for only so long.
//!
//! HTTP/1 and HTTP/2 each bound how long a request's head may take, but which of the two a connection
//! speaks is known after its first bytes only, and for these nobody else has a clock.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// What a connection that speaks HTTP/2 begins with (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection, and the time for its first bytes.
pub(super) struct First<IO> {
    io: IO,
    /// Bytes of the preface so far, and until when; `None` when it is known what is spoken.
    waiting: Option<(usize, Pin<Box<Sleep>>)>,
}

impl<IO> First<IO> {
    pub(super) fn new(io: IO, max: Duration) -> Self {
        First { io, waiting: Some((0, Box::pin(sleep(max)))) }
    }

    fn came(&mut self, bytes: &[u8]) {
        let Some((len, _)) = &mut self.waiting else { return };
        let rest = PREFACE.get(*len..).unwrap_or_default();
        if bytes.len() < rest.len() && rest.starts_with(bytes) {
            *len += bytes.len();
        } else {
            self.waiting = None;
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for First<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.io).poll_read(cx, buffer) {
            Poll::Ready(read) => {
                self.came(buffer.filled().get(before..).unwrap_or_default());
                Poll::Ready(read)
            }
            Poll::Pending => {
                if let Some((_, until)) = &mut self.waiting {
                    ready!(std::future::Future::poll(until.as_mut(), cx));
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
                Poll::Pending
            }
        }
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for First<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
