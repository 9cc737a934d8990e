//! Where a runner listens, and how it goes away.

use std::{
    fmt, fs,
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream, UnixListener, UnixStream, lookup_host},
    time::sleep,
};

use super::Runner;
use crate::{Error, ErrorKind, remote::client::connect::Address};

/// How long whoever has begun to read an execution's output has for the rest, after everything has
/// ended.
const READ_MAX: Duration = Duration::from_secs(5);

/// How long connections have for the answers that are under way, after everything has ended.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// When no descriptor is left for a connection, others must end first.
const REST: Duration = Duration::from_millis(50);

/// A socket that takes connections.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

enum Connection {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    /// Listens on an address. Port 0 is any that is free.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for an address that others than this machine reach, when
    /// there is no token that they would have to show; [`ErrorKind::BackendUnavailable`] when the
    /// system refuses.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves nobody listening.
    pub async fn bind(address: &Address, has_token: bool) -> Result<Listener, Error> {
        let refused = |error: io::Error| {
            let op = format!("listen on {address}: {error}; check the address, or choose another");
            Error::new(ErrorKind::BackendUnavailable, op).with_source(error)
        };
        let socket = match address {
            Address::Tcp(host) => {
                let mut found = lookup_host(host).await.map_err(refused)?;
                let Some(at) = found.next() else {
                    return Err(refused(io::ErrorKind::AddrNotAvailable.into()));
                };
                check_public(at, has_token)?;
                Socket::Tcp(TcpListener::bind(at).await.map_err(refused)?)
            }
            Address::Unix(path) => {
                if is_left_behind(path).await {
                    fs::remove_file(path).map_err(refused)?;
                }
                let socket = UnixListener::bind(path).map_err(refused)?;
                // For its owner alone, as far as the file system says it.
                fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(refused)?;
                Socket::Unix(socket, path.clone())
            }
        };
        Ok(Listener { socket })
    }

    /// Takes connections until `stop` is ready; then refuses new work, ends everything, lets whoever
    /// reads have the rest, and connections end with the answers that are under way (C13).
    ///
    /// # Cancel safety
    ///
    /// Dropping it takes no more connections and ends nothing: executions go on, and so do connections
    /// that were taken. [`Runner::shutdown`] ends them.
    pub async fn serve(self, runner: Runner, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut stopping = None;
        loop {
            let taken = poll_fn(|cx| {
                if stopping.is_none() && stop.as_mut().poll(cx).is_ready() {
                    let runner = runner.clone();
                    stopping = Some(Box::pin(async move {
                        runner.shutdown().await;
                        runner.output_read(READ_MAX).await;
                    }));
                }
                if let Some(stopping) = &mut stopping
                    && stopping.as_mut().poll(cx).is_ready()
                {
                    return Poll::Ready(None);
                }
                self.poll_accept(cx).map(Some)
            });
            match taken.await {
                Some(Ok(connection)) => serve_one(runner.clone(), connection),
                Some(Err(error)) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    sleep(REST).await;
                }
                None => break,
            }
        }
        // New ones are refused by the system from here on.
        drop(self);
        runner.close_connections(CLOSE_MAX).await;
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>> {
        match &self.socket {
            Socket::Tcp(socket) => {
                socket.poll_accept(cx).map(|taken| taken.map(|(it, _)| Connection::Tcp(it)))
            }
            Socket::Unix(socket, _) => {
                socket.poll_accept(cx).map(|taken| taken.map(|(it, _)| Connection::Unix(it)))
            }
        }
    }
}

fn serve_one(runner: Runner, connection: Connection) {
    tokio::spawn(async move {
        match connection {
            Connection::Tcp(stream) => {
                // Answers are small, and each is waited for. Without it they only come later.
                let _set = stream.set_nodelay(true);
                runner.serve_connection(stream).await;
            }
            Connection::Unix(stream) => runner.serve_connection(stream).await,
        }
    });
}

fn check_public(at: SocketAddr, has_token: bool) -> Result<(), Error> {
    if has_token || at.ip().is_loopback() {
        return Ok(());
    }
    let op = format!(
        "listen on {at}: others than this machine reach it, and there is no token; give one, or \
         listen on 127.0.0.1"
    );
    Err(Error::new(ErrorKind::InvalidArgument, op))
}

/// A socket at which nobody listens any more. A file that is none refuses connections too, and is
/// not ours to delete.
async fn is_left_behind(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    is_socket
        && UnixStream::connect(path)
            .await
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

impl fmt::Display for Listener {
    /// The address as a client writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.socket {
            Socket::Tcp(socket) => match socket.local_addr() {
                Ok(at) => write!(f, "{at}"),
                Err(_) => f.write_str("an unknown address"),
            },
            Socket::Unix(_, path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Socket::Unix(_, path) = &self.socket {
            // Somebody may have deleted it already.
            let _deleted = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this were red, a mistyped path would cost a file, or a runner that was killed would keep
    /// its successor from listening.
    #[tokio::test]
    async fn only_a_socket_that_was_left_behind_is_replaced() {
        let name = format!("lastbyte-listen-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let address = Address::Unix(path.clone());
        fs::write(&path, "a file").expect("it is written");
        let refused = Listener::bind(&address, true).await.expect_err("it is a file");
        assert_eq!(refused.kind(), ErrorKind::BackendUnavailable);
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "a file");
        fs::remove_file(&path).expect("it is ours");
        // The standard library's leaves its socket behind.
        drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
        let listener = Listener::bind(&address, true).await.expect("nobody listens there");
        let taken = Listener::bind(&address, true).await.expect_err("somebody listens");
        assert_eq!(taken.kind(), ErrorKind::BackendUnavailable);
        drop(listener);
        assert!(!path.exists());
    }
}
