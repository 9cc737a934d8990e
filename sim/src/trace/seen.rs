//! From what a trace says of one execution to what a [`Witness`] sees of it.
//!
//! The witness judges; here stand only the order of lines that no witness is shown (a read after an
//! end, a second reap) and what a trace leaves out.

use std::borrow::Cow;

use lastbyte::{
    Data, Event,
    machine::{End, PerStream, Status, StreamId, Terminal, Until},
    monitor::{Broken, Rule},
};

use super::line::{Payload, What};
use crate::executor::witness::{Quiet, Seen, Witness, Writer};

/// One execution of a trace.
#[derive(Debug, Default)]
pub(super) struct Execution {
    witness: Witness,
    phase: Phase,
    recorded: Recorded,
    payload: Option<Kept>,
    lanes: PerStream<Lane>,
    reaped: Option<Status>,
    waiting: [u32; 2],
    close: Call,
    shutdown: bool,
    killed: bool,
    detached: bool,
    is_over: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    New,
    Running,
    Refused,
}

/// How much of it a trace has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Recorded {
    /// Reads and the reap too.
    #[default]
    All,
    /// What the consumer is handed.
    Delivery,
}

/// What a trace keeps of bytes: for one execution always the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Data,
    Length,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Call {
    #[default]
    None,
    Called,
    Returned,
}

#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    /// The execution has this stream.
    named: bool,
    /// It was said which streams there are, and this is none of them.
    absent: bool,
    /// Nothing is read any more.
    closed: bool,
    gapped: u64,
}

type Checked = Result<(), Broken>;

fn hold(rule: Rule, holds: bool, why: &'static str) -> Checked {
    if holds { Ok(()) } else { Err(Broken { rule, why }) }
}

const SLOTS: [StreamId; 2] = [StreamId::Stdout, StreamId::Stderr];

impl Execution {
    pub(super) fn new() -> Self {
        Execution::default()
    }

    /// Whether the terminal was delivered, or nobody will take it.
    pub(super) fn is_over(&self) -> bool {
        self.is_over || self.phase == Phase::Refused
    }

    /// Whether nothing has to follow any more.
    pub(super) fn is_settled(&self) -> bool {
        self.is_over() && self.waiting == [0, 0] && self.close != Call::Called
    }

    /// Says what is wrong with a line that no execution can have, whatever runs it.
    pub(super) fn check_form(&self, what: &What<'_>) -> Result<(), String> {
        let begins = matches!(what, What::Spawn { .. } | What::Start);
        if begins && self.phase != Phase::New {
            return Err(
                "this execution has been spawned already; give each its own name".to_owned()
            );
        }
        let (What::Read(_, payload) | What::Chunk(_, payload)) = what else { return Ok(()) };
        match (self.payload, kept(payload)) {
            (Some(Kept::Data), Kept::Length) => {
                Err("only `bytes`, where earlier lines of this execution have the data".to_owned())
            }
            (Some(Kept::Length), Kept::Data) => {
                Err("data, where earlier lines of this execution have only `bytes`".to_owned())
            }
            (Some(Kept::Data), Kept::Data) | (Some(Kept::Length), Kept::Length) | (None, _) => {
                Ok(())
            }
        }
    }

    /// Takes note of a line.
    pub(super) fn see(&mut self, what: &What<'_>) -> Checked {
        self.check_started(what)?;
        match what {
            What::Spawn { outputs, buffer_bytes_max } => {
                self.begin(Recorded::All, outputs.as_deref(), *buffer_bytes_max)
            }
            What::Start => self.begin(Recorded::Delivery, None, None),
            What::Refused => self.refused(),
            What::Read(stream, payload) => self.read(*stream, payload),
            What::ReadEof(stream) => self.ends(*stream, Seen::ReadEof { stream: *stream }),
            What::ReadError(stream, errno) => {
                self.ends(*stream, Seen::ReadFailed { stream: *stream, errno: *errno })
            }
            // To let go of what has ended is no second end.
            What::LetGo(stream) if self.lanes[*stream].closed => Ok(()),
            What::LetGo(stream) => self.ends(*stream, Seen::LetGo { stream: *stream }),
            What::Reap { status, standing } => self.reap(*status, standing),
            What::Chunk(stream, payload) => self.chunk(*stream, payload),
            What::Gap(stream, bytes) => self.gap(*stream, *bytes),
            What::End(stream, end) => self.end(*stream, *end),
            What::Exit(terminal) => self.exit(terminal),
            What::NoMore => self.witness.see(&Seen::NoMore),
            What::Wait(until) => {
                self.waiting[*until as usize] += 1;
                Ok(())
            }
            What::CancelWait(until) => {
                self.forget_waiter(*until);
                Ok(())
            }
            What::Resolved { until, status } => self.resolved(*until, *status),
            What::Signal { group, .. } => {
                // The group outlives the root's pid, and is never another's.
                let reaped = self.reaped.is_some() && !group;
                self.witness.see(&Seen::Signalled { reaped })
            }
            What::Close => {
                self.close = Call::Called;
                self.witness.see(&Seen::CloseCalled)
            }
            What::Closed => {
                (self.close, self.is_over) = (Call::Returned, true);
                self.witness.see(&Seen::CloseReturned)
            }
            What::Shutdown => self.shutdown(),
            What::Detach => {
                self.detached = true;
                self.is_over |= self.reaped.is_some();
                self.witness.bound(usize::MAX);
                Ok(())
            }
            What::Kill => {
                self.killed |= self.phase == Phase::Running && self.reaped.is_none();
                Ok(())
            }
            What::Discard(stream) => {
                self.name(*stream);
                self.witness.bound(usize::MAX);
                self.witness.see(&Seen::DiscardAsked { stream: *stream })
            }
            What::Quiet => self.finish(),
        }
    }

    /// After a refusal somebody may still ask; nothing happens.
    fn check_started(&self, what: &What<'_>) -> Checked {
        let asks = matches!(what, What::Refused | What::Wait(_) | What::CancelWait(_))
            || matches!(what, What::Kill | What::Close | What::Closed | What::Shutdown)
            || matches!(what, What::Quiet);
        let why = "a refused start was followed by something";
        hold(Rule::C14, self.phase != Phase::Refused || asks, why)
    }

    fn refused(&mut self) -> Checked {
        let why = "a start was refused that had been made";
        hold(Rule::C14, self.phase != Phase::Running, why)?;
        self.phase = Phase::Refused;
        Ok(())
    }

    fn begin(
        &mut self,
        recorded: Recorded,
        outputs: Option<&[StreamId]>,
        buffer_bytes_max: Option<u64>,
    ) -> Checked {
        self.phase = Phase::Running;
        self.recorded = recorded;
        if let Some(outputs) = outputs {
            self.lanes.iter_mut().for_each(|lane| lane.absent = true);
            for &stream in outputs {
                self.lanes[stream] = Lane { named: true, ..Lane::default() };
            }
        }
        if let Some(bytes) = buffer_bytes_max {
            self.witness.bound(usize::try_from(bytes).unwrap_or(usize::MAX));
        }
        Ok(())
    }

    fn name(&mut self, stream: StreamId) {
        self.lanes[stream].named = true;
    }

    // What came in.

    fn read(&mut self, stream: StreamId, payload: &Payload<'_>) -> Checked {
        self.check_pump(stream)?;
        hold(Rule::C1, !self.lanes[stream].closed, "bytes were read after the end of a stream")?;
        self.payload = Some(kept(payload));
        self.give(stream, payload)
    }

    /// A pump may speak of a stream that there is, before the terminal.
    fn check_pump(&mut self, stream: StreamId) -> Checked {
        self.name(stream);
        hold(Rule::C15, !self.lanes[stream].absent, "a stream that the execution does not have")?;
        hold(Rule::C2, !self.witness.is_over(), "a stream was read after the terminal")
    }

    /// What was read is all that is known to have been written.
    fn give(&mut self, stream: StreamId, payload: &Payload<'_>) -> Checked {
        // Whether the root wrote it is not known; what it is owed is said at the reap.
        let writer = Writer::Descendant;
        match payload {
            Payload::Data(bytes) => {
                let bytes = Cow::Owned(bytes.to_vec());
                self.witness.see(&Seen::Wrote { stream, bytes, writer })?;
            }
            Payload::Length(bytes) => {
                self.witness.see(&Seen::WroteSome { stream, bytes: *bytes })?;
            }
        }
        self.witness.see(&Seen::Read { stream, bytes: payload.len() })
    }

    fn ends(&mut self, stream: StreamId, seen: Seen) -> Checked {
        self.check_pump(stream)?;
        hold(Rule::C1, !self.lanes[stream].closed, "a stream ended twice")?;
        self.lanes[stream].closed = true;
        self.witness.see(&seen)
    }

    fn reap(&mut self, status: Status, standing: &PerStream<Option<u64>>) -> Checked {
        hold(Rule::C2, self.reaped.is_none(), "the root was reaped twice")?;
        self.reaped = Some(status);
        self.is_over |= self.detached;
        for stream in SLOTS {
            if let Some(bytes) = standing[stream]
                && !self.lanes[stream].closed
                && !self.shutdown
            {
                self.witness.see(&Seen::Stood { stream, bytes })?;
            }
        }
        if let Status::Unknown(errno) = status {
            return self.witness.see(&Seen::WaitFailed { errno });
        }
        self.witness.see(&Seen::Ended(status))
    }

    // What went out.

    /// Before a delivery, where reads are not recorded: what is delivered was read.
    fn came(&mut self, stream: StreamId, came: impl FnOnce(&mut Self) -> Checked) -> Checked {
        self.name(stream);
        hold(Rule::C11, !self.detached, "an event was delivered after the consumer was gone")?;
        hold(Rule::C15, !self.lanes[stream].absent, "a stream that the execution does not have")?;
        match self.recorded {
            Recorded::All => Ok(()),
            Recorded::Delivery => came(self),
        }
    }

    fn chunk(&mut self, stream: StreamId, payload: &Payload<'_>) -> Checked {
        self.came(stream, |this| this.give(stream, payload))?;
        self.payload = Some(kept(payload));
        match payload {
            Payload::Data(bytes) => {
                let chunk = Data::new(bytes.to_vec().into());
                self.witness.see(&Seen::Event(Event::Chunk { stream, chunk }))?;
            }
            Payload::Length(bytes) => {
                self.witness.see(&Seen::Delivered { stream, bytes: *bytes })?;
            }
        }
        self.witness.forget_delivered();
        Ok(())
    }

    fn gap(&mut self, stream: StreamId, bytes: u64) -> Checked {
        hold(Rule::C8, bytes > 0, "a gap of no bytes")?;
        self.came(stream, |this| this.give(stream, &Payload::Length(bytes)))?;
        self.lanes[stream].gapped += bytes;
        self.witness.see(&Seen::Event(Event::Gap { stream, bytes }))?;
        self.witness.forget_delivered();
        Ok(())
    }

    fn end(&mut self, stream: StreamId, end: End) -> Checked {
        self.came(stream, |this| match end {
            End::Eof | End::Limit => this.witness.see(&Seen::ReadEof { stream }),
            End::ReadError(errno) => this.witness.see(&Seen::ReadFailed { stream, errno }),
            End::Discarded => this.witness.see(&Seen::DiscardAsked { stream }),
            End::Cut(_) => Ok(()),
        })?;
        self.witness.see(&Seen::Event(Event::End { stream, end }))
    }

    fn exit(&mut self, terminal: &Terminal) -> Checked {
        hold(Rule::C11, !self.detached, "an event was delivered after the consumer was gone")?;
        if self.recorded == Recorded::Delivery {
            self.came_to_an_end(terminal)?;
        }
        for stream in SLOTS {
            let lane = self.lanes[stream];
            if lane.absent || !lane.named && terminal.streams[stream].is_none() {
                self.witness.see(&Seen::LetGo { stream })?;
            }
        }
        self.witness.see(&Seen::Event(Event::Exit(*terminal)))?;
        self.is_over = true;
        Ok(())
    }

    /// What must have been, where only deliveries are recorded.
    fn came_to_an_end(&mut self, terminal: &Terminal) -> Checked {
        for report in terminal.reports() {
            if report.end == End::Discarded {
                self.witness.see(&Seen::DiscardAsked { stream: report.stream })?;
            }
            let unsaid = report.dropped.saturating_sub(self.lanes[report.stream].gapped);
            if unsaid > 0 && report.end == End::Discarded {
                self.give(report.stream, &Payload::Length(unsaid))?;
            }
        }
        let cause = terminal.cause;
        if cause.timed_out || cause.cancelled || cause.killed_by_us.is_some() {
            self.witness.see(&Seen::Signalled { reaped: false })?;
        }
        match terminal.status {
            Status::Unknown(errno) => self.witness.see(&Seen::WaitFailed { errno }),
            status @ (Status::Exited { .. }
            | Status::Signaled { .. }
            | Status::Lost
            | Status::Forced) => self.witness.see(&Seen::Ended(status)),
        }
    }

    // Who asked.

    /// One who waited does so no more. Who asks late is answered without having waited.
    fn forget_waiter(&mut self, until: Until) {
        let waiting = &mut self.waiting[until as usize];
        *waiting = waiting.saturating_sub(1);
    }

    fn resolved(&mut self, until: Until, status: Status) -> Checked {
        self.forget_waiter(until);
        if self.recorded == Recorded::Delivery && self.reaped.is_none() {
            self.reap(status, &PerStream::default())?;
        }
        if self.detached && until == Until::Terminal {
            let why = "a wait was answered before the root was reaped";
            return hold(Rule::C4, self.reaped == Some(status), why);
        }
        self.witness.see(&Seen::Resolved { until, status })
    }

    fn shutdown(&mut self) -> Checked {
        self.shutdown = true;
        // At its bound it cuts what is not read yet.
        for stream in SLOTS {
            self.witness.see(&Seen::Stood { stream, bytes: 0 })?;
        }
        self.witness.bound(usize::MAX);
        self.witness.see(&Seen::ShutdownCalled)
    }

    /// What must hold when nothing more can happen.
    pub(super) fn finish(&self) -> Checked {
        let waiting = self.waiting.iter().sum();
        if self.phase == Phase::Refused {
            return hold(Rule::C4, waiting == 0, "somebody waits for ever for a refused start");
        }
        let running = self.recorded == Recorded::All && self.reaped.is_none();
        if self.detached {
            let answered = running || waiting == 0;
            return hold(Rule::C4, answered, "somebody waits for ever for what has happened");
        }
        self.witness.finish(Quiet {
            consumer_waits: true,
            waiters: waiting,
            close_pending: self.close == Call::Called,
            running,
            shutdown: self.shutdown,
            killed: self.killed,
            ..Quiet::default()
        })
    }
}

fn kept(payload: &Payload<'_>) -> Kept {
    match payload {
        Payload::Data(_) => Kept::Data,
        Payload::Length(_) => Kept::Length,
    }
}
