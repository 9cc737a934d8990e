//! Why a command was not started: more than a code can say.

use std::{
    ffi::{CString, c_char},
    mem::MaybeUninit,
    ptr,
};

use super::{
    boundary::{Done, boundary, required},
    handle::Table,
};
use crate::{Error, error::Stage};

/// A refused start.
#[derive(Debug)]
#[expect(non_camel_case_types, reason = "its name in C")]
pub struct lastbyte_error {
    _private: [u8; 0],
}

/// How far a start came before it was refused.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_stage {
    /// It was refused before.
    None = 0,
    /// Finding the program.
    Lookup = 1,
    /// Entering the working directory.
    Chdir = 2,
    /// Loading the program that was found.
    Exec = 3,
    /// Making the process.
    Fork = 4,
    /// Making the pipes or the pty of its streams.
    Pipes = 5,
    /// Being allowed to run it.
    Permission = 6,
}

/// What can be told of an error.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lastbyte_error_info {
    /// A `lastbyte_code`.
    pub code: i32,
    /// A `lastbyte_stage`.
    pub stage: u32,
    /// The errno; 0: none.
    pub error: i32,
    /// The exit code of a program that ends because of it.
    pub exit_code: u8,
    /// What, where, and what to do: reads after "failed to". Lives until the error is freed.
    pub message: *const c_char,
}

static ERRORS: Table<Told> = Table::new();

struct Told {
    error: Error,
    message: CString,
}

/// Gives the caller an error of his own, if he has a place for it.
pub(super) fn hand_over(
    error: Error,
    place: Option<&mut MaybeUninit<*mut lastbyte_error>>,
) -> super::boundary::Refusal {
    let refusal = super::boundary::Refusal(error.kind());
    if let Some(place) = place {
        // An error's text is one line, in which control characters are escaped.
        let message = CString::new(error.to_string()).unwrap_or_default();
        place.write(ERRORS.add(Told { error, message }));
    }
    refusal
}

/// Writes what can be told of `error`.
///
/// # Safety
///
/// `info` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_error_read(
    error: *const lastbyte_error,
    info: Option<&mut MaybeUninit<lastbyte_error_info>>,
) -> i32 {
    boundary(|| {
        let (place, told) = (required(info)?, ERRORS.get(error)?);
        let stage = match told.error.stage() {
            None => lastbyte_stage::None,
            Some(Stage::Lookup) => lastbyte_stage::Lookup,
            Some(Stage::Chdir) => lastbyte_stage::Chdir,
            Some(Stage::Exec) => lastbyte_stage::Exec,
            Some(Stage::Fork) => lastbyte_stage::Fork,
            Some(Stage::Pipes) => lastbyte_stage::Pipes,
            Some(Stage::Permission) => lastbyte_stage::Permission,
        };
        place.write(lastbyte_error_info {
            code: told.error.kind().number(),
            stage: stage as u32,
            error: told.error.errno().map_or(0, |errno| errno.0),
            exit_code: told.error.exit_code(),
            message: told.message.as_ptr(),
        });
        Ok(Done::Now)
    })
}

/// The name of a `lastbyte_stage`, for example `lookup`; NULL for none and for a number that is no
/// stage.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_stage_name(stage: u32) -> *const c_char {
    let names = [c"lookup", c"chdir", c"exec", c"fork", c"pipes", c"permission"];
    let place = usize::try_from(stage).ok().and_then(|stage| stage.checked_sub(1));
    place.and_then(|place| names.get(place)).map_or(ptr::null(), |name| name.as_ptr())
}

/// Frees an error and its message.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_error_free(error: *mut lastbyte_error) -> i32 {
    boundary(|| {
        ERRORS.remove(error)?;
        Ok(Done::Now)
    })
}
