//! What the last event says.

use std::mem::MaybeUninit;

use super::{
    boundary::{Done, INVALID_ARGUMENT, boundary, required},
    status::lastbyte_status,
    stream::number_of,
};
use crate::{
    error::shell_exit_code,
    machine::{Cause, Cut, End, Errno, StreamReport, Terminal},
};

/// How a stream ended.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_end_kind {
    /// The source said end.
    Eof = 1,
    /// We stopped reading before the end: see `cut`.
    Cut = 2,
    /// A read failed: see `error`.
    ReadError = 3,
    /// Nobody wanted it, or not all of it.
    Discarded = 4,
    /// The source said end, and the output limit had dropped a part.
    Limit = 5,
}

/// Why we stopped reading.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_cut {
    /// We did not.
    None = 0,
    /// The deadline of the drain policy after.
    After = 1,
    /// The silence of the drain policy idle.
    Idle = 2,
    /// The cap of the drain policy idle.
    Max = 3,
    /// A free.
    Close = 4,
    /// A shutdown.
    Shutdown = 5,
}

/// How a stream ended, and why.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct lastbyte_end {
    /// A `lastbyte_end_kind`; 0 where nothing has ended.
    pub kind: u32,
    /// A `lastbyte_cut`.
    pub cut: u32,
    /// For a read error: an errno.
    pub error: i32,
}

/// How complete one stream is.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct lastbyte_report {
    /// A `lastbyte_stream`.
    pub stream: u32,
    /// How it ended.
    pub end: lastbyte_end,
    /// Whether a descendant still held it when we stopped reading.
    pub held: bool,
    /// Whether every byte up to the end of the stream was delivered.
    pub complete: bool,
    /// Bytes handed to the callback.
    pub delivered: u64,
    /// Bytes read and not handed over.
    pub dropped: u64,
}

/// What we did before the reap.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct lastbyte_cause {
    /// We killed it because its timeout ran out.
    pub timed_out: bool,
    /// We killed it because the caller asked: kill, free or shutdown.
    pub cancelled: bool,
    /// We killed it because a stream passed its output limit.
    pub output_limit: bool,
    /// We killed it because nobody took its output for too long.
    pub stalled: bool,
    /// Whether SIGKILL followed the first signal of the kill.
    pub escalated: bool,
    /// The first signal of our kill; 0: we did not kill it.
    pub killed_by_us: i32,
}

/// The last event of an execution.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct lastbyte_terminal {
    /// How the root ended.
    pub status: lastbyte_status,
    /// What we had done to it before.
    pub cause: lastbyte_cause,
    /// Whether every stream is complete. Says nothing of the status.
    pub complete: bool,
    /// The exit code with which a shell would report this end.
    pub shell_exit_code: u8,
    /// How many reports follow.
    pub reports_count: u32,
    /// One report for each stream, stdout before stderr.
    pub reports: [lastbyte_report; 2],
}

/// The report of one stream. `LASTBYTE_CODE_NOT_FOUND` when there is no such stream.
///
/// # Safety
///
/// `terminal` is NULL or points to one; `report` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, reads and writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_terminal_report(
    terminal: Option<&lastbyte_terminal>,
    stream: u32,
    report: Option<&mut MaybeUninit<lastbyte_report>>,
) -> i32 {
    boundary(|| {
        let (terminal, report) = (terminal.ok_or(INVALID_ARGUMENT)?, required(report)?);
        let count = usize::try_from(terminal.reports_count).unwrap_or(usize::MAX);
        let found = terminal.reports.iter().take(count).find(|report| report.stream == stream);
        report.write(*found.ok_or(super::boundary::NOT_FOUND)?);
        Ok(Done::Now)
    })
}

impl lastbyte_end {
    pub(super) fn of(end: End) -> Self {
        let none = lastbyte_end::default();
        match end {
            End::Eof => lastbyte_end { kind: lastbyte_end_kind::Eof as u32, ..none },
            End::Cut(cut) => lastbyte_end {
                kind: lastbyte_end_kind::Cut as u32,
                cut: (match cut {
                    Cut::After => lastbyte_cut::After,
                    Cut::Idle => lastbyte_cut::Idle,
                    Cut::Max => lastbyte_cut::Max,
                    Cut::Close => lastbyte_cut::Close,
                    Cut::Shutdown => lastbyte_cut::Shutdown,
                }) as u32,
                ..none
            },
            End::ReadError(Errno(error)) => {
                lastbyte_end { kind: lastbyte_end_kind::ReadError as u32, error, ..none }
            }
            End::Discarded => lastbyte_end { kind: lastbyte_end_kind::Discarded as u32, ..none },
            End::Limit => lastbyte_end { kind: lastbyte_end_kind::Limit as u32, ..none },
        }
    }
}

impl lastbyte_report {
    fn of(report: &StreamReport) -> Self {
        lastbyte_report {
            stream: number_of(report.stream),
            end: lastbyte_end::of(report.end),
            held: report.held,
            complete: report.is_complete(),
            delivered: report.delivered,
            dropped: report.dropped,
        }
    }
}

impl lastbyte_cause {
    fn of(cause: Cause) -> Self {
        lastbyte_cause {
            timed_out: cause.timed_out,
            cancelled: cause.cancelled,
            output_limit: cause.output_limit,
            stalled: cause.stalled,
            escalated: cause.killed_by_us.is_some_and(|killed| killed.escalated),
            killed_by_us: cause.killed_by_us.map_or(0, |killed| killed.signal.number()),
        }
    }
}

impl lastbyte_terminal {
    pub(super) fn of(terminal: &Terminal) -> Self {
        let mut reports = [lastbyte_report::default(); 2];
        let mut count = 0;
        for (place, report) in reports.iter_mut().zip(terminal.reports()) {
            *place = lastbyte_report::of(report);
            count += 1;
        }
        lastbyte_terminal {
            status: lastbyte_status::of(terminal.status),
            cause: lastbyte_cause::of(terminal.cause),
            complete: terminal.is_complete(),
            shell_exit_code: shell_exit_code(terminal),
            reports_count: count,
            reports,
        }
    }
}
