//! Where the vectors come from: exploration, and a few histories by hand.
//!
//! What the explorer's worlds leave out, because no honest driver does it, is in here too: a port's
//! machine has to answer every input in every state.

mod alphabet;
mod canonical;
mod cover;
mod races;
mod readings;
mod refusals;
mod settings;
mod values;

use std::collections::BTreeSet;

use lastbyte::machine::{Errno, Input, Policy, Signal, Status, StreamId, Streams};

use super::{Case, Topic, Vector, words::Text};
use crate::bytes::Bytes;

/// All vectors, topic by topic, each history once.
pub fn all() -> Vec<Vector> {
    let mut seen = BTreeSet::new();
    canonical::cases()
        .into_iter()
        .chain(values::cases())
        .chain(readings::cases())
        .chain(cover::cases())
        .chain(races::cases())
        .chain(refusals::cases())
        .map(varied)
        .filter(|case| seen.insert(case.digest()))
        .map(|case| Vector::of(&case))
        .collect()
}

/// Ends that a root may come to, beside `exited 0`.
const STATUSES: [Status; 9] = [
    Status::Exited { code: 1 },
    Status::Exited { code: 3 },
    Status::Exited { code: 137 },
    Status::Exited { code: 255 },
    Status::Signaled { signal: Signal::KILL, core: false },
    Status::Signaled { signal: Signal::TERM, core: false },
    Status::Signaled { signal: Signal::QUIT, core: true },
    Status::Unknown(Errno(10)),
    Status::Lost,
];

const SIGNALS: [Signal; 4] = [Signal::HUP, Signal::QUIT, Signal::TERM, Signal::KILL];

const ERRNOS: [Errno; 3] = [Errno(5), Errno(9), Errno(104)];

/// Changes what the explorer has only one of, in every third history: how the root ended, which
/// signal was sent, which error a read met. None of it decides what is legal.
fn varied(mut case: Case) -> Case {
    let digest = case.digest();
    if matches!(case.topic, Topic::Rules | Topic::Policies | Topic::Values)
        || !digest.is_multiple_of(3)
    {
        return case;
    }
    let pick = |len: usize| usize::try_from(digest >> 8).unwrap_or_default() % len;
    for input in &mut case.inputs {
        match input {
            Input::Reap { status, .. } if *status != Status::Forced => {
                *status = STATUSES[pick(STATUSES.len())];
            }
            Input::Signal(signal) => *signal = SIGNALS[pick(SIGNALS.len())],
            Input::ReadError(_, errno) => *errno = ERRNOS[pick(ERRNOS.len())],
            Input::Started
            | Input::Refused
            | Input::Chunk(..)
            | Input::Eof(_)
            | Input::Empty(_)
            | Input::Reap { .. }
            | Input::Drain
            | Input::Wait(_)
            | Input::CancelWait(_)
            | Input::Kill
            | Input::Discard(_)
            | Input::Detach
            | Input::Close
            | Input::Shutdown
            | Input::Timeout(_) => {}
        }
    }
    case
}

/// The explorer's bytes as text: a stream's first byte is `a`, or `A` on stderr.
fn spelled(input: &Input<Bytes>) -> Input<Text> {
    with_chunks(input.clone(), |id, bytes: Bytes| {
        let first = if id == StreamId::Stderr { b'A' } else { b'a' };
        Text((bytes.at..bytes.at + bytes.len).map(|at| first + at).collect())
    })
}

/// The same input with another kind of chunk.
fn with_chunks<C, D>(input: Input<C>, chunk: impl Fn(StreamId, C) -> D) -> Input<D> {
    match input {
        Input::Chunk(id, bytes) => Input::Chunk(id, chunk(id, bytes)),
        Input::Started => Input::Started,
        Input::Refused => Input::Refused,
        Input::Eof(id) => Input::Eof(id),
        Input::ReadError(id, errno) => Input::ReadError(id, errno),
        Input::Empty(id) => Input::Empty(id),
        Input::Reap { status, standing } => Input::Reap { status, standing },
        Input::Drain => Input::Drain,
        Input::Wait(until) => Input::Wait(until),
        Input::CancelWait(until) => Input::CancelWait(until),
        Input::Signal(signal) => Input::Signal(signal),
        Input::Kill => Input::Kill,
        Input::Discard(id) => Input::Discard(id),
        Input::Detach => Input::Detach,
        Input::Close => Input::Close,
        Input::Shutdown => Input::Shutdown,
        Input::Timeout(timer) => Input::Timeout(timer),
    }
}

/// A history that was explored; its focus says what it is about.
fn explored(
    topic: Topic,
    (streams, policy): (Streams, Policy),
    inputs: &[Input<Bytes>],
    focus: Vec<usize>,
) -> Case {
    let inputs = inputs.iter().map(spelled).collect();
    Case { topic, note: String::new(), rules: Vec::new(), streams, policy, inputs, focus }
}
