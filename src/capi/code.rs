//! What a call returns, and versions.

use std::ffi::{CStr, c_char};

use crate::ErrorKind;

/// The version of this ABI. Raised when a function, a struct or a number changes its meaning; new
/// functions and numbers are added without.
pub const LASTBYTE_ABI_VERSION: u32 = 2;

/// What a function returns. Errors are negative, and the numbers of the one table of errors.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_code {
    /// Done.
    Ok = 0,
    /// Not yet: nothing is there now, or it goes on in the background.
    Pending = 1,
    /// Nothing has this id: the handle was freed, or never was one.
    NotFound = -5001,
    /// The execution has stopped already.
    Stopped = -5002,
    /// The call has no meaning in this state.
    InvalidState = -5003,
    /// An argument cannot be used: NULL, or a number that means nothing.
    InvalidArgument = -5004,
    /// The command cannot be started.
    CannotSpawn = -5005,
    /// A quota or a limit of the system is used up.
    OverQuota = -5006,
    /// The credentials are missing or wrong.
    Unauthorized = -5007,
    /// The session is over and has been cleared away.
    Gone = -5008,
    /// The connection to the runner broke.
    BackendLost = -5009,
    /// The runner cannot be reached.
    BackendUnavailable = -5010,
    /// The runtime is shutting down.
    Shutdown = -5011,
    /// A defect of lastbyte itself.
    Internal = -5012,
}

/// The ABI version of the library that is loaded: compare it with `LASTBYTE_ABI_VERSION`.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_abi_version() -> u32 {
    LASTBYTE_ABI_VERSION
}

/// The version of the library, for people.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The name of a code, as in JSON and on the wire, for example `not_found`; NULL for a number that
/// is no code.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_code_name(code: i32) -> *const c_char {
    row(code).map_or(std::ptr::null(), |(name, _)| name.as_ptr())
}

/// One sentence that says what a code means; NULL for a number that is no code.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_code_summary(code: i32) -> *const c_char {
    row(code).map_or(std::ptr::null(), |(_, summary)| summary.as_ptr())
}

/// Name and summary.
fn row(code: i32) -> Option<(&'static CStr, &'static CStr)> {
    match code {
        0 => return Some((c"ok", c"Done.")),
        1 => return Some((c"pending", c"Not yet.")),
        _ => {}
    }
    let kind = ErrorKind::ALL.iter().find(|kind| kind.number() == code)?;
    let named = NAMES.iter().find(|(named, ..)| named == kind)?;
    Some((named.1, named.2))
}

macro_rules! names {
    ($($kind:ident: $name:literal, $summary:literal;)+) => {
        /// The names and summaries of the table of errors, as C has strings.
        const NAMES: &[(ErrorKind, &CStr, &CStr)] = &[$((ErrorKind::$kind, $name, $summary)),+];
    };
}

names! {
    NotFound: c"not_found", c"Nothing has this id.";
    Stopped: c"stopped", c"The execution has stopped already.";
    InvalidState: c"invalid_state", c"The call has no meaning in this state.";
    InvalidArgument: c"invalid_argument", c"An argument cannot be used.";
    CannotSpawn: c"cannot_spawn", c"The command cannot be started.";
    OverQuota: c"over_quota", c"A quota or a limit of the system is used up.";
    Unauthorized: c"unauthorized", c"The credentials are missing or wrong.";
    Gone: c"gone", c"The session is over and has been cleared away.";
    BackendLost: c"backend_lost", c"The connection to the runner broke.";
    BackendUnavailable: c"backend_unavailable", c"The runner cannot be reached.";
    Shutdown: c"shutdown", c"The runtime is shutting down.";
    Internal: c"internal", c"A defect of lastbyte itself.";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this were red, C would read an error as another, or not at all.
    #[test]
    fn c14_the_codes_of_c_are_those_of_the_table() {
        let codes = [
            lastbyte_code::NotFound,
            lastbyte_code::Stopped,
            lastbyte_code::InvalidState,
            lastbyte_code::InvalidArgument,
            lastbyte_code::CannotSpawn,
            lastbyte_code::OverQuota,
            lastbyte_code::Unauthorized,
            lastbyte_code::Gone,
            lastbyte_code::BackendLost,
            lastbyte_code::BackendUnavailable,
            lastbyte_code::Shutdown,
            lastbyte_code::Internal,
        ];
        assert_eq!(codes.len(), ErrorKind::ALL.len());
        for (code, kind) in codes.into_iter().zip(ErrorKind::ALL) {
            assert_eq!((code as i32, format!("{code:?}")), (kind.number(), format!("{kind:?}")));
            let (name, summary) = row(code as i32).expect("each kind has a row");
            assert_eq!(name.to_str(), Ok(kind.code()));
            assert_eq!(summary.to_str(), Ok(kind.summary()));
        }
        assert!(lastbyte_code_name(-1).is_null());
    }
}
