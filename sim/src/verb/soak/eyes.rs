//! What a reader of an execution sees, held against what the child was to write.

use lastbyte::{Event, Status, StreamId, Terminal, machine::End};

use super::{
    carry::Stage,
    plan::{Bytes, Cause, Ends, Plan},
    script::Piece,
};

/// What is wrong with an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    /// In words.
    pub(super) why: String,
    /// Bytes that are missing.
    pub(super) lost: u64,
}

/// Which promise it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FaultKind {
    /// Bytes are missing and not accounted for.
    Lost,
    /// Bytes are other ones, or too many.
    Altered,
    /// The monitor has seen a rule broken.
    Broken,
    /// The end is not what it was, or waiters were told different ones.
    End,
    /// Nothing came in time.
    Hung,
    /// It could not be started.
    Start,
}

impl FaultKind {
    /// All of them.
    pub(super) const ALL: [FaultKind; 6] = [
        FaultKind::Lost,
        FaultKind::Altered,
        FaultKind::Broken,
        FaultKind::End,
        FaultKind::Hung,
        FaultKind::Start,
    ];

    /// The name in reports.
    pub(super) const fn name(self) -> &'static str {
        match self {
            FaultKind::Lost => "lost",
            FaultKind::Altered => "altered",
            FaultKind::Broken => "broken",
            FaultKind::End => "end",
            FaultKind::Hung => "hung",
            FaultKind::Start => "start",
        }
    }

    pub(super) fn because(self, why: impl Into<String>) -> Fault {
        Fault { kind: self, why: why.into(), lost: 0 }
    }
}

/// Bytes of executions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// That had to come.
    pub(super) expected: u64,
    /// That came.
    pub(super) seen: u64,
    /// That had to come and did not.
    pub(super) lost: u64,
    /// That were dropped by policy, with a gap in their place.
    pub(super) gapped: u64,
}

/// Where a reader is in one stream.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Bytes seen, and those in whose place there was a gap.
    position: u64,
    seen: u64,
}

/// The reader of one execution.
#[derive(Clone, Debug)]
pub(super) struct Eyes<'a> {
    plan: &'a Plan,
    stage: &'a Stage,
    places: [Place; 2],
    pub(super) terminal: Option<Terminal>,
}

impl<'a> Eyes<'a> {
    pub(super) fn new(plan: &'a Plan, stage: &'a Stage) -> Self {
        Eyes { plan, stage, places: [Place::default(); 2], terminal: None }
    }

    /// Whether any byte has come.
    pub(super) fn has_seen(&self) -> bool {
        self.places.iter().any(|place| place.seen > 0)
    }

    /// Takes the next event.
    pub(super) fn take(&mut self, event: Event) -> Result<(), Fault> {
        if self.terminal.is_some() {
            return Err(FaultKind::End.because("an event came after the exit"));
        }
        match event {
            Event::Chunk { stream, chunk } => match self.stage.mistake {
                None => self.check(stream, &chunk),
                Some(mistake) => self.check(stream, &mistake.chunk(&chunk)),
            },
            Event::Gap { stream, bytes } => {
                self.places[slot(stream)].position += bytes;
                Ok(())
            }
            // The exit tells how each stream ended.
            Event::End { .. } => Ok(()),
            Event::Exit(terminal) => {
                self.terminal = Some(terminal);
                Ok(())
            }
        }
    }

    /// What the child was to write at a position, as far as it was written in one go.
    fn at(&self, stream: usize, position: u64) -> Option<&[u8]> {
        let late = self.plan.due.late.iter().filter(|_| stream == 0);
        let mut start = 0;
        for piece in self.plan.written[stream].iter().chain(late) {
            let end = start + piece.len();
            if position < end {
                let bytes = match piece {
                    Piece::Text(text) => text.as_bytes(),
                    Piece::Binary(bytes) => {
                        self.stage.bytes.get(..usize::try_from(*bytes).ok()?)?
                    }
                };
                return bytes.get(usize::try_from(position - start).ok()?..);
            }
            start = end;
        }
        None
    }

    fn check(&mut self, stream: StreamId, mut chunk: &[u8]) -> Result<(), Fault> {
        let slot = slot(stream);
        while !chunk.is_empty() {
            let position = self.places[slot].position;
            let Some(expected) = self.at(slot, position) else {
                let why = format!("{stream} goes on after the {position} bytes that were written");
                return Err(FaultKind::Altered.because(why));
            };
            let len = expected.len().min(chunk.len());
            if expected[..len] != chunk[..len] {
                let same = expected.iter().zip(chunk).take_while(|(one, other)| one == other);
                let at = position + same.count() as u64;
                let why = format!("{stream} differs from byte {at} on");
                return Err(FaultKind::Altered.because(why));
            }
            self.places[slot].position += len as u64;
            self.places[slot].seen += len as u64;
            chunk = &chunk[len..];
        }
        Ok(())
    }

    /// Judges what was seen, by this terminal.
    pub(super) fn judge(&self, terminal: &Terminal) -> Result<Counts, Fault> {
        let mut counts = Counts::default();
        for report in terminal.reports() {
            let slot = slot(report.stream);
            let Place { position, seen, .. } = self.places[slot];
            let root: u64 = self.plan.written[slot].iter().map(Piece::len).sum();
            let late = self.plan.due.late.as_ref().filter(|_| slot == 0).map_or(0, Piece::len);
            let (due, in_full) = match self.plan.due.bytes {
                Bytes::All | Bytes::AllButGaps => (root + late, true),
                Bytes::Root => (root, false),
                Bytes::Beginning => (0, false),
            };
            let gapped = position - seen;
            let stream = report.stream;
            counts.seen += seen;
            counts.gapped += gapped;
            counts.expected += due;
            if position < due {
                let why =
                    format!("{stream} ends after {position} of {due} bytes, {:?}", report.end);
                return Err(Fault { kind: FaultKind::Lost, why, lost: due - position });
            }
            if gapped > 0 && self.plan.due.bytes != Bytes::AllButGaps {
                let why = format!("{stream} has {gapped} bytes of gaps that nothing allows");
                return Err(FaultKind::Lost.because(why));
            }
            if in_full && !matches!(report.end, End::Eof | End::Limit) {
                let why = format!("{stream} ended by {:?}, and not with its EOF", report.end);
                return Err(FaultKind::End.because(why));
            }
            if self.terminal.is_some() && report.delivered != seen {
                let told = report.delivered;
                let why = format!("{stream} had {seen} bytes, and the exit says {told}");
                return Err(FaultKind::End.because(why));
            }
        }
        Ok(counts)
    }
}

/// Whether the root ended as it had to.
pub(super) fn check_end(plan: &Plan, terminal: &Terminal) -> Result<(), Fault> {
    let ours = |status: Status| match status {
        Status::Signaled { signal, .. } => {
            signal == lastbyte::Signal::TERM || signal == lastbyte::Signal::KILL
        }
        Status::Exited { .. } | Status::Unknown(_) | Status::Lost | Status::Forced => false,
    };
    let status = terminal.status;
    let right = match plan.due.ends {
        Ends::Code(code) => status == Status::Exited { code },
        Ends::CodeOrKilled(code) => status == Status::Exited { code } || ours(status),
        Ends::Killed => ours(status),
        Ends::Signal(signal) => {
            matches!(status, Status::Signaled { signal: found, .. } if found == signal)
        }
        Ends::Refused => false,
    };
    if !right {
        let why = format!("{status}, where {:?} was due", plan.due.ends);
        return Err(FaultKind::End.because(why));
    }
    let lastbyte::Cause { timed_out, cancelled, output_limit, stalled, killed_by_us } =
        terminal.cause;
    let (quiet, killed) = (!output_limit, killed_by_us.is_some());
    let right = match plan.due.cause {
        Cause::Whichever => true,
        Cause::Nothing => quiet && !timed_out && !cancelled && !stalled && !killed,
        Cause::TimedOut => quiet && timed_out && !cancelled && !stalled && killed,
        Cause::Stalled => quiet && !timed_out && !cancelled && stalled && killed,
        Cause::Killed { escalated } => {
            quiet && cancelled && killed_by_us.is_some_and(|by| by.escalated == escalated)
        }
    };
    if right {
        return Ok(());
    }
    let why = format!("its cause is {:?}, where {:?} was due", terminal.cause, plan.due.cause);
    Err(FaultKind::End.because(why))
}

/// Only stdout and stderr are there together.
fn slot(stream: StreamId) -> usize {
    match stream {
        StreamId::Stdout | StreamId::Combined | StreamId::Pty => 0,
        StreamId::Stderr => 1,
    }
}
