//! Policies as one plain struct.

use std::{
    ffi::{CStr, c_char},
    mem::MaybeUninit,
    ptr,
    time::Duration,
};

use super::boundary::{Done, INVALID_ARGUMENT, Refusal, boundary, required, tell};
use crate::machine::{
    BufferPolicy, Descendants, DrainPolicy, Full, InvalidPolicy, KillPolicy, OutputLimit, Over,
    Policy, Signal, Target, TeardownPolicy,
};

/// A duration that never ends.
pub const LASTBYTE_NEVER: u64 = u64::MAX;

/// How long output may go on after the root's end.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_drain {
    /// Until every stream has ended; waits for ever if a descendant keeps one open.
    UntilEof = 0,
    /// At most `drain_max_ns` after the reap. Zero: nothing but the root's own bytes.
    After = 1,
    /// Until a stream has been silent for `drain_gap_ns`, at most `drain_max_ns`. The default.
    Idle = 2,
}

/// What happens at the reap to processes of the group that outlive the root.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_descendants {
    /// They live on. The default.
    Leave = 0,
    /// The group is sent SIGKILL.
    Kill = 1,
}

/// Whom a signal reaches.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_target {
    /// The root's process group. The default.
    Group = 0,
    /// The root alone.
    Leader = 1,
}

/// What happens to a stream whose buffer is full because nobody drains.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_full {
    /// The child waits. The default.
    Pause = 0,
    /// What does not fit is dropped, and a gap stands in its place.
    Gap = 1,
    /// The child waits, and is killed after `buffer_stall_ns`.
    KillAfter = 2,
}

/// What happens to output beyond the limit.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_limit {
    /// There is no limit. The default.
    None = 0,
    /// The rest is dropped.
    Truncate = 1,
    /// The last `limit_tail_bytes_max` bytes are kept.
    KeepTail = 2,
    /// The rest is dropped and the execution killed.
    Kill = 3,
}

/// Why a policy whose numbers all mean something cannot be carried out.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_policy_fault {
    /// Nothing stands against it, or a number in it means nothing.
    None = 0,
    /// `buffer_bytes_max` is 0.
    BufferBytes = 1,
    /// `buffer_chunks_max` is 0.
    BufferChunks = 2,
    /// For idle: `drain_gap_ns` is longer than `drain_max_ns`.
    IdleGapOverMax = 3,
}

/// All choices of one execution. `lastbyte_policy_default` fills it; change what should differ.
/// Durations are in nanoseconds.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct lastbyte_policy {
    /// A `lastbyte_drain`.
    pub drain: u32,
    /// A `lastbyte_descendants`.
    pub descendants: u32,
    /// Silence that ends a stream, for idle.
    pub drain_gap_ns: u64,
    /// The deadline of after, the cap of idle; at least the gap.
    pub drain_max_ns: u64,
    /// The first signal of a kill.
    pub kill_signal: i32,
    /// A `lastbyte_target`.
    pub kill_target: u32,
    /// From the first signal to SIGKILL. Zero: SIGKILL at once.
    pub kill_grace_ns: u64,
    /// Bytes of one stream that were read and not taken, at least 1.
    pub buffer_bytes_max: u64,
    /// Chunks of one stream that were read and not taken, at least 1.
    pub buffer_chunks_max: u32,
    /// A `lastbyte_full`.
    pub buffer_full: u32,
    /// How long nobody may drain, for kill after.
    pub buffer_stall_ns: u64,
    /// A `lastbyte_limit`, on each stream.
    pub limit: u32,
    /// Zero.
    pub reserved: u32,
    /// Bytes of one stream that are delivered before the limit applies.
    pub limit_bytes_max: u64,
    /// Bytes kept from the end, for keep tail.
    pub limit_tail_bytes_max: u64,
    /// Run time after which the execution is killed; `LASTBYTE_NEVER`: no limit.
    pub timeout_ns: u64,
    /// From the SIGKILL of a free to a forced end.
    pub close_max_ns: u64,
    /// From the first signal of a shutdown to a forced end.
    pub shutdown_max_ns: u64,
}

/// Fills `policy` with the defaults.
///
/// # Safety
///
/// `policy` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_policy_default(
    policy: Option<&mut MaybeUninit<lastbyte_policy>>,
) -> i32 {
    boundary(|| {
        required(policy)?.write(lastbyte_policy::of(&Policy::default()));
        Ok(Done::Now)
    })
}

/// Says whether `policy` can be carried out. Where it cannot it is
/// `LASTBYTE_CODE_INVALID_ARGUMENT`, and `fault` (which may be NULL) is a `lastbyte_policy_fault`:
/// `LASTBYTE_POLICY_FAULT_NONE` where a number means nothing.
///
/// # Safety
///
/// `policy` is NULL or points to one; `fault` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, reads and writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_policy_check(
    policy: Option<&lastbyte_policy>,
    fault: Option<&mut MaybeUninit<u32>>,
) -> i32 {
    boundary(|| {
        let checked = policy.ok_or(INVALID_ARGUMENT)?.numbers().map(|policy| policy.check());
        let (answer, found) = match checked {
            Ok(Ok(())) => (Ok(Done::Now), lastbyte_policy_fault::None),
            Ok(Err(invalid)) => (Err(INVALID_ARGUMENT), lastbyte_policy_fault::of(invalid)),
            Err(refusal) => (Err(refusal), lastbyte_policy_fault::None),
        };
        tell(fault, found as u32);
        answer
    })
}

/// The name of a `lastbyte_policy_fault`, for example `buffer_bytes`; NULL for none and for a
/// number that is no fault.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_policy_fault_name(fault: u32) -> *const c_char {
    use lastbyte_policy_fault as f;
    let names: [(f, &CStr); 3] = [
        (f::BufferBytes, c"buffer_bytes"),
        (f::BufferChunks, c"buffer_chunks"),
        (f::IdleGapOverMax, c"idle_gap_over_max"),
    ];
    let named = names.iter().find(|(named, _)| *named as u32 == fault);
    named.map_or(ptr::null(), |(_, name)| name.as_ptr())
}

impl lastbyte_policy_fault {
    fn of(invalid: InvalidPolicy) -> Self {
        match invalid {
            InvalidPolicy::BufferBytes => lastbyte_policy_fault::BufferBytes,
            InvalidPolicy::BufferChunks => lastbyte_policy_fault::BufferChunks,
            InvalidPolicy::IdleGapOverMax => lastbyte_policy_fault::IdleGapOverMax,
        }
    }
}

fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(LASTBYTE_NEVER)
}

fn duration(ns: u64) -> Duration {
    if ns == LASTBYTE_NEVER { Duration::MAX } else { Duration::from_nanos(ns) }
}

impl lastbyte_policy {
    pub(super) fn of(policy: &Policy) -> Self {
        let (drain, gap, max) = match policy.drain {
            DrainPolicy::UntilEof => (lastbyte_drain::UntilEof, Duration::ZERO, Duration::ZERO),
            DrainPolicy::After(max) => (lastbyte_drain::After, Duration::ZERO, max),
            DrainPolicy::Idle { gap, max } => (lastbyte_drain::Idle, gap, max),
        };
        let (full, stall) = match policy.buffer.full {
            Full::Pause => (lastbyte_full::Pause, Duration::ZERO),
            Full::Gap => (lastbyte_full::Gap, Duration::ZERO),
            Full::KillAfter(stall) => (lastbyte_full::KillAfter, stall),
        };
        let (limit, tail) = match policy.limit.map(|limit| limit.over) {
            None => (lastbyte_limit::None, 0),
            Some(Over::Truncate) => (lastbyte_limit::Truncate, 0),
            Some(Over::KeepTail { bytes_max }) => (lastbyte_limit::KeepTail, bytes_max),
            Some(Over::Kill) => (lastbyte_limit::Kill, 0),
        };
        lastbyte_policy {
            drain: drain as u32,
            descendants: match policy.descendants {
                Descendants::Leave => lastbyte_descendants::Leave as u32,
                Descendants::Kill => lastbyte_descendants::Kill as u32,
            },
            drain_gap_ns: ns(gap),
            drain_max_ns: ns(max),
            kill_signal: policy.kill.signal.number(),
            kill_target: match policy.kill.target {
                Target::Group => lastbyte_target::Group as u32,
                Target::Leader => lastbyte_target::Leader as u32,
            },
            kill_grace_ns: ns(policy.kill.grace),
            buffer_bytes_max: policy.buffer.bytes_max,
            buffer_chunks_max: policy.buffer.chunks_max,
            buffer_full: full as u32,
            buffer_stall_ns: ns(stall),
            limit: limit as u32,
            reserved: 0,
            limit_bytes_max: policy.limit.map_or(0, |limit| limit.bytes_max),
            limit_tail_bytes_max: tail,
            timeout_ns: policy.timeout.map_or(LASTBYTE_NEVER, ns),
            close_max_ns: ns(policy.teardown.close_max),
            shutdown_max_ns: ns(policy.teardown.shutdown_max),
        }
    }

    /// The policy that it says, if it can be carried out.
    pub(super) fn policy(&self) -> Result<Policy, Refusal> {
        let policy = self.numbers()?;
        policy.check().map_err(|_| INVALID_ARGUMENT)?;
        Ok(policy)
    }

    /// The policy that it says, if each number means something.
    fn numbers(&self) -> Result<Policy, Refusal> {
        if self.reserved != 0 {
            return Err(INVALID_ARGUMENT);
        }
        Ok(Policy {
            drain: self.drain_policy()?,
            descendants: match self.descendants {
                n if n == lastbyte_descendants::Leave as u32 => Descendants::Leave,
                n if n == lastbyte_descendants::Kill as u32 => Descendants::Kill,
                _ => return Err(INVALID_ARGUMENT),
            },
            kill: KillPolicy {
                signal: Signal::new(self.kill_signal).ok_or(INVALID_ARGUMENT)?,
                grace: duration(self.kill_grace_ns),
                target: match self.kill_target {
                    n if n == lastbyte_target::Group as u32 => Target::Group,
                    n if n == lastbyte_target::Leader as u32 => Target::Leader,
                    _ => return Err(INVALID_ARGUMENT),
                },
            },
            buffer: BufferPolicy {
                bytes_max: self.buffer_bytes_max,
                chunks_max: self.buffer_chunks_max,
                full: match self.buffer_full {
                    n if n == lastbyte_full::Pause as u32 => Full::Pause,
                    n if n == lastbyte_full::Gap as u32 => Full::Gap,
                    n if n == lastbyte_full::KillAfter as u32 => {
                        Full::KillAfter(duration(self.buffer_stall_ns))
                    }
                    _ => return Err(INVALID_ARGUMENT),
                },
            },
            limit: self.output_limit()?,
            timeout: (self.timeout_ns != LASTBYTE_NEVER).then(|| duration(self.timeout_ns)),
            teardown: TeardownPolicy {
                close_max: duration(self.close_max_ns),
                shutdown_max: duration(self.shutdown_max_ns),
            },
        })
    }

    fn drain_policy(&self) -> Result<DrainPolicy, Refusal> {
        let (gap, max) = (duration(self.drain_gap_ns), duration(self.drain_max_ns));
        match self.drain {
            n if n == lastbyte_drain::UntilEof as u32 => Ok(DrainPolicy::UntilEof),
            n if n == lastbyte_drain::After as u32 => Ok(DrainPolicy::After(max)),
            n if n == lastbyte_drain::Idle as u32 => Ok(DrainPolicy::Idle { gap, max }),
            _ => Err(INVALID_ARGUMENT),
        }
    }

    fn output_limit(&self) -> Result<Option<OutputLimit>, Refusal> {
        let over = match self.limit {
            n if n == lastbyte_limit::None as u32 => return Ok(None),
            n if n == lastbyte_limit::Truncate as u32 => Over::Truncate,
            n if n == lastbyte_limit::KeepTail as u32 => {
                Over::KeepTail { bytes_max: self.limit_tail_bytes_max }
            }
            n if n == lastbyte_limit::Kill as u32 => Over::Kill,
            _ => return Err(INVALID_ARGUMENT),
        };
        Ok(Some(OutputLimit { bytes_max: self.limit_bytes_max, over }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this were red, a policy would become another on its way through C.
    #[test]
    fn a_policy_survives_the_way_through_c() {
        let drains = [
            DrainPolicy::UntilEof,
            DrainPolicy::After(Duration::ZERO),
            DrainPolicy::After(Duration::MAX),
            DrainPolicy::Idle { gap: Duration::from_nanos(1), max: Duration::from_secs(9) },
        ];
        let fulls = [Full::Pause, Full::Gap, Full::KillAfter(Duration::from_millis(3))];
        let overs = [Over::Truncate, Over::KeepTail { bytes_max: 4 }, Over::Kill];
        for drain in drains {
            for full in fulls {
                for over in overs.map(Some).into_iter().chain([None]) {
                    let policy = Policy {
                        drain,
                        descendants: Descendants::Kill,
                        kill: KillPolicy { target: Target::Leader, ..KillPolicy::default() },
                        buffer: BufferPolicy { full, ..BufferPolicy::default() },
                        limit: over.map(|over| OutputLimit { bytes_max: 7, over }),
                        timeout: over.map(|_| Duration::from_secs(1)),
                        ..Policy::default()
                    };
                    assert_eq!(lastbyte_policy::of(&policy).policy(), Ok(policy));
                }
            }
        }
    }
}
