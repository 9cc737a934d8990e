//! How the root ended.

use super::boundary::{INVALID_ARGUMENT, Refusal};
use crate::machine::{Errno, Signal, Status};

/// How the root ended: evidence, never a guess or a sentinel number.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_status_kind {
    /// It called exit with `code`.
    Exited = 1,
    /// `signal` ended it; `core_dumped` says what it says.
    Signaled = 2,
    /// It is gone, and how is not known: `error` is the errno of the wait.
    Unknown = 3,
    /// Whoever ran it has vanished; it may run on.
    Lost = 4,
    /// We gave up waiting at the bound of a free or a shutdown.
    Forced = 5,
}

/// How the root ended.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct lastbyte_status {
    /// A `lastbyte_status_kind`.
    pub kind: u32,
    /// For exited.
    pub code: i32,
    /// For signaled.
    pub signal: i32,
    /// For signaled: 1 if the kernel says so, otherwise 0.
    pub core_dumped: u32,
    /// For unknown: an errno.
    pub error: i32,
}

impl lastbyte_status {
    pub(super) fn of(status: Status) -> Self {
        let none = lastbyte_status::default();
        match status {
            Status::Exited { code } => {
                lastbyte_status { kind: lastbyte_status_kind::Exited as u32, code, ..none }
            }
            Status::Signaled { signal, core } => lastbyte_status {
                kind: lastbyte_status_kind::Signaled as u32,
                signal: signal.number(),
                core_dumped: core.into(),
                ..none
            },
            Status::Unknown(Errno(error)) => {
                lastbyte_status { kind: lastbyte_status_kind::Unknown as u32, error, ..none }
            }
            Status::Lost => lastbyte_status { kind: lastbyte_status_kind::Lost as u32, ..none },
            Status::Forced => lastbyte_status { kind: lastbyte_status_kind::Forced as u32, ..none },
        }
    }

    pub(super) fn status(&self) -> Result<Status, Refusal> {
        use lastbyte_status_kind as k;
        match self.kind {
            n if n == k::Exited as u32 => Ok(Status::Exited { code: self.code }),
            n if n == k::Signaled as u32 => {
                let signal = Signal::new(self.signal).ok_or(INVALID_ARGUMENT)?;
                Ok(Status::Signaled { signal, core: self.core_dumped != 0 })
            }
            n if n == k::Unknown as u32 => Ok(Status::Unknown(Errno(self.error))),
            n if n == k::Lost as u32 => Ok(Status::Lost),
            n if n == k::Forced as u32 => Ok(Status::Forced),
            _ => Err(INVALID_ARGUMENT),
        }
    }
}
