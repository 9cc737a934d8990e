//! The bare machine, for an SDK that owns its I/O: it reads, reaps and runs timers itself, and asks
//! the machine what follows.
//!
//! One call of `lastbyte_machine_step` is one atomic step, from whatever thread it comes.

use std::{
    mem::MaybeUninit,
    sync::{Arc, Mutex},
};

use super::{
    boundary::{Done, INVALID_ARGUMENT, INVALID_STATE, Out, boundary, lock, required, tell},
    handle::Table,
    input::{lastbyte_chunk, lastbyte_input, lastbyte_timer},
    policy::{LASTBYTE_NEVER, lastbyte_policy},
    status::lastbyte_status,
    step::{lastbyte_step, number_of_why},
    stream::{stream_of, streams_of},
    terminal::lastbyte_terminal,
};
use crate::machine::{Chunk, Machine};

/// One execution as a pure state machine.
#[derive(Debug)]
#[expect(non_camel_case_types, reason = "its name in C")]
pub struct lastbyte_machine {
    _private: [u8; 0],
}

static MACHINES: Table<Mutex<Bare>> = Table::new();

struct Bare {
    machine: Machine<Token>,
    released: Released,
}

/// Tokens that the machine has let go of.
type Released = Arc<Mutex<Vec<u64>>>;

/// A chunk of the caller's, or a part of one.
#[derive(Debug)]
pub(super) struct Token {
    held: Arc<Held>,
    offset: u64,
    length: u64,
}

/// A token that was accepted. Its last part tells.
#[derive(Debug)]
struct Held {
    token: u64,
    released: Released,
}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.released).push(self.token);
    }
}

impl Token {
    pub(super) fn chunk(&self) -> lastbyte_chunk {
        lastbyte_chunk { token: self.held.token, offset: self.offset, length: self.length }
    }
}

impl Chunk for Token {
    fn len(&self) -> u64 {
        self.length
    }

    fn split_off(&mut self, at: u64) -> Self {
        let rest = self.length - at;
        self.length = at;
        Token { held: Arc::clone(&self.held), offset: self.offset + at, length: rest }
    }
}

/// Makes a machine for an execution that has not started. `streams` is a `lastbyte_streams`;
/// `policy` may be NULL for the defaults. Free it with `lastbyte_machine_free`.
///
/// # Safety
///
/// `policy` is NULL or points to one; `machine` is NULL or a place for a handle.
#[expect(unsafe_code, reason = "exported by name, reads and writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_machine_new(
    streams: u32,
    policy: Option<&lastbyte_policy>,
    machine: Option<&mut MaybeUninit<*mut lastbyte_machine>>,
) -> i32 {
    boundary(|| {
        let place = required(machine)?;
        let policy = policy.map_or(Ok(crate::Policy::default()), lastbyte_policy::policy)?;
        let machine = Machine::new(streams_of(streams)?, policy).map_err(|_| INVALID_ARGUMENT)?;
        let bare = Bare { machine, released: Released::default() };
        place.write(MACHINES.add(Mutex::new(bare)));
        Ok(Done::Now)
    })
}

/// Ends a machine. Tokens that it still holds are forgotten: to have them listed, step it with a
/// close, and take them with `lastbyte_machine_released` first.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_machine_free(machine: *mut lastbyte_machine) -> i32 {
    boundary(|| {
        MACHINES.remove(machine)?;
        Ok(Done::Now)
    })
}

/// Makes one step. An illegal input is `LASTBYTE_CODE_INVALID_STATE`: nothing has changed, `why`
/// (which may be NULL) is a `lastbyte_why`, and the token of a chunk was not accepted.
///
/// # Safety
///
/// `input` is NULL or points to one; `step` and `why` are NULL or places for one.
#[expect(unsafe_code, reason = "exported by name, reads and writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_machine_step(
    machine: *mut lastbyte_machine,
    input: Option<&lastbyte_input>,
    step: Option<&mut MaybeUninit<lastbyte_step>>,
    why: Option<&mut MaybeUninit<u32>>,
) -> i32 {
    boundary(|| {
        let (input, place) = (input.ok_or(INVALID_ARGUMENT)?, required(step)?);
        let bare = MACHINES.get(machine)?;
        let bare = &mut *lock(&bare);
        let released = Arc::clone(&bare.released);
        let before = lock(&bare.released).len();
        let input = input.input(|chunk| Token {
            held: Arc::new(Held { token: chunk.token, released }),
            offset: chunk.offset,
            length: chunk.length,
        })?;
        match bare.machine.step(input) {
            Ok(step) => {
                place.write(lastbyte_step::of(step, bare.machine.streams()));
                Ok(Done::Now)
            }
            Err(illegal) => {
                // The chunk was not accepted, and is the caller's as it was.
                lock(&bare.released).truncate(before);
                tell(why, number_of_why(illegal.why));
                Err(INVALID_STATE)
            }
        }
    })
}

/// Lists tokens that the machine holds no part of any more, each once: those of chunks that were
/// delivered, and those that were dropped. Ask after the bytes of the last step were used. Writes
/// at most `capacity` tokens, and to `count` how many; ask again while it is `capacity`.
///
/// # Safety
///
/// `tokens` is NULL or `capacity` tokens have a place there; `count` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_machine_released(
    machine: *mut lastbyte_machine,
    tokens: *mut u64,
    capacity: usize,
    count: Option<&mut MaybeUninit<usize>>,
) -> i32 {
    boundary(|| {
        let count = required(count)?;
        if tokens.is_null() && capacity > 0 {
            return Err(INVALID_ARGUMENT);
        }
        let bare = MACHINES.get(machine)?;
        let bare = lock(&bare);
        let mut released = lock(&bare.released);
        let taken = capacity.min(released.len());
        for (place, token) in released.drain(..taken).enumerate() {
            // SAFETY: `place` is below the capacity, so it is in the caller's array.
            let place = unsafe { tokens.add(place) };
            // SAFETY: the caller says that a token has a place there.
            unsafe { place.write(token) };
        }
        count.write(taken);
        Ok(Done::Now)
    })
}

/// The largest chunk of `stream` that would be accepted now, in bytes; 0 while its pump is paused
/// and when it has ended.
///
/// # Safety
///
/// `room` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_machine_room(
    machine: *const lastbyte_machine,
    stream: u32,
    room: Option<&mut MaybeUninit<u64>>,
) -> i32 {
    boundary(|| ask(machine, room, |bare| Ok(bare.machine.room(stream_of(stream)?))))
}

/// Bytes of `stream` that were read and are neither delivered nor dropped.
///
/// # Safety
///
/// `buffered` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_machine_buffered(
    machine: *const lastbyte_machine,
    stream: u32,
    buffered: Option<&mut MaybeUninit<u64>>,
) -> i32 {
    boundary(|| ask(machine, buffered, |bare| Ok(bare.machine.buffered(stream_of(stream)?))))
}

/// How long `timer` runs from its arming, in nanoseconds; `LASTBYTE_NEVER` for one that is never
/// armed.
///
/// # Safety
///
/// `delay_ns` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_machine_delay(
    machine: *const lastbyte_machine,
    timer: lastbyte_timer,
    delay_ns: Option<&mut MaybeUninit<u64>>,
) -> i32 {
    boundary(|| {
        ask(machine, delay_ns, |bare| {
            let delay = bare.machine.policy().delay(timer.timer()?);
            Ok(u64::try_from(delay.as_nanos()).unwrap_or(LASTBYTE_NEVER))
        })
    })
}

/// Whether `timer` is armed and does not stand still.
///
/// # Safety
///
/// `running` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_machine_is_running(
    machine: *const lastbyte_machine,
    timer: lastbyte_timer,
    running: Option<&mut MaybeUninit<bool>>,
) -> i32 {
    boundary(|| ask(machine, running, |bare| Ok(bare.machine.is_running(timer.timer()?))))
}

/// Whether nothing can change any more: the terminal is delivered, or nobody takes it, or the start
/// was refused.
///
/// # Safety
///
/// `done` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_machine_is_done(
    machine: *const lastbyte_machine,
    done: Option<&mut MaybeUninit<bool>>,
) -> i32 {
    boundary(|| ask(machine, done, |bare| Ok(bare.machine.is_done())))
}

/// How the root ended; `LASTBYTE_CODE_PENDING` before the reap.
///
/// # Safety
///
/// `status` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_machine_status(
    machine: *const lastbyte_machine,
    status: Option<&mut MaybeUninit<lastbyte_status>>,
) -> i32 {
    boundary(|| {
        let (place, bare) = (required(status)?, MACHINES.get(machine)?);
        let Some(status) = lock(&bare).machine.status() else { return Ok(Done::Pending) };
        place.write(lastbyte_status::of(status));
        Ok(Done::Now)
    })
}

/// The terminal; `LASTBYTE_CODE_PENDING` until waits for it are resolved.
///
/// # Safety
///
/// `terminal` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_machine_terminal(
    machine: *const lastbyte_machine,
    terminal: Option<&mut MaybeUninit<lastbyte_terminal>>,
) -> i32 {
    boundary(|| {
        let (place, bare) = (required(terminal)?, MACHINES.get(machine)?);
        let Some(terminal) = lock(&bare).machine.terminal() else { return Ok(Done::Pending) };
        place.write(lastbyte_terminal::of(&terminal));
        Ok(Done::Now)
    })
}

fn ask<T>(
    machine: *const lastbyte_machine,
    place: Out<'_, T>,
    question: impl FnOnce(&Bare) -> Result<T, super::boundary::Refusal>,
) -> super::boundary::Answer {
    let (place, bare) = (required(place)?, MACHINES.get(machine)?);
    place.write(question(&lock(&bare))?);
    Ok(Done::Now)
}
