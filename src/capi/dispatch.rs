//! What is to be called next for one execution: who is registered, and what he has not had.
//!
//! Events of a stream that nobody has registered for are held, up to the bound of the buffer
//! policy, so that whoever registers late gets every byte from the first. Beyond it the stream is
//! thrown away and says so: a stream that nobody takes holds up neither the child nor the others
//! (C15). The terminal is settled once, for whoever asks first, and is the same for all (C4); what
//! is still held then was not delivered.

use std::{
    collections::VecDeque,
    ffi::c_void,
    pin::Pin,
    ptr,
    task::{Context, Poll},
    thread::ThreadId,
};

use super::{
    boundary::{INVALID_ARGUMENT, INVALID_STATE, Refusal, STOPPED},
    event::{lastbyte_event, lastbyte_stdin_report},
    execution::lastbyte_execution,
    status::lastbyte_status,
    step::lastbyte_event_kind,
    stream::number_of,
    terminal::{lastbyte_end, lastbyte_terminal},
};
use crate::{
    Data, Event,
    machine::{BufferPolicy, End, Input, PerStream, Status, StreamId, Streams, Terminal},
    ordering::{Core, Exited, Wait},
};

/// The address that a callback is called with: the caller's, and never looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct UserData(usize);

impl UserData {
    pub(super) fn of(pointer: *mut c_void) -> Self {
        UserData(pointer.expose_provenance())
    }

    fn pointer(self) -> *mut c_void {
        ptr::with_exposed_provenance_mut(self.0)
    }
}

type Function<T> = unsafe extern "C-unwind" fn(*mut c_void, *mut lastbyte_execution, *const T);

/// A callback, called with a `T`.
pub(super) struct Sink<T> {
    function: Function<T>,
    userdata: UserData,
}

impl<T> Clone for Sink<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Sink<T> {}

impl<T> Sink<T> {
    pub(super) fn new(
        function: Option<Function<T>>,
        userdata: *mut c_void,
    ) -> Result<Self, Refusal> {
        let function = function.ok_or(INVALID_ARGUMENT)?;
        Ok(Sink { function, userdata: UserData::of(userdata) })
    }

    #[expect(unsafe_code, reason = "calls the caller's function")]
    fn call(self, execution: *mut lastbyte_execution, with: &T) {
        // SAFETY: whoever registered it said that it can be called so, on the draining thread,
        // until the execution is freed; what it is called with lives until it returns.
        unsafe { (self.function)(self.userdata.pointer(), execution, ptr::from_ref(with)) }
    }
}

/// One call that is due.
pub(super) enum Call {
    Output(Sink<lastbyte_event>, Event),
    Terminal(Sink<lastbyte_terminal>, Terminal),
    Status(Sink<lastbyte_status>, Status),
    Stdin(Sink<lastbyte_stdin_report>, lastbyte_stdin_report),
}

impl Call {
    pub(super) fn make(self, execution: *mut lastbyte_execution) {
        match self {
            Call::Output(sink, event) => {
                if let Some(told) = told(&event) {
                    sink.call(execution, &told);
                }
            }
            Call::Terminal(sink, terminal) => {
                sink.call(execution, &lastbyte_terminal::of(&terminal));
            }
            Call::Status(sink, status) => sink.call(execution, &lastbyte_status::of(status)),
            Call::Stdin(sink, report) => sink.call(execution, &report),
        }
    }
}

/// An event of a stream as C has it; its bytes are those of `event`.
fn told(event: &Event) -> Option<lastbyte_event> {
    let of = |kind: lastbyte_event_kind, stream| lastbyte_event {
        kind: kind as u32,
        stream: number_of(stream),
        bytes: ptr::null(),
        length: 0,
        read_at_ns: 0,
        gap_bytes: 0,
        end: lastbyte_end::default(),
    };
    match event {
        Event::Chunk { stream, chunk } => Some(lastbyte_event {
            bytes: chunk.as_ptr(),
            length: chunk.len(),
            read_at_ns: chunk.at().map_or(0, |at| u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)),
            ..of(lastbyte_event_kind::Chunk, *stream)
        }),
        Event::Gap { stream, bytes } => {
            Some(lastbyte_event { gap_bytes: *bytes, ..of(lastbyte_event_kind::Gap, *stream) })
        }
        Event::End { stream, end } => Some(lastbyte_event {
            end: lastbyte_end::of(*end),
            ..of(lastbyte_event_kind::End, *stream)
        }),
        Event::Exit(_) => None,
    }
}

/// One stream's callback, and what is held for whoever registers.
#[derive(Default)]
struct Lane {
    sink: Option<Sink<lastbyte_event>>,
    held: VecDeque<Event>,
    bytes: u64,
    chunks: u32,
    /// Bytes that the core has handed over and that nobody gets.
    lost: u64,
}

impl Lane {
    /// Holds an event for whoever registers late. Says whether it went over the bound.
    fn hold(&mut self, event: Event, bound: BufferPolicy) -> bool {
        match event {
            Event::Chunk { stream, chunk } => {
                let len = chunk.len() as u64;
                if self.bytes + len > bound.bytes_max || self.chunks == bound.chunks_max {
                    self.lost += len;
                    self.hold_gap(stream, len);
                    return true;
                }
                self.bytes += len;
                self.chunks += 1;
                self.held.push_back(Event::Chunk { stream, chunk });
            }
            Event::Gap { stream, bytes } => self.hold_gap(stream, bytes),
            end @ Event::End { .. } => self.held.push_back(end),
            Event::Exit(_) => {}
        }
        false
    }

    fn hold_gap(&mut self, stream: StreamId, more: u64) {
        match self.held.back_mut() {
            Some(Event::Gap { bytes, .. }) => *bytes += more,
            _ => self.held.push_back(Event::Gap { stream, bytes: more }),
        }
    }

    fn release(&mut self) -> Option<Event> {
        let event = self.held.pop_front()?;
        if let Event::Chunk { chunk, .. } = &event {
            self.bytes -= chunk.len() as u64;
            self.chunks -= 1;
        }
        Some(event)
    }

    /// Nobody will take what is held.
    fn lose(&mut self, stream: StreamId) {
        let mut gap = 0;
        let mut end = None;
        for event in self.held.drain(..) {
            match event {
                Event::Chunk { chunk, .. } => gap += chunk.len() as u64,
                Event::Gap { bytes, .. } => gap += bytes,
                Event::End { .. } => end = Some(event),
                Event::Exit(_) => {}
            }
        }
        self.lost += self.bytes;
        (self.bytes, self.chunks) = (0, 0);
        if gap > 0 {
            self.held.push_back(Event::Gap { stream, bytes: gap });
        }
        self.held.extend(end);
    }
}

/// Who is registered, and what he has not had.
pub(super) struct Dispatch {
    streams: Streams,
    bound: BufferPolicy,
    lanes: PerStream<Lane>,
    exit: Option<Sink<lastbyte_terminal>>,
    exit_is_told: bool,
    waits: VecDeque<Sink<lastbyte_terminal>>,
    exited: Option<Wait<Data, Exited>>,
    exited_sinks: VecDeque<Sink<lastbyte_status>>,
    stdin: Option<Sink<lastbyte_stdin_report>>,
    stdin_due: Option<lastbyte_stdin_report>,
    /// The terminal, as the core has it.
    arrived: Option<Terminal>,
    /// The terminal, as everybody is told it.
    settled: Option<Terminal>,
    /// How many threads block for the terminal.
    pub(super) blocked: u32,
    /// Who is in a callback now.
    pub(super) running: Option<ThreadId>,
    pub(super) freed: bool,
}

impl Dispatch {
    pub(super) fn new(streams: Streams, bound: BufferPolicy) -> Self {
        Dispatch {
            streams,
            bound,
            lanes: PerStream::from_fn(|_| Lane::default()),
            exit: None,
            exit_is_told: false,
            waits: VecDeque::new(),
            exited: None,
            exited_sinks: VecDeque::new(),
            stdin: None,
            stdin_due: None,
            arrived: None,
            settled: None,
            blocked: 0,
            running: None,
            freed: false,
        }
    }

    // Who registers.

    pub(super) fn claim(
        &mut self,
        stream: StreamId,
        sink: Sink<lastbyte_event>,
    ) -> Result<(), Refusal> {
        let lane = self.lane(stream)?;
        if lane.sink.is_some() {
            return Err(INVALID_STATE);
        }
        lane.sink = Some(sink);
        Ok(())
    }

    /// Nobody will take this stream.
    pub(super) fn discard(&mut self, stream: StreamId, core: &Core<Data>) -> Result<(), Refusal> {
        let lane = self.lane(stream)?;
        if lane.sink.is_none() {
            lane.lose(stream);
        }
        // Refused when its terminal has been delivered: there is nothing left to throw away.
        let _discarded = core.step(Input::Discard(stream));
        Ok(())
    }

    fn lane(&mut self, stream: StreamId) -> Result<&mut Lane, Refusal> {
        if !self.streams.contains(stream) {
            return Err(INVALID_ARGUMENT);
        }
        if self.settled.is_some() {
            return Err(STOPPED);
        }
        Ok(&mut self.lanes[stream])
    }

    pub(super) fn on_exit(&mut self, sink: Sink<lastbyte_terminal>) -> Result<(), Refusal> {
        if self.exit.is_some() || self.exit_is_told {
            return Err(INVALID_STATE);
        }
        self.exit = Some(sink);
        Ok(())
    }

    pub(super) fn on_wait(&mut self, sink: Sink<lastbyte_terminal>) {
        self.waits.push_back(sink);
    }

    pub(super) fn on_exited(&mut self, sink: Sink<lastbyte_status>, core: &Core<Data>) {
        self.exited.get_or_insert_with(|| core.exited());
        self.exited_sinks.push_back(sink);
    }

    pub(super) fn on_stdin(&mut self, sink: Sink<lastbyte_stdin_report>) -> Result<(), Refusal> {
        if self.stdin.is_some() {
            return Err(INVALID_STATE);
        }
        self.stdin = Some(sink);
        Ok(())
    }

    pub(super) fn tell_stdin(&mut self, report: lastbyte_stdin_report) {
        self.stdin_due = Some(report);
    }

    /// Whether an event may have to be taken by a callback.
    pub(super) fn has_sinks(&self) -> bool {
        self.exit.is_some() || self.lanes.iter().any(|lane| lane.sink.is_some())
    }

    /// Nobody is called any more.
    pub(super) fn forget(&mut self) {
        self.freed = true;
        for &id in self.streams.ids() {
            self.lanes[id].sink = None;
        }
        (self.exit, self.exited, self.stdin) = (None, None, None);
        self.waits.clear();
        self.exited_sinks.clear();
    }

    // Who is called.

    /// The next call that is due. Takes from the core what there is, and has the task of `cx` woken
    /// when there is more.
    pub(super) fn next(&mut self, core: &Core<Data>, cx: &mut Context<'_>) -> Option<Call> {
        if self.freed {
            return None;
        }
        let beside = self.late_call().or_else(|| self.status_call(cx)).or_else(|| {
            let report = self.stdin_due.take_if(|_| self.stdin.is_some())?;
            self.stdin.map(|sink| Call::Stdin(sink, report))
        });
        beside.or_else(|| self.output_call(core, cx)).or_else(|| self.terminal_call())
    }

    /// Takes from the core what there is for somebody who blocks, while there is nobody to call.
    pub(super) fn take_in(&mut self, core: &Core<Data>, cx: &mut Context<'_>) {
        if self.freed || self.has_sinks() {
            return;
        }
        // Without a sink everything is held, up to the terminal.
        if self.output_call(core, cx).is_none() {
            self.settle();
        }
    }

    /// Takes from the core up to an event that somebody is called for, or the terminal.
    fn output_call(&mut self, core: &Core<Data>, cx: &mut Context<'_>) -> Option<Call> {
        while self.arrived.is_none() {
            match core.poll_event(cx) {
                Poll::Pending => return None,
                Poll::Ready(Some(Event::Exit(terminal))) => self.arrived = Some(terminal),
                Poll::Ready(Some(event)) => {
                    if let Some(call) = self.route(event, core) {
                        return Some(call);
                    }
                }
                Poll::Ready(None) => self.arrived = Some(core.terminal()?),
            }
        }
        None
    }

    /// What was held for a callback that is there now.
    fn late_call(&mut self) -> Option<Call> {
        self.lanes.iter_mut().find_map(|lane| {
            let sink = lane.sink.filter(|_| !lane.held.is_empty())?;
            lane.release().map(|event| Call::Output(sink, event))
        })
    }

    fn status_call(&mut self, cx: &mut Context<'_>) -> Option<Call> {
        if self.exited_sinks.is_empty() {
            return None;
        }
        let Poll::Ready(status) = Pin::new(self.exited.as_mut()?).poll(cx) else { return None };
        self.exited_sinks.pop_front().zip(status).map(|(sink, status)| Call::Status(sink, status))
    }

    fn route(&mut self, event: Event, core: &Core<Data>) -> Option<Call> {
        let (Event::Chunk { stream, .. } | Event::Gap { stream, .. } | Event::End { stream, .. }) =
            event
        else {
            return None;
        };
        let lane = &mut self.lanes[stream];
        if let Some(sink) = lane.sink {
            return Some(Call::Output(sink, event));
        }
        if lane.hold(event, self.bound) {
            let _discarded = core.step(Input::Discard(stream));
        }
        None
    }

    fn terminal_call(&mut self) -> Option<Call> {
        if self.exit.is_some() || !self.waits.is_empty() || self.blocked > 0 {
            self.settle();
        }
        let terminal = self.settled?;
        if let Some(sink) = self.exit.take() {
            self.exit_is_told = true;
            return Some(Call::Terminal(sink, terminal));
        }
        self.waits.pop_front().map(|sink| Call::Terminal(sink, terminal))
    }

    // The terminal.

    /// As everybody is told it, if anybody was.
    pub(super) fn settled(&self) -> Option<Terminal> {
        self.settled
    }

    /// The terminal of a free: the one that was told, or else that of the core.
    pub(super) fn settle_with(&mut self, terminal: Option<Terminal>) -> Option<Terminal> {
        self.arrived = self.arrived.or(terminal);
        self.settle();
        self.settled
    }

    /// Fixes the terminal. What is held was not delivered.
    fn settle(&mut self) {
        let Some(mut terminal) = self.arrived.filter(|_| self.settled.is_none()) else { return };
        for &id in self.streams.ids() {
            let lane = &mut self.lanes[id];
            lane.lose(id);
            lane.held.clear();
            if let Some(report) = &mut terminal.streams[id] {
                report.delivered -= lane.lost;
                report.dropped += lane.lost;
                if lane.lost > 0 && report.end == End::Eof {
                    report.end = End::Discarded;
                }
            }
        }
        self.settled = Some(terminal);
    }
}
