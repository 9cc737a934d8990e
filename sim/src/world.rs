//! The bounded world around a design: a child, its pipes, callers, and what may happen next.
//!
//! A [`World`] is one state of the exploration. [`World::choices`] lists what may happen, in a fixed
//! order; [`World::take`] makes it happen, and has the monitor judge it. The world is honest: it
//! does what the driver does (`src/driver.rs`) and gives no input that it could not give. Timers
//! and pumps are as the steps ordered, not as the design believes. Reading a chunk before the exit
//! means that the root had written it by then; what the root has not been seen to write stands in
//! its pipes at the reap. So exit-before-pump, pump-before-exit and all between are interleavings.

use std::fmt;

use lastbyte::{
    machine::{
        DrainPolicy, Illegal, Input, PerStream, Policy, Step, StreamId, Streams, Timer, Until,
    },
    monitor::{Broken, History, Rule},
};

use crate::{
    bytes::Bytes,
    child::{Child, Effects, Facts},
    design::Design,
};

/// How large a world is, and what may happen in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The streams of the execution.
    pub streams: Streams,
    /// Bytes that the root writes to each stream. With reads of one byte, so many chunks.
    pub chunks: PerStream<u8>,
    /// The most bytes that one read returns; it may return less.
    pub read_max: u8,
    /// Who holds the streams beside the root.
    pub holder: Holder,
    /// Waits of each kind (for the reap, for the terminal), each at any moment.
    pub waiters: u8,
    /// Whether there is a consumer who drains. Without, only pumps and reap interleave.
    pub consumer: bool,
    /// What may happen once, at any moment.
    pub once: Once,
    /// The policies.
    pub policy: Policy,
}

/// Who holds the streams beside the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Nobody: each stream ends when it has been read.
    Nobody,
    /// A descendant that writes so many chunks to each stream, each at any moment after the
    /// root's, and never lets go.
    Descendant(u8),
    /// The same, and then it lets go, at any moment.
    Closes(u8),
}

impl Holder {
    pub(crate) fn chunks(self) -> u8 {
        match self {
            Holder::Nobody => 0,
            Holder::Descendant(chunks) | Holder::Closes(chunks) => chunks,
        }
    }
}

impl Bounds {
    /// Whether the terminal must come in every history: the caller did not choose to wait for a
    /// descendant that never lets go.
    pub fn must_end(&self) -> bool {
        let for_ever = matches!(self.holder, Holder::Descendant(_))
            && matches!(self.policy.drain, DrainPolicy::UntilEof);
        self.consumer && !for_ever
    }
}

/// Happenings that are possible once in a history; a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Once(u16);

/// A happening that is possible once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Happening {
    /// The caller kills.
    Kill,
    /// The caller sends a signal.
    Signal,
    /// The caller closes.
    Close,
    /// The runtime shuts down.
    Shutdown,
    /// The consumer gives up the first stream.
    Discard,
    /// The consumer goes.
    Detach,
    /// A waiter for the reap goes.
    CancelExited,
    /// A waiter for the terminal goes.
    CancelTerminal,
    /// A read of the first stream fails.
    ReadError,
    /// The start is refused.
    Refuse,
}

impl Happening {
    /// All of them.
    pub const ALL: [Happening; 10] = [
        Happening::Kill,
        Happening::Signal,
        Happening::Close,
        Happening::Shutdown,
        Happening::Discard,
        Happening::Detach,
        Happening::CancelExited,
        Happening::CancelTerminal,
        Happening::ReadError,
        Happening::Refuse,
    ];
}

impl Once {
    /// These happenings.
    pub fn of(happenings: &[Happening]) -> Self {
        Once(happenings.iter().fold(0, |set, &happening| set | 1 << happening as u8))
    }

    pub(crate) fn has(self, happening: Happening) -> bool {
        self.0 & 1 << happening as u8 != 0
    }

    pub(crate) fn bits(self) -> u16 {
        self.0
    }

    pub(crate) fn remove(&mut self, happening: Happening) {
        self.0 &= !(1 << happening as u8);
    }
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The child starts.
    Start,
    /// A pump reads a chunk of so many bytes.
    Read(StreamId, u8),
    /// A pump reads the end.
    ReadEof(StreamId),
    /// After the reap, a pump finds nothing although somebody holds the stream.
    ReadNothing(StreamId),
    /// The root's end is learned.
    Reap,
    /// The consumer takes an event.
    Drain,
    /// Somebody waits.
    Wait(Until),
    /// A timer runs out.
    Fire(Timer),
    /// Something that is possible once.
    Happen(Happening),
}

impl Choice {
    /// Who makes it happen, as a lane of a diagram.
    pub fn who(self) -> String {
        match self {
            Choice::Start | Choice::Reap | Choice::Happen(Happening::Refuse) => "reaper".to_owned(),
            Choice::Read(id, _) | Choice::ReadEof(id) | Choice::ReadNothing(id) => {
                format!("{id} pump")
            }
            Choice::Drain | Choice::Happen(Happening::Discard | Happening::Detach) => {
                "consumer".to_owned()
            }
            Choice::Wait(Until::Exited) | Choice::Happen(Happening::CancelExited) => {
                "waiter exited".to_owned()
            }
            Choice::Wait(Until::Terminal) | Choice::Happen(Happening::CancelTerminal) => {
                "waiter terminal".to_owned()
            }
            Choice::Fire(_) => "time".to_owned(),
            Choice::Happen(Happening::Kill | Happening::Signal) => "killer".to_owned(),
            Choice::Happen(Happening::Close) => "closer".to_owned(),
            Choice::Happen(Happening::Shutdown) => "shutdown".to_owned(),
            Choice::Happen(Happening::ReadError) => "pump".to_owned(),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Choice::Start => f.write_str("the child starts"),
            Choice::Read(id, 1) => write!(f, "pump reads a chunk of {id}"),
            Choice::Read(id, len) => write!(f, "pump reads a chunk of {id}, {len} bytes"),
            Choice::ReadEof(id) => write!(f, "pump reads the end of {id}"),
            Choice::ReadNothing(id) => write!(f, "pump finds {id} empty, and still held"),
            Choice::Reap => f.write_str("the root's exit is reaped"),
            Choice::Drain => f.write_str("the consumer drains"),
            Choice::Wait(Until::Exited) => f.write_str("somebody waits for the exit"),
            Choice::Wait(Until::Terminal) => f.write_str("somebody waits for the terminal"),
            Choice::Fire(timer) => write!(f, "the timer {timer:?} runs out"),
            Choice::Happen(happening) => f.write_str(match happening {
                Happening::Kill => "the caller kills",
                Happening::Signal => "the caller sends a signal",
                Happening::Close => "the caller closes",
                Happening::Shutdown => "the runtime shuts down",
                Happening::Discard => "the consumer discards the first stream",
                Happening::Detach => "the consumer goes",
                Happening::CancelExited => "a waiter for the exit goes",
                Happening::CancelTerminal => "a waiter for the terminal goes",
                Happening::ReadError => "a read of the first stream fails",
                Happening::Refuse => "the start is refused",
            }),
        }
    }
}

/// One state: the design, what the contract remembers, and the child.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World<D> {
    design: D,
    history: History<Bytes>,
    child: Child,
}

/// Why a history ends at a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A rule is broken.
    Broken(Broken),
    /// The design refuses what an honest driver may do.
    Refused(Illegal),
}

impl<D: Design> World<D> {
    /// The world before anything has happened.
    pub fn new(bounds: &Bounds) -> Self {
        World {
            design: D::start(bounds.streams, bounds.policy),
            history: History::new(bounds.streams, bounds.policy),
            child: Child::new(bounds),
        }
    }

    /// What may happen next, in a fixed order. None: nothing ever will.
    pub fn choices(&self, bounds: &Bounds) -> Vec<Choice> {
        let mut choices = Vec::with_capacity(12);
        let facts = Facts::of(&self.design, bounds.streams);
        self.child.choices(bounds, &facts, self.is_over(), &mut choices);
        choices
    }

    /// Makes a choice happen, and has the monitor judge what follows from it.
    ///
    /// # Errors
    ///
    /// [`Wrong`] when a rule is broken, or an honest input is refused. The world is then of no
    /// further use.
    pub fn take(&mut self, bounds: &Bounds, choice: Choice) -> Result<Step<Bytes>, Wrong> {
        let input = self.child.act(bounds, choice).input(bounds);
        let step = self.design.step(input.clone()).map_err(Wrong::Refused)?;
        self.history.observe(&input, &step).map_err(Wrong::Broken)?;
        let effects = Effects::of(&step, bounds.streams);
        self.child.carry_out(bounds, &effects).map_err(Wrong::Broken)?;
        Ok(step)
    }

    /// What a choice says to the design.
    pub fn input(&self, bounds: &Bounds, choice: Choice) -> Input<Bytes> {
        let mut child = self.child;
        child.act(bounds, choice).input(bounds)
    }

    /// What a choice would make the design do, whether or not a rule allows it.
    pub fn peek(&self, bounds: &Bounds, choice: Choice) -> Option<Step<Bytes>> {
        let mut after = self.clone();
        let input = after.child.act(bounds, choice).input(bounds);
        after.design.step(input).ok()
    }

    /// The design in its present state.
    pub fn design(&self) -> &D {
        &self.design
    }

    /// Whether the terminal is delivered, or nobody is there to take it.
    pub fn is_over(&self) -> bool {
        self.history.is_over()
    }

    /// What a consumer who asks although there is nothing would reveal: an event that is withheld.
    ///
    /// # Errors
    ///
    /// [`Broken`] when there should have been something.
    pub fn probe(&self, bounds: &Bounds) -> Result<(), Broken> {
        if !bounds.consumer || self.design.has_event() {
            return Ok(());
        }
        let mut design = self.design.clone();
        match design.step(Input::Drain) {
            Ok(step) => self.history.clone().observe(&Input::Drain, &step),
            Err(_) => Ok(()),
        }
    }

    /// What must hold when nothing more can happen.
    ///
    /// # Errors
    ///
    /// [`Broken`] names the rule.
    pub fn finish(&self, bounds: &Bounds) -> Result<(), Broken> {
        finish(bounds, &self.history)
    }
}

/// What must hold of a history after which nothing more can happen.
pub(crate) fn finish(bounds: &Bounds, history: &History<Bytes>) -> Result<(), Broken> {
    // Nobody takes the terminal in a world without a consumer.
    if !bounds.consumer {
        return Ok(());
    }
    history.finish()?;
    if bounds.must_end() && !history.is_over() {
        let why = "nothing more can happen, and there is no terminal";
        return Err(Broken { rule: Rule::C6, why });
    }
    Ok(())
}
