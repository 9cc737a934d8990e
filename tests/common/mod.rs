//! What the tests of real processes share: scripts, a child whose bytes can be checked, the
//! monitor's verdict.
#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::expect_used,
    reason = "each test file is a program of its own and uses a part of this"
)]

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use lastbyte::{Command, Event, Execution, Handle, StreamId, StreamReport, Terminal};

/// A shell script under the monitor.
pub(crate) fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).monitor(true);
    command
}

/// The helper child, in one of its modes.
pub(crate) fn child(args: &[&str]) -> Command {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let mut command = Command::new(PATH.get_or_init(child_path));
    command.args(args);
    command
}

/// `cargo test` has built it beside the tests; `cargo test --test NAME` has not, and finds what was
/// built before, which may be old.
fn child_path() -> PathBuf {
    let mut path = std::env::current_exe().expect("a test has a path");
    // target/debug/deps/test-hash -> target/debug/examples/child
    path.pop();
    path.pop();
    let profile = if path.ends_with("release") { "release" } else { "dev" };
    path.push("examples/child");
    if is_stale(&path) {
        let built = std::process::Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--example", "child", "--profile", profile])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(built.is_ok_and(|status| status.success()), "cargo builds the child");
        assert!(!is_stale(&path), "{} is older than its sources: remove it", path.display());
    }
    path
}

/// Whether a program was built elsewhere, or one of the sources that cargo says it was made of has
/// changed since.
fn is_stale(program: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    let (Some(built), Ok(made_of)) =
        (changed(program), std::fs::read_to_string(program.with_extension("d")))
    else {
        return true;
    };
    // `program: source source ...`, with a backslash before each space in a name.
    let made_of = made_of.replace("\\ ", "\0");
    let (named, sources) = made_of.split_once(": ").unwrap_or_default();
    let path = |name: &str| PathBuf::from(name.replace('\0', " "));
    let is_this = path(named).canonicalize().ok() == program.canonicalize().ok();
    let mut sources = sources.split_whitespace().map(|source| changed(&path(source)));
    !is_this || sources.any(|changed| changed.is_none_or(|changed| changed > built))
}

/// The report of one stream.
pub(crate) fn report(terminal: &Terminal, stream: StreamId) -> StreamReport {
    *terminal.reports().find(|report| report.stream == stream).expect("the stream exists")
}

/// Everything up to the exit, which must be the last event.
pub(crate) async fn events(execution: &mut Execution) -> (Vec<Event>, Terminal) {
    let mut events = Vec::new();
    while let Some(event) = execution.next().await {
        events.push(event);
    }
    match events.last() {
        Some(&Event::Exit(terminal)) => (events, terminal),
        last => panic!("the last event is {last:?}"),
    }
}

/// Takes events until `text` has come on stdout; returns what came.
pub(crate) async fn until(execution: &mut Execution, text: &str) -> String {
    until_on(execution, StreamId::Stdout, text).await
}

/// As [`until`], on this stream.
pub(crate) async fn until_on(execution: &mut Execution, on: StreamId, text: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(text) {
        match execution.next().await {
            Some(Event::Chunk { stream, chunk }) if stream == on => {
                seen.push_str(&String::from_utf8_lossy(&chunk));
            }
            Some(Event::Exit(terminal)) => panic!("no {text:?} in {seen:?}: {terminal:?}"),
            Some(_) => {}
            None => panic!("no {text:?} in {seen:?}"),
        }
    }
    seen
}

/// Fails when the monitor has seen a rule broken.
pub(crate) fn assert_sound(handle: &Handle) {
    let verdict = handle.verdict().expect("the monitor is attached");
    assert_eq!(verdict.violation, None, "after {} steps", verdict.steps);
}

/// Detects a hang; far above anything that a loaded machine needs.
pub(crate) async fn no_hang<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), future).await.expect("it hangs")
}

/// Bytes that differ everywhere, checked by position: a stream is this block again and again, each
/// copy opened by its number.
pub(crate) struct Pattern {
    block: Vec<u8>,
    position: u64,
}

impl Pattern {
    pub(crate) fn new() -> Self {
        Pattern { block: block(), position: 0 }
    }

    /// Checks the bytes that come next.
    pub(crate) fn check(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let size = self.block.len() as u64;
            let (number, offset) = (self.position / size, (self.position % size) as usize);
            self.block[..8].copy_from_slice(&number.to_le_bytes());
            let len = bytes.len().min(self.block.len() - offset);
            let expected = &self.block[offset..offset + len];
            assert!(bytes[..len] == *expected, "wrong bytes at {}", self.position);
            bytes = &bytes[len..];
            self.position += len as u64;
        }
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }
}

/// 64 KiB from a xorshift generator.
pub(crate) fn block() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut block = Vec::with_capacity(64 * 1024);
    while block.len() < 64 * 1024 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        block.extend(state.to_le_bytes());
    }
    block
}

/// Numbers for one test, from a seed that its failure prints.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded(seed: u64) -> Self {
        Random(seed | 1)
    }

    /// Below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }
}
