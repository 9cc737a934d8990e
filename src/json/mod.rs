//! Events as JSON objects, one a line: what `lastbyte run --json` prints and a runner sends.
//!
//! `docs/run.md` has the schema. [`parse`] reads what the functions here write.

mod read;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

pub use read::{Line, Malformed, cause_of, parse, status_of, terminal};

use crate::{Cause, End, Errno, Error, Event, Status, StreamId, Terminal};

/// The first event: the command has started.
pub fn start(pid: Option<u32>) -> Value {
    json!({ "event": "start", "pid": pid })
}

/// One event.
pub fn event(event: &Event) -> Value {
    match event {
        Event::Chunk { stream, chunk } => self::chunk(*stream, chunk),
        Event::Gap { stream, bytes } => {
            json!({ "event": "gap", "stream": stream.name(), "bytes": bytes })
        }
        Event::End { stream, end } => self::end(*stream, *end),
        Event::Exit(terminal) => exit(terminal),
    }
}

/// Bytes of a stream, as text where they are UTF-8.
pub fn chunk(stream: StreamId, bytes: &[u8]) -> Value {
    let mut object = Map::new();
    object.insert("event".to_owned(), json!("chunk"));
    object.insert("stream".to_owned(), json!(stream.name()));
    // A chunk may end within a character: then it is not UTF-8, and no byte is lost.
    match std::str::from_utf8(bytes) {
        Ok(text) => object.insert("text".to_owned(), json!(text)),
        Err(_) => object.insert("base64".to_owned(), json!(STANDARD.encode(bytes))),
    };
    Value::Object(object)
}

/// A stream's end.
pub fn end(stream: StreamId, end: End) -> Value {
    match end {
        End::Eof => json!({ "event": "eof", "stream": stream.name() }),
        End::ReadError(Errno(errno)) => json!({
            "event": "end", "stream": stream.name(), "end": end.name(), "why": why(end),
            "errno": errno,
        }),
        End::Cut(_) | End::Discarded | End::Limit => {
            json!({ "event": "end", "stream": stream.name(), "end": end.name(), "why": why(end) })
        }
    }
}

/// The last event: everything about the end.
pub fn exit(terminal: &Terminal) -> Value {
    let cut: Vec<Value> = terminal
        .reports()
        .filter_map(|report| {
            let why = report.incomplete_because()?;
            Some(json!({ "stream": report.stream.name(), "why": why }))
        })
        .collect();
    let mut exit = ended("exit", terminal.status, terminal.cause);
    exit["complete"] = json!(terminal.is_complete());
    exit["cut"] = json!(cut);
    exit["streams"] = json!(streams(terminal));
    exit
}

/// The root's end, which says nothing of its output: the fields that it shares with an exit.
pub fn exited(status: Status, cause: Cause) -> Value {
    ended("exited", status, cause)
}

fn ended(event: &str, status: Status, cause: Cause) -> Value {
    let Cause { timed_out, cancelled, output_limit, stalled, killed_by_us } = cause;
    let killed = killed_by_us
        .map(|killed| json!({ "signal": killed.signal.number(), "escalated": killed.escalated }));
    json!({
        "event": event,
        "status": self::status(status),
        "core_dumped": matches!(status, Status::Signaled { core: true, .. }),
        "timed_out": timed_out,
        "cancelled": cancelled,
        "output_limit": output_limit,
        "stalled": stalled,
        "killed_by_us": killed,
    })
}

fn streams(terminal: &Terminal) -> Map<String, Value> {
    let told = terminal.reports().map(|report| {
        let mut told = json!({
            "end": report.end.name(),
            "delivered": report.delivered,
            "dropped": report.dropped,
            "held": report.held,
        });
        if let End::ReadError(Errno(errno)) = report.end {
            told["errno"] = json!(errno);
        }
        (report.stream.name().to_owned(), told)
    });
    told.collect()
}

/// How the root ended.
pub fn status(status: Status) -> Value {
    match status {
        Status::Exited { code } => json!({ "code": code }),
        Status::Signaled { signal, core: _ } => json!({ "signal": signal.number() }),
        Status::Unknown(Errno(errno)) => json!({ "unknown": status.to_string(), "errno": errno }),
        Status::Lost => json!({ "lost": status.to_string() }),
        Status::Forced => json!({ "forced": true }),
    }
}

/// The only event of a start that was refused.
pub fn refused(error: &Error) -> Value {
    json!({ "event": "refused", "error": {
        "code": error.code(),
        "http": error.http_status(),
        "stage": error.stage().map(|stage| stage.name()),
        "errno": errno(error),
        "exit": error.exit_code(),
        "message": format!("failed to {error}"),
    }})
}

/// The name of an error number, or the number where it has none here.
pub(crate) fn errno(error: &Error) -> Option<Value> {
    error.errno().map(|Errno(number)| match error.errno_name() {
        Some(name) => json!(name),
        None => json!(number),
    })
}

fn why(end: End) -> &'static str {
    match end {
        End::Cut(cut) => cut.name(),
        End::Eof | End::ReadError(_) | End::Discarded | End::Limit => end.name(),
    }
}
