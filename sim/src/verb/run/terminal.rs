//! Our stdin and our terminal: handed on, relayed, or put into raw mode for a pty.
//!
//! The command leads a process group of its own. A terminal stops readers of other groups than its
//! foreground one (SIGTTIN), so a terminal is not handed on but read by us and relayed.

use std::{
    io::{IsTerminal, Read, stdin},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use lastbyte::{Command, PtySize, Stdin, Stdio};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::getpgrp,
    stdio,
    termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr},
};

/// How often we look whether we have come to the foreground. No signal tells.
const BACKGROUND: Duration = Duration::from_millis(250);

/// Wires stdin. Returns whether ours is to be relayed.
pub(super) fn prepare(command: &mut Command, pty: bool) -> bool {
    let ours_is_terminal = stdin().is_terminal();
    if pty {
        command.pty(size());
    } else if ours_is_terminal {
        command.stdin(Stdio::Piped);
    } else {
        command.stdin(Stdio::Inherit);
    }
    pty || ours_is_terminal
}

/// The size of the terminal we are on, wherever one of our descriptors still leads to it.
fn size() -> PtySize {
    [stdio::stdin(), stdio::stdout(), stdio::stderr()]
        .into_iter()
        .filter_map(|fd| tcgetwinsize(fd).ok())
        .find(|size| size.ws_row > 0 && size.ws_col > 0)
        .map_or_else(PtySize::default, |size| PtySize { rows: size.ws_row, cols: size.ws_col })
}

/// Copies our stdin to the command's until either ends. The thread ends with the process.
pub(super) fn relay(mut to: Stdin) {
    let _thread = thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let mut buffer = [0; 8 * 1024];
        let mut from = stdin().lock();
        loop {
            wait_for_turn();
            match from.read(&mut buffer) {
                Ok(len @ 1..) if to.write_all_blocking(&buffer[..len]).is_ok() => {}
                Ok(_) | Err(_) => return,
            }
        }
    });
}

/// Waits until there is something to read that is ours to read. Whoever reads its terminal from
/// the background is stopped, and a job that was started there must not be.
fn wait_for_turn() {
    loop {
        let mut ready = [PollFd::from_borrowed_fd(stdio::stdin(), PollFlags::IN)];
        // Interrupted or not, the read looks for itself.
        let _ready = poll(&mut ready, None);
        match tcgetpgrp(stdio::stdin()) {
            Ok(foreground) if foreground != getpgrp() => thread::park_timeout(BACKGROUND),
            // Not a terminal, or not the one that controls us: nobody stops us.
            Ok(_) | Err(_) => return,
        }
    }
}

/// What our terminal was before it was put into raw mode.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Our terminal in raw mode; it is as it was when this is dropped.
pub(super) struct Raw(());

impl Raw {
    /// `None` when our stdin is no terminal.
    pub(super) fn enter() -> Option<Self> {
        let before = tcgetattr(stdio::stdin()).ok()?;
        let mut raw = before.clone();
        raw.make_raw();
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        let guard = Raw(());
        tcsetattr(stdio::stdin(), OptionalActions::Now, &raw).ok()?;
        Some(guard)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        restore();
    }
}

/// Leaves raw mode, from whichever thread ends the process. Again, or without it, it does nothing.
pub(super) fn restore() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(before) = before {
        // The terminal may have gone meanwhile.
        let _restored = tcsetattr(stdio::stdin(), OptionalActions::Now, &before);
    }
}
