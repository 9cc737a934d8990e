//! The client of a runner: boxes there, and executions in them that are as local ones.
//!
//! [`Client::spawn`] takes a [`Command`] and returns an [`Execution`]: the same events, waits,
//! kills and closes, ordered by the same machine. What is done far away and cannot be known here
//! is *lost*, never an exit (C9).

mod backend;
mod calls;
mod command;
pub mod connect;
mod connection;
mod gaps;
mod inbox;
mod pace;
mod pull;
mod trouble;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::Method;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    runner::Token,
    wire::{BoxInfo, BoxList, BoxRequest, ExecRequest, Executing, StdinKind},
};
use crate::{Command, Error, ErrorKind, Execution, Policy, Streams, command::Outputs};
use backend::Far;
use connect::Connect;
use connection::{Ask, Connections};

/// How a client deals with a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long a runner is tried before what it runs is lost. Default: 30 s.
    pub lost_after: Duration,
    /// How long a runner is asked to wait before it says that there is nothing new, in whole
    /// seconds. Default: 20 s.
    pub wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience { lost_after: Duration::from_secs(30), wait: Duration::from_secs(20) }
    }
}

/// The number by which who started a command reads it.
const STARTER: u64 = 0;

/// A client of one runner. Clones share its connections.
///
/// # Panics
///
/// Its calls need a tokio runtime with I/O and time, and panic when they are polled elsewhere.
#[derive(Clone)]
pub struct Client {
    connections: Arc<Connections>,
    patience: Patience,
}

impl Client {
    /// A client of the runner to which `connect` leads. No connection is made yet.
    pub fn new(connect: impl Connect, token: Option<&Token>) -> Self {
        let connections = Arc::new(Connections::new(connect, token));
        Client { connections, patience: Patience::default() }
    }

    /// The same client, that deals so with its network.
    #[must_use]
    pub fn patience(self, patience: Patience) -> Self {
        Client { patience, ..self }
    }

    /// Creates a box.
    ///
    /// # Errors
    ///
    /// The runner's refusal, [`ErrorKind::BackendUnavailable`] when it cannot be reached,
    /// [`ErrorKind::BackendLost`] when the connection broke and the box may exist or not.
    ///
    /// # Cancel safety
    ///
    /// A request that was sent is not taken back: the box may exist or not, as
    /// [`boxes`](Client::boxes) tells. So with each call that changes something.
    pub async fn create_box(&self, request: &BoxRequest) -> Result<BoxInfo, Error> {
        self.ask(Method::POST, "/v1/boxes".to_owned(), Some(request)).await
    }

    /// Every box.
    ///
    /// # Errors
    ///
    /// As [`create_box`](Client::create_box).
    ///
    /// # Cancel safety
    ///
    /// Dropping it changes nothing.
    pub async fn boxes(&self) -> Result<Vec<BoxInfo>, Error> {
        let list: BoxList = self.ask(Method::GET, "/v1/boxes".to_owned(), None::<&()>).await?;
        Ok(list.boxes)
    }

    /// One box.
    ///
    /// # Errors
    ///
    /// As [`create_box`](Client::create_box); [`ErrorKind::NotFound`] where there is none.
    ///
    /// # Cancel safety
    ///
    /// Dropping it changes nothing.
    pub async fn find_box(&self, id: &str) -> Result<BoxInfo, Error> {
        self.ask(Method::GET, path_of(id)?, None::<&()>).await
    }

    /// Starts a box that is stopped.
    ///
    /// # Errors
    ///
    /// As [`create_box`](Client::create_box).
    pub async fn start_box(&self, id: &str) -> Result<BoxInfo, Error> {
        self.ask(Method::POST, path_of(id)? + "/start", None::<&()>).await
    }

    /// Ends everything in a box.
    ///
    /// # Errors
    ///
    /// As [`create_box`](Client::create_box).
    pub async fn stop_box(&self, id: &str) -> Result<BoxInfo, Error> {
        self.ask(Method::POST, path_of(id)? + "/stop", None::<&()>).await
    }

    /// Ends everything in a box and starts it without its files.
    ///
    /// # Errors
    ///
    /// As [`create_box`](Client::create_box).
    pub async fn rebuild_box(&self, id: &str) -> Result<BoxInfo, Error> {
        self.ask(Method::POST, path_of(id)? + "/rebuild", None::<&()>).await
    }

    /// Deletes a box. `force`: also while executions live in it.
    ///
    /// # Errors
    ///
    /// As [`create_box`](Client::create_box).
    pub async fn delete_box(&self, id: &str, force: bool) -> Result<(), Error> {
        let path = format!("{}?force={force}", path_of(id)?);
        let ask = Ask { method: Method::DELETE, ..Ask::get(path) };
        self.connections.send(ask).await?.whole().await?;
        Ok(())
    }

    /// Starts a command in a box.
    ///
    /// Of the command are carried over: program, arguments, variables that were set, directory,
    /// stdin (piped or null), pty, timeout, grace and drain. Buffer and output limit apply here.
    ///
    /// # Errors
    ///
    /// As [`create_box`](Client::create_box); [`ErrorKind::InvalidArgument`] for a command with
    /// what cannot be carried over, as an inherited stdin or bytes that are not Unicode.
    ///
    /// # Cancel safety
    ///
    /// The command may have been started: with nobody attached to it the runner ends it after its
    /// `orphan_seconds`.
    pub async fn spawn(&self, box_id: &str, command: &Command) -> Result<Execution, Error> {
        let (request, policy) = command::request(command)?;
        let far = self.start(box_id, &request).await?;
        let execution =
            far.start((0, STARTER), policy, command.parts().monitored, request.stdin)?;
        if let Outputs::Pty(size) = command.parts().outputs {
            execution.resize(*size)?;
        }
        Ok(execution)
    }

    /// Starts a command in a box, by the request itself: it may be detached. `policy`: what
    /// applies here; its drain and timeout do not, for the runner has those of the request.
    ///
    /// # Errors
    ///
    /// As [`create_box`](Client::create_box).
    ///
    /// # Cancel safety
    ///
    /// The command may have been started. One that is detached then runs to its end, another is ended by
    /// the runner after its `orphan_seconds`.
    pub async fn exec(
        &self,
        box_id: &str,
        request: &ExecRequest,
        policy: Policy,
    ) -> Result<Execution, Error> {
        self.start(box_id, request).await?.start((0, STARTER), policy, false, request.stdin)
    }

    async fn start(&self, box_id: &str, request: &ExecRequest) -> Result<Arc<Far>, Error> {
        let path = path_of(box_id)?;
        let started: Executing =
            self.ask(Method::POST, format!("{path}/exec"), Some(request)).await?;
        let streams = if request.tty { Streams::Pty } else { Streams::Separate };
        Far::new(self, box_id, &started.execution_id, streams)
    }

    /// Attaches to an execution that runs or is kept, from an offset of its output on, in bytes of all
    /// its streams together (C19). `tty`: whether it was started on a terminal.
    ///
    /// # Errors
    ///
    /// As [`create_box`](Client::create_box); [`ErrorKind::Gone`] when what stood at the offset has
    /// been read and is no longer kept.
    ///
    /// # Cancel safety
    ///
    /// Dropping it changes nothing.
    pub async fn attach(
        &self,
        box_id: &str,
        execution_id: &str,
        offset: u64,
        tty: bool,
        policy: Policy,
    ) -> Result<Execution, Error> {
        let streams = if tty { Streams::Pty } else { Streams::Separate };
        let far = Far::new(self, box_id, execution_id, streams)?;
        let found: serde_json::Value = self.ask(Method::GET, far.path(""), None::<&()>).await?;
        let number = |field: &str| found[field].as_u64().unwrap_or(0);
        let first = number("offset").saturating_sub(number("kept"));
        if offset < first {
            let op = format!(
                "attach to `{execution_id}` at offset {offset}: what stood there has been read and \
                 is no longer kept; the first that is has offset {first}"
            );
            return Err(Error::new(ErrorKind::Gone, op));
        }
        far.start((offset, number("reader")), policy, false, StdinKind::Pipe)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: String,
        body: Option<&impl Serialize>,
    ) -> Result<T, Error> {
        let body = match body {
            Some(body) => serde_json::to_vec(body).map_err(|error| unreadable(&error))?,
            None => Vec::new(),
        };
        let ask = Ask { method, body: Bytes::from(body), ..Ask::get(path) };
        let answer = self.connections.send(ask).await?.whole().await?;
        serde_json::from_slice(&answer).map_err(|error| unreadable(&error))
    }
}

fn unreadable(error: &serde_json::Error) -> Error {
    let op = format!("read the runner's answer: {error}; is it a runner of this version?");
    Error::new(ErrorKind::BackendLost, op)
}

fn path_of(id: &str) -> Result<String, Error> {
    Ok(format!("/v1/boxes/{}", word(id)?))
}

/// A name that is one part of a path.
fn word(name: &str) -> Result<&str, Error> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !name.is_empty() && name.chars().all(is_word) {
        return Ok(name);
    }
    let op = format!("find `{}`: no name of a box or execution", name.escape_default());
    Err(Error::new(ErrorKind::NotFound, op))
}
