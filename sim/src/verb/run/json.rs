//! One JSON object a line: what happened, in its order, the exit last. `docs/run.md` has the schema.

use std::io;

use base64::{Engine, engine::general_purpose::STANDARD};
use lastbyte::{Cause, End, Errno, Error, Event, Status, Terminal};
use serde_json::{Map, Value, json};

use super::{Sink, out::Out};

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
        self.line(&json!({ "event": "start", "pid": pid }))
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.line(&match event {
            Event::Chunk { stream, chunk } => {
                let mut object = Map::new();
                object.insert("event".to_owned(), json!("chunk"));
                object.insert("stream".to_owned(), json!(stream.name()));
                // A chunk may end within a character: then it is not UTF-8, and no byte is lost.
                match std::str::from_utf8(chunk) {
                    Ok(text) => object.insert("text".to_owned(), json!(text)),
                    Err(_) => object.insert("base64".to_owned(), json!(STANDARD.encode(chunk))),
                };
                Value::Object(object)
            }
            Event::Gap { stream, bytes } => {
                json!({ "event": "gap", "stream": stream.name(), "bytes": bytes })
            }
            Event::End { stream, end: End::Eof } => {
                json!({ "event": "eof", "stream": stream.name() })
            }
            Event::End { stream, end } => {
                let why = why(*end);
                json!({ "event": "end", "stream": stream.name(), "end": end.name(), "why": why })
            }
            Event::Exit(terminal) => exit(terminal),
        })
    }

    fn exit(&mut self, terminal: &Terminal) -> io::Result<()> {
        self.line(&exit(terminal))
    }

    fn refused(&mut self, error: &Error) -> io::Result<()> {
        let errno = error.errno().map(|Errno(number)| match error.errno_name() {
            Some(name) => json!(name),
            None => json!(number),
        });
        self.line(&json!({ "event": "refused", "error": {
            "code": error.code(),
            "http": error.http_status(),
            "stage": error.stage().map(|stage| stage.name()),
            "errno": errno,
            "exit": error.exit_code(),
            "message": format!("failed to {error}"),
        }}))
    }
}

fn why(end: End) -> &'static str {
    match end {
        End::Cut(cut) => cut.name(),
        End::Eof | End::ReadError(_) | End::Discarded | End::Limit => end.name(),
    }
}

fn exit(terminal: &Terminal) -> Value {
    let Cause { timed_out, cancelled, output_limit, stalled, killed_by_us } = terminal.cause;
    let killed = killed_by_us
        .map(|killed| json!({ "signal": killed.signal.number(), "escalated": killed.escalated }));
    let cut: Vec<Value> = terminal
        .reports()
        .filter_map(|report| {
            let why = report.incomplete_because()?;
            Some(json!({ "stream": report.stream.name(), "why": why }))
        })
        .collect();
    let streams: Map<String, Value> = terminal
        .reports()
        .map(|report| {
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
        })
        .collect();
    json!({
        "event": "exit",
        "status": status(terminal.status),
        "core_dumped": matches!(terminal.status, Status::Signaled { core: true, .. }),
        "timed_out": timed_out,
        "cancelled": cancelled,
        "output_limit": output_limit,
        "stalled": stalled,
        "killed_by_us": killed,
        "complete": terminal.is_complete(),
        "cut": cut,
        "streams": streams,
    })
}

fn status(status: Status) -> Value {
    match status {
        Status::Exited { code } => json!({ "code": code }),
        Status::Signaled { signal, core: _ } => json!({ "signal": signal.number() }),
        Status::Unknown(_) => json!({ "unknown": status.to_string() }),
        Status::Lost => json!({ "lost": status.to_string() }),
        Status::Forced => json!({ "forced": true }),
    }
}
