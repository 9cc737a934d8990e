//! A trace of executions: what happened to each, as JSON lines that a checker holds against the
//! contract. `docs/traces.md` has the schema.
//!
//! A [`Recorder`] is told each step of the executions that [`Command::record`] gives it, in the
//! order in which the core makes them, and writes what it says. It changes nothing.
//!
//! [`Command::record`]: crate::Command::record

mod json;
#[cfg(feature = "tracing")]
mod layer;

use std::{
    fmt,
    io::{self, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

#[cfg(feature = "tracing")]
pub use layer::Layer;

use crate::{
    Data,
    machine::{
        Event, Full, Input, Policy, PumpAction, Signal, Status, Step, Streams, Target, Timer, Until,
    },
    ordering::Observe,
};
use json::Object;

/// Where traces go. Clones are the same trace.
///
/// Lines are written while the execution makes its step, so a slow writer slows it down: give a
/// buffered one, and [`flush`](Recorder::flush) at the end.
#[derive(Clone)]
pub struct Recorder {
    shared: Arc<Shared>,
    payload: Payload,
}

/// What a trace keeps of the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payload {
    /// All of them: the trace is as large as the output, and says what was in it. The default.
    #[default]
    Data,
    /// How many there were.
    Length,
}

struct Shared {
    sink: Mutex<Sink>,
    executions: AtomicU64,
}

enum Sink {
    Writer {
        to: Box<dyn Write + Send>,
        /// The first failure; nothing is written after it.
        failed: Option<io::Error>,
    },
    #[cfg(feature = "tracing")]
    Tracing,
}

impl Recorder {
    /// A trace that is written here.
    pub fn new(to: impl Write + Send + 'static) -> Self {
        Recorder::to(Sink::Writer { to: Box::new(to), failed: None })
    }

    /// A trace in the events of `tracing`: target `lastbyte::trace`, level TRACE, and the line as the
    /// field `line`. [`Layer`] writes it from there.
    #[cfg(feature = "tracing")]
    pub fn tracing() -> Self {
        Recorder::to(Sink::Tracing)
    }

    fn to(sink: Sink) -> Self {
        let shared = Shared { sink: Mutex::new(sink), executions: AtomicU64::new(0) };
        Recorder { shared: Arc::new(shared), payload: Payload::Data }
    }

    /// The same trace; of executions that are given this recorder it keeps so much.
    #[must_use]
    pub fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }

    /// Writes what is buffered.
    ///
    /// # Errors
    ///
    /// The first failure of all writes so far. After one nothing more was written: what came later
    /// would follow a hole.
    pub fn flush(&self) -> io::Result<()> {
        match &mut *self.shared.sink.lock().unwrap_or_else(PoisonError::into_inner) {
            Sink::Writer { to, failed } => match failed.take() {
                Some(error) => {
                    *failed = Some(io::Error::other("the trace has a hole: a write had failed"));
                    Err(error)
                }
                None => to.flush(),
            },
            #[cfg(feature = "tracing")]
            Sink::Tracing => Ok(()),
        }
    }

    /// Whoever tells it of an execution that is about to start.
    pub(crate) fn begin(
        &self,
        streams: Streams,
        policy: Policy,
        pid: Option<u32>,
    ) -> Box<dyn Observe<Data>> {
        Box::new(Scribe {
            number: self.shared.executions.fetch_add(1, Ordering::Relaxed) + 1,
            recorder: self.clone(),
            streams,
            policy,
            pid,
            status: None,
            close: Close::None,
            is_over: false,
            lines: Vec::new(),
        })
    }

    /// An execution that was refused its start.
    pub(crate) fn refused(&self) {
        let number = self.shared.executions.fetch_add(1, Ordering::Relaxed) + 1;
        let mut lines = Vec::new();
        Object::begin(&mut lines, number, "refused").end();
        self.shared.write(&lines);
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("payload", &self.payload).finish_non_exhaustive()
    }
}

impl Shared {
    /// Lines of one step stay together.
    fn write(&self, lines: &[u8]) {
        match &mut *self.sink.lock().unwrap_or_else(PoisonError::into_inner) {
            Sink::Writer { to, failed } => {
                if failed.is_none() {
                    *failed = to.write_all(lines).err();
                }
            }
            #[cfg(feature = "tracing")]
            Sink::Tracing => layer::emit(lines),
        }
    }
}

/// Tells one execution.
struct Scribe {
    number: u64,
    recorder: Recorder,
    streams: Streams,
    policy: Policy,
    pid: Option<u32>,
    status: Option<Status>,
    close: Close,
    /// The terminal was delivered.
    is_over: bool,
    /// Used again for each step.
    lines: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Close {
    None,
    Asked,
    Returned,
}

impl Observe<Data> for Scribe {
    fn observe(&mut self, input: &Input<Data>, step: &Step<Data>) {
        self.lines.clear();
        let was_reaped = self.status.is_some();
        self.input(input);
        for signal in step.actions.signals().iter() {
            self.signal(signal, was_reaped || matches!(input, Input::Reap { .. }));
        }
        for &id in self.streams.ids() {
            if let Some(PumpAction::Abandon) = step.actions.pump(id) {
                self.line("let_go").text("stream", id.name()).end();
            }
        }
        if let Some(event) = &step.event {
            self.event(event);
        }
        for until in [Until::Exited, Until::Terminal] {
            for _ in 0..step.resolved.of(until) {
                self.resolved(until);
            }
        }
        if self.close == Close::Asked && self.status.is_some() {
            self.close = Close::Returned;
            self.line("closed").end();
        }
        if !self.lines.is_empty() {
            self.recorder.shared.write(&self.lines);
        }
    }
}

impl Scribe {
    fn line(&mut self, event: &str) -> Object<'_> {
        Object::begin(&mut self.lines, self.number, event)
    }

    fn input(&mut self, input: &Input<Data>) {
        match input {
            Input::Started => self.spawn(),
            Input::Refused => self.line("refused").end(),
            Input::Chunk(id, chunk) => {
                let payload = self.recorder.payload;
                self.line("read").text("stream", id.name()).bytes(chunk, payload).end();
            }
            Input::Eof(id) => self.line("read_eof").text("stream", id.name()).end(),
            Input::ReadError(id, errno) => {
                let line = self.line("read_error").text("stream", id.name());
                line.number("errno", errno.0).end();
            }
            Input::Reap { status, standing } => {
                self.status = Some(*status);
                let ids = self.streams.ids();
                let mut line = self.line("reap").status(*status);
                // The buffers of a pty may hold less than they could.
                if !matches!(ids, [crate::StreamId::Pty]) {
                    line = line.standing(ids.iter().map(|&id| (id.name(), standing[id])));
                }
                line.end();
            }
            Input::Wait(until) => self.line("wait").until(*until).end(),
            Input::CancelWait(until) => self.line("cancel_wait").until(*until).end(),
            Input::Kill => self.line("kill").end(),
            Input::Discard(id) => self.line("discard").text("stream", id.name()).end(),
            Input::Detach => self.line("detach").end(),
            // The drop of an execution that is over closes nothing.
            Input::Close if self.is_over => {}
            Input::Close => {
                self.line("close").end();
                if self.close == Close::None {
                    self.close = Close::Asked;
                }
            }
            Input::Shutdown => self.line("shutdown").end(),
            Input::Timeout(Timer::Close | Timer::Shutdown) => {
                self.status = self.status.or(Some(Status::Forced));
            }
            // A signal that was asked for is told when it is sent.
            Input::Timeout(
                Timer::Timeout | Timer::Grace | Timer::Stall | Timer::Idle(_) | Timer::Deadline(_),
            )
            | Input::Signal(_)
            | Input::Empty(_)
            | Input::Drain => {}
        }
    }

    fn spawn(&mut self) {
        let (pid, policy, streams) = (self.pid, self.policy, self.streams);
        let mut line = self.line("spawn");
        if let Some(pid) = pid {
            line = line.number("pid", pid);
        }
        line = line.names("outputs", streams.ids().iter().map(|id| id.name()));
        // Where something may be dropped, what was read and not delivered is no buffer.
        if policy.limit.is_none() && !matches!(policy.buffer.full, Full::Gap) {
            line = line.number("buffer_bytes_max", policy.buffer.bytes_max);
        }
        line.end();
    }

    fn signal(&mut self, signal: Signal, is_reaped: bool) {
        let target = if is_reaped { Target::Group } else { self.policy.kill.target };
        let target = match target {
            Target::Group => "group",
            Target::Leader => "leader",
        };
        self.line("signal").number("signal", signal.number()).text("target", target).end();
    }

    fn event(&mut self, event: &Event<Data>) {
        match event {
            Event::Chunk { stream, chunk } => {
                let payload = self.recorder.payload;
                self.line("chunk").text("stream", stream.name()).bytes(chunk, payload).end();
            }
            Event::Gap { stream, bytes } => {
                self.line("gap").text("stream", stream.name()).number("bytes", *bytes).end();
            }
            Event::End { stream, end } => {
                self.line("end").text("stream", stream.name()).stream_end(*end).end();
            }
            Event::Exit(terminal) => {
                self.is_over = true;
                self.line("exit").terminal(terminal).end();
            }
        }
    }

    fn resolved(&mut self, until: Until) {
        if let Some(status) = self.status {
            self.line("resolved").until(until).status(status).end();
        }
    }
}
