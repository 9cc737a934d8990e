//! *Stock*, step by step: what `stock` is as tasks, this is at the granularity of one atomic step,
//! for the explorer of machines: the exit is announced as soon as the process ends.
//!
//! In a sandbox's C SDK, version 0.9.5, stream pumps, an exit pump and a wait task were separate
//! tasks that pushed to one queue. Nothing made the exit pump or the wait task wait for the stream
//! pumps. 18 to 26 of 50 short commands came back truncated and successful (boxlite-ai/boxlite
//! pull request 563). Node's `exit` event, containerd's `TaskExit` and testcontainers-go 3766 are
//! the same race.
//!
//! It breaks C1 in three steps: start, reap, drain; and C4, for a wait resolves at the reap.

use std::collections::VecDeque;

use lastbyte::{
    machine::{
        Cause, Chunk, End, Event, Illegal, Input, InputKind, PerStream, Policy, Resolved, Status,
        Step, StreamId, StreamReport, Streams, Terminal, Until, Why,
    },
    monitor::Rule,
};

use crate::{bytes::Bytes, design::Design};

/// One queue; whoever has something to say pushes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stock {
    streams: Streams,
    queue: VecDeque<Event<Bytes>>,
    ends: PerStream<Option<End>>,
    delivered: PerStream<u64>,
    status: Option<Status>,
    waiting: Resolved,
}

impl Stock {
    /// The rules it breaks; strictly these.
    pub const BREAKS: &'static [Rule] = &[Rule::C1, Rule::C4];

    fn terminal(&self, status: Status) -> Terminal {
        let mut streams = PerStream::default();
        for &stream in self.streams.ids() {
            streams[stream] = Some(StreamReport {
                stream,
                end: self.ends[stream].unwrap_or(End::Eof),
                delivered: self.delivered[stream],
                dropped: 0,
                held: false,
            });
        }
        Terminal { status, cause: Cause::default(), streams }
    }

    /// The exit pump and the wait task: both wake at the process's end and push at once.
    fn exit(&mut self, status: Status, step: &mut Step<Bytes>) {
        self.status = Some(status);
        self.queue.push_back(Event::Exit(self.terminal(status)));
        step.resolved = std::mem::take(&mut self.waiting);
    }

    fn drain(&mut self, step: &mut Step<Bytes>) {
        step.event = self.queue.pop_front();
        match &mut step.event {
            Some(Event::Chunk { stream, chunk }) => self.delivered[*stream] += chunk.len(),
            // The report is made when it is handed over: this race is not about counting.
            Some(Event::Exit(terminal)) => *terminal = self.terminal(terminal.status),
            Some(Event::Gap { .. } | Event::End { .. }) | None => {}
        }
    }

    fn wait(&mut self, until: Until, step: &mut Step<Bytes>) {
        let waiting = match until {
            Until::Exited => &mut self.waiting.exited,
            Until::Terminal => &mut self.waiting.terminal,
        };
        *waiting += 1;
        if self.status.is_some() {
            step.resolved = std::mem::take(&mut self.waiting);
        }
    }
}

impl Design for Stock {
    fn start(streams: Streams, _: Policy) -> Self {
        Stock {
            streams,
            queue: VecDeque::new(),
            ends: PerStream::default(),
            delivered: PerStream::default(),
            status: None,
            waiting: Resolved::default(),
        }
    }

    fn step(&mut self, input: Input<Bytes>) -> Result<Step<Bytes>, Illegal> {
        let mut step = Step::default();
        match input {
            Input::Started | Input::Empty(_) => {}
            Input::Chunk(stream, chunk) => self.queue.push_back(Event::Chunk { stream, chunk }),
            Input::Eof(stream) => {
                self.ends[stream] = Some(End::Eof);
                self.queue.push_back(Event::End { stream, end: End::Eof });
            }
            Input::Reap { status, .. } => self.exit(status, &mut step),
            Input::Drain => self.drain(&mut step),
            Input::Wait(until) => self.wait(until, &mut step),
            // It is explored in a world where nothing else happens.
            Input::Refused
            | Input::ReadError(..)
            | Input::CancelWait(_)
            | Input::Signal(_)
            | Input::Kill
            | Input::Discard(_)
            | Input::Detach
            | Input::Close
            | Input::Shutdown
            | Input::Timeout(_) => {
                return Err(Illegal { input: InputKind::Close, why: Why::NoConsumer });
            }
        }
        step.ready = self.has_event();
        Ok(step)
    }

    fn room(&self, _: StreamId) -> u64 {
        u64::MAX
    }

    fn has_event(&self) -> bool {
        !self.queue.is_empty()
    }
}
