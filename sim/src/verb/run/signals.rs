//! Signals to us are the command's: forwarded once, then a kill, then a close.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use lastbyte::{Handle, Reply, Signal};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    iterator::Signals,
};

use super::terminal;

/// timeout(1) sends its signal twice, to the process and to its group. That is one request.
const SAME_REQUEST: Duration = Duration::from_millis(100);

/// Catches what asks us to end, so that from here on it cannot end us alone. What we were told to
/// ignore (nohup(1), a shell's background job) stays ignored, by the command too. `None` when
/// nothing can be caught: then signals keep their defaults.
pub(super) fn catch() -> Option<Signals> {
    let ignored = ignored();
    let is_ignored = |signal: i32| ignored >> (signal - 1) & 1 == 1;
    Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT].into_iter().filter(|&it| !is_ignored(it))).ok()
}

/// The set of ignored signals, signal 1 in the lowest bit (`proc_pid_status(5)`).
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let set = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or_default()
}

/// Carries out what was caught, also before the command had started.
pub(super) fn forward(mut signals: Signals, handle: Handle) {
    let _thread = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut last = None;
        let mut force = Force::Forward;
        for number in signals.forever() {
            let caught = Caught { number, at: Instant::now() };
            if !caught.repeats(last.replace(caught)) {
                force = force.apply(&handle, number);
            }
        }
    });
}

/// A signal, and when it came.
#[derive(Clone, Copy, Debug)]
struct Caught {
    number: i32,
    at: Instant,
}

impl Caught {
    /// Whether it is the same request as the one before it.
    fn repeats(self, before: Option<Caught>) -> bool {
        before.is_some_and(|before| {
            before.number == self.number && self.at.duration_since(before.at) < SAME_REQUEST
        })
    }
}

/// What the next request does: each is stronger than the one before.
#[derive(Clone, Copy, Debug)]
enum Force {
    /// Hand the signal on, and nothing else.
    Forward,
    /// Kill by policy.
    Kill,
    /// SIGKILL, and drop what was not taken.
    Close,
    /// Our own reader takes nothing, and this is all that is left to do.
    Leave,
}

impl Force {
    /// Answers one request. Where the root has ended, what is left to end is what it left behind,
    /// and the wait for that. Returns what the next request does.
    fn apply(self, handle: &Handle, number: i32) -> Self {
        let (reply, next) = match self {
            Force::Forward => {
                let signal = Signal::new(number).unwrap_or(Signal::TERM);
                (handle.signal(signal), Force::Kill)
            }
            Force::Kill => (handle.kill(), Force::Close),
            Force::Close => {
                handle.close();
                return Force::Leave;
            }
            Force::Leave => {
                terminal::restore();
                std::process::exit(128 + number);
            }
        };
        if reply == Reply::AlreadyExited {
            handle.shutdown();
            return Force::Close;
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this were red, `timeout 5 lastbyte run ...` would kill what it asks to end: timeout(1)
    /// sends its signal twice.
    #[test]
    fn c16_the_same_signal_twice_at_once_is_one_request() {
        let at = Instant::now();
        let first = Caught { number: SIGTERM, at };
        let soon = at + SAME_REQUEST / 2;
        assert!(!first.repeats(None));
        assert!(Caught { number: SIGTERM, at: soon }.repeats(Some(first)));
        assert!(!Caught { number: SIGINT, at: soon }.repeats(Some(first)));
        assert!(!Caught { number: SIGTERM, at: at + SAME_REQUEST }.repeats(Some(first)));
    }
}
