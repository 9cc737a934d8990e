//! Resource limits of a child, set between fork and exec: no process of it ever runs without them.
#![expect(unsafe_code, reason = "pre_exec(3p): code between fork and exec")]

use std::{io, os::unix::process::CommandExt, process::Command as StdCommand};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::command::ResourceLimits;

/// Has `command` started under these limits.
pub(super) fn wire(command: &mut StdCommand, limits: ResourceLimits) {
    let ResourceLimits { address_space, file_size } = limits;
    let limits = [(Resource::As, address_space), (Resource::Fsize, file_size)];
    if limits.iter().all(|(_, limit)| limit.is_none()) {
        return;
    }
    // SAFETY: between fork and exec only async-signal-safe functions may be called; getrlimit(2)
    // and setrlimit(2) are system calls, and the closure allocates nothing.
    unsafe {
        command.pre_exec(move || set(limits));
    }
}

fn set(limits: [(Resource, Option<u64>); 2]) -> io::Result<()> {
    for (resource, limit) in limits {
        let Some(limit) = limit else { continue };
        // What we may not have ourselves we cannot give.
        let ours = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = Some(limit.min(ours));
        setrlimit(resource, Rlimit { current: limit, maximum: limit })?;
    }
    Ok(())
}
