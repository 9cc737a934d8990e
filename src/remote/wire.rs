//! The bodies of requests and answers, as JSON objects.
//!
//! A field that a request has and this page has not is refused: a mistyped limit must not be a
//! missing one. Answers may gain fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The media type of events as JSON, one object a line.
pub const NDJSON: &str = "application/x-ndjson";

/// The media type of [`frames`](super::frames).
pub const FRAMES: &str = "application/x-lastbyte-frames";

/// What a new box is to be. Numbers may be any here; the runner says which it refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BoxRequest {
    /// A profile of the runner's configuration; without it, the default one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<i64>,
    /// Memory, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<i64>,
    /// Disk, in GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_size_gb: Option<i64>,
    /// Environment variables of everything that runs in it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Where commands start: a path in the box's directory, or an absolute one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workdir: Option<String>,
}

/// A box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoxInfo {
    /// Its name.
    pub id: String,
    /// `starting`, `running`, `stopping`, `rebuilding`, `deleting` or `stopped`.
    pub state: String,
    /// Its profile.
    pub image: String,
    /// Processors.
    pub cpus: u64,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// Disk, in GiB.
    pub disk_size_gb: u64,
}

/// Every box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoxList {
    /// In the order of their creation.
    pub boxes: Vec<BoxInfo>,
}

/// A command to run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecRequest {
    /// The program: a path, or a name to look up on the box's PATH.
    pub command: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Environment variables, beside those of the box.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The directory to start in: a path in the box's, or an absolute one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Kills it when it has run this long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<f64>,
    /// From the first signal of a kill to SIGKILL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<f64>,
    /// Runs it on a terminal of its own.
    #[serde(default)]
    pub tty: bool,
    /// It lives on without anybody attached.
    #[serde(default)]
    pub detach: bool,
    /// How long output may go on after the exit: see [`policy::drain`](super::policy::drain).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<String>,
    /// What its stdin is.
    #[serde(default)]
    pub stdin: StdinKind,
}

/// What a command's stdin is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StdinKind {
    /// Fed by `POST stdin`, until that closes it.
    #[default]
    Pipe,
    /// `/dev/null`: at its end from the start.
    Null,
}

/// A command that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Executing {
    /// Its name.
    pub execution_id: String,
}

/// What became of bytes for a stdin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StdinAnswer {
    /// Bytes that were handed in so far, this request's among them.
    pub accepted: u64,
    /// Of those, how many the kernel took.
    pub written: u64,
    /// `open`, `closed`, or `broken` when the command has stopped reading.
    pub state: StdinState,
}

/// Where a stdin stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StdinState {
    /// More may come.
    Open,
    /// It was closed by a request.
    Closed,
    /// The command has stopped reading.
    Broken,
}

/// A signal to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalRequest {
    /// Its number, or its name with or without `SIG`.
    pub signal: SignalName,
}

/// A signal by number or name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SignalName {
    /// 1 to 64.
    Number(i64),
    /// As in `SIGTERM` or `TERM`.
    Name(String),
}

/// What became of a signal or a kill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalAnswer {
    /// `done`, `latched` or `already_exited`.
    pub reply: String,
}

/// The size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResizeRequest {
    /// Lines.
    pub rows: u16,
    /// Columns.
    pub cols: u16,
}

/// Every answer that is a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The refusal.
    pub error: Fault,
}

/// A refusal: a row of [the table](crate::error), and what it was about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The kind, as in [`Kind::code`](crate::ErrorKind::code).
    pub code: String,
    /// Who can do something about it: `request` (ask otherwise), `limit` (later, or for less) or
    /// `runner`.
    #[serde(rename = "type")]
    pub class: String,
    /// What failed, where, and what to do.
    pub message: String,
    /// The request, as the runner's log names it.
    pub request_id: String,
    /// How far a start came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The error number of the runner's system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errno: Option<i32>,
}
