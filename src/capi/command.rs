//! The command builder.

use std::{
    ffi::c_char,
    mem::MaybeUninit,
    os::fd::{BorrowedFd, OwnedFd},
    sync::Mutex,
};

use super::{
    boundary::{Answer, Done, INVALID_ARGUMENT, Refusal, boundary, lock, required, string},
    handle::Table,
    policy::lastbyte_policy,
};
use crate::{Command, PtySize, Stdio};

/// A command to run, with its policies. Can be started any number of times.
#[derive(Debug)]
#[expect(non_camel_case_types, reason = "its name in C")]
pub struct lastbyte_command {
    _private: [u8; 0],
}

/// What one of the child's standard descriptors is.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_stdio {
    /// A pipe to us. The default of stdout and stderr.
    Piped = 1,
    /// `/dev/null`. The default of stdin.
    Null = 2,
    /// The same as ours.
    Inherit = 3,
    /// The descriptor that is given. It is duplicated; the caller keeps his.
    Fd = 4,
}

static COMMANDS: Table<Mutex<Command>> = Table::new();

/// Asks or tells a command.
pub(super) fn with<T>(
    command: *const lastbyte_command,
    f: impl FnOnce(&mut Command) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let command = COMMANDS.get(command)?;
    let mut command = lock(&command);
    f(&mut command)
}

fn set(
    command: *const lastbyte_command,
    f: impl FnOnce(&mut Command) -> Result<(), Refusal>,
) -> Answer {
    with(command, f).map(|()| Done::Now)
}

/// A command for `program`: a path, or a name to look up on PATH. Free it with
/// `lastbyte_command_free`.
///
/// # Safety
///
/// `program` is NULL or a string; `command` is NULL or a place for a handle.
#[expect(unsafe_code, reason = "exported by name, reads and writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_command_new(
    program: *const c_char,
    command: Option<&mut MaybeUninit<*mut lastbyte_command>>,
) -> i32 {
    boundary(|| {
        let place = required(command)?;
        // SAFETY: the caller says that it is a string.
        let program = unsafe { string(program) }?;
        place.write(COMMANDS.add(Mutex::new(Command::new(program))));
        Ok(Done::Now)
    })
}

/// Adds an argument.
///
/// # Safety
///
/// `arg` is NULL or a string.
#[expect(unsafe_code, reason = "exported by name, reads where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_command_arg(
    command: *mut lastbyte_command,
    arg: *const c_char,
) -> i32 {
    boundary(|| {
        // SAFETY: the caller says that it is a string.
        let arg = unsafe { string(arg) }?;
        set(command, |command| {
            command.arg(arg);
            Ok(())
        })
    })
}

/// Sets an environment variable. A key is not empty and has no `=`.
///
/// # Safety
///
/// `key` and `value` are NULL or strings.
#[expect(unsafe_code, reason = "exported by name, reads where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_command_env(
    command: *mut lastbyte_command,
    key: *const c_char,
    value: *const c_char,
) -> i32 {
    boundary(|| {
        // SAFETY: the caller says that it is a string.
        let key = unsafe { string(key) }?;
        // SAFETY: the caller says that it is a string.
        let value = unsafe { string(value) }?;
        if key.is_empty() || key.as_encoded_bytes().contains(&b'=') {
            return Err(INVALID_ARGUMENT);
        }
        set(command, |command| {
            command.env(key, value);
            Ok(())
        })
    })
}

/// Removes an environment variable.
///
/// # Safety
///
/// `key` is NULL or a string.
#[expect(unsafe_code, reason = "exported by name, reads where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_command_env_remove(
    command: *mut lastbyte_command,
    key: *const c_char,
) -> i32 {
    boundary(|| {
        // SAFETY: the caller says that it is a string.
        let key = unsafe { string(key) }?;
        set(command, |command| {
            command.env_remove(key);
            Ok(())
        })
    })
}

/// Inherits no environment variable, and forgets those set so far.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_command_env_clear(command: *mut lastbyte_command) -> i32 {
    boundary(|| {
        set(command, |command| {
            command.env_clear();
            Ok(())
        })
    })
}

/// The directory to start in.
///
/// # Safety
///
/// `dir` is NULL or a string.
#[expect(unsafe_code, reason = "exported by name, reads where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_command_dir(
    command: *mut lastbyte_command,
    dir: *const c_char,
) -> i32 {
    boundary(|| {
        // SAFETY: the caller says that it is a string.
        let dir = unsafe { string(dir) }?;
        set(command, |command| {
            command.current_dir(dir);
            Ok(())
        })
    })
}

/// The child's stdin: a `lastbyte_stdio`, and the descriptor for `LASTBYTE_STDIO_FD`. A pty
/// replaces it.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_command_stdin(
    command: *mut lastbyte_command,
    stdio: u32,
    fd: i32,
) -> i32 {
    boundary(|| {
        set(command, |command| {
            command.stdin(stdio_of(stdio, fd)?);
            Ok(())
        })
    })
}

/// The child's stdout: a `lastbyte_stdio`, and the descriptor for `LASTBYTE_STDIO_FD`. Undoes
/// combined and pty.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_command_stdout(
    command: *mut lastbyte_command,
    stdio: u32,
    fd: i32,
) -> i32 {
    boundary(|| {
        set(command, |command| {
            command.stdout(stdio_of(stdio, fd)?);
            Ok(())
        })
    })
}

/// The child's stderr: a `lastbyte_stdio`, and the descriptor for `LASTBYTE_STDIO_FD`. Undoes
/// combined and pty.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_command_stderr(
    command: *mut lastbyte_command,
    stdio: u32,
    fd: i32,
) -> i32 {
    boundary(|| {
        set(command, |command| {
            command.stderr(stdio_of(stdio, fd)?);
            Ok(())
        })
    })
}

/// Stdout and stderr through one pipe, as one stream in the order of the child's writes.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_command_combined(command: *mut lastbyte_command) -> i32 {
    boundary(|| {
        set(command, |command| {
            command.combined();
            Ok(())
        })
    })
}

/// Runs the child on a terminal of this size, in a session of its own.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_command_pty(
    command: *mut lastbyte_command,
    rows: u16,
    cols: u16,
) -> i32 {
    boundary(|| {
        set(command, |command| {
            if rows == 0 || cols == 0 {
                return Err(INVALID_ARGUMENT);
            }
            command.pty(PtySize { rows, cols });
            Ok(())
        })
    })
}

/// Whether the child leads a process group of its own: 1 (the default) or 0.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_command_process_group(command: *mut lastbyte_command, own: u32) -> i32 {
    boundary(|| {
        set(command, |command| {
            command.process_group(switch(own)?);
            Ok(())
        })
    })
}

/// Whether each chunk says when it was read: 1, or 0 (the default).
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_command_timestamps(command: *mut lastbyte_command, on: u32) -> i32 {
    boundary(|| {
        set(command, |command| {
            command.timestamps(switch(on)?);
            Ok(())
        })
    })
}

/// The policies.
///
/// # Safety
///
/// `policy` is NULL or points to one.
#[expect(unsafe_code, reason = "exported by name, reads where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_command_policy(
    command: *mut lastbyte_command,
    policy: Option<&lastbyte_policy>,
) -> i32 {
    boundary(|| {
        let policy = policy.ok_or(INVALID_ARGUMENT)?.policy()?;
        set(command, |command| {
            command.policy(policy);
            Ok(())
        })
    })
}

/// Frees a command. Executions that it started go on.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_command_free(command: *mut lastbyte_command) -> i32 {
    boundary(|| {
        COMMANDS.remove(command)?;
        Ok(Done::Now)
    })
}

fn switch(number: u32) -> Result<bool, Refusal> {
    match number {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(INVALID_ARGUMENT),
    }
}

fn stdio_of(stdio: u32, fd: i32) -> Result<Stdio, Refusal> {
    match stdio {
        n if n == lastbyte_stdio::Piped as u32 => Ok(Stdio::Piped),
        n if n == lastbyte_stdio::Null as u32 => Ok(Stdio::Null),
        n if n == lastbyte_stdio::Inherit as u32 => Ok(Stdio::Inherit),
        n if n == lastbyte_stdio::Fd as u32 => Ok(Stdio::Fd(duplicate(fd)?)),
        _ => Err(INVALID_ARGUMENT),
    }
}

#[expect(unsafe_code, reason = "takes a descriptor by its number")]
fn duplicate(fd: i32) -> Result<OwnedFd, Refusal> {
    if fd < 0 {
        return Err(INVALID_ARGUMENT);
    }
    // SAFETY: not -1, and borrowed for one call, which says so if it is not open.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    fd.try_clone_to_owned().map_err(|_| INVALID_ARGUMENT)
}
