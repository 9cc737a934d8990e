//! Bytes through: stdout to stdout, stderr to stderr, and on stderr what is missing and why.

use std::io::{self, Write, stderr, stdout};

use lastbyte::{Cut, End, Error, Event, StreamId, StreamReport, Terminal};

use super::Sink;

pub(super) struct Plain;

impl Sink for Plain {
    fn start(&mut self, _: Option<u32>) -> io::Result<()> {
        Ok(())
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Chunk { stream: StreamId::Stderr, chunk } => stderr().lock().write_all(chunk),
            Event::Chunk {
                stream: StreamId::Stdout | StreamId::Combined | StreamId::Pty,
                chunk,
            } => {
                let mut stdout = stdout().lock();
                stdout.write_all(chunk)?;
                stdout.flush()
            }
            // Both are in the reports of the exit.
            Event::Gap { .. } | Event::End { .. } => Ok(()),
            Event::Exit(terminal) => tell_missing(terminal),
        }
    }

    fn refused(&mut self, error: &Error) -> io::Result<()> {
        writeln!(stderr(), "lastbyte: failed to {error}")
    }
}

fn tell_missing(terminal: &Terminal) -> io::Result<()> {
    if terminal.cause.timed_out {
        let escalated = terminal.cause.killed_by_us.is_some_and(|killed| killed.escalated);
        let how = if escalated { ", and needed SIGKILL" } else { "" };
        writeln!(stderr(), "lastbyte: the command ran into its timeout{how}")?;
    }
    for report in terminal.reports().filter(|report| !report.is_complete()) {
        writeln!(stderr(), "lastbyte: {}", missing(report))?;
    }
    Ok(())
}

/// What is missing of a stream, why, and what to do.
fn missing(report: &StreamReport) -> String {
    let StreamReport { stream, end, delivered, dropped, held } = *report;
    let holder =
        if held { ", for a process that the command left behind still holds it" } else { "" };
    let (why, advice) = match end {
        End::Cut(Cut::After | Cut::Idle | Cut::Max) => {
            ("was cut after the exit", "; --drain sets how long it may go on")
        }
        End::Cut(Cut::Close | Cut::Shutdown) => ("was cut when the command was ended", ""),
        End::Limit => ("passed --max-output", "; raise it to get the rest"),
        End::ReadError(_) => ("could not be read to its end", ""),
        End::Discarded => ("was discarded", ""),
        End::Eof => ("has gaps", ""),
    };
    format!("{stream} {why}{holder}: {delivered} bytes delivered, {dropped} dropped{advice}")
}
