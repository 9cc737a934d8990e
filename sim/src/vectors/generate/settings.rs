//! Streams and policies that machines are explored with: each value of each policy, small bounds.

use std::time::Duration;

use lastbyte::machine::{
    BufferPolicy, Descendants, DrainPolicy, Full, KillPolicy, OutputLimit, Over, Policy, Signal,
    Streams, Target, TeardownPolicy,
};

/// A length by which every clock can be told from every other.
const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn drain(drain: DrainPolicy) -> Policy {
    Policy { drain, ..Policy::default() }
}

/// With a bound of so many one-byte chunks.
pub(super) fn buffer(max: u64, full: Full) -> Policy {
    let chunks_max = u32::try_from(max).unwrap_or(u32::MAX);
    let buffer = BufferPolicy { bytes_max: max, chunks_max, full };
    Policy { buffer, ..Policy::default() }
}

fn limit(bytes_max: u64, over: Over) -> Policy {
    Policy { limit: Some(OutputLimit { bytes_max, over }), ..Policy::default() }
}

/// The drain policies: each kind, and where a zero makes a difference.
pub(super) fn drains() -> [Policy; 6] {
    [
        drain(DrainPolicy::UntilEof),
        drain(DrainPolicy::After(ms(100))),
        drain(DrainPolicy::After(Duration::ZERO)),
        drain(DrainPolicy::Idle { gap: ms(50), max: ms(1000) }),
        drain(DrainPolicy::Idle { gap: Duration::ZERO, max: ms(1000) }),
        drain(DrainPolicy::Idle { gap: Duration::ZERO, max: Duration::ZERO }),
    ]
}

/// The policies of buffers and limits.
pub(super) fn bounds() -> [Policy; 8] {
    [
        buffer(1, Full::Pause),
        buffer(2, Full::Pause),
        buffer(1, Full::Gap),
        buffer(2, Full::KillAfter(ms(300))),
        limit(1, Over::Truncate),
        limit(0, Over::Truncate),
        limit(1, Over::KeepTail { bytes_max: 1 }),
        limit(1, Over::Kill),
    ]
}

/// The policies of kills.
pub(super) fn kills() -> [Policy; 3] {
    let kill = |kill| Policy { kill, ..Policy::default() };
    let usual = KillPolicy::default();
    [
        kill(KillPolicy { signal: Signal::INT, grace: ms(700), ..usual }),
        kill(KillPolicy { grace: Duration::ZERO, ..usual }),
        kill(KillPolicy { target: Target::Leader, ..usual }),
    ]
}

/// The policies of what else kills, and of the bounds of a teardown.
pub(super) fn clocks() -> [Policy; 4] {
    let kill = KillPolicy { target: Target::Leader, ..KillPolicy::default() };
    let descendants = Descendants::Kill;
    let teardown = TeardownPolicy { close_max: ms(400), shutdown_max: ms(900) };
    [
        Policy { timeout: Some(ms(3000)), ..Policy::default() },
        Policy { descendants, ..Policy::default() },
        Policy { descendants, kill, ..Policy::default() },
        Policy { teardown, ..Policy::default() },
    ]
}

/// The sets of streams that are unlike `Separate` and `Stdout`.
pub(super) const OTHERS: [Streams; 4] =
    [Streams::None, Streams::Stderr, Streams::Combined, Streams::Pty];
