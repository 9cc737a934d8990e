//! A history from bytes, and the bytes of a history.
//!
//! Each thing is a byte or a few, from the left, so that a fuzzer that changes a byte changes one
//! thing, and a history that is known can be written down for it to start from.

use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use lastbyte::machine::{
    BufferPolicy, Descendants, DrainPolicy, Errno, Full, Input, KillPolicy, OutputLimit, Over,
    Policy, Signal, Status, StreamId, Streams, Target, TeardownPolicy, Timer, Until,
};

use crate::world::Any;

/// What an execution is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) streams: Streams,
    pub(crate) policy: Policy,
}

const STREAMS: [Streams; 6] = [
    Streams::Separate,
    Streams::Stdout,
    Streams::Stderr,
    Streams::Combined,
    Streams::Pty,
    Streams::None,
];

/// Lengths of time, in milliseconds: what matters is which is nothing and which is longer.
const TIMES: [u64; 12] = [0, 1, 10, 100, 200, 400, 1_000, 2_000, 5_000, 9_000, 60_000, u64::MAX];

const SIGNALS: [Signal; 5] = [Signal::TERM, Signal::INT, Signal::KILL, Signal::HUP, Signal::QUIT];

const STATUSES: [Status; 8] = [
    Status::Exited { code: 0 },
    Status::Exited { code: 3 },
    Status::Exited { code: 137 },
    Status::Signaled { signal: Signal::KILL, core: false },
    Status::Signaled { signal: Signal::QUIT, core: true },
    Status::Unknown(Errno(10)),
    Status::Lost,
    Status::Forced,
];

/// One of these.
fn pick<T: Copy>(u: &mut Unstructured<'_>, of: &[T]) -> Result<T> {
    let place = usize::from(u8::arbitrary(u)?) % of.len();
    of.get(place).copied().ok_or(arbitrary::Error::EmptyChoose)
}

/// The place of the one that is nearest to this.
fn place<T: PartialEq>(of: &[T], value: &T) -> u8 {
    of.iter().position(|it| it == value).and_then(|it| u8::try_from(it).ok()).unwrap_or(0)
}

fn time(u: &mut Unstructured<'_>) -> Result<Duration> {
    Ok(match pick(u, &TIMES)? {
        u64::MAX => Duration::MAX,
        milliseconds => Duration::from_millis(milliseconds),
    })
}

fn put_time(time: Duration, out: &mut Vec<u8>) {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let near = TIMES.iter().position(|&it| it >= milliseconds).unwrap_or(TIMES.len() - 1);
    out.push(u8::try_from(near).unwrap_or(0));
}

/// Small numbers as they are, powers of two, and the largest.
fn number(u: &mut Unstructured<'_>) -> Result<u64> {
    Ok(match u8::arbitrary(u)? {
        small @ 0..191 => u64::from(small),
        191 => u64::MAX,
        power => 1 << (power - 192),
    })
}

fn put_number(number: u64, out: &mut Vec<u8>) {
    out.push(match u8::try_from(number) {
        Ok(small @ 0..191) => small,
        _ if number == u64::MAX => 191,
        _ => 192 + u8::try_from(number.ilog2()).unwrap_or(0),
    });
}

impl<'a> Arbitrary<'a> for Start {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let streams = pick(u, &STREAMS)?;
        let drain = match u8::arbitrary(u)? % 3 {
            0 => DrainPolicy::Idle { gap: time(u)?, max: time(u)? },
            1 => DrainPolicy::After(time(u)?),
            _ => DrainPolicy::UntilEof,
        };
        // One bit for each that has two values, or is there or not.
        let bits = u8::arbitrary(u)?;
        let is = |bit: u8| bits & 1 << bit != 0;
        let descendants = if is(0) { Descendants::Kill } else { Descendants::Leave };
        let target = if is(1) { Target::Leader } else { Target::Group };
        let kill = KillPolicy { signal: pick(u, &SIGNALS)?, grace: time(u)?, target };
        let (bytes_max, chunks_max) = (number(u)?, number(u)?);
        let chunks_max = u32::try_from(chunks_max).unwrap_or(u32::MAX);
        let full = match u8::arbitrary(u)? % 3 {
            0 => Full::Pause,
            1 => Full::Gap,
            _ => Full::KillAfter(time(u)?),
        };
        let buffer = BufferPolicy { bytes_max, chunks_max, full };
        let limit = if is(2) { Some(limit(u)?) } else { None };
        let timeout = if is(3) { Some(time(u)?) } else { None };
        let teardown = if is(4) {
            TeardownPolicy { close_max: time(u)?, shutdown_max: time(u)? }
        } else {
            TeardownPolicy::default()
        };
        let policy = Policy { drain, descendants, kill, buffer, limit, timeout, teardown };
        Ok(Start { streams, policy })
    }
}

fn limit(u: &mut Unstructured<'_>) -> Result<OutputLimit> {
    let bytes_max = number(u)?;
    let over = match u8::arbitrary(u)? % 3 {
        0 => Over::Truncate,
        1 => Over::KeepTail { bytes_max: number(u)? },
        _ => Over::Kill,
    };
    Ok(OutputLimit { bytes_max, over })
}

impl Start {
    /// The bytes that are read as this, as far as they can say it.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let Policy { drain, descendants, kill, buffer, limit, timeout, teardown } = self.policy;
        out.push(place(&STREAMS, &self.streams));
        match drain {
            DrainPolicy::Idle { gap, max } => {
                out.push(0);
                put_time(gap, out);
                put_time(max, out);
            }
            DrainPolicy::After(after) => {
                out.push(1);
                put_time(after, out);
            }
            DrainPolicy::UntilEof => out.push(2),
        }
        let bits = [
            descendants == Descendants::Kill,
            kill.target == Target::Leader,
            limit.is_some(),
            timeout.is_some(),
            teardown != TeardownPolicy::default(),
        ];
        out.push(bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit)));
        out.push(place(&SIGNALS, &kill.signal));
        put_time(kill.grace, out);
        put_number(buffer.bytes_max, out);
        put_number(u64::from(buffer.chunks_max), out);
        match buffer.full {
            Full::Pause => out.push(0),
            Full::Gap => out.push(1),
            Full::KillAfter(stalled) => {
                out.push(2);
                put_time(stalled, out);
            }
        }
        if let Some(limit) = limit {
            put_limit(limit, out);
        }
        if let Some(timeout) = timeout {
            put_time(timeout, out);
        }
        if teardown != TeardownPolicy::default() {
            put_time(teardown.close_max, out);
            put_time(teardown.shutdown_max, out);
        }
    }
}

fn put_limit(limit: OutputLimit, out: &mut Vec<u8>) {
    put_number(limit.bytes_max, out);
    match limit.over {
        Over::Truncate => out.push(0),
        Over::KeepTail { bytes_max } => {
            out.push(1);
            put_number(bytes_max, out);
        }
        Over::Kill => out.push(2),
    }
}

/// The longest chunk of a history: longer ones show nothing else.
const CHUNK_MAX: u8 = 16;

/// How often each comes, of 32: what fills and empties buffers more often than what ends it all.
const OFTEN: [u8; 18] = [1, 1, 6, 2, 1, 3, 1, 6, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1];

/// One thing that happens.
pub(crate) fn any(u: &mut Unstructured<'_>) -> Result<Any> {
    let byte = u8::arbitrary(u)? % 32;
    let mut above = 0;
    let kind = OFTEN.iter().position(|&often| {
        above += often;
        byte < above
    });
    let until = |u: &mut Unstructured<'_>| pick(u, &[Until::Exited, Until::Terminal]);
    let stream = |u: &mut Unstructured<'_>| Ok(u8::arbitrary(u)? % 9);
    Ok(match kind.unwrap_or(0) {
        0 => Any::Started,
        1 => Any::Refused,
        2 => Any::Chunk(stream(u)?, usize::from(u8::arbitrary(u)? % CHUNK_MAX)),
        3 => Any::Eof(stream(u)?),
        4 => Any::ReadError(stream(u)?),
        5 => Any::Empty(stream(u)?),
        6 => Any::Reap(pick(u, &STATUSES)?, number(u)?, number(u)?),
        7 => Any::Drain,
        8 => Any::Wait(until(u)?),
        9 => Any::CancelWait(until(u)?),
        10 => Any::Signal(pick(u, &SIGNALS)?),
        11 => Any::Kill,
        12 => Any::Discard(stream(u)?),
        13 => Any::Detach,
        14 => Any::Close,
        15 => Any::Shutdown,
        16 => Any::Timeout(u8::arbitrary(u)? % 9),
        _ => Any::Obey,
    })
}

/// The bytes that are read as an input, in an execution with these streams.
pub(crate) fn put<C>(
    input: &Input<C>,
    len: impl Fn(&C) -> u64,
    streams: Streams,
    out: &mut Vec<u8>,
) {
    let kind = |kind: usize, out: &mut Vec<u8>| out.push(OFTEN[..kind].iter().sum());
    let stream = |id: StreamId| {
        let place = streams.ids().iter().position(|&it| it == id);
        // Any stream is none of an execution without.
        place.and_then(|place| u8::try_from(place).ok()).unwrap_or(8)
    };
    let until = |until: Until| place(&[Until::Exited, Until::Terminal], &until);
    let mut say = |number: usize, more: &[u8]| {
        kind(number, out);
        out.extend_from_slice(more);
    };
    match input {
        Input::Started => say(0, &[]),
        Input::Refused => say(1, &[]),
        Input::Chunk(id, chunk) => {
            let len = len(chunk).min(u64::from(CHUNK_MAX - 1));
            say(2, &[stream(*id), u8::try_from(len).unwrap_or(0)]);
        }
        Input::Eof(id) => say(3, &[stream(*id)]),
        Input::ReadError(id, _) => say(4, &[stream(*id)]),
        Input::Empty(id) => say(5, &[stream(*id)]),
        Input::Reap { status, standing } => {
            say(6, &[place(&STATUSES, status)]);
            standing.iter().for_each(|&bytes| put_number(bytes, out));
        }
        Input::Drain => say(7, &[]),
        Input::Wait(what) => say(8, &[until(*what)]),
        Input::CancelWait(what) => say(9, &[until(*what)]),
        Input::Signal(signal) => say(10, &[place(&SIGNALS, signal)]),
        Input::Kill => say(11, &[]),
        Input::Discard(id) => say(12, &[stream(*id)]),
        Input::Detach => say(13, &[]),
        Input::Close => say(14, &[]),
        Input::Shutdown => say(15, &[]),
        Input::Timeout(timer) => {
            let timers: Vec<Timer> = Timer::all(streams).collect();
            say(16, &[place(&timers, timer)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this were red, the fuzzers would start from other histories than those of the vectors.
    #[test]
    fn a_policy_is_read_as_it_was_put_down() {
        let drains =
            [DrainPolicy::UntilEof, DrainPolicy::After(Duration::ZERO), DrainPolicy::default()];
        let limits = [
            None,
            Some(OutputLimit { bytes_max: 5, over: Over::KeepTail { bytes_max: u64::MAX } }),
            Some(OutputLimit { bytes_max: 1 << 40, over: Over::Kill }),
        ];
        for (drain, limit) in drains.into_iter().zip(limits) {
            let timeout = limit.map(|_| Duration::from_secs(9));
            let teardown = TeardownPolicy { close_max: Duration::ZERO, ..Default::default() };
            let policy = Policy { drain, limit, timeout, teardown, ..Policy::default() };
            for streams in STREAMS {
                let (start, mut bytes) = (Start { streams, policy }, Vec::new());
                start.put(&mut bytes);
                let mut u = Unstructured::new(&bytes);
                assert_eq!(Start::arbitrary(&mut u), Ok(start));
                assert!(u.is_empty());
            }
        }
    }

    /// If this were red, some input would never come, or as another.
    #[test]
    fn an_input_is_read_as_it_was_put_down() {
        let streams = Streams::Separate;
        for byte in 0..32 {
            let read = any(&mut Unstructured::new(&[byte, 1, 2, 3])).expect("there is enough");
            let Some(input) = read.input(streams, &mut 0) else { continue };
            let mut bytes = Vec::new();
            put(&input, lastbyte::machine::Chunk::len, streams, &mut bytes);
            let again = any(&mut Unstructured::new(&bytes)).expect("it was put down whole");
            assert_eq!(again.input(streams, &mut 0), Some(input), "{byte}");
        }
    }
}
