//! What stands between C and Rust at each call: a result becomes a number, a panic an error, and
//! an output is written only on success.

use std::{
    ffi::{CStr, OsStr, c_char},
    mem::MaybeUninit,
    os::unix::ffi::OsStrExt,
    panic::{AssertUnwindSafe, catch_unwind},
    slice,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::code::lastbyte_code;
use crate::ErrorKind;

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) ErrorKind);

pub(super) const INVALID_ARGUMENT: Refusal = Refusal(ErrorKind::InvalidArgument);
pub(super) const INVALID_STATE: Refusal = Refusal(ErrorKind::InvalidState);
pub(super) const NOT_FOUND: Refusal = Refusal(ErrorKind::NotFound);
pub(super) const STOPPED: Refusal = Refusal(ErrorKind::Stopped);
pub(super) const SHUTDOWN: Refusal = Refusal(ErrorKind::Shutdown);
pub(super) const INTERNAL: Refusal = Refusal(ErrorKind::Internal);

/// What a call that was not refused says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// Done.
    Now,
    /// Not yet: there is nothing now, or it goes on.
    Pending,
}

pub(super) type Answer = Result<Done, Refusal>;

/// Runs the body of a C function. A panic is a defect of ours and an error to the caller: it must
/// not unwind into C, nor take the program down.
pub(super) fn boundary(body: impl FnOnce() -> Answer) -> i32 {
    let answer = catch_unwind(AssertUnwindSafe(body)).unwrap_or(Err(INTERNAL));
    match answer {
        Ok(Done::Now) => lastbyte_code::Ok as i32,
        Ok(Done::Pending) => lastbyte_code::Pending as i32,
        Err(Refusal(kind)) => kind.number(),
    }
}

/// A place in the caller's memory to write to; NULL is `None`.
pub(super) type Out<'a, T> = Option<&'a mut MaybeUninit<T>>;

/// A place that must be there.
pub(super) fn required<T>(out: Out<'_, T>) -> Result<&mut MaybeUninit<T>, Refusal> {
    out.ok_or(INVALID_ARGUMENT)
}

/// Writes to a place that need not be there.
pub(super) fn tell<T>(out: Out<'_, T>, value: T) {
    if let Some(place) = out {
        place.write(value);
    }
}

/// A string of the caller, without its NUL.
///
/// # Safety
///
/// `text` is NULL, or ends with a NUL and stays as it is for `'a`.
#[expect(unsafe_code, reason = "reads the caller's memory")]
pub(super) unsafe fn string<'a>(text: *const c_char) -> Result<&'a OsStr, Refusal> {
    if text.is_null() {
        return Err(INVALID_ARGUMENT);
    }
    // SAFETY: not NULL, and the caller says that it ends with a NUL and stays as it is.
    let text = unsafe { CStr::from_ptr(text) };
    Ok(OsStr::from_bytes(text.to_bytes()))
}

/// Bytes of the caller. NULL is the place of no bytes.
///
/// # Safety
///
/// `bytes` is NULL, or `length` bytes stand there and stay as they are for `'a`.
#[expect(unsafe_code, reason = "reads the caller's memory")]
pub(super) unsafe fn bytes<'a>(bytes: *const u8, length: usize) -> Result<&'a [u8], Refusal> {
    if length == 0 {
        return Ok(&[]);
    }
    // No object is larger than this, so it is a length that went wrong.
    if bytes.is_null() || isize::try_from(length).is_err() {
        return Err(INVALID_ARGUMENT);
    }
    // SAFETY: not NULL, the length is possible, and the caller says that so many bytes stand there.
    Ok(unsafe { slice::from_raw_parts(bytes, length) })
}

/// Locks. What a panic leaves behind is whole: nothing in here is half changed at a call that can
/// panic.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this were red, a defect of ours would abort the program that called us.
    #[test]
    fn a_panic_is_the_code_of_a_defect() {
        assert_eq!(boundary(|| panic!("on purpose")), ErrorKind::Internal.number());
    }

    /// If this were red, a length that went wrong would read the whole memory.
    #[test]
    #[expect(unsafe_code, reason = "calls what is tested")]
    fn an_impossible_length_is_refused() {
        let byte = 0u8;
        // SAFETY: refused before it is read.
        let read = unsafe { bytes(&raw const byte, usize::MAX) };
        assert_eq!(read, Err(INVALID_ARGUMENT));
        // SAFETY: no bytes are read.
        let read = unsafe { bytes(std::ptr::null(), 0) };
        assert_eq!(read, Ok(&[][..]));
        // SAFETY: refused before it is read.
        let read = unsafe { bytes(std::ptr::null(), 1) };
        assert_eq!(read, Err(INVALID_ARGUMENT));
    }
}
