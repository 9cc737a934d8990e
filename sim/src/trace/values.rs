//! From the fields of a line to values: each is read where an event has it, or is said to be missing.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use lastbyte::machine::{
    Cause, Cut, End, Errno, Killed, PerStream, Signal, Status, StreamId, StreamReport, Terminal,
    Until,
};

use super::{
    fields::{Fields, KilledFields, ReportFields, Reports, Standing, StatusFields, Text},
    line::Payload,
    steps::{Begun, Made},
};

/// The field that is wrong, and how.
pub(super) type Read<T> = Result<T, (&'static str, String)>;

impl<'a> Fields<'a> {
    pub(super) fn machine(&mut self) -> Read<Begun> {
        let outputs = need("outputs", self.outputs.take()).and_then(named)?;
        let lines = self.policy.take().unwrap_or_default();
        Begun::read(&outputs, &lines)
    }

    pub(super) fn step(&mut self) -> Read<Made> {
        let input = need("input", self.input.take())?;
        Made::read(input.as_ref(), need("follows", self.follows.take())?, self.at)
    }

    pub(super) fn stream(&self) -> Read<StreamId> {
        stream_named(need("stream", self.stream.as_ref())?.as_ref())
    }

    pub(super) fn payload(&mut self) -> Read<Payload<'a>> {
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

    pub(super) fn bytes(&self) -> Read<u64> {
        need("bytes", self.bytes)
    }

    pub(super) fn errno(&self) -> Read<Errno> {
        need("errno", self.errno).map(Errno)
    }

    pub(super) fn signal(&self) -> Read<Signal> {
        signal_of(need("signal", self.signal)?)
    }

    pub(super) fn is_for_the_group(&self) -> Read<bool> {
        match self.target.as_ref().map(AsRef::as_ref) {
            Some("group") => Ok(true),
            Some("leader") | None => Ok(false),
            Some(other) => {
                Err(("target", format!("no target {other:?}; there are group and leader")))
            }
        }
    }

    pub(super) fn until(&self) -> Read<Until> {
        match need("until", self.until.as_ref())?.as_ref() {
            "exited" => Ok(Until::Exited),
            "terminal" => Ok(Until::Terminal),
            other => Err(("until", format!("no wait {other:?}; there are exited and terminal"))),
        }
    }

    pub(super) fn status(&self) -> Read<Status> {
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

    pub(super) fn standing(&self) -> PerStream<Option<u64>> {
        let mut standing = PerStream::default();
        if let Some(Standing { stdout, stderr, combined, pty }) = self.standing {
            standing[StreamId::Stdout] = stdout.or(combined).or(pty);
            standing[StreamId::Stderr] = stderr;
        }
        standing
    }

    pub(super) fn end(&self) -> Read<End> {
        let end = need("end", self.end.as_ref())?;
        end_named(end.as_ref(), self.why.as_ref().map(AsRef::as_ref), self.errno)
    }

    pub(super) fn terminal(&self) -> Read<Terminal> {
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

pub(super) fn need<T>(field: &'static str, value: Option<T>) -> Read<T> {
    value.ok_or_else(|| ("event", format!("this event has a field `{field}`, which is missing")))
}

pub(super) fn named(names: Vec<String>) -> Read<Vec<StreamId>> {
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
