//! One line of a trace, from JSON to what it says. Fields that nobody knows are skipped.

use std::{borrow::Cow, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use lastbyte::machine::{
    Cause, Cut, End, Errno, Killed, PerStream, Signal, Status, StreamId, StreamReport, Terminal,
    Until,
};
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

use super::Malformed;

/// What a line says, and of whom.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) execution: Text<'a>,
    pub(super) what: What<'a>,
    /// Where its `event` stands, from 1.
    pub(super) column: usize,
}

/// One thing that happened.
#[derive(Debug)]
pub(super) enum What<'a> {
    /// The root runs, and everything is recorded.
    Spawn {
        outputs: Option<Vec<StreamId>>,
        buffer_bytes_max: Option<u64>,
    },
    /// The root runs, and only what the consumer sees is recorded.
    Start,
    Refused,
    Read(StreamId, Payload<'a>),
    ReadEof(StreamId),
    ReadError(StreamId, Errno),
    LetGo(StreamId),
    Reap {
        status: Status,
        standing: PerStream<Option<u64>>,
    },
    Chunk(StreamId, Payload<'a>),
    Gap(StreamId, u64),
    End(StreamId, End),
    Exit(Terminal),
    NoMore,
    Wait(Until),
    CancelWait(Until),
    Resolved {
        until: Until,
        status: Status,
    },
    /// A signal was sent.
    Signal {
        signal: Signal,
        group: bool,
    },
    Kill,
    Close,
    Closed,
    Shutdown,
    Discard(StreamId),
    Detach,
    Quiet,
}

/// Bytes, or how many there were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Payload<'a> {
    Data(Cow<'a, [u8]>),
    Length(u64),
}

/// Every name of an event.
pub(super) const KNOWN: &str = "spawn, start, refused, read, read_eof, read_error, let_go, reap, \
    chunk, gap, eof, end, exit, no_more, wait, cancel_wait, resolved, signal, kill, close, closed, \
    shutdown, discard, detach, quiet";

/// What is wrong with a line, and where in it.
#[derive(Debug)]
pub(super) struct Wrong {
    column: usize,
    why: String,
}

impl Wrong {
    pub(super) fn at(self, line: u64) -> Malformed {
        Malformed { line, column: self.column, why: self.why }
    }
}

/// A string, or a number as the string that it is written as.
#[derive(Debug, Default)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }
        }
        deserializer.deserialize_any(Texts)
    }
}

/// The fields that any event may have. One object of them all is the fastest to read.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(default, borrow)]
    execution: Text<'a>,
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(borrow)]
    stream: Option<Text<'a>>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    base64: Option<Text<'a>>,
    bytes: Option<u64>,
    errno: Option<i32>,
    #[serde(borrow)]
    status: Option<StatusFields<'a>>,
    standing: Option<Standing>,
    outputs: Option<Vec<String>>,
    buffer_bytes_max: Option<u64>,
    #[serde(borrow)]
    until: Option<Text<'a>>,
    #[serde(borrow)]
    end: Option<Text<'a>>,
    #[serde(borrow)]
    why: Option<Text<'a>>,
    signal: Option<i32>,
    #[serde(borrow)]
    target: Option<Text<'a>>,
    #[serde(default)]
    core_dumped: bool,
    #[serde(default)]
    timed_out: bool,
    #[serde(default)]
    cancelled: bool,
    #[serde(default)]
    output_limit: bool,
    #[serde(default)]
    stalled: bool,
    killed_by_us: Option<KilledFields>,
    cut: Option<Vec<CutFields>>,
    streams: Option<Reports>,
}

#[derive(Deserialize)]
struct StatusFields<'a> {
    code: Option<i32>,
    signal: Option<i32>,
    #[serde(default)]
    core: bool,
    #[serde(borrow)]
    unknown: Option<Text<'a>>,
    lost: Option<de::IgnoredAny>,
    forced: Option<bool>,
}

#[derive(Deserialize)]
struct Standing {
    stdout: Option<u64>,
    stderr: Option<u64>,
    combined: Option<u64>,
    pty: Option<u64>,
}

#[derive(Deserialize)]
struct KilledFields {
    signal: i32,
    #[serde(default)]
    escalated: bool,
}

#[derive(Deserialize)]
struct CutFields {
    stream: String,
    why: String,
}

#[derive(Deserialize)]
struct Reports {
    stdout: Option<ReportFields>,
    stderr: Option<ReportFields>,
    combined: Option<ReportFields>,
    pty: Option<ReportFields>,
}

#[derive(Deserialize)]
struct ReportFields {
    end: String,
    errno: Option<i32>,
    delivered: u64,
    #[serde(default)]
    dropped: u64,
    #[serde(default)]
    held: bool,
}

impl<'a> Line<'a> {
    /// Reads a line.
    pub(super) fn parse(text: &'a [u8]) -> Result<Self, Wrong> {
        let fields: Fields<'a> = serde_json::from_slice(text).map_err(|error| {
            let said = error.to_string();
            // Its own place counts from the beginning of the line.
            let why = said.split(" at line ").next().unwrap_or(&said).to_owned();
            Wrong { column: error.column().max(1), why }
        })?;
        let column = column_of(text, "event");
        let (execution, what) =
            fields.split().map_err(|(field, why)| Wrong { column: column_of(text, field), why })?;
        Ok(Line { execution, what, column })
    }
}

/// Where a field's name stands, from 1; the beginning where it does not.
fn column_of(text: &[u8], field: &str) -> usize {
    let name = format!("\"{field}\"");
    text.windows(name.len()).position(|at| at == name.as_bytes()).unwrap_or_default() + 1
}

/// The field that is wrong, and how.
type Read<T> = Result<T, (&'static str, String)>;

impl<'a> Fields<'a> {
    fn split(mut self) -> Read<(Text<'a>, What<'a>)> {
        let event = std::mem::take(&mut self.event);
        let what = match event.as_ref() {
            "spawn" => What::Spawn {
                outputs: self.outputs.take().map(named).transpose()?,
                buffer_bytes_max: self.buffer_bytes_max,
            },
            "start" => What::Start,
            "refused" => What::Refused,
            "read" => What::Read(self.stream()?, self.payload()?),
            "read_eof" => What::ReadEof(self.stream()?),
            "read_error" => What::ReadError(self.stream()?, self.errno()?),
            "let_go" => What::LetGo(self.stream()?),
            "reap" => What::Reap { status: self.status()?, standing: self.standing() },
            "chunk" => What::Chunk(self.stream()?, self.payload()?),
            "gap" => What::Gap(self.stream()?, self.bytes()?),
            "eof" => What::End(self.stream()?, End::Eof),
            "end" => What::End(self.stream()?, self.end()?),
            "exit" => What::Exit(self.terminal()?),
            "no_more" => What::NoMore,
            "wait" => What::Wait(self.until()?),
            "cancel_wait" => What::CancelWait(self.until()?),
            "resolved" => What::Resolved { until: self.until()?, status: self.status()? },
            "signal" => What::Signal { signal: self.signal()?, group: self.is_for_the_group()? },
            "kill" => What::Kill,
            "close" => What::Close,
            "closed" => What::Closed,
            "shutdown" => What::Shutdown,
            "discard" => What::Discard(self.stream()?),
            "detach" => What::Detach,
            "quiet" => What::Quiet,
            unknown => {
                return Err(("event", format!("no event {unknown:?}; there are {KNOWN}")));
            }
        };
        Ok((self.execution, what))
    }

    fn stream(&self) -> Read<StreamId> {
        stream_named(need("stream", self.stream.as_ref())?.as_ref())
    }

    fn payload(&mut self) -> Read<Payload<'a>> {
        let payload = match (self.text.take(), self.base64.take(), self.bytes) {
            (Some(Text(Cow::Borrowed(text))), _, _) => {
                Payload::Data(Cow::Borrowed(text.as_bytes()))
            }
            (Some(Text(Cow::Owned(text))), _, _) => Payload::Data(Cow::Owned(text.into_bytes())),
            (None, Some(Text(text)), _) => {
                let bytes = STANDARD
                    .decode(text.as_bytes())
                    .map_err(|error| ("base64", format!("no base64: {error}")))?;
                Payload::Data(Cow::Owned(bytes))
            }
            (None, None, Some(bytes)) => Payload::Length(bytes),
            (None, None, None) => {
                return Err(("event", "no bytes; give `text`, `base64` or `bytes`".to_owned()));
            }
        };
        match payload.len() {
            0 => Err(("event", "a chunk of 0 bytes; an empty read is a `read_eof`".to_owned())),
            _ => Ok(payload),
        }
    }

    fn bytes(&self) -> Read<u64> {
        need("bytes", self.bytes)
    }

    fn errno(&self) -> Read<Errno> {
        need("errno", self.errno).map(Errno)
    }

    fn signal(&self) -> Read<Signal> {
        signal_of(need("signal", self.signal)?)
    }

    fn is_for_the_group(&self) -> Read<bool> {
        match self.target.as_ref().map(AsRef::as_ref) {
            Some("group") => Ok(true),
            Some("leader") | None => Ok(false),
            Some(other) => {
                Err(("target", format!("no target {other:?}; there are group and leader")))
            }
        }
    }

    fn until(&self) -> Read<Until> {
        match need("until", self.until.as_ref())?.as_ref() {
            "exited" => Ok(Until::Exited),
            "terminal" => Ok(Until::Terminal),
            other => Err(("until", format!("no wait {other:?}; there are exited and terminal"))),
        }
    }

    fn status(&self) -> Read<Status> {
        let status = need("status", self.status.as_ref())?;
        match status {
            StatusFields { code: Some(code), .. } => Ok(Status::Exited { code: *code }),
            StatusFields { signal: Some(signal), core, .. } => Ok(Status::Signaled {
                signal: signal_of(*signal)?,
                core: *core || self.core_dumped,
            }),
            // Told by its number, or in words.
            StatusFields { unknown: Some(unknown), .. } => {
                Ok(Status::Unknown(Errno(unknown.as_ref().parse().unwrap_or_default())))
            }
            StatusFields { lost: Some(_), .. } => Ok(Status::Lost),
            StatusFields { forced: Some(true), .. } => Ok(Status::Forced),
            _ => Err((
                "status",
                "no status; there are code, signal, unknown, lost and forced".to_owned(),
            )),
        }
    }

    fn standing(&self) -> PerStream<Option<u64>> {
        let mut standing = PerStream::default();
        if let Some(Standing { stdout, stderr, combined, pty }) = self.standing {
            standing[StreamId::Stdout] = stdout.or(combined).or(pty);
            standing[StreamId::Stderr] = stderr;
        }
        standing
    }

    fn end(&self) -> Read<End> {
        let end = need("end", self.end.as_ref())?;
        end_named(end.as_ref(), self.why.as_ref().map(AsRef::as_ref), self.errno)
    }

    fn terminal(&self) -> Read<Terminal> {
        let killed_by_us = match &self.killed_by_us {
            Some(KilledFields { signal, escalated }) => {
                Some(Killed { signal: signal_of(*signal)?, escalated: *escalated })
            }
            None => None,
        };
        let cause = Cause {
            timed_out: self.timed_out,
            cancelled: self.cancelled,
            output_limit: self.output_limit,
            stalled: self.stalled,
            killed_by_us,
        };
        let mut streams = PerStream::default();
        if let Some(reports) = &self.streams {
            let Reports { stdout, stderr, combined, pty } = reports;
            let all = [
                (StreamId::Stdout, stdout),
                (StreamId::Stderr, stderr),
                (StreamId::Combined, combined),
                (StreamId::Pty, pty),
            ];
            for (stream, report) in all {
                if let Some(report) = report {
                    streams[stream] = Some(self.report(stream, report)?);
                }
            }
        }
        Ok(Terminal { status: self.status()?, cause, streams })
    }

    fn report(&self, stream: StreamId, report: &ReportFields) -> Read<StreamReport> {
        let mut cuts = self.cut.iter().flatten();
        let why = cuts.find(|cut| cut.stream == stream.name()).map(|cut| cut.why.as_str());
        Ok(StreamReport {
            stream,
            end: end_named(&report.end, why, report.errno)?,
            delivered: report.delivered,
            dropped: report.dropped,
            held: report.held,
        })
    }
}

impl Payload<'_> {
    pub(super) fn len(&self) -> u64 {
        match self {
            Payload::Data(bytes) => bytes.len() as u64,
            Payload::Length(bytes) => *bytes,
        }
    }
}

fn need<T>(field: &'static str, value: Option<T>) -> Read<T> {
    value.ok_or_else(|| ("event", format!("this event has a field `{field}`, which is missing")))
}

fn named(names: Vec<String>) -> Read<Vec<StreamId>> {
    names.iter().map(|name| stream_named(name)).collect()
}

fn stream_named(name: &str) -> Read<StreamId> {
    StreamId::ALL.into_iter().find(|id| id.name() == name).ok_or_else(|| {
        ("stream", format!("no stream {name:?}; there are stdout, stderr, combined and pty"))
    })
}

fn signal_of(number: i32) -> Read<Signal> {
    Signal::new(number).ok_or_else(|| ("signal", format!("no signal {number}; there are 1 to 64")))
}

fn end_named(name: &str, why: Option<&str>, errno: Option<i32>) -> Read<End> {
    match name {
        "eof" => Ok(End::Eof),
        "discarded" => Ok(End::Discarded),
        "limit" => Ok(End::Limit),
        "read_error" => Ok(End::ReadError(Errno(need("errno", errno)?))),
        "cut" => {
            let why = need("why", why)?;
            let cuts = [Cut::After, Cut::Idle, Cut::Max, Cut::Close, Cut::Shutdown];
            cuts.into_iter().find(|cut| cut.name() == why).map(End::Cut).ok_or_else(|| {
                ("why", format!("no cut {why:?}; there are after, idle, max, close and shutdown"))
            })
        }
        _ => Err((
            "end",
            format!("no end {name:?}; there are eof, cut, read_error, discarded and limit"),
        )),
    }
}
