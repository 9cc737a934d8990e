//! `lastbyte run` as its users have it: the real command, its bytes, its notes, its exit codes.
#![expect(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

#[path = "run/cut_short.rs"]
mod cut_short;
#[path = "run/json.rs"]
mod json;
#[path = "run/page.rs"]
mod page;
#[path = "run/plain.rs"]
mod plain;
#[path = "run/readers.rs"]
mod readers;
#[path = "run/signals.rs"]
mod signals;
#[path = "run/terminals.rs"]
mod terminals;

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

const LASTBYTE: &str = env!("CARGO_BIN_EXE_lastbyte");

/// `lastbyte run` with these arguments and no input.
fn lastbyte(args: &[&str]) -> Command {
    let mut command = Command::new(LASTBYTE);
    command.arg("run").args(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(args: &[&str]) -> Output {
    let mut command = lastbyte(args);
    no_hang(move || command.output().expect("lastbyte starts"))
}

/// As [`run`], a shell script.
fn sh(options: &[&str], script: &str) -> Output {
    run(&[options, &["--", "sh", "-c", script]].concat())
}

/// Detects a hang; far above anything that a loaded machine needs.
fn no_hang<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(work()));
    result.recv_timeout(Duration::from_secs(120)).expect("it hangs, or has panicked")
}

#[track_caller]
fn assert_ended(output: &Output, code: i32, stdout: &str, stderr: &str) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(
        (output.status.code(), text(&output.stdout), text(&output.stderr)),
        (Some(code), stdout.to_owned(), stderr.to_owned())
    );
}

/// The JSON lines of a run, and its exit code.
fn events(options: &[&str], script: &str) -> (Vec<Value>, i32) {
    let output = sh(&[&["--json"], options].concat(), script);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (parse(&output.stdout), output.status.code().expect("it exits"))
}

fn parse(lines: &[u8]) -> Vec<Value> {
    assert!(lines.ends_with(b"\n"), "the last line is not complete");
    String::from_utf8_lossy(lines)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

fn of_stream(events: &[Value], stream: &str) -> Vec<Value> {
    events.iter().filter(|event| event["stream"] == stream).cloned().collect()
}

fn exit(events: &[Value]) -> &Value {
    let last = events.last().expect("there is a last event");
    assert_eq!(last["event"], "exit", "{last}");
    last
}

/// The bytes of a stream, put together again.
fn bytes(events: &[Value], stream: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for event in of_stream(events, stream) {
        match (event["text"].as_str(), event["base64"].as_str()) {
            (Some(text), None) => bytes.extend(text.as_bytes()),
            (None, Some(base64)) => bytes.extend(STANDARD.decode(base64).expect("base64")),
            (None, None) => assert_ne!(event["event"], "chunk", "{event}"),
            (Some(_), Some(_)) => panic!("a chunk is one of them: {event}"),
        }
    }
    bytes
}

/// A `lastbyte run` that is under way.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("lastbyte starts");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Running { child, stdout }
    }

    fn sh(options: &[&str], script: &str) -> Self {
        Self::start(lastbyte(&[options, &["--", "sh", "-c", script]].concat()))
    }

    /// Reads up to a line that holds `marker`, and returns it.
    fn until(mut self, marker: &str) -> (Self, String) {
        let marker = marker.to_owned();
        no_hang(move || {
            let mut line = String::new();
            loop {
                line.clear();
                let len = self.stdout.read_line(&mut line).expect("text");
                assert_ne!(len, 0, "the output ends before {marker:?}");
                if line.contains(&marker) {
                    return (self, line);
                }
            }
        })
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("lastbyte runs");
    }

    /// Stops reading stdout; returns how it ended.
    fn abandon(self) -> Output {
        let Running { child, stdout } = self;
        drop(stdout);
        no_hang(move || child.wait_with_output().expect("it ends"))
    }

    /// The rest.
    fn finish(mut self) -> Output {
        no_hang(move || {
            let mut rest = Vec::new();
            self.stdout.read_to_end(&mut rest).expect("the rest");
            let mut output = self.child.wait_with_output().expect("it ends");
            output.stdout = rest;
            output
        })
    }
}

fn pid(text: &str) -> Pid {
    text.trim().parse().ok().and_then(Pid::from_raw).unwrap_or_else(|| panic!("no pid: {text:?}"))
}

/// Waits until this process is no more, not even as a zombie.
fn wait_until_gone(pid: Pid) {
    no_hang(move || {
        while test_kill_process(pid).is_ok() {
            thread::yield_now();
        }
    });
}

/// Waits until this process has ended; whoever is its parent by now may reap it later.
fn wait_until_ended(pid: Pid) {
    let stat = format!("/proc/{}/stat", pid.as_raw_nonzero());
    no_hang(move || {
        // Its name, in parentheses, comes before its state (`proc_pid_stat(5)`).
        while let Ok(text) = fs::read_to_string(&stat)
            && !text.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
        {
            thread::yield_now();
        }
    });
}
