//! A child that is no process, on the host of a runner: it writes and ends when it is told to, and
//! its reactor tells the driver of each thing when that is told to.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use lastbyte::{
    Data, Signal, Status, StreamId, Target,
    backend::{Backend, Exit, Read},
    machine::PerStream,
};

use super::log::{Log, Who};
use crate::executor::witness::{Seen, Writer};

/// One thing that a child does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The root writes.
    Write(StreamId, Vec<u8>),
    /// The root ends, and its ends of the pipes close but for those that a descendant holds.
    Exit(Status),
    /// A descendant writes.
    WriteLate(StreamId, Vec<u8>),
    /// The descendants end: their ends of the pipes close.
    LetGo,
}

/// What a reactor tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// A stream can be read, or has ended.
    Readable(StreamId),
    /// The root has ended.
    Exited,
}

/// How a child is.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// A descendant holds this stream open after the root's end.
    pub held: PerStream<bool>,
    /// SIGTERM does not end it.
    pub ignores_term: bool,
}

/// A child and the hand that leads it. Clones are the same one.
#[derive(Clone)]
pub struct Child(Arc<Mutex<State>>);

struct State {
    number: usize,
    log: Log,
    manner: Manner,
    pipes: PerStream<Pipe>,
    status: Option<Status>,
    exit: Told,
    /// The driver has learned of the end.
    reaped: bool,
    /// The driver has let go of everything.
    let_go: bool,
    /// Its host has crashed.
    vanished: bool,
}

#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    closed: bool,
    news: Told,
}

/// Whether the reactor has told of what there is.
#[derive(Default)]
struct Told {
    is: bool,
    waker: Option<Waker>,
}

impl Told {
    /// Something new has happened, and nobody has been told.
    fn not_yet(&mut self) {
        self.is = false;
    }
}

const STREAMS: [StreamId; 2] = [StreamId::Stdout, StreamId::Stderr];

impl Child {
    /// A child that has been started.
    pub fn start(number: usize, manner: Manner, log: Log) -> Self {
        Child(Arc::new(Mutex::new(State {
            number,
            log,
            manner,
            pipes: PerStream::default(),
            status: None,
            exit: Told { is: true, waker: None },
            reaped: false,
            let_go: false,
            vanished: false,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What its driver owns.
    pub fn backend(&self) -> Led {
        Led(self.clone())
    }

    /// It does something. Nobody is told yet.
    pub fn act(&self, act: &Act) {
        self.state().act(act);
    }

    /// What the reactor could tell of now.
    pub fn news(&self) -> Vec<News> {
        let state = self.state();
        let mut news = Vec::new();
        for stream in STREAMS {
            let pipe = &state.pipes[stream];
            if !pipe.news.is && (pipe.closed || !pipe.bytes.is_empty()) {
                news.push(News::Readable(stream));
            }
        }
        if !state.exit.is && state.status.is_some() {
            news.push(News::Exited);
        }
        news
    }

    /// The reactor tells.
    pub fn tell(&self, news: News) {
        let waker = {
            let mut state = self.state();
            let told = match news {
                News::Readable(stream) => &mut state.pipes[stream].news,
                News::Exited => &mut state.exit,
            };
            told.is = true;
            told.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// The reactor tells all there is.
    pub fn tell_all(&self) {
        for news in self.news() {
            self.tell(news);
        }
    }

    /// Its host has crashed: nobody sees any more what it does.
    pub fn vanish(&self) {
        self.state().vanished = true;
    }
}

impl State {
    fn see(&self, seen: Seen) {
        if !self.vanished {
            self.log.note(Who::Child(self.number), seen);
        }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Write(stream, bytes) if self.status.is_none() => {
                self.write(*stream, bytes, Writer::Root);
            }
            Act::WriteLate(stream, bytes) if self.manner.held[*stream] => {
                self.write(*stream, bytes, Writer::Descendant);
            }
            Act::Exit(status) if self.status.is_none() => self.end(*status),
            Act::LetGo => {
                self.manner.held = PerStream::default();
                self.close();
            }
            // It was killed before.
            Act::Write(..) | Act::WriteLate(..) | Act::Exit(_) => {}
        }
    }

    fn write(&mut self, stream: StreamId, bytes: &[u8], writer: Writer) {
        if self.let_go {
            return;
        }
        self.see(Seen::Wrote { stream, bytes: bytes.to_vec().into(), writer });
        let pipe = &mut self.pipes[stream];
        pipe.bytes.extend(bytes);
        pipe.news.not_yet();
    }

    fn end(&mut self, status: Status) {
        self.status = Some(status);
        self.exit.not_yet();
        self.see(Seen::Ended(status));
        self.close();
    }

    /// Closes what nobody holds any more.
    fn close(&mut self) {
        for stream in STREAMS {
            let held = self.manner.held[stream] || self.status.is_none();
            let pipe = &mut self.pipes[stream];
            if !held && !pipe.closed {
                pipe.closed = true;
                pipe.news.not_yet();
            }
        }
    }

    fn read(&mut self, stream: StreamId, max: u64) -> Option<Read> {
        let pipe = &mut self.pipes[stream];
        if pipe.bytes.is_empty() {
            if !pipe.closed {
                return None;
            }
            self.see(Seen::ReadEof { stream });
            return Some(Read::Eof);
        }
        let len = pipe.bytes.len().min(usize::try_from(max).unwrap_or(usize::MAX));
        let bytes: Vec<u8> = pipe.bytes.drain(..len).collect();
        self.see(Seen::Read { stream, bytes: len as u64 });
        Some(Read::Chunk(Data::new(bytes.into())))
    }

    fn exit(&mut self) -> Option<Exit> {
        let status = self.status?;
        self.reaped = true;
        let mut standing = PerStream::default();
        for stream in STREAMS {
            let bytes = self.pipes[stream].bytes.len() as u64;
            standing[stream] = bytes;
            self.see(Seen::Stood { stream, bytes });
        }
        Some(Exit { status, standing })
    }
}

/// The backend that a driver owns.
pub struct Led(Child);

impl Backend for Led {
    fn poll_read(&mut self, cx: &mut Context<'_>, stream: StreamId, max: u64) -> Poll<Read> {
        let mut state = self.0.state();
        if state.pipes[stream].news.is
            && let Some(read) = state.read(stream, max)
        {
            return Poll::Ready(read);
        }
        state.pipes[stream].news.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn try_read(&mut self, stream: StreamId, max: u64) -> Option<Read> {
        self.0.state().read(stream, max)
    }

    fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<Exit> {
        let mut state = self.0.state();
        if state.exit.is
            && let Some(exit) = state.exit()
        {
            return Poll::Ready(exit);
        }
        state.exit.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn try_exit(&mut self) -> Option<Exit> {
        self.0.state().exit()
    }

    fn wait_exit(&mut self, _: Duration) -> Option<Exit> {
        self.0.state().exit()
    }

    fn signal(&mut self, signal: Signal, target: Target) {
        {
            let mut state = self.0.state();
            let reaped = state.reaped && target == Target::Leader;
            // What reaches a group without its leader is no act upon the root.
            if !state.reaped || reaped {
                state.see(Seen::Signalled { reaped });
            }
            if target == Target::Group && signal == Signal::KILL {
                state.manner.held = PerStream::default();
                state.close();
            }
            let dies = signal == Signal::KILL || !state.manner.ignores_term;
            if dies && state.status.is_none() {
                state.end(Status::Signaled { signal, core: false });
            }
        }
        self.0.tell_all();
    }

    fn abandon(&mut self, stream: StreamId) {
        self.0.state().see(Seen::LetGo { stream });
    }
}

impl Drop for Led {
    fn drop(&mut self) {
        self.0.state().let_go = true;
    }
}
