//! One run of one command, bounded, and what was wrong with what came back.

use std::{ffi::OsString, time::Duration};

use lastbyte::{
    Command, Descendants, DrainPolicy, Error, Output, OutputLimit, Over, Status, Stdio, blocking,
};

use super::{
    cases::{Expected, Script},
    tally::Fault,
};

/// From the timeout to SIGKILL.
const GRACE: Duration = Duration::from_secs(1);

/// Output beyond what is expected that is kept: enough to show what it is.
const SLACK: u64 = 64 * 1024;

/// What was wrong with one run.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) faults: Vec<Fault>,
    /// In words.
    pub(super) words: Vec<String>,
}

impl Seen {
    fn note(&mut self, fault: Fault, words: String) {
        self.faults.push(fault);
        self.words.push(words);
    }
}

/// The command line with the script in its place.
pub(super) fn fill(command: &[OsString], script: &str) -> Vec<OsString> {
    command.iter().map(|word| super::put_script(word, script)).collect()
}

/// Runs a command line to its end, or to its bound.
///
/// What the command wrote until its own end is all read; what comes later, from whoever it left
/// behind, comes after the exit and is no output of it.
///
/// # Errors
///
/// It could not be started.
pub(super) fn output(line: &[OsString], kept: u64, timeout: Duration) -> Result<Output, Error> {
    let (program, args) = line.split_first().unwrap_or_else(|| unreachable!("clap asks for one"));
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::Piped)
        .timeout(timeout)
        .grace(GRACE)
        .drain(DrainPolicy::After(Duration::ZERO))
        .descendants(Descendants::Kill)
        .limit(OutputLimit { bytes_max: kept.saturating_add(SLACK), over: Over::Truncate });
    blocking::output(&command)
}

/// Runs a script once.
///
/// # Errors
///
/// It could not be started.
pub(super) fn run(command: &[OsString], script: &Script, timeout: Duration) -> Result<Seen, Error> {
    let expected = script.stdout.len().max(script.stderr.as_ref().map_or(0, Vec::len)) as u64;
    let output = output(&fill(command, &script.text), expected, timeout)?;
    let mut seen = Seen::default();
    if output.terminal.cause.timed_out {
        let bound = humantime::format_duration(timeout);
        seen.note(Fault::Hung, format!("it had not ended after {bound}"));
        return Ok(seen);
    }
    compare(&mut seen, "stdout", &script.stdout, &output.stdout);
    if let Some(stderr) = &script.stderr {
        compare(&mut seen, "stderr", stderr, &output.stderr);
    }
    check_end(&mut seen, script.end, output.terminal.status);
    Ok(seen)
}

fn compare(seen: &mut Seen, stream: &str, expected: &[u8], found: &[u8]) {
    if expected == found {
        return;
    }
    let (all, got) = (expected.len(), found.len());
    if found.is_empty() {
        seen.note(Fault::Lost, format!("all {all} bytes of {stream} are lost"));
    } else if expected.starts_with(found) {
        seen.note(Fault::Truncated, format!("{stream} ends after {got} of {all} bytes"));
    } else {
        let at = expected.iter().zip(found).take_while(|(one, other)| one == other).count();
        let shown = |bytes: &[u8]| {
            let until = bytes.len().min(at + 16);
            format!("\"{}\"", bytes[at.min(until)..until].escape_ascii())
        };
        seen.note(
            Fault::Altered,
            format!(
                "{stream} differs from byte {at} on: {} came, {} was written",
                shown(found),
                shown(expected)
            ),
        );
    }
}

fn check_end(seen: &mut Seen, expected: Expected, status: Status) {
    let right = match (expected, status) {
        (Expected::Code(code), Status::Exited { code: found }) => code == found,
        (Expected::Signal(signal), Status::Signaled { signal: found, .. }) => {
            signal == found.number()
        }
        (Expected::Signal(signal), Status::Exited { code }) => code == 128 + signal,
        (Expected::Code(_), Status::Signaled { .. })
        | (_, Status::Unknown(_) | Status::Lost | Status::Forced) => false,
    };
    if !right {
        let due = match expected {
            Expected::Code(code) => format!("code {code}"),
            Expected::Signal(signal) => format!("signal {signal} or code {}", 128 + signal),
        };
        seen.note(Fault::Code, format!("{status}, and not with {due}"));
    }
}
