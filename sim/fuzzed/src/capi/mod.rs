//! Calls of the C ABI in any order: with handles that live, that were freed, that never were and
//! that are of another type, with NULL, and with numbers that mean nothing.
//!
//! Whatever is called, nothing is undefined (the fuzzer runs it under AddressSanitizer), no defect is
//! told, what is not there is said to be not there, and after a free no callback runs.

#[expect(unsafe_code, reason = "calls the C functions")]
mod executions;
#[expect(unsafe_code, reason = "reads what a call wrote")]
mod handles;
#[expect(unsafe_code, reason = "calls the C functions")]
mod machines;

use arbitrary::{Arbitrary, Result, Unstructured};
use lastbyte::ErrorKind;

use executions::Executions;
use handles::{Handles, Id};
use machines::Machines;

/// Calls what these bytes say.
///
/// # Panics
///
/// A call breaks a promise.
pub fn capi(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let (mut machines, mut executions) = (Machines::default(), Executions::default());
    while !u.is_empty() {
        let called = match bool::arbitrary(&mut u) {
            Ok(true) => machines.call(&mut u),
            Ok(false) => executions.call(&mut u),
            Err(_) => break,
        };
        if called.is_err() {
            break;
        }
    }
    machines.end();
    executions.end();
}

/// What every call of a handle promises.
#[track_caller]
fn judge(code: i32, handle: Id) {
    assert!(code <= 1, "{code} is no code");
    assert!(code != ErrorKind::Internal.number(), "a defect");
    let absent = [ErrorKind::NotFound.number(), ErrorKind::InvalidArgument.number()];
    assert!(handle != Id::Absent || absent.contains(&code), "{code} of what is not there");
    let null = code == ErrorKind::InvalidArgument.number();
    assert!(handle != Id::Null || null, "{code} of NULL");
}

/// A place for something, or NULL.
fn place<'a, T>(
    u: &mut Unstructured<'_>,
    place: &'a mut std::mem::MaybeUninit<T>,
) -> Result<Option<&'a mut std::mem::MaybeUninit<T>>> {
    Ok((u8::arbitrary(u)? % 8 != 0).then_some(place))
}

/// A number that may mean something, and seldom one that cannot.
fn number(u: &mut Unstructured<'_>, below: u32) -> Result<u32> {
    let byte = u8::arbitrary(u)?;
    Ok(if byte == u8::MAX { u32::MAX } else { u32::from(byte) % below })
}

/// Small numbers, powers of two and the largest.
fn quantity(u: &mut Unstructured<'_>) -> Result<u64> {
    Ok(match u8::arbitrary(u)? {
        small @ 0..191 => u64::from(small),
        191 => u64::MAX,
        power => 1 << (power - 192),
    })
}
