//! What a child of a soak writes: a script for the shell beside the bytes that must come of it.

use std::fmt::Write;

/// The variable that names the file of binary bytes to the children.
pub(super) const FILE: &str = "LASTBYTE_SOAK_FILE";

/// Bytes that are written in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Letters, digits and dots.
    Text(String),
    /// So many bytes from the beginning of the file of binary bytes.
    Binary(u64),
}

impl Piece {
    pub(super) fn len(&self) -> u64 {
        match self {
            Piece::Text(text) => text.len() as u64,
            Piece::Binary(bytes) => *bytes,
        }
    }
}

/// Where a child writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    Stdout,
    Stderr,
}

/// How a process that is left behind gets away from the group of its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// It does not.
    Stays,
    /// Into a session of its own.
    Setsid,
    /// By a parent that ends at once; it stays in the group.
    DoubleFork,
}

/// How the outputs of a child are wired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wires {
    Separate,
    Combined,
    Pty,
}

/// A script, and what the root writes in it.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) wires: Wires,
    pub(super) text: String,
    /// For each stream, stdout or the only one first.
    pub(super) written: [Vec<Piece>; 2],
}

impl Script {
    pub(super) fn new(wires: Wires) -> Self {
        Script { wires, text: String::new(), written: [Vec::new(), Vec::new()] }
    }

    pub(super) fn write(&mut self, to: To, piece: Piece) -> &mut Self {
        match &piece {
            Piece::Text(text) => self.push(format_args!("printf %s {text}")),
            Piece::Binary(bytes) => self.push(format_args!("head -c {bytes} \"${FILE}\"")),
        }
        if to == To::Stderr {
            self.text.push_str(" >&2");
        }
        let place = usize::from(to == To::Stderr && self.wires == Wires::Separate);
        self.written[place].push(piece);
        self
    }

    /// Commands that write nothing.
    pub(super) fn run(&mut self, commands: &str) -> &mut Self {
        self.push(format_args!("{commands}"));
        self
    }

    /// Starts this in the background.
    pub(super) fn leave(&mut self, commands: &str, escape: Escape) -> &mut Self {
        match escape {
            Escape::Stays => self.run(&format!("({commands}) &")),
            Escape::Setsid => self.run(&format!("setsid sh -c '{commands}' &")),
            Escape::DoubleFork => self.run(&format!("( ({commands}) & )")),
        }
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        // A string takes everything.
        let _infallible = self.text.write_fmt(text);
    }
}
