//! Signals by number, and sets of them.

use core::fmt;

/// A signal, 1 to 64 (`signal(7)`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(u8);

impl Signal {
    /// Hang-up.
    pub const HUP: Signal = Signal(1);
    /// Interrupt from the keyboard.
    pub const INT: Signal = Signal(2);
    /// Quit from the keyboard.
    pub const QUIT: Signal = Signal(3);
    /// Cannot be caught, blocked or ignored.
    pub const KILL: Signal = Signal(9);
    /// Asks to end; the default first signal of a kill.
    pub const TERM: Signal = Signal(15);

    /// The signal with this number, or `None` outside 1 to 64.
    pub const fn new(number: i32) -> Option<Signal> {
        if number >= 1 && number <= 64 { Some(Signal(number as u8)) } else { None }
    }

    /// Its number.
    pub const fn number(self) -> i32 {
        self.0 as i32
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Signal::HUP => f.write_str("SIGHUP"),
            Signal::INT => f.write_str("SIGINT"),
            Signal::QUIT => f.write_str("SIGQUIT"),
            Signal::KILL => f.write_str("SIGKILL"),
            Signal::TERM => f.write_str("SIGTERM"),
            Signal(number) => write!(f, "signal {number}"),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Signals to send; a signal asked for twice before it is sent is sent once, as the kernel does.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SignalSet(u64);

impl SignalSet {
    /// No signal.
    pub const EMPTY: SignalSet = SignalSet(0);

    /// Adds one.
    pub fn insert(&mut self, signal: Signal) {
        self.0 |= 1 << (signal.0 - 1);
    }

    /// Adds all of `other`.
    pub fn extend(&mut self, other: SignalSet) {
        self.0 |= other.0;
    }

    /// Whether `signal` is in it.
    pub fn contains(self, signal: Signal) -> bool {
        self.0 & (1 << (signal.0 - 1)) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its signals in the order to send them: lowest number first, as Linux delivers those that are
    /// pending together, and SIGKILL last, for it lets none after it be seen.
    pub fn iter(self) -> impl Iterator<Item = Signal> {
        let others = (1..=64u8).map(Signal).filter(|&signal| signal != Signal::KILL);
        others.chain([Signal::KILL]).filter(move |signal| self.contains(*signal))
    }
}

impl fmt::Debug for SignalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
