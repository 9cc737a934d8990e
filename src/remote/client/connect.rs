//! Reaching a runner: TCP, a Unix socket, or anything else that reads and writes.

use std::{fmt, future::Future, io, path::PathBuf, pin::Pin};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};

use crate::{Error, ErrorKind};

/// A connection.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connection that is being made.
pub type Connecting = Pin<Box<dyn Future<Output = io::Result<Box<dyn Io>>> + Send>>;

/// Makes connections to one runner.
pub trait Connect: Send + Sync + 'static {
    /// Makes one.
    fn connect(&self) -> Connecting;

    /// What the runner is called in requests (`Host`).
    fn authority(&self) -> String;

    /// What it is called in errors: its authority, where that is all there is to say.
    fn place(&self) -> String {
        self.authority()
    }
}

/// Where a runner listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A host, by name or number, and a port.
    Tcp(String),
    /// A Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// An address as it is written: `http://HOST:PORT`, `HOST:PORT` or `unix:PATH`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for anything else.
    pub fn parse(text: &str) -> Result<Address, Error> {
        if let Some(path) = text.strip_prefix("unix:") {
            if !path.is_empty() {
                return Ok(Address::Unix(path.into()));
            }
        } else {
            let rest = text.strip_prefix("http://").unwrap_or(text);
            let rest = rest.strip_suffix('/').unwrap_or(rest);
            let port = rest.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>()));
            if let Some((host, Ok(_))) = port
                && !host.is_empty()
                && !rest.contains('/')
            {
                return Ok(Address::Tcp(rest.to_owned()));
            }
        }
        let op = format!(
            "read the address `{}`: it names no place; write HOST:PORT, http://HOST:PORT or unix:PATH",
            text.escape_default()
        );
        Err(Error::new(ErrorKind::InvalidArgument, op))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(host) => f.write_str(host),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Connect for Address {
    fn connect(&self) -> Connecting {
        match self.clone() {
            Address::Tcp(host) => Box::pin(async move {
                let stream = TcpStream::connect(host).await?;
                // Requests are small, and each is waited for.
                stream.set_nodelay(true)?;
                Ok(Box::new(stream) as Box<dyn Io>)
            }),
            Address::Unix(path) => {
                Box::pin(
                    async move { Ok(Box::new(UnixStream::connect(path).await?) as Box<dyn Io>) },
                )
            }
        }
    }

    fn authority(&self) -> String {
        match self {
            Address::Tcp(host) => host.clone(),
            // A path is no authority (RFC 3986 section 3.2).
            Address::Unix(_) => "localhost".to_owned(),
        }
    }

    fn place(&self) -> String {
        self.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this were red, a mistyped runner would be looked for in vain instead of refused.
    #[test]
    fn an_address_is_a_host_and_a_port_or_a_path() {
        let tcp = |host: &str| Ok(Address::Tcp(host.to_owned()));
        let parse = |text| Address::parse(text).map_err(|error| error.kind());
        assert_eq!(parse("http://127.0.0.1:80"), tcp("127.0.0.1:80"));
        assert_eq!(parse("http://[::1]:80/"), tcp("[::1]:80"));
        assert_eq!(parse("runner:8080"), tcp("runner:8080"));
        assert_eq!(parse("unix:/run/x"), Ok(Address::Unix("/run/x".into())));
        for text in ["", "unix:", "http://host", "https://host:1", "host:port", "host:1/v1", ":1"] {
            assert_eq!(parse(text), Err(ErrorKind::InvalidArgument), "{text}");
        }
    }
}
