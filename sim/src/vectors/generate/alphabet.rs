//! What can be said to a machine within small bounds, whether or not an honest driver would.

use lastbyte::machine::{
    Errno, Input, Machine, PerStream, Signal, Status, StreamId, Streams, Timer, Until,
};

use crate::bytes::Bytes;

/// What may still be said of that which is counted. Together with the machine it is a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    read: PerStream<u8>,
    chunks_max: u8,
    waits: [u8; 2],
    /// Requests that were made; at most `requests_max` in a history.
    requests: u8,
    requests_max: u8,
}

/// How far a machine is explored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Bytes of each stream.
    pub(super) chunks: u8,
    /// Waits of each kind.
    pub(super) waits: u8,
    /// Of signal, kill, discard, detach, close and shutdown, so many in one history.
    pub(super) requests: u8,
}

impl Budget {
    pub(super) fn new(extent: Extent) -> Self {
        Budget {
            read: PerStream::default(),
            chunks_max: extent.chunks,
            waits: [extent.waits; 2],
            requests: 0,
            requests_max: extent.requests,
        }
    }

    /// Everything that may be said now.
    pub(super) fn inputs(&self, streams: Streams) -> Vec<Input<Bytes>> {
        let mut inputs = vec![Input::Started, Input::Refused];
        for &id in streams.ids() {
            let left = self.chunks_max - self.read[id];
            inputs.extend((1..=left).map(|len| Input::Chunk(id, Bytes { at: self.read[id], len })));
            inputs.extend([Input::Eof(id), Input::ReadError(id, Errno(5)), Input::Empty(id)]);
        }
        let status = Status::Exited { code: 0 };
        inputs.push(Input::Reap { status, standing: PerStream::default() });
        if !streams.ids().is_empty() {
            inputs.push(Input::Reap { status, standing: PerStream::from_fn(|_| 1) });
        }
        inputs.push(Input::Drain);
        for until in [Until::Exited, Until::Terminal] {
            if self.waits[until as usize] > 0 {
                inputs.push(Input::Wait(until));
            }
            inputs.push(Input::CancelWait(until));
        }
        if self.requests < self.requests_max {
            inputs.extend([Input::Signal(Signal::INT), Input::Kill, Input::Detach]);
            inputs.extend([Input::Close, Input::Shutdown]);
            inputs.extend(streams.ids().iter().map(|&id| Input::Discard(id)));
        }
        inputs.extend(Timer::all(streams).map(Input::Timeout));
        inputs
    }

    /// Takes note of what was said.
    pub(super) fn spend(&mut self, input: &Input<Bytes>) {
        match input {
            Input::Chunk(id, bytes) => self.read[*id] += bytes.len,
            Input::Wait(until) => self.waits[*until as usize] -= 1,
            Input::Signal(_)
            | Input::Kill
            | Input::Discard(_)
            | Input::Detach
            | Input::Close
            | Input::Shutdown => self.requests += 1,
            Input::Started
            | Input::Refused
            | Input::Eof(_)
            | Input::ReadError(..)
            | Input::Empty(_)
            | Input::Reap { .. }
            | Input::Drain
            | Input::CancelWait(_)
            | Input::Timeout(_) => {}
        }
    }
}

/// All that can be said although it may be illegal, beside what [`Budget::inputs`] has.
pub(super) fn illegal(machine: &Machine<Bytes>) -> Vec<Input<Bytes>> {
    let streams = machine.streams();
    let forced = Input::Reap { status: Status::Forced, standing: PerStream::default() };
    let mut inputs = vec![forced];
    for id in StreamId::ALL {
        if streams.contains(id) {
            inputs.push(Input::Chunk(id, Bytes { at: 0, len: 0 }));
        } else {
            inputs.extend([Input::Chunk(id, Bytes::nth(1)), Input::Eof(id), Input::Empty(id)]);
            inputs.extend([Input::ReadError(id, Errno(5)), Input::Discard(id)]);
            inputs.extend([Timer::Idle(id), Timer::Deadline(id)].map(Input::Timeout));
        }
    }
    inputs
}

/// Leads a machine to its end, so that what it remembers comes to light; with somebody who waits
/// for it, or not.
pub(super) fn epilogue(machine: &mut Machine<Bytes>, waits: bool) -> Vec<Input<Bytes>> {
    let mut said = Vec::new();
    let mut say = |machine: &mut Machine<Bytes>, input: Input<Bytes>| {
        let legal = machine.step(input.clone()).is_ok();
        if legal {
            said.push(input);
        }
        legal
    };
    say(machine, Input::Started);
    for &id in machine.streams().ids() {
        if machine.is_open(id) {
            say(machine, Input::Eof(id));
        }
    }
    if machine.status().is_none() {
        let status = Status::Exited { code: 0 };
        say(machine, Input::Reap { status, standing: PerStream::default() });
    }
    if waits && !machine.is_refused() {
        say(machine, Input::Wait(Until::Terminal));
    }
    while machine.has_event() {
        say(machine, Input::Drain);
    }
    said
}
