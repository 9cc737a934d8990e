//! A terminal for a child: opening the pair, and making it the child's controlling terminal.
#![expect(unsafe_code, reason = "pre_exec(3p): code between fork and exec")]

use std::{
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::Command as StdCommand,
};

use rustix::{
    fs::{Mode, OFlags, open},
    process::{ioctl_tiocsctty, setsid},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

use super::spawn::set_nonblocking;
use crate::command::PtySize;

/// Opens a pair and gives the slave side to `command`; returns the master side.
pub(super) fn wire(command: &mut StdCommand, size: PtySize) -> io::Result<OwnedFd> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?;
    let slave = open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    resize(&master, size)?;
    set_nonblocking(&master)?;
    command.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave);
    // SAFETY: between fork and exec only async-signal-safe functions may be called; setsid(2) and
    // ioctl(2) are, and the closure allocates nothing and captures nothing.
    unsafe {
        command.pre_exec(|| {
            setsid()?;
            // Descriptor 0 is the slave side by now.
            ioctl_tiocsctty(rustix::stdio::stdin())?;
            Ok(())
        });
    }
    Ok(master)
}

/// Tells the terminal its size, and its foreground group that it changed.
pub(crate) fn resize(master: impl AsFd, size: PtySize) -> io::Result<()> {
    let PtySize { rows, cols } = size;
    tcsetwinsize(master, Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 })?;
    Ok(())
}
