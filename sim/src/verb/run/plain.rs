//! Bytes through: stdout to stdout, stderr to stderr, and on stderr what is missing and why.

use std::{io, time::Duration};

use humantime::format_duration;
use lastbyte::{
    Cause, Cut, DrainPolicy, End, Error, Event, Status, StreamId, StreamReport, Terminal,
};

use super::Sink;
use crate::out::{Out, say};

pub(super) struct Plain {
    stdout: Out,
    stderr: Out,
    drain: DrainPolicy,
    timeout: Option<Duration>,
}

impl Plain {
    pub(super) fn new(drain: Option<DrainPolicy>, timeout: Option<Duration>) -> Self {
        let drain = drain.unwrap_or_default();
        Plain { stdout: Out::stdout(), stderr: Out::stderr(), drain, timeout }
    }
}

impl Sink for Plain {
    fn start(&mut self, _: Option<u32>) -> io::Result<()> {
        Ok(())
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Chunk { stream: StreamId::Stderr, chunk } => self.stderr.write_all(chunk),
            Event::Chunk {
                stream: StreamId::Stdout | StreamId::Combined | StreamId::Pty,
                chunk,
            } => self.stdout.write_all(chunk),
            // Both are in the reports of the exit.
            Event::Gap { .. } | Event::End { .. } | Event::Exit(_) => Ok(()),
        }
    }

    fn exit(&mut self, terminal: &Terminal) -> io::Result<()> {
        if let Some(kill) = killed(&terminal.cause, self.timeout) {
            say(&kill);
        }
        if let Status::Unknown(_) | Status::Lost | Status::Forced = terminal.status {
            say(&format!("how the command ended is not known: {}", terminal.status));
        }
        for report in terminal.reports().filter(|report| !report.is_complete()) {
            say(&missing(report, self.drain));
        }
        Ok(())
    }

    fn refused(&mut self, error: &Error) -> io::Result<()> {
        say(&format!("failed to {error}"));
        Ok(())
    }
}

/// That we killed it: why, and what it took.
fn killed(cause: &Cause, timeout: Option<Duration>) -> Option<String> {
    let killed = cause.killed_by_us?;
    let escalated = if killed.escalated { ", then SIGKILL" } else { "" };
    let (why, advice) = match timeout {
        Some(timeout) if cause.timed_out => {
            (format!("at its timeout of {}", format_duration(timeout)), "; --timeout sets it")
        }
        Some(_) | None => ("as was asked for".to_owned(), ""),
    };
    Some(format!("the command was killed {why}: {}{escalated}{advice}", killed.signal))
}

/// What is missing of a stream, why, and what to do.
fn missing(report: &StreamReport, drain: DrainPolicy) -> String {
    let StreamReport { stream, end, delivered, dropped, held } = *report;
    let (why, advice) = match end {
        End::Cut(cut @ (Cut::After | Cut::Idle | Cut::Max)) => {
            (cut_after_the_exit(cut, drain), "; for a longer wait, set --drain")
        }
        End::Cut(Cut::Close | Cut::Shutdown) => {
            ("was cut when lastbyte was told to end".to_owned(), "")
        }
        End::Limit => ("passed --max-output".to_owned(), "; to get the rest, raise it"),
        End::ReadError(errno) => (
            format!("could not be read to its end: {}", io::Error::from_raw_os_error(errno.0)),
            "; run it again",
        ),
        End::Discarded => ("was thrown away".to_owned(), ""),
        End::Eof => ("has gaps".to_owned(), "; for fewer, raise --buffer"),
    };
    let holder = if held { "a process that the command left behind still holds it; " } else { "" };
    format!("{stream} {why}; {holder}{delivered} bytes delivered, {dropped} dropped{advice}")
}

fn cut_after_the_exit(cut: Cut, drain: DrainPolicy) -> String {
    match (cut, drain) {
        (Cut::Idle, DrainPolicy::Idle { gap, .. }) => {
            format!("was cut after the exit, silent for {}", format_duration(gap))
        }
        (_, DrainPolicy::After(bound) | DrainPolicy::Idle { max: bound, .. }) => {
            format!("was cut {} after the exit", format_duration(bound))
        }
        (_, DrainPolicy::UntilEof) => "was cut after the exit".to_owned(),
    }
}
