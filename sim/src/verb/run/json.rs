//! One JSON object a line: what happened, in its order, the exit last. `docs/run.md` has the schema.

use std::io;

use lastbyte::{Error, Event, Terminal, json};
use serde_json::Value;

use super::Sink;
use crate::out::Out;

pub(super) struct Json {
    stdout: Out,
    /// Used again for each line.
    line: Vec<u8>,
}

impl Json {
    pub(super) fn new() -> Self {
        Json { stdout: Out::stdout(), line: Vec::new() }
    }

    /// A line is written at once: whoever reads it late or not at all never sees a part of one.
    fn line(&mut self, value: &Value) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value)?;
        self.line.push(b'\n');
        self.stdout.write_all(&self.line)
    }
}

impl Sink for Json {
    fn start(&mut self, pid: Option<u32>) -> io::Result<()> {
        self.line(&json::start(pid))
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.line(&json::event(event))
    }

    fn exit(&mut self, terminal: &Terminal) -> io::Result<()> {
        self.line(&json::exit(terminal))
    }

    fn refused(&mut self, error: &Error) -> io::Result<()> {
        self.line(&json::refused(error))
    }
}
