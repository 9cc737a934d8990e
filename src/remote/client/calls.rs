//! What a caller says to an execution far away: signals, sizes, input. Signals and sizes go one
//! after the other, in their order.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use serde_json::json;
use tokio::{io::AsyncWrite, runtime::Handle, sync::mpsc};

use super::{backend::Far, connection::Ask, trouble::Trouble};
use crate::{
    Error, ErrorKind, PtySize, Signal,
    remote::wire::{StdinAnswer, StdinState},
};

/// Bytes of input that one request brings at most.
const PIECE: usize = 256 * 1024;

/// Something to be said.
#[derive(Clone, Copy, Debug)]
pub(super) enum Call {
    Signal(Signal),
    Resize(PtySize),
}

/// Says one thing after the other, until nobody can say more.
pub(super) async fn say(far: Arc<Far>, mut calls: mpsc::UnboundedReceiver<Call>) {
    while let Some(call) = calls.recv().await {
        let (path, body) = match call {
            Call::Signal(signal) => ("/signal", json!({ "signal": signal.number() })),
            Call::Resize(PtySize { rows, cols }) => {
                ("/resize", json!({ "rows": rows, "cols": cols }))
            }
        };
        let body = Bytes::from(body.to_string());
        let mut trouble = Trouble::new(far.client.patience.lost_after);
        while let Err(error) = post(&far, path, body.clone()).await {
            // A second SIGKILL does no harm; of the others the runner may have had the first.
            let may_repeat = error.kind() == ErrorKind::BackendUnavailable
                || matches!(call, Call::Signal(Signal::KILL));
            if !may_repeat || !trouble.again(&error).await {
                tracing::debug!(%error, ?call, "not said");
                break;
            }
        }
    }
}

async fn post(far: &Far, path: &str, body: Bytes) -> Result<Vec<u8>, Error> {
    far.client.connections.send(Ask::post(far.path(path), body)).await?.whole().await
}

type Sending = Pin<Box<dyn Future<Output = Result<StdinAnswer, Error>> + Send + Sync>>;

/// The input of an execution far away. What the runner's kernel took is written; the offset of
/// each piece keeps one that is sent again from being written twice (C17).
pub(super) struct Input {
    far: Arc<Far>,
    runtime: Handle,
    written: u64,
    sending: Option<Sending>,
    broken: bool,
}

impl Input {
    pub(super) fn new(far: Arc<Far>, runtime: Handle) -> Self {
        Input { far, runtime, written: 0, sending: None, broken: false }
    }
}

async fn send(far: Arc<Far>, offset: u64, bytes: Bytes, close: bool) -> Result<StdinAnswer, Error> {
    let path = format!("/stdin?offset={offset}&close={close}");
    let mut trouble = Trouble::new(far.client.patience.lost_after);
    loop {
        // As long as the command does not read, the runner does not answer.
        let max = std::time::Duration::from_secs(60 * 60 * 24 * 365);
        let ask = Ask { max, ..Ask::post(far.path(&path), bytes.clone()) };
        let asked = async { far.client.connections.send(ask).await?.whole().await };
        match asked.await {
            Ok(body) => {
                return serde_json::from_slice(&body).map_err(|error| super::unreadable(&error));
            }
            Err(error) => {
                if far.inbox.knows_end() || !trouble.again(&error).await {
                    return Err(error);
                }
            }
        }
    }
}

impl AsyncWrite for Input {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let sending = this.sending.get_or_insert_with(|| {
            let piece = Bytes::copy_from_slice(&bytes[..bytes.len().min(PIECE)]);
            Box::pin(OnRuntime {
                task: this.runtime.spawn(send(Arc::clone(&this.far), this.written, piece, false)),
            })
        });
        let sent = ready!(sending.as_mut().poll(cx));
        this.sending = None;
        match sent {
            Ok(answer) if answer.state != StdinState::Broken => {
                let len = answer.written.saturating_sub(this.written);
                this.written = answer.written;
                Poll::Ready(Ok(usize::try_from(len).unwrap_or(usize::MAX).min(bytes.len())))
            }
            Ok(_) | Err(_) => {
                this.broken = true;
                Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A request that is sent by a task of its own: whoever writes may be on no runtime, as a thread
/// that relays a terminal.
struct OnRuntime {
    task: tokio::task::JoinHandle<Result<StdinAnswer, Error>>,
}

impl Future for OnRuntime {
    type Output = Result<StdinAnswer, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(cx).map(|joined| {
            joined.unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Shutdown, "write to stdin: the runtime is gone"))
            })
        })
    }
}

impl Drop for Input {
    /// The end of the input: once, and behind what was written.
    fn drop(&mut self) {
        if self.broken || self.far.inbox.knows_end() {
            return;
        }
        let (far, written) = (Arc::clone(&self.far), self.written);
        self.runtime.spawn(async move {
            if let Err(error) = send(far, written, Bytes::new(), true).await {
                tracing::debug!(%error, "the input was not closed");
            }
        });
    }
}
