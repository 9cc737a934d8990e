//! Our stdin and our terminal: handed on, relayed, or put into raw mode for a pty.
//!
//! The command leads a process group of its own. A terminal stops readers of other groups than its
//! foreground one (SIGTTIN), so a terminal is not handed on but read by us and relayed.

use std::{
    io::{IsTerminal, Read, stdin},
    thread,
};

use lastbyte::{Command, PtySize, Stdin, Stdio};
use rustix::{
    stdio::stdin as stdin_fd,
    termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr},
};

/// Wires stdin. Returns whether ours is to be relayed.
pub(super) fn prepare(command: &mut Command, pty: bool) -> bool {
    let ours_is_terminal = stdin().is_terminal();
    if pty {
        let size = tcgetwinsize(stdin_fd()).ok().filter(|size| size.ws_row > 0 && size.ws_col > 0);
        command.pty(size.map_or_else(PtySize::default, |size| PtySize {
            rows: size.ws_row,
            cols: size.ws_col,
        }));
    } else if ours_is_terminal {
        command.stdin(Stdio::Piped);
    } else {
        command.stdin(Stdio::Inherit);
    }
    pty || ours_is_terminal
}

/// Copies our stdin to the command's until either ends. The thread ends with the process.
pub(super) fn relay(mut to: Stdin) {
    let _thread = thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let mut buffer = [0; 8 * 1024];
        let mut from = stdin().lock();
        while let Ok(len @ 1..) = from.read(&mut buffer) {
            if to.write_all_blocking(&buffer[..len]).is_err() {
                break;
            }
        }
    });
}

/// Our terminal in raw mode; it is as it was when this is dropped.
pub(super) struct Raw {
    before: Termios,
}

impl Raw {
    /// `None` when our stdin is no terminal.
    pub(super) fn enter() -> Option<Self> {
        let before = tcgetattr(stdin_fd()).ok()?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(stdin_fd(), OptionalActions::Now, &raw).ok()?;
        Some(Raw { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // The terminal may have gone meanwhile.
        let _restored = tcsetattr(stdin_fd(), OptionalActions::Now, &self.before);
    }
}
