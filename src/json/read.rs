//! Events read back from their JSON objects.
//!
//! Unknown fields are ignored, for new ones may come; anything else that does not fit is
//! [`Malformed`]: a guess at an exit would be a sentinel (C9).

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use crate::{
    Cause, Cut, Data, End, Errno, Event, Signal, Status, StreamId, StreamReport, Terminal,
    machine::{Killed, PerStream},
};

/// One line of a runner or of `lastbyte run --json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The command has started.
    Start {
        /// The root's process id, where it is told.
        pid: Option<u32>,
    },
    /// An event.
    Event(Event),
}

/// What was read is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

fn malformed(what: &str) -> Malformed {
    Malformed(format!("an event without a valid `{what}`"))
}

/// Reads one line.
///
/// # Errors
///
/// [`Malformed`] says which field is wrong.
pub fn parse(line: &[u8]) -> Result<Line, Malformed> {
    let object: Map<String, Value> =
        serde_json::from_slice(line).map_err(|error| Malformed(format!("no event: {error}")))?;
    let event = match text(&object, "event")? {
        "start" => {
            let pid = object.get("pid").and_then(Value::as_u64);
            return Ok(Line::Start { pid: pid.and_then(|pid| u32::try_from(pid).ok()) });
        }
        "chunk" => Event::Chunk { stream: stream(&object)?, chunk: bytes(&object)? },
        "gap" => Event::Gap { stream: stream(&object)?, bytes: number(&object, "bytes")? },
        "eof" => Event::End { stream: stream(&object)?, end: End::Eof },
        "end" => Event::End { stream: stream(&object)?, end: end(&object, cut(&object)?)? },
        "exit" => Event::Exit(terminal(&object)?),
        _ => return Err(malformed("event")),
    };
    Ok(Line::Event(event))
}

fn text<'a>(object: &'a Map<String, Value>, field: &str) -> Result<&'a str, Malformed> {
    object.get(field).and_then(Value::as_str).ok_or_else(|| malformed(field))
}

fn number(object: &Map<String, Value>, field: &str) -> Result<u64, Malformed> {
    object.get(field).and_then(Value::as_u64).ok_or_else(|| malformed(field))
}

fn yes(object: &Map<String, Value>, field: &str) -> Result<bool, Malformed> {
    object.get(field).and_then(Value::as_bool).ok_or_else(|| malformed(field))
}

fn integer(value: &Value) -> Option<i32> {
    value.as_i64().and_then(|number| i32::try_from(number).ok())
}

fn errno(object: &Map<String, Value>) -> Result<Errno, Malformed> {
    object.get("errno").and_then(integer).map(Errno).ok_or_else(|| malformed("errno"))
}

fn named(name: &str) -> Option<StreamId> {
    StreamId::ALL.into_iter().find(|id| id.name() == name)
}

fn stream(object: &Map<String, Value>) -> Result<StreamId, Malformed> {
    named(text(object, "stream")?).ok_or_else(|| malformed("stream"))
}

fn bytes(object: &Map<String, Value>) -> Result<Data, Malformed> {
    let bytes = match (object.get("text"), object.get("base64")) {
        (Some(Value::String(text)), None) => text.clone().into_bytes(),
        (None, Some(Value::String(text))) => {
            STANDARD.decode(text).map_err(|_| malformed("base64"))?
        }
        _ => return Err(malformed("text` or `base64")),
    };
    // A chunk has at least one byte.
    if bytes.is_empty() { Err(malformed("text")) } else { Ok(Data::new(bytes.into())) }
}

/// Why a stream was cut, if it was.
fn cut(object: &Map<String, Value>) -> Result<Option<Cut>, Malformed> {
    if text(object, "end")? != "cut" {
        return Ok(None);
    }
    cut_named(text(object, "why")?).map(Some).ok_or_else(|| malformed("why"))
}

fn cut_named(name: &str) -> Option<Cut> {
    [Cut::After, Cut::Idle, Cut::Max, Cut::Close, Cut::Shutdown]
        .into_iter()
        .find(|cut| cut.name() == name)
}

fn end(object: &Map<String, Value>, cut: Option<Cut>) -> Result<End, Malformed> {
    Ok(match (text(object, "end")?, cut) {
        ("eof", _) => End::Eof,
        ("cut", Some(cut)) => End::Cut(cut),
        ("read_error", _) => End::ReadError(errno(object)?),
        ("discarded", _) => End::Discarded,
        ("limit", _) => End::Limit,
        _ => return Err(malformed("end")),
    })
}

/// The terminal in an `exit` event.
///
/// # Errors
///
/// [`Malformed`] says which field is wrong.
pub fn terminal(object: &Map<String, Value>) -> Result<Terminal, Malformed> {
    let mut streams = PerStream::default();
    let told = object.get("streams").and_then(Value::as_object);
    for (name, report) in told.ok_or_else(|| malformed("streams"))? {
        let stream = named(name).ok_or_else(|| malformed("streams"))?;
        let report = report.as_object().ok_or_else(|| malformed("streams"))?;
        streams[stream] = Some(StreamReport {
            stream,
            end: end(report, why_cut(object, name))?,
            delivered: number(report, "delivered")?,
            dropped: number(report, "dropped")?,
            held: yes(report, "held")?,
        });
    }
    Ok(Terminal { status: status_of(object)?, cause: cause_of(object)?, streams })
}

/// The causes in an `exit` event, or in another object that has them.
///
/// # Errors
///
/// [`Malformed`] says which field is wrong.
pub fn cause_of(object: &Map<String, Value>) -> Result<Cause, Malformed> {
    Ok(Cause {
        timed_out: yes(object, "timed_out")?,
        cancelled: yes(object, "cancelled")?,
        output_limit: yes(object, "output_limit")?,
        stalled: yes(object, "stalled")?,
        killed_by_us: killed(object)?,
    })
}

/// A report does not say why its stream was cut; the list of what is not complete does.
fn why_cut(object: &Map<String, Value>, name: &str) -> Option<Cut> {
    let cut = object.get("cut")?.as_array()?;
    let mine = cut.iter().find(|cut| cut["stream"] == name)?;
    mine["why"].as_str().and_then(cut_named)
}

fn killed(object: &Map<String, Value>) -> Result<Option<Killed>, Malformed> {
    match object.get("killed_by_us") {
        Some(Value::Null) => Ok(None),
        Some(Value::Object(killed)) => Ok(Some(Killed {
            signal: signal(killed.get("signal"))?,
            escalated: yes(killed, "escalated")?,
        })),
        _ => Err(malformed("killed_by_us")),
    }
}

fn signal(value: Option<&Value>) -> Result<Signal, Malformed> {
    value.and_then(integer).and_then(Signal::new).ok_or_else(|| malformed("signal"))
}

/// The status in an `exit` event, or in another object that has one.
///
/// # Errors
///
/// [`Malformed`] says which field is wrong.
pub fn status_of(object: &Map<String, Value>) -> Result<Status, Malformed> {
    let status =
        object.get("status").and_then(Value::as_object).ok_or_else(|| malformed("status"))?;
    let Some((kind, value)) = status.iter().next() else { return Err(malformed("status")) };
    Ok(match kind.as_str() {
        "code" => Status::Exited { code: integer(value).ok_or_else(|| malformed("code"))? },
        "signal" => {
            Status::Signaled { signal: signal(Some(value))?, core: yes(object, "core_dumped")? }
        }
        "unknown" => Status::Unknown(errno(status)?),
        "lost" => Status::Lost,
        "forced" => Status::Forced,
        _ => return Err(malformed("status")),
    })
}
