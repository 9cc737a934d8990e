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
        let mut force = Force::Forward;
        let mut last: Option<(i32, Instant)> = None;
        for number in signals.forever() {
            let is_repeated =
                last.is_some_and(|(same, at)| same == number && at.elapsed() < SAME_REQUEST);
            if !is_repeated {
                force = force.apply(&handle, number);
            }
            last = Some((number, Instant::now()));
        }
    });
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
