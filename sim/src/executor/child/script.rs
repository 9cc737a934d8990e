//! What a fake child does, and what the world does to it.

use lastbyte::machine::{Errno, StreamId};

/// One thing that a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Do {
    /// Writes to a stream; waits while its pipe is full.
    Write(StreamId, &'static [u8]),
    /// Closes its end of a stream.
    Close(StreamId),
    /// Leaves a descendant that has the same streams and does this. Without an exit it stays.
    Fork(&'static [Do]),
    /// Goes into a group of its own: a kill of the group does not reach it.
    Setsid,
    /// Does nothing for so many milliseconds.
    Sleep(u64),
    /// Waits for the end of its stdin.
    ReadStdin,
    /// Is stopped for so many milliseconds, and continued.
    Stop(u64),
    /// Ends.
    Exit(i32),
}

/// What a root does, and what the world does to it.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// What it does. It exits with code 0 at the end.
    pub does: &'static [Do],
    /// What it does when it is sent SIGTERM; `None`: it dies of it.
    pub on_term: Option<&'static [Do]>,
    /// Bytes that a pipe holds.
    pub pipe: usize,
    /// The stream of which a read fails after this many bytes, and how.
    pub read_error: Option<(StreamId, u64, Errno)>,
    /// Waiting for it fails.
    pub wait_error: Option<Errno>,
    /// Its pid is known only after it was started: somebody may ask for a kill before.
    pub pid_is_late: bool,
    /// What its caller wants written to its stdin.
    pub input: &'static [u8],
    /// It has a stderr that is the stack's to read.
    pub has_stderr: bool,
}

impl Script {
    /// A root that does this, and nothing goes wrong.
    pub const fn new(does: &'static [Do]) -> Self {
        Script {
            does,
            on_term: None,
            pipe: 1 << 16,
            read_error: None,
            wait_error: None,
            pid_is_late: false,
            input: b"",
            has_stderr: true,
        }
    }
}
