//! One line of a trace, from JSON to what it says. Fields that nobody knows are skipped.

use std::borrow::Cow;

use lastbyte::machine::{End, Errno, PerStream, Signal, Status, StreamId, Terminal, Until};

use super::{
    Malformed,
    fields::{Fields, Text},
    steps::{Begun, Made},
    values::{Read, named},
};

/// What a line says, and of whom.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) execution: Text<'a>,
    pub(super) says: Says<'a>,
    /// Where its `event` stands, from 1.
    pub(super) column: usize,
}

/// What an execution is recorded by.
#[derive(Debug)]
pub(super) enum Says<'a> {
    /// Something happened.
    Happened(What<'a>),
    /// Nothing has happened, and each step of its machine will be told.
    Machine(Box<Begun>),
    /// One step of its machine.
    Step(Box<Made>),
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
pub(super) const KNOWN: &str = "spawn, start, machine, step, refused, read, read_eof, read_error, let_go, reap, \
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
        let (execution, says) =
            fields.split().map_err(|(field, why)| Wrong { column: column_of(text, field), why })?;
        Ok(Line { execution, says, column })
    }
}

/// Where a field's name stands, from 1; the beginning where it does not.
fn column_of(text: &[u8], field: &str) -> usize {
    let name = format!("\"{field}\"");
    text.windows(name.len()).position(|at| at == name.as_bytes()).unwrap_or_default() + 1
}

impl<'a> Fields<'a> {
    fn split(mut self) -> Read<(Text<'a>, Says<'a>)> {
        let execution = std::mem::take(&mut self.execution);
        let event = std::mem::take(&mut self.event);
        let says = match event.as_ref() {
            "machine" => Says::Machine(Box::new(self.machine()?)),
            "step" => Says::Step(Box::new(self.step()?)),
            event => Says::Happened(self.happened(event)?),
        };
        Ok((execution, says))
    }

    fn happened(&mut self, event: &str) -> Read<What<'a>> {
        Ok(match event {
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
