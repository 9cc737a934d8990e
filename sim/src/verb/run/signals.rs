//! Signals to us are the command's: forwarded once, escalated the second time.

use std::thread;

use lastbyte::{Handle, Signal};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    iterator::Signals,
};

/// Catches what asks us to end, so that from here on it cannot end us alone. `None` when it cannot
/// be caught: then signals keep their defaults.
pub(super) fn catch() -> Option<Signals> {
    Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT]).ok()
}

/// Forwards what was caught, also before the command had started.
pub(super) fn forward(mut signals: Signals, handle: Handle) {
    let _thread = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut asked = false;
        for number in signals.forever() {
            let signal = Signal::new(number).unwrap_or(Signal::TERM);
            handle.signal(if asked { Signal::KILL } else { signal });
            asked = true;
        }
    });
}
