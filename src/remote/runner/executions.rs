//! Executions over HTTP: starting one, its state, its output, its end, its signals.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{
        HeaderMap, StatusCode, Uri,
        header::{ACCEPT, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    Beside, Runner,
    boxes::unexpected,
    fault::{Refused, invalid},
    output::{Encoding, Output, Until},
    record::{Reading, Record},
    requests::{self, Query},
    retained::{Holder, NoSuchPlace},
};
use crate::{
    Error, ErrorKind, PtySize, Reply, json as events,
    remote::{
        lifecycle::{Done, Request},
        wire::{
            ExecRequest, Executing, FRAMES, NDJSON, ResizeRequest, SignalAnswer, SignalRequest,
        },
    },
};

pub(super) async fn exec(
    State(runner): State<Runner>,
    Path(name): Path<String>,
    body: Body,
) -> Result<(StatusCode, Json<Executing>), Refused> {
    let id = runner.shared.names.parse_box(&name)?;
    // A box that is not there goes before what is wrong with the command.
    runner.state().lifecycle.state(id).map_err(|refusal| refusal.error("start a command"))?;
    let request: ExecRequest = requests::json(body).await?;
    let order = Box::new(requests::new_order(request)?);
    let op = format!("start a command in box `{name}`");
    let done = runner.ask(Request::Exec(id), Beside::Exec(order), &op).await?;
    let Done::Executing(id) = done else { return Err(unexpected(&op, done).into()) };
    let execution_id = runner.shared.names.of_execution(id);
    Ok((StatusCode::CREATED, Json(Executing { execution_id })))
}

pub(super) async fn get(
    State(runner): State<Runner>,
    Path(names): Path<(String, String)>,
) -> Result<Json<Value>, Refused> {
    let record = runner.find(&names)?;
    let (offset, kept) = record.extent();
    let terminal = record.handle.terminal();
    let status = record.handle.status();
    let state = match (&terminal, status) {
        (Some(_), _) => "ended",
        (None, Some(_)) => "exited",
        (None, None) => "running",
    };
    let (box_name, name) = names;
    Ok(Json(json!({
        "execution_id": name,
        "box_id": box_name,
        "state": state,
        "pid": record.handle.id(),
        "detached": record.detached,
        "reader": record.number(),
        "offset": offset,
        "kept": kept,
        "status": status.map(events::status),
        "exit": terminal.map(|terminal| events::exit(&terminal)),
    })))
}

pub(super) async fn output(
    State(runner): State<Runner>,
    Path(names): Path<(String, String)>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refused> {
    let record = runner.find(&names)?;
    let query = Query::parse(&uri, &["offset", "hold", "reader", "max_bytes", "wait_seconds"])?;
    let offset = query.number("offset")?.unwrap_or(0);
    let number = query.number("reader")?;
    let holds = match (query.flag("hold")?, number) {
        (true, Some(number)) => Some(Holder::Numbered(number)),
        (true, None) => Some(Holder::Anonymous),
        (false, None) => None,
        (false, Some(_)) => {
            return Err(invalid("read output: `reader` is for who holds; add `hold=true`").into());
        }
    };
    let mut bytes_max = query.number("max_bytes")?;
    if holds.is_some() {
        // While he asks for the next half, the command fills the other.
        let half = (runner.shared.config.retain_bytes / 2).max(1);
        bytes_max = Some(bytes_max.unwrap_or(half).min(half));
    }
    let until = Until { bytes_max, wait: query.seconds("wait_seconds")? };
    let reading = read_from(&record, offset, holds)?;
    let (encoding, media) = encoding(&headers);
    let start = (offset == 0).then(|| record.handle.id());
    let body = Body::new(Output::new(reading, encoding, until, start));
    Ok(([(CONTENT_TYPE, media)], body).into_response())
}

/// What the client takes; lines unless it names frames.
pub(super) fn encoding(headers: &HeaderMap) -> (Encoding, &'static str) {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    match accept.is_some_and(|accept| accept.split([',', ';']).any(|it| it.trim() == FRAMES)) {
        true => (Encoding::Frames, FRAMES),
        false => (Encoding::Lines, NDJSON),
    }
}

pub(super) fn read_from(
    record: &Arc<Record>,
    offset: u64,
    holds: Option<Holder>,
) -> Result<Reading, Error> {
    record.attach(offset, holds).map_err(|why| match why {
        NoSuchPlace::Expired { first } => {
            let op = format!(
                "read output at offset {offset}: cursor expired, it has been read and is no \
                 longer kept; the first that is has offset {first}"
            );
            Error::new(ErrorKind::Gone, op)
        }
        NoSuchPlace::Ahead { end } => invalid(format!(
            "read output at offset {offset}: there are {end} bytes so far; ask for one of them"
        )),
    })
}

pub(super) async fn wait(
    State(runner): State<Runner>,
    Path(names): Path<(String, String)>,
    uri: Uri,
) -> Result<Response, Refused> {
    let record = runner.find(&names)?;
    let query = Query::parse(&uri, &["until", "wait_seconds"])?;
    let wait = query.seconds("wait_seconds")?;
    let _attached = record.attached();
    let handle = &record.handle;
    let answer = async {
        match query.word("until") {
            None | Some("terminal") => {
                let mut exit = events::exit(&handle.wait().await);
                record.tell_end();
                exit["offset"] = json!(record.extent().0);
                Ok(exit)
            }
            Some("exited") => Ok(events::exited(handle.exited().await, handle.cause())),
            Some(_) => Err(invalid("wait: `until` is `terminal` or `exited`")),
        }
    };
    let answered = match wait {
        None => Ok(answer.await),
        Some(wait) => timeout(wait, answer).await,
    };
    match answered {
        Ok(answer) => Ok(Json(answer?).into_response()),
        // Not yet: ask again.
        Err(_) => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

pub(super) async fn signal(
    State(runner): State<Runner>,
    Path(names): Path<(String, String)>,
    body: Body,
) -> Result<Json<SignalAnswer>, Refused> {
    let record = runner.find(&names)?;
    let request: SignalRequest = requests::json(body).await?;
    Ok(told(record.handle.signal(requests::signal(&request.signal)?)))
}

pub(super) async fn kill(
    State(runner): State<Runner>,
    Path(names): Path<(String, String)>,
) -> Result<Json<SignalAnswer>, Refused> {
    let record = runner.find(&names)?;
    Ok(told(record.handle.kill()))
}

fn told(reply: Reply) -> Json<SignalAnswer> {
    let reply = match reply {
        Reply::Done => "done",
        Reply::Latched => "latched",
        Reply::AlreadyExited => "already_exited",
    };
    Json(SignalAnswer { reply: reply.to_owned() })
}

pub(super) async fn resize(
    State(runner): State<Runner>,
    Path(names): Path<(String, String)>,
    body: Body,
) -> Result<Json<ResizeRequest>, Refused> {
    let record = runner.find(&names)?;
    let size: ResizeRequest = requests::json(body).await?;
    record.handle.resize(PtySize { rows: size.rows, cols: size.cols })?;
    Ok(Json(size))
}

impl Runner {
    /// The execution of these names: of a box, and of its own. It is found until it expires, also
    /// when its box has gone before.
    pub(super) fn find(&self, names: &(String, String)) -> Result<Arc<Record>, Error> {
        let home = self.shared.names.parse_box(&names.0)?;
        let id = self.shared.names.parse_execution(home, &names.1)?;
        if let Some(record) = self.record(id) {
            return Ok(record);
        }
        let op = format!("find execution `{}`", names.1);
        match self.state().lifecycle.find(id) {
            Err(refusal) => Err(refusal.error(&op)),
            // Nobody has been told of it yet.
            Ok(_) => Err(Error::new(ErrorKind::NotFound, format!("{op}: it has not started"))),
        }
    }
}
