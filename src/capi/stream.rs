//! Streams by number.

use super::boundary::{INVALID_ARGUMENT, Refusal};
use crate::machine::{StreamId, Streams};

/// One output of an execution.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_stream {
    /// File descriptor 1 of the child.
    Stdout = 1,
    /// File descriptor 2 of the child.
    Stderr = 2,
    /// Both through one pipe, in kernel order.
    Combined = 3,
    /// The master side of the child's terminal.
    Pty = 4,
}

/// The streams of an execution of a bare machine.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_streams {
    /// No output is ours.
    None = 0,
    /// Only stdout.
    Stdout = 1,
    /// Only stderr.
    Stderr = 2,
    /// Stdout and stderr, each through a pipe of its own.
    Separate = 3,
    /// Both through one pipe.
    Combined = 4,
    /// A terminal.
    Pty = 5,
}

pub(super) fn stream_of(number: u32) -> Result<StreamId, Refusal> {
    StreamId::ALL.into_iter().find(|&id| number_of(id) == number).ok_or(INVALID_ARGUMENT)
}

pub(super) fn number_of(stream: StreamId) -> u32 {
    (match stream {
        StreamId::Stdout => lastbyte_stream::Stdout,
        StreamId::Stderr => lastbyte_stream::Stderr,
        StreamId::Combined => lastbyte_stream::Combined,
        StreamId::Pty => lastbyte_stream::Pty,
    }) as u32
}

pub(super) fn streams_of(number: u32) -> Result<Streams, Refusal> {
    use lastbyte_streams as n;
    let all = [
        (n::None, Streams::None),
        (n::Stdout, Streams::Stdout),
        (n::Stderr, Streams::Stderr),
        (n::Separate, Streams::Separate),
        (n::Combined, Streams::Combined),
        (n::Pty, Streams::Pty),
    ];
    let found = all.into_iter().find(|&(name, _)| name as u32 == number);
    found.map(|(_, streams)| streams).ok_or(INVALID_ARGUMENT)
}
