//! One line of a trace: a JSON object, written field by field.

use std::io::Write;

use super::Payload;
use crate::machine::{Cause, Cut, End, Errno, Killed, Status, StreamReport, Terminal, Until};

/// An object that is being written. [`Object::end`] ends its line.
pub(super) struct Object<'a> {
    to: &'a mut Vec<u8>,
}

impl<'a> Object<'a> {
    /// An event of the execution of this number.
    pub(super) fn begin(to: &'a mut Vec<u8>, execution: u64, event: &str) -> Self {
        let mut object = Object { to };
        object.push(format_args!("{{\"execution\":{execution},\"event\":\"{event}\""));
        object
    }

    pub(super) fn end(self) {
        self.to.extend(b"}\n");
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        // A vector takes everything.
        let _infallible = self.to.write_fmt(text);
    }

    /// A field with a name of ours, which needs no escape.
    pub(super) fn text(mut self, key: &str, name: &str) -> Self {
        self.push(format_args!(",\"{key}\":\"{name}\""));
        self
    }

    pub(super) fn number(mut self, key: &str, number: impl std::fmt::Display) -> Self {
        self.push(format_args!(",\"{key}\":{number}"));
        self
    }

    pub(super) fn names<'n>(mut self, key: &str, names: impl Iterator<Item = &'n str>) -> Self {
        self.push(format_args!(",\"{key}\":["));
        for (at, name) in names.enumerate() {
            let comma = if at == 0 { "" } else { "," };
            self.push(format_args!("{comma}\"{name}\""));
        }
        self.to.push(b']');
        self
    }

    pub(super) fn until(self, until: Until) -> Self {
        self.text(
            "until",
            match until {
                Until::Exited => "exited",
                Until::Terminal => "terminal",
            },
        )
    }

    pub(super) fn status(mut self, status: Status) -> Self {
        match status {
            Status::Exited { code } => {
                self.push(format_args!(",\"status\":{{\"code\":{code}}}"));
            }
            Status::Signaled { signal, core } => {
                let signal = signal.number();
                let core = if core { ",\"core\":true" } else { "" };
                self.push(format_args!(",\"status\":{{\"signal\":{signal}{core}}}"));
            }
            Status::Unknown(Errno(errno)) => {
                self.push(format_args!(",\"status\":{{\"unknown\":{errno}}}"));
            }
            Status::Lost => self.push(format_args!(",\"status\":{{\"lost\":true}}")),
            Status::Forced => self.push(format_args!(",\"status\":{{\"forced\":true}}")),
        }
        self
    }

    pub(super) fn standing<'n>(mut self, standing: impl Iterator<Item = (&'n str, u64)>) -> Self {
        self.to.extend(b",\"standing\":{");
        for (at, (stream, bytes)) in standing.enumerate() {
            let comma = if at == 0 { "" } else { "," };
            self.push(format_args!("{comma}\"{stream}\":{bytes}"));
        }
        self.to.push(b'}');
        self
    }

    pub(super) fn stream_end(mut self, end: End) -> Self {
        self = self.text("end", end.name());
        match end {
            End::Cut(cut) => self.text("why", cut.name()),
            End::ReadError(Errno(errno)) => self.number("errno", errno),
            End::Eof | End::Discarded | End::Limit => self,
        }
    }

    pub(super) fn terminal(mut self, terminal: &Terminal) -> Self {
        let Terminal { status, cause, .. } = *terminal;
        self = self.status(status);
        let Cause { timed_out, cancelled, output_limit, stalled, killed_by_us } = cause;
        for (holds, key) in [
            (timed_out, "timed_out"),
            (cancelled, "cancelled"),
            (output_limit, "output_limit"),
            (stalled, "stalled"),
        ] {
            if holds {
                self = self.number(key, true);
            }
        }
        if let Some(Killed { signal, escalated }) = killed_by_us {
            let signal = signal.number();
            self.push(format_args!(
                ",\"killed_by_us\":{{\"signal\":{signal},\"escalated\":{escalated}}}"
            ));
        }
        self.reports(terminal)
    }

    fn reports(mut self, terminal: &Terminal) -> Self {
        let cuts = terminal.reports().filter_map(|report| match report.end {
            End::Cut(cut) => Some((report.stream.name(), cut)),
            End::Eof | End::ReadError(_) | End::Discarded | End::Limit => None,
        });
        let mut comma = "";
        self.to.extend(b",\"cut\":[");
        for (stream, cut) in cuts {
            let why = Cut::name(cut);
            self.push(format_args!("{comma}{{\"stream\":\"{stream}\",\"why\":\"{why}\"}}"));
            comma = ",";
        }
        self.to.extend(b"],\"streams\":{");
        comma = "";
        for StreamReport { stream, end, delivered, dropped, held } in terminal.reports() {
            let name = end.name();
            self.push(format_args!("{comma}\"{stream}\":{{\"end\":\"{name}\""));
            if let End::ReadError(Errno(errno)) = end {
                self.push(format_args!(",\"errno\":{errno}"));
            }
            self.push(format_args!(
                ",\"delivered\":{delivered},\"dropped\":{dropped},\"held\":{held}}}"
            ));
            comma = ",";
        }
        self.to.push(b'}');
        self
    }

    /// Bytes as text, or in base64 where they are none.
    pub(super) fn bytes(self, bytes: &[u8], payload: Payload) -> Self {
        if payload == Payload::Length {
            return self.number("bytes", bytes.len());
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                self.to.extend(b",\"text\":\"");
                escape(self.to, text);
            }
            Err(_) => {
                self.to.extend(b",\"base64\":\"");
                encode(self.to, bytes);
            }
        }
        self.to.push(b'"');
        self
    }
}

/// A string as JSON has it (RFC 8259, section 7).
fn escape(to: &mut Vec<u8>, text: &str) {
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => to.extend([b'\\', byte]),
            b'\n' => to.extend(b"\\n"),
            0..=0x1f => {
                // A vector takes everything.
                let _infallible = write!(to, "\\u{byte:04x}");
            }
            _ => to.push(byte),
        }
    }
}

/// Base64 with padding (RFC 4648, section 4).
fn encode(to: &mut Vec<u8>, bytes: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for three in bytes.chunks(3) {
        let at = |place: usize| u32::from(three.get(place).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let symbol = ALPHABET[(bits >> (18 - 6 * place) & 0x3f) as usize];
            to.push(if place as usize > three.len() { b'=' } else { symbol });
        }
    }
}
