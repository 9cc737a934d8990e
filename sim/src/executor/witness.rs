//! The contract from outside: what the callers of a stack see, held against what its child did.
//!
//! The [monitor](lastbyte::monitor) judges the steps of a machine. A stack of somebody else has no
//! such steps; but there is a child that wrote and ended, there are reads, and there are callers
//! who are handed events and answers. From these alone a [`Witness`] names the first rule broken.
//! What a stack does not say at all (no reports, no ends) is held against it only where something
//! was lost.

use std::borrow::Cow;

use lastbyte::{
    Data, Event,
    machine::{End, Errno, PerStream, Status, StreamId, Terminal, Until},
    monitor::{Broken, Rule},
};

/// Who wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writer {
    /// The process that was spawned.
    Root,
    /// Somebody it left behind.
    Descendant,
}

/// One thing that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// A write succeeded.
    Wrote {
        /// Where to.
        stream: StreamId,
        /// What.
        bytes: Cow<'static, [u8]>,
        /// By whom.
        writer: Writer,
    },
    /// At the reap the root's last bytes stood unread: at most so many.
    Stood {
        /// Where.
        stream: StreamId,
        /// How many.
        bytes: u64,
    },
    /// A caller wants no more of a stream.
    DiscardAsked {
        /// Of which.
        stream: StreamId,
    },
    /// Bytes were written of which only the number is known, in place of what they were. Nothing
    /// that is known stands before them and is not delivered.
    WroteSome {
        /// Where to.
        stream: StreamId,
        /// How many.
        bytes: u64,
    },
    /// The consumer was handed bytes of which only the number is known.
    Delivered {
        /// Of which stream.
        stream: StreamId,
        /// How many.
        bytes: u64,
    },
    /// The root ended.
    Ended(Status),
    /// The stack read so many bytes.
    Read {
        /// From where.
        stream: StreamId,
        /// How many.
        bytes: u64,
    },
    /// The stack was told that a stream had ended.
    ReadEof {
        /// Which.
        stream: StreamId,
    },
    /// The stack was told that a read had failed.
    ReadFailed {
        /// Of which stream.
        stream: StreamId,
        /// How.
        errno: Errno,
    },
    /// A write failed: the stack had let go of the stream.
    Refused {
        /// Where to.
        stream: StreamId,
        /// Whose write.
        writer: Writer,
    },
    /// Waiting for the root failed.
    WaitFailed {
        /// How.
        errno: Errno,
    },
    /// The stack closed its end of a stream.
    LetGo {
        /// Which.
        stream: StreamId,
    },
    /// The stack sent a signal to the root's pid.
    Signalled {
        /// The root had been reaped: the pid may be another's.
        reaped: bool,
    },
    /// The consumer was handed an event.
    Event(Event),
    /// The consumer was told that there will be no more events.
    NoMore,
    /// A waiter was answered.
    Resolved {
        /// What he had waited for.
        until: Until,
        /// What he was told.
        status: Status,
    },
    /// The caller asked for a shutdown.
    ShutdownCalled,
    /// The caller asked for a close.
    CloseCalled,
    /// The close returned.
    CloseReturned,
    /// The exit of the box in which it lives was handed over.
    BoxExited,
}

/// What stands when nothing can happen any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quiet {
    /// A fair consumer still waits for an event.
    pub consumer_waits: bool,
    /// Waiters that were not answered.
    pub waiters: u32,
    /// A close that has not returned.
    pub close_pending: bool,
    /// The root runs.
    pub running: bool,
    /// The root has ended and was not reaped.
    pub zombie: bool,
    /// Somebody asked for a shutdown.
    pub shutdown: bool,
    /// Somebody asked for a kill, and the root is of a kind that dies of it.
    pub killed: bool,
    /// The consumer of this execution has stopped.
    pub unfair: bool,
    /// The root waits for the end of its stdin, which nobody will write to.
    pub stdin: bool,
    /// What the stack still keeps of the execution.
    pub kept: u32,
    /// The consumer of another execution is slow, or of another stream.
    pub neighbour: bool,
    /// The caller chose to wait for ever.
    pub may_wait: bool,
}

#[derive(Clone, Debug, Default, Hash)]
struct Lane {
    /// But for those forgotten.
    written: Vec<u8>,
    /// Bytes delivered, and not kept any more.
    forgotten: usize,
    /// Bytes up to the root's last.
    owed: usize,
    read: usize,
    /// Bytes delivered or accounted for by a gap.
    at: usize,
    gapped: usize,
    eof_read: bool,
    failed: Option<Errno>,
    let_go: bool,
    /// Somebody asked for that.
    discarded: bool,
    end: Option<End>,
}

/// What was seen of one execution.
#[derive(Clone, Debug, Default, Hash)]
pub struct Witness {
    lanes: PerStream<Lane>,
    ended: Option<Status>,
    acted: bool,
    wait_failed: Option<Errno>,
    /// Nothing in the scenario asks for a signal.
    harmless: bool,
    terminal: Option<Terminal>,
    resolved: [Option<Status>; 2],
    closing: bool,
    shutting_down: bool,
    closed: bool,
    /// More than so many bytes read and not delivered are too many.
    buffer_max: Option<usize>,
}

type Checked = Result<(), Broken>;

fn hold(rule: Rule, holds: bool, why: &'static str) -> Checked {
    if holds { Ok(()) } else { Err(Broken { rule, why }) }
}

/// Delivered bytes that are kept until it is worth moving what follows them.
const FORGET: usize = 64 * 1024;

/// A number of bytes as a size; what is too large for one is as large as one can be.
fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

const STREAMS: [StreamId; 2] = [StreamId::Stdout, StreamId::Stderr];

impl Witness {
    /// Nothing has been seen.
    pub fn new() -> Self {
        Witness::default()
    }

    /// Holds the stack to a bound of what it buffers of one stream, in bytes.
    pub(crate) fn bound(&mut self, bytes: usize) {
        self.buffer_max = Some(bytes);
    }

    /// Takes note of what was seen.
    ///
    /// # Errors
    ///
    /// [`Broken`] names the rule that it breaks.
    pub fn see(&mut self, seen: &Seen) -> Checked {
        match *seen {
            Seen::Wrote { stream, ref bytes, writer } => {
                self.lanes[stream].note_written(bytes, writer);
                Ok(())
            }
            Seen::Stood { stream, bytes } => {
                self.lanes[stream].owed = self.lanes[stream].read.saturating_add(size(bytes));
                Ok(())
            }
            Seen::WroteSome { stream, bytes } => {
                let lane = &mut self.lanes[stream];
                lane.forgotten = lane.forgotten.saturating_add(size(bytes));
                Ok(())
            }
            Seen::Delivered { stream, bytes } => self.check_delivered(stream, bytes),
            Seen::DiscardAsked { stream } => {
                self.lanes[stream].discarded = true;
                Ok(())
            }
            Seen::Ended(status) => {
                self.ended = Some(status);
                Ok(())
            }
            Seen::Read { stream, bytes } => self.note_read(stream, bytes),
            Seen::ReadEof { stream } => {
                self.lanes[stream].eof_read = true;
                Ok(())
            }
            Seen::ReadFailed { stream, errno } => {
                self.lanes[stream].failed = Some(errno);
                Ok(())
            }
            Seen::LetGo { stream } => {
                self.lanes[stream].let_go = true;
                Ok(())
            }
            Seen::Signalled { reaped } => {
                self.acted |= !reaped;
                hold(Rule::C12, !self.harmless, "it was killed, and nothing stood still")?;
                hold(Rule::C16, !reaped, "a signal was sent to a pid that had been reaped")
            }
            Seen::Refused { stream, writer } => self.check_refused(stream, writer),
            Seen::WaitFailed { errno } => {
                self.wait_failed = Some(errno);
                Ok(())
            }
            Seen::Event(ref event) => self.check_event(event),
            Seen::NoMore => {
                let rule = if self.shutting_down { Rule::C13 } else { Rule::C2 };
                let over = self.terminal.is_some() || self.closing;
                hold(rule, over, "the events ended without a terminal")
            }
            Seen::Resolved { until, status } => self.check_resolved(until, status),
            Seen::ShutdownCalled => {
                self.shutting_down = true;
                Ok(())
            }
            Seen::CloseCalled => {
                self.closing = true;
                Ok(())
            }
            Seen::CloseReturned => {
                self.closed = true;
                Ok(())
            }
            Seen::BoxExited => {
                let why = "the exit of a box came before the exit of an execution in it";
                hold(Rule::C20, self.is_over(), why)
            }
        }
    }

    fn check_refused(&self, stream: StreamId, writer: Writer) -> Checked {
        let unknown = self.wait_failed.is_some() || self.lanes[stream].failed.is_some();
        let excused = self.acted || unknown || writer == Writer::Descendant;
        hold(Rule::C16, excused, "the root's pipe was closed before it was sent a signal")
    }

    /// Keeps no more of what was delivered than that it was, so that a long history takes no more
    /// memory than a short one. It is judged the same, but a state before and after is not equal.
    pub(crate) fn forget_delivered(&mut self) {
        self.lanes.iter_mut().for_each(Lane::forget_delivered);
    }

    /// Nothing in the scenario asks for a signal.
    pub(crate) fn expect_no_signal(&mut self) {
        self.harmless = true;
    }

    fn note_read(&mut self, stream: StreamId, bytes: u64) -> Checked {
        let lane = &mut self.lanes[stream];
        lane.read = lane.read.saturating_add(size(bytes));
        let within = self.buffer_max.is_none_or(|max| lane.read - lane.at <= max);
        hold(Rule::C12, within, "more is buffered than the bound allows")
    }

    /// The consumer may be handed something.
    fn check_open(&self, is_exit: bool) -> Checked {
        hold(Rule::C11, !self.closed, "an event was delivered after the close had returned")?;
        let why =
            if is_exit { "there was a second terminal" } else { "an event followed the terminal" };
        hold(Rule::C2, self.terminal.is_none(), why)
    }

    fn check_delivered(&mut self, stream: StreamId, bytes: u64) -> Checked {
        self.check_open(false)?;
        let lane = &mut self.lanes[stream];
        hold(Rule::C1, lane.end.is_none(), "bytes were delivered after the end of their stream")?;
        let until = lane.at.saturating_add(size(bytes));
        hold(Rule::C3, until <= lane.read, "the bytes delivered are not the bytes read")?;
        lane.at = until;
        Ok(())
    }

    fn check_event(&mut self, event: &Event) -> Checked {
        self.check_open(matches!(event, Event::Exit(_)))?;
        match event {
            Event::Chunk { stream, chunk } => self.lanes[*stream].check_chunk(chunk),
            Event::Gap { stream, bytes } => self.lanes[*stream].check_gap(*bytes),
            Event::End { stream, end } => {
                let asked = self.closing || self.lanes[*stream].discarded;
                let discards = *end == End::Discarded && !asked;
                let why = "a stream was discarded that somebody takes";
                hold(Rule::C15, !discards, why)?;
                self.lanes[*stream].check_end(*end)
            }
            Event::Exit(terminal) => {
                self.check_exit(terminal)?;
                self.terminal = Some(*terminal);
                Ok(())
            }
        }
    }

    fn check_exit(&self, terminal: &Terminal) -> Checked {
        if !self.closing {
            for stream in STREAMS {
                self.lanes[stream].check_exit(terminal.streams[stream].map(|report| report.end))?;
            }
            for report in terminal.reports() {
                let lane = &self.lanes[report.stream];
                let counted = report.delivered == (lane.at - lane.gapped) as u64;
                hold(Rule::C8, counted, "the report counts other bytes than were delivered")?;
                let dropped = (lane.read - lane.at).saturating_add(lane.gapped);
                let dropped = report.dropped == dropped as u64;
                hold(Rule::C8, dropped, "the report counts other bytes than were dropped")?;
            }
        }
        self.check_status(terminal.status)?;
        let cause = terminal.cause;
        let claims = cause.timed_out || cause.cancelled || cause.killed_by_us.is_some();
        hold(Rule::C10, !claims || self.acted, "a cause is named, and nobody had acted in time")
    }

    fn check_status(&self, status: Status) -> Checked {
        match status {
            Status::Exited { .. } | Status::Signaled { .. } => {
                hold(
                    Rule::C9,
                    self.ended.is_some(),
                    "a status was told of a root that still runs",
                )?;
                hold(
                    Rule::C9,
                    self.ended == Some(status),
                    "the status told is not how the root ended",
                )
            }
            Status::Unknown(errno) => {
                let failed = self.wait_failed == Some(errno);
                hold(Rule::C9, failed, "a wait is said to have failed that did not")
            }
            // Nothing that could be held against it: it says that it does not know.
            Status::Lost | Status::Forced => Ok(()),
        }
    }

    fn check_resolved(&mut self, until: Until, status: Status) -> Checked {
        let told = self.resolved[until as usize].get_or_insert(status);
        hold(Rule::C4, *told == status, "two waiters were told different things")?;
        match until {
            Until::Exited => self.check_status(status),
            Until::Terminal => {
                // At its bound a shutdown answers everybody, delivered or not (C13).
                let forced = self.closing || self.shutting_down;
                let delivered = self.terminal.is_some() || forced;
                hold(Rule::C4, delivered, "a wait was answered before the terminal was delivered")?;
                let same = self.terminal.is_none_or(|terminal| terminal.status == status);
                hold(Rule::C4, same, "a waiter was told something else than the consumer")?;
                self.check_status(status)
            }
        }
    }

    /// Whether the root has ended and all of its streams were read to their ends, and the
    /// terminal is still not delivered.
    pub(crate) fn is_due(&self) -> bool {
        self.ended.is_some()
            && self.terminal.is_none()
            && !self.closing
            && STREAMS.iter().all(|&id| {
                let lane = &self.lanes[id];
                let none = lane.let_go && lane.written() == 0;
                lane.eof_read || lane.failed.is_some() || none
            })
    }

    /// Whether the terminal was delivered.
    pub fn is_over(&self) -> bool {
        self.terminal.is_some()
    }

    /// Whether bytes stand in a pipe that would fit into what the stack may buffer.
    fn has_room(&self, stream: StreamId) -> bool {
        let lane = &self.lanes[stream];
        let stands = lane.written() > lane.read && !lane.let_go;
        stands && self.buffer_max.is_some_and(|max| lane.read - lane.at < max)
    }

    /// What must hold when nothing can happen any more.
    ///
    /// # Errors
    ///
    /// [`Broken`] names the rule.
    pub fn finish(&self, quiet: Quiet) -> Checked {
        hold(Rule::C11, !quiet.close_pending, "a close never returns")?;
        if self.closing {
            hold(Rule::C11, !quiet.running, "a close left the root running")?;
            hold(Rule::C11, !quiet.zombie, "a close left the root unreaped")?;
            return hold(Rule::C11, quiet.waiters == 0, "a close left somebody waiting for ever");
        }
        if quiet.killed && quiet.running {
            let (rule, why) = match quiet.unfair {
                true => (Rule::C12, "a slow consumer keeps a kill from the root for ever"),
                false => (Rule::C16, "a kill was asked for, and never came"),
            };
            return Err(Broken { rule, why });
        }
        hold(Rule::C17, !quiet.stdin, "the root waits for ever for the end of its stdin")?;
        let room = quiet.unfair && quiet.running && STREAMS.iter().any(|&id| self.has_room(id));
        hold(Rule::C12, !room, "a slow consumer of one stream keeps another from being read")?;
        if quiet.shutdown {
            let all = quiet.waiters == 0 && (self.is_over() || !quiet.consumer_waits);
            hold(Rule::C13, all, "a shutdown left somebody waiting for ever")?;
        }
        if quiet.consumer_waits && !self.is_over() && !quiet.may_wait {
            let (rule, why) = match (quiet.neighbour, quiet.running) {
                (true, _) => (Rule::C12, "a slow consumer of something else holds it up for ever"),
                (false, true) => (Rule::C15, "the root waits for ever for its output to be read"),
                (false, false) => (Rule::C6, "nothing more can happen, and there is no terminal"),
            };
            return Err(Broken { rule, why });
        }
        if self.is_over() {
            hold(Rule::C4, quiet.waiters == 0, "somebody waits for ever for what has happened")?;
            hold(Rule::C11, !quiet.zombie, "the root was never reaped")?;
            hold(Rule::C11, quiet.kept == 0, "something is kept of what is over")?;
        }
        Ok(())
    }
}

impl Lane {
    /// Bytes written so far.
    fn written(&self) -> usize {
        self.forgotten + self.written.len()
    }

    fn note_written(&mut self, bytes: &[u8], writer: Writer) {
        self.written.extend_from_slice(bytes);
        if writer == Writer::Root {
            self.owed = self.written();
        }
    }

    fn forget_delivered(&mut self) {
        let delivered = self.at.saturating_sub(self.forgotten);
        // What is left is moved to the front: not for every chunk.
        if self.written.is_empty() {
            return;
        }
        if delivered == self.written.len() {
            self.written.clear();
        } else if delivered >= FORGET {
            self.written.drain(..delivered);
        } else {
            return;
        }
        self.forgotten = self.at;
    }

    fn check_chunk(&mut self, chunk: &Data) -> Checked {
        hold(Rule::C1, self.end.is_none(), "bytes were delivered after the end of their stream")?;
        let read = &self.written[..self.read - self.forgotten];
        let at = self.at - self.forgotten;
        if read.get(at..at + chunk.len()) == Some(&chunk[..]) {
            self.at += chunk.len();
            return Ok(());
        }
        let skipped = !chunk.is_empty()
            && read
                .get(at..)
                .is_some_and(|rest| rest.windows(chunk.len()).any(|at| at == &chunk[..]));
        if skipped {
            return Err(Broken { rule: Rule::C8, why: "bytes are missing, and nothing says so" });
        }
        Err(Broken { rule: Rule::C3, why: "the bytes delivered are not the bytes read" })
    }

    fn check_gap(&mut self, bytes: u64) -> Checked {
        let until = self.at.saturating_add(size(bytes));
        hold(Rule::C8, until <= self.read, "a gap of more than was read")?;
        self.gapped = self.gapped.saturating_add(until - self.at);
        self.at = until;
        Ok(())
    }

    fn check_end(&mut self, end: End) -> Checked {
        hold(Rule::C1, self.end.is_none(), "a stream ended twice")?;
        if end != End::Discarded {
            hold(Rule::C1, self.at == self.read, "the end of a stream overtook its last byte")?;
        }
        match end {
            End::Eof => hold(Rule::C9, self.eof_read, "an end that no read returned")?,
            End::ReadError(errno) => {
                hold(Rule::C9, self.failed == Some(errno), "a read error that no read returned")?;
            }
            End::Cut(_) => {
                hold(
                    Rule::C7,
                    self.read >= self.owed,
                    "a stream was cut before the root's last byte",
                )?;
            }
            End::Discarded | End::Limit => {}
        }
        self.end = Some(end);
        Ok(())
    }

    /// What must hold of a stream when the terminal is delivered, whose report says this.
    fn check_exit(&self, report: Option<End>) -> Checked {
        let told = self.end.or(report);
        if self.discarded && told == Some(End::Discarded) {
            return Ok(());
        }
        let why = "a stream was discarded that somebody takes";
        hold(Rule::C15, told != Some(End::Discarded), why)?;
        hold(Rule::C1, self.at == self.read, "the terminal overtook bytes that had been read")?;
        let over = self.eof_read || self.failed.is_some() || self.let_go || told.is_some();
        hold(Rule::C1, over, "the terminal overtook the end of a stream")?;
        if self.failed.is_some() {
            let said = matches!(told, Some(End::ReadError(_)));
            return hold(Rule::C9, said, "a read error was taken for the end of a stream");
        }
        hold(Rule::C7, self.read >= self.owed, "bytes that the root had written were never read")?;
        let said = matches!(told, Some(End::Cut(_) | End::Limit)) || self.read == self.written();
        hold(Rule::C8, said, "a stream was cut, and nothing says so")
    }
}
