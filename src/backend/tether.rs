//! A child that does not outlive us: it is killed when whoever started it is killed.
#![expect(unsafe_code, reason = "pre_exec(3p): code between fork and exec")]

use std::{io, os::unix::process::CommandExt, process::Command as StdCommand};

use rustix::{
    io::Errno as OsErrno,
    process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal},
};

/// Has `command` killed when the thread that starts it ends (`PR_SET_PDEATHSIG(2const)`).
pub(super) fn wire(command: &mut StdCommand, dies_with_us: bool) {
    if !dies_with_us {
        return;
    }
    let parent = getpid();
    // SAFETY: between fork and exec only async-signal-safe functions may be called; prctl(2) and
    // getppid(2) are system calls, and the closure allocates nothing.
    unsafe {
        command.pre_exec(move || set(parent));
    }
}

fn set(parent: Pid) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // Whoever was gone before sends nothing any more.
    if getppid() == Some(parent) { Ok(()) } else { Err(OsErrno::SRCH.into()) }
}
