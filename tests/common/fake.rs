//! A child that is no process: it does what a test says, when the test says so.
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test file is a program of its own and uses a part of this"
)]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use lastbyte::{
    Data, Execution, Policy, Signal, Status, StreamId, Streams, Target,
    backend::{Backend, Exit, Read},
    machine::PerStream,
};

pub(crate) const OUT: StreamId = StreamId::Stdout;
pub(crate) const ZERO: Status = Status::Exited { code: 0 };

/// A backend and the hand that leads it.
#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<Mutex<Script>>);

#[derive(Default)]
pub(crate) struct Script {
    pub(crate) pipes: PerStream<Pipe>,
    pub(crate) status: Option<Status>,
    pub(crate) signals: Vec<(Signal, Target)>,
    /// How many of them came before the root had ended, whether that was known or not.
    pub(crate) signals_in_life: usize,
    /// The reactor has not told yet what has already happened.
    pub(crate) reactor_is_late: bool,
    /// The driver has let go of everything.
    pub(crate) dropped: bool,
    /// The driver has been told of the exit.
    told: bool,
    /// What the driver did that no backend expects.
    pub(crate) broken: Option<&'static str>,
    /// Whoever waits for the exit, and for nothing else.
    waker: Option<Waker>,
}

/// One stream of the child.
#[derive(Default)]
pub(crate) struct Pipe {
    pub(crate) bytes: VecDeque<u8>,
    pub(crate) end: Option<Read>,
    pub(crate) abandoned: bool,
    /// Bytes that the driver has read.
    pub(crate) read: u64,
    /// The most bytes that one read returns; 0: no bound.
    pub(crate) split: usize,
    /// The driver has been told of the end.
    pub(crate) ended: bool,
    waker: Option<Waker>,
}

impl Pipe {
    fn read(&mut self, max: u64) -> Option<Read> {
        if self.bytes.is_empty() {
            self.ended = self.end.is_some();
            return self.end.clone();
        }
        let split = if self.split == 0 { usize::MAX } else { self.split };
        let len = self.bytes.len().min(usize::try_from(max).unwrap_or(usize::MAX)).min(split);
        let bytes: Vec<u8> = self.bytes.drain(..len).collect();
        self.read += len as u64;
        Some(Read::Chunk(Data::new(bytes.into())))
    }

    /// What is wrong with a read that the driver makes now.
    fn refuses(&self, max: u64) -> Option<&'static str> {
        match () {
            () if self.abandoned => Some("it read what it had let go of"),
            () if self.ended => Some("it read on after the end"),
            () if max == 0 => Some("it read without room"),
            () => None,
        }
    }
}

impl Script {
    /// Whoever is owed a look. As a real reactor, it tells only whom it was asked by, once.
    fn due(&mut self) -> Vec<Waker> {
        if self.reactor_is_late {
            return Vec::new();
        }
        let exited = self.status.is_some();
        let exit = self.waker.take_if(|_| exited);
        let readable = self.pipes.iter_mut().filter_map(|pipe| {
            let ready = !pipe.bytes.is_empty() || pipe.end.is_some();
            pipe.waker.take_if(|_| ready)
        });
        exit.into_iter().chain(readable).collect()
    }
}

impl Fake {
    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Script)) {
        let due = {
            let mut script = self.script();
            change(&mut script);
            script.due()
        };
        due.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn write(&self, bytes: &[u8]) {
        self.write_to(OUT, bytes);
    }

    pub(crate) fn write_to(&self, stream: StreamId, bytes: &[u8]) {
        self.change(|script| script.pipes[stream].bytes.extend(bytes));
    }

    pub(crate) fn exit(&self, status: Status) {
        self.change(|script| script.status = Some(status));
    }

    /// Nobody holds stdout any more.
    pub(crate) fn close_pipe(&self) {
        self.end(OUT, Read::Eof);
    }

    pub(crate) fn end(&self, stream: StreamId, end: Read) {
        self.change(|script| script.pipes[stream].end = Some(end));
    }

    pub(crate) fn signals(&self) -> Vec<(Signal, Target)> {
        self.script().signals.clone()
    }

    /// An execution with stdout alone.
    pub(crate) fn start(&self, policy: Policy) -> Execution {
        self.start_with(Streams::Stdout, policy)
    }

    pub(crate) fn start_with(&self, streams: Streams, policy: Policy) -> Execution {
        Execution::on_backend(self.backend(), streams, policy)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// What the driver owns: when it is dropped, the child is let go of.
    pub(crate) fn backend(&self) -> Led {
        Led(self.clone())
    }
}

/// The backend that a driver owns.
pub(crate) struct Led(Fake);

impl Backend for Led {
    fn poll_read(&mut self, cx: &mut Context<'_>, stream: StreamId, max: u64) -> Poll<Read> {
        let mut script = self.0.script();
        let late = script.reactor_is_late;
        script.broken = script.broken.or(script.pipes[stream].refuses(max));
        let pipe = &mut script.pipes[stream];
        pipe.waker = None;
        if !late && let Some(read) = pipe.read(max) {
            return Poll::Ready(read);
        }
        pipe.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn try_read(&mut self, stream: StreamId, max: u64) -> Option<Read> {
        let mut script = self.0.script();
        script.broken = script.broken.or(script.pipes[stream].refuses(max));
        script.pipes[stream].read(max)
    }

    fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<Exit> {
        if !self.0.script().reactor_is_late
            && let Some(exit) = self.try_exit()
        {
            return Poll::Ready(exit);
        }
        self.0.script().waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn try_exit(&mut self) -> Option<Exit> {
        let mut script = self.0.script();
        if script.told {
            script.broken = Some("it asked for the exit again");
        }
        script.told = script.status.is_some();
        let mut standing = PerStream::default();
        for id in [StreamId::Stdout, StreamId::Stderr] {
            standing[id] = script.pipes[id].bytes.len() as u64;
        }
        script.status.map(|status| Exit { status, standing })
    }

    fn wait_exit(&mut self, _: Duration) -> Option<Exit> {
        self.try_exit()
    }

    fn signal(&mut self, signal: Signal, target: Target) {
        let mut script = self.0.script();
        if script.told && target == Target::Leader {
            script.broken = Some("it signalled a root that has been reaped");
        }
        script.signals_in_life += usize::from(script.status.is_none());
        script.signals.push((signal, target));
    }

    fn abandon(&mut self, stream: StreamId) {
        self.0.script().pipes[stream].abandoned = true;
    }
}

impl Drop for Led {
    fn drop(&mut self) {
        self.0.script().dropped = true;
    }
}
