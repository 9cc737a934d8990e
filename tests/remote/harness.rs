//! A runner in this process, and somebody who asks it by plain HTTP.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use lastbyte::remote::{
    client::{Client, connect::Address},
    runner::{Listener, Runner, Token, config::Config, local::Local},
};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::watch, task::JoinHandle};

/// A runner that listens on this machine.
pub(crate) struct Served {
    pub(crate) address: String,
    pub(crate) root: PathBuf,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

pub(crate) fn token() -> Token {
    Token::parse("the-token").unwrap_or_else(|error| panic!("{error}"))
}

/// Serves with the default configuration.
pub(crate) async fn serve() -> Served {
    serve_with("").await
}

/// Serves with this configuration.
pub(crate) async fn serve_with(config: &str) -> Served {
    static LIVES: AtomicU32 = AtomicU32::new(0);
    let life = format!("{}x{}", std::process::id(), LIVES.fetch_add(1, Ordering::Relaxed));
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("runner-{life}"));
    let config = Config::parse(config).unwrap_or_else(|error| panic!("{error}"));
    let address = Address::Tcp("127.0.0.1:0".to_owned());
    let listener = Listener::bind(&address, true).await.expect("a port is free");
    let address = listener.to_string();
    let runner = Runner::new(config, Some(token()), &life, Local::new(&root));
    let (stop, mut stopped) = watch::channel(false);
    let serving = tokio::spawn(listener.serve(runner, async move {
        let _told_or_dropped = stopped.wait_for(|told| *told).await;
    }));
    Served { address, root, stop, serving }
}

impl Served {
    /// Has it end.
    pub(crate) fn tell_to_end(&self) {
        self.stop.send_replace(true);
    }

    /// Has it end, and waits for that.
    pub(crate) async fn end(self) {
        drop(self.stop);
        self.serving.await.expect("it does not panic");
        // Boxes have deleted their own directories.
        let left = std::fs::read_dir(&self.root).map(Iterator::count).unwrap_or_default();
        assert_eq!(left, 0, "{}", self.root.display());
        let _deleted = std::fs::remove_dir(&self.root);
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(Address::Tcp(self.address.clone()), Some(&token()))
    }

    /// Asks with the token, on a connection of its own.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Answer {
        self.ask_as(method, path, &[("authorization", "Bearer the-token")], body).await
    }

    pub(crate) async fn ask_as(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        Answer::of(self.open(method, path, headers, body).await).await
    }

    /// Asks, and returns when the head of the answer is there.
    pub(crate) async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Response<Incoming> {
        let stream = TcpStream::connect(&self.address).await.expect("it listens");
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.expect("a connection");
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", "runner");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a request");
        sender.send_request(request).await.expect("an answer")
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, body.to_string()).await
    }

    /// A box, by its name.
    pub(crate) async fn a_box(&self) -> String {
        let answer = self.post("/v1/boxes", json!({})).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.word("id")
    }

    /// A script that was started in a box; the path of its execution.
    pub(crate) async fn sh(&self, id: &str, script: &str) -> String {
        self.exec(id, json!({ "command": "sh", "args": ["-c", script], "stdin": "null" })).await
    }

    pub(crate) async fn exec(&self, id: &str, request: Value) -> String {
        let answer = self.post(&format!("/v1/boxes/{id}/exec"), request).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        format!("/v1/boxes/{id}/executions/{}", answer.word("execution_id"))
    }

    /// All events of an execution from an offset on, up to the exit.
    pub(crate) async fn events(&self, execution: &str, offset: u64) -> Vec<Value> {
        let answer = self.get(&format!("{execution}/output?offset={offset}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.lines()
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) media: String,
    pub(crate) request_id: Option<String>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) async fn of(response: Response<Incoming>) -> Answer {
        let (parts, body) = response.into_parts();
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        Answer {
            status: parts.status,
            media: header("content-type").unwrap_or_default().to_owned(),
            request_id: header("x-request-id").map(str::to_owned),
            body: body.collect().await.expect("a whole body").to_bytes(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        let lines = self.body.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).expect("an object a line")).collect()
    }

    pub(crate) fn word(&self, field: &str) -> String {
        self.json()[field].as_str().expect("a word").to_owned()
    }

    /// That it is a refusal with this status and code, in the one envelope.
    pub(crate) fn is_refusal(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        let body = self.json();
        let error = &body["error"];
        assert_eq!(error["code"], code, "{body}");
        assert_eq!(error["request_id"].as_str(), self.request_id.as_deref(), "{body}");
        assert!(error["message"].as_str().is_some_and(|it| it.starts_with("failed to ")), "{body}");
        error.clone()
    }
}

/// The text of one stream among events.
pub(crate) fn text(events: &[Value], stream: &str) -> String {
    let chunks = events.iter().filter(|it| it["event"] == "chunk" && it["stream"] == stream);
    chunks.map(|it| it["text"].as_str().expect("it is text")).collect()
}

/// Whether a process is there and not a zombie.
pub(crate) fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}
