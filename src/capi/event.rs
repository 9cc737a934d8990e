//! What the callbacks of an execution are called with.

use std::ffi::c_void;

use super::{
    execution::lastbyte_execution, status::lastbyte_status, terminal::lastbyte_end,
    terminal::lastbyte_terminal,
};

/// What happened to one stream of an execution.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lastbyte_event {
    /// A `lastbyte_event_kind`: chunk, gap or end.
    pub kind: u32,
    /// A `lastbyte_stream`.
    pub stream: u32,
    /// For a chunk: its bytes, until the callback returns. They are not text: they may hold NUL
    /// bytes and have none at their end.
    pub bytes: *const u8,
    /// For a chunk: how many, at least 1.
    pub length: usize,
    /// For a chunk whose command asked for timestamps: when it was read, in nanoseconds after the
    /// start. Otherwise 0.
    pub read_at_ns: u64,
    /// For a gap: bytes that were read and dropped here, at least 1.
    pub gap_bytes: u64,
    /// For an end: nothing of this stream follows.
    pub end: lastbyte_end,
}

/// How far the input of a child came.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct lastbyte_stdin_report {
    /// Bytes that were accepted from the caller.
    pub accepted: u64,
    /// Bytes that the kernel took. Whether the child read them is not known.
    pub written: u64,
    /// The child has stopped reading: what was accepted and not written is lost.
    pub broken: bool,
    /// The input was ended, by a close or by the child, and all that could be written is.
    pub ended: bool,
}

/// Called with each event of a stream.
#[expect(non_camel_case_types, reason = "its name in C")]
pub type lastbyte_on_output = Option<
    unsafe extern "C-unwind" fn(
        userdata: *mut c_void,
        execution: *mut lastbyte_execution,
        event: *const lastbyte_event,
    ),
>;

/// Called with the terminal: at the exit, and by a wait.
#[expect(non_camel_case_types, reason = "its name in C")]
pub type lastbyte_on_terminal = Option<
    unsafe extern "C-unwind" fn(
        userdata: *mut c_void,
        execution: *mut lastbyte_execution,
        terminal: *const lastbyte_terminal,
    ),
>;

/// Called when the root has ended.
#[expect(non_camel_case_types, reason = "its name in C")]
pub type lastbyte_on_status = Option<
    unsafe extern "C-unwind" fn(
        userdata: *mut c_void,
        execution: *mut lastbyte_execution,
        status: *const lastbyte_status,
    ),
>;

/// Called when there is room for more input again, or there will never be.
#[expect(non_camel_case_types, reason = "its name in C")]
pub type lastbyte_on_stdin = Option<
    unsafe extern "C-unwind" fn(
        userdata: *mut c_void,
        execution: *mut lastbyte_execution,
        report: *const lastbyte_stdin_report,
    ),
>;
