//! Requests to a runner, each on a connection of its own while it lasts; a connection that is free
//! is used again.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, StatusCode,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header::{ACCEPT, AUTHORIZATION, HOST},
};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::connect::Connect;
use crate::{
    Error, ErrorKind,
    error::Stage,
    machine::Errno,
    remote::{
        runner::Token,
        wire::{Envelope, Fault},
    },
};

/// Connections that are kept for use again.
const IDLE_MAX: usize = 64;

/// How long it may take to connect.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// A request is answered within this time, beside what it asks the runner to wait.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The largest body that is collected as a whole.
const BODY_MAX: usize = 1024 * 1024;

type Sender = SendRequest<Full<Bytes>>;

/// Connections to one runner.
pub(super) struct Connections {
    connect: Box<dyn Connect>,
    authority: String,
    /// What errors call it.
    place: String,
    authorization: Option<String>,
    idle: Mutex<Vec<Sender>>,
}

/// What to ask for.
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) accept: Option<&'static str>,
    pub(super) body: Bytes,
    /// How long the answer's head may take.
    pub(super) max: Duration,
}

impl Ask {
    pub(super) fn get(path: String) -> Self {
        let body = Bytes::new();
        Ask { method: Method::GET, path, accept: None, body, max: ANSWER_MAX }
    }

    pub(super) fn post(path: String, body: Bytes) -> Self {
        Ask { method: Method::POST, path, accept: None, body, max: ANSWER_MAX }
    }
}

impl Connections {
    pub(super) fn new(connect: impl Connect, token: Option<&Token>) -> Self {
        Connections {
            authority: connect.authority(),
            place: connect.place(),
            connect: Box::new(connect),
            authorization: token.map(Token::header),
            idle: Mutex::new(Vec::new()),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Sender>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, and returns the answer when its head is there. A refusal of the runner is an error of
    /// the kind that the runner said.
    ///
    /// What was sent over a connection that then broke is not sent again: the runner may have done
    /// it ([`ErrorKind::BackendLost`]). What was not sent is tried on a new connection;
    /// [`ErrorKind::BackendUnavailable`] says that it was never sent.
    pub(super) async fn send(self: &Arc<Self>, ask: Ask) -> Result<Answer, Error> {
        let Ask { method, path, accept, body, max } = ask;
        let lost = |why: &str| {
            let op = format!("ask the runner at {}: {why}; see its log", self.place);
            Error::new(ErrorKind::BackendLost, op)
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.authority)
            .body(Full::new(body))
            .map_err(|error| Error::new(ErrorKind::InvalidArgument, format!("ask: {error}")))?;
        if let Some(authorization) = self.authorization.as_ref().and_then(|it| it.parse().ok()) {
            request.headers_mut().insert(AUTHORIZATION, authorization);
        }
        if let Some(accept) = accept.and_then(|accept| accept.parse().ok()) {
            request.headers_mut().insert(ACCEPT, accept);
        }
        loop {
            let (mut sender, is_new) = self.connection().await?;
            let sent = timeout(max, sender.try_send_request(request)).await;
            let sent = sent.map_err(|_| lost("no answer in time"))?;
            match sent {
                Ok(response) => {
                    let (parts, body) = response.into_parts();
                    let connections = Arc::clone(self);
                    let answer =
                        Answer { status: parts.status, body, sender: Some(sender), connections };
                    return if answer.status.is_success() {
                        Ok(answer)
                    } else {
                        answer.refused().await
                    };
                }
                Err(mut error) => match error.take_message() {
                    // It was closed while it was idle.
                    Some(unsent) if !is_new => request = unsent,
                    Some(_) => return Err(self.unreachable(&error.into_error().to_string())),
                    None => return Err(lost(&error.into_error().to_string())),
                },
            }
        }
    }

    /// A connection that is free, or a new one.
    async fn connection(&self) -> Result<(Sender, bool), Error> {
        loop {
            let Some(mut sender) = self.idle().pop() else { break };
            if sender.ready().await.is_ok() {
                return Ok((sender, false));
            }
        }
        let connecting = async {
            let io = self.connect.connect().await.map_err(|error| error.to_string())?;
            http1::handshake(TokioIo::new(io)).await.map_err(|error| error.to_string())
        };
        let connected = timeout(CONNECT_MAX, connecting).await;
        let connected = connected.unwrap_or_else(|_| Err("no connection in time".to_owned()));
        let (sender, connection) = connected.map_err(|why| self.unreachable(&why))?;
        // It ends with its sender, and what broke it is told to who sends.
        tokio::spawn(connection);
        Ok((sender, true))
    }

    fn unreachable(&self, why: &str) -> Error {
        let op = format!(
            "reach the runner at {}: {why}; check the address and whether it runs",
            self.place
        );
        Error::new(ErrorKind::BackendUnavailable, op)
    }

    fn free(&self, sender: Sender) {
        let mut idle = self.idle();
        if idle.len() < IDLE_MAX && !sender.is_closed() {
            idle.push(sender);
        }
    }
}

/// An answer whose body is still to be read. Its connection is free again after the last byte.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    body: Incoming,
    sender: Option<Sender>,
    connections: Arc<Connections>,
}

impl Answer {
    /// The next piece of the body; `None` at its end. A body that breaks off is an error.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
                Some(Err(error)) => {
                    let op = format!("read the runner's answer: {error}; see its log");
                    return Err(Error::new(ErrorKind::BackendLost, op));
                }
                None => {
                    if let Some(sender) = self.sender.take() {
                        self.connections.free(sender);
                    }
                    return Ok(None);
                }
            }
        }
    }

    /// The whole body, which follows its head within [`ANSWER_MAX`]: a runner that sends the one and
    /// not the other keeps nobody waiting for ever (C6).
    pub(super) async fn whole(self) -> Result<Vec<u8>, Error> {
        timeout(ANSWER_MAX, self.collected()).await.unwrap_or_else(|_| {
            let op = "read the runner's answer: it began and did not end in time; see its log";
            Err(Error::new(ErrorKind::BackendLost, op))
        })
    }

    async fn collected(mut self) -> Result<Vec<u8>, Error> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await? {
            whole.extend_from_slice(&piece);
            if whole.len() > BODY_MAX {
                let op = "read the runner's answer: it is longer than any of a runner's";
                return Err(Error::new(ErrorKind::BackendLost, op));
            }
        }
        Ok(whole)
    }

    async fn refused(self) -> Result<Answer, Error> {
        let status = self.status;
        let body = self.whole().await?;
        Err(match serde_json::from_slice::<Envelope>(&body) {
            Ok(envelope) => error_of(&envelope.error),
            Err(_) => {
                let op = format!("ask the runner: it said {status} and not why; is it one?");
                Error::new(ErrorKind::BackendLost, op)
            }
        })
    }
}

/// The runner's refusal as it was there.
fn error_of(fault: &Fault) -> Error {
    let kind = ErrorKind::ALL.iter().copied().find(|kind| kind.code() == fault.code);
    let op = fault.message.strip_prefix("failed to ").unwrap_or(&fault.message);
    let mut error = Error::new(kind.unwrap_or(ErrorKind::Internal), op);
    let stage = fault.stage.as_ref().and_then(|name| {
        [Stage::Lookup, Stage::Chdir, Stage::Exec, Stage::Fork, Stage::Pipes, Stage::Permission]
            .into_iter()
            .find(|stage| stage.name() == name)
    });
    if let Some(stage) = stage {
        error = error.with_stage(stage);
    }
    if let Some(errno) = fault.errno {
        error = error.with_errno(Errno(errno));
    }
    error
}
