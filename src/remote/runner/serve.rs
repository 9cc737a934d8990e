//! Connections: HTTP/1.1 and HTTP/2 over anything that reads and writes.

use std::{
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::timeout,
};

use super::{Runner, first::First, routes::router};

/// How long a connection may take to say what it speaks, and then to send the head of a request; and
/// how long one of HTTP/2 may be silent, and then not answer when it is asked whether it is there.
const HEAD: Duration = Duration::from_secs(30);

/// How many connections there are, and the word to close them.
#[derive(Debug)]
pub(super) struct Connections {
    open: AtomicU64,
    closing: watch::Sender<bool>,
}

impl Default for Connections {
    fn default() -> Self {
        Connections { open: AtomicU64::new(0), closing: watch::Sender::new(false) }
    }
}

impl Connections {
    pub(super) fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }
}

/// Counts a connection for as long as it lives.
struct Open<'a>(&'a Connections);

impl<'a> Open<'a> {
    fn new(connections: &'a Connections) -> Self {
        connections.open.fetch_add(1, Ordering::Relaxed);
        Open(connections)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Runner {
    /// Serves one connection to its end. After [`close_connections`](Runner::close_connections) it
    /// ends with the answers that are under way.
    ///
    /// # Cancel safety
    ///
    /// Dropping it cuts the connection; executions go on without it (C19).
    pub async fn serve_connection<IO>(&self, io: IO)
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let connections = &self.shared.connections;
        let _open = Open::new(connections);
        self.shared.metrics.connected();
        let mut builder = Builder::new(TokioExecutor::new());
        // A date would be the only thing here that a wall clock decides.
        builder.http1().timer(TokioTimer::new()).auto_date_header(false).header_read_timeout(HEAD);
        let http2 = &mut builder.http2();
        http2.timer(TokioTimer::new()).auto_date_header(false);
        http2.keep_alive_interval(HEAD).keep_alive_timeout(HEAD);
        let io = TokioIo::new(First::new(io, HEAD));
        let service = TowerToHyperService::new(router(self.clone()));
        let connection = builder.serve_connection_with_upgrades(io, service);
        let mut connection = pin!(connection);
        let mut closing = connections.closing.subscribe();
        let mut asked = pin!(closing.wait_for(|closing| *closing));
        let mut told = false;
        let served = std::future::poll_fn(|cx| {
            if !told && asked.as_mut().poll(cx).is_ready() {
                told = true;
                connection.as_mut().graceful_shutdown();
            }
            connection.as_mut().poll(cx)
        });
        if let Err(error) = served.await {
            // A client that goes away in the middle is no error of ours.
            tracing::debug!(%error, "connection ended");
        }
    }

    /// Has every connection end with the answers that are under way, and waits for that, at most
    /// this long.
    ///
    /// # Cancel safety
    ///
    /// Once polled they end without it; what is dropped is the wait.
    pub async fn close_connections(&self, max: Duration) {
        let connections = &self.shared.connections;
        connections.closing.send_replace(true);
        // Each connection holds one receiver.
        let _all_gone = timeout(max, connections.closing.closed()).await;
    }
}
