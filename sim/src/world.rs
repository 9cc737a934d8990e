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
        DrainPolicy, Errno, Event, Illegal, Input, PerStream, Policy, PumpAction, Signal, Status,
        Step, StreamId, Streams, Timer, TimerAction, Until,
    },
    monitor::{Broken, History, Rule},
};

use crate::{bytes::Bytes, design::Design};

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
    fn chunks(self) -> u8 {
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

    fn has(self, happening: Happening) -> bool {
        self.0 & 1 << happening as u8 != 0
    }

    fn remove(&mut self, happening: Happening) {
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Child {
    start: Start,
    reaped: bool,
    pumps: PerStream<Pump>,
    clocks: Clocks,
    waits_left: [u8; 2],
    waiting: [u8; 2],
    once: Once,
}

/// What the driver knows of one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Pump {
    /// Bytes read: first the root's, then a descendant's.
    read: u8,
    /// It has read the end, or was told to abandon its source.
    gone: bool,
    /// After the reap: it looks again, and says so if there is nothing.
    looks: bool,
    /// Nobody is promised the root's bytes of this stream any more.
    released: bool,
}

/// The timers that run, as the steps ordered it. Two bits each: armed, standing still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Clocks {
    armed: u16,
    held: u16,
}

impl Clocks {
    fn bit(timer: Timer) -> u16 {
        let place = match timer {
            Timer::Timeout => 0,
            Timer::Grace => 1,
            Timer::Stall => 2,
            Timer::Close => 3,
            Timer::Shutdown => 4,
            Timer::Idle(id) => 5 + id as u16,
            Timer::Deadline(id) => 9 + id as u16,
        };
        1 << place
    }

    fn is_running(self, timer: Timer) -> bool {
        (self.armed & !self.held) & Clocks::bit(timer) != 0
    }

    fn apply(&mut self, timer: Timer, action: TimerAction) {
        let bit = Clocks::bit(timer);
        match action {
            TimerAction::Arm => (self.armed, self.held) = (self.armed | bit, self.held & !bit),
            TimerAction::ArmHeld => (self.armed, self.held) = (self.armed | bit, self.held | bit),
            TimerAction::Hold => self.held |= self.armed & bit,
            TimerAction::Resume => self.held &= !bit,
            TimerAction::Disarm => self.off(timer),
        }
    }

    fn off(&mut self, timer: Timer) {
        let bit = Clocks::bit(timer);
        (self.armed, self.held) = (self.armed & !bit, self.held & !bit);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Start {
    Pending,
    Running,
    Refused,
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
            child: Child {
                start: Start::Pending,
                reaped: false,
                pumps: PerStream::default(),
                clocks: Clocks::default(),
                waits_left: [bounds.waiters; 2],
                waiting: [0; 2],
                once: bounds.once,
            },
        }
    }

    /// What may happen next, in a fixed order. None: nothing ever will.
    pub fn choices(&self, bounds: &Bounds) -> Vec<Choice> {
        let mut choices = Vec::with_capacity(12);
        match self.child.start {
            Start::Pending => choices.push(Choice::Start),
            Start::Running => {
                for &id in bounds.streams.ids() {
                    self.pump_choices(bounds, id, &mut choices);
                }
                if !self.child.reaped {
                    choices.push(Choice::Reap);
                }
            }
            Start::Refused => {}
        }
        if bounds.consumer && self.design.has_event() {
            choices.push(Choice::Drain);
        }
        for until in [Until::Exited, Until::Terminal] {
            if self.child.waits_left[until as usize] > 0 {
                choices.push(Choice::Wait(until));
            }
        }
        for timer in Timer::all(bounds.streams) {
            if self.child.clocks.is_running(timer) {
                choices.push(Choice::Fire(timer));
            }
        }
        for happening in Happening::ALL {
            if self.child.once.has(happening) && self.is_possible(bounds, happening) {
                choices.push(Choice::Happen(happening));
            }
        }
        choices
    }

    /// What the next read of a stream may find, if its pump reads now: the driver makes no read
    /// without room for it.
    fn pump_choices(&self, bounds: &Bounds, id: StreamId, choices: &mut Vec<Choice>) {
        if !self.reads(id) {
            return;
        }
        let Pump { read, looks, .. } = self.child.pumps[id];
        let left = (bounds.chunks[id] + bounds.holder.chunks()).saturating_sub(read);
        let room = u8::try_from(self.design.room(id)).unwrap_or(u8::MAX);
        let most = left.min(room).min(bounds.read_max);
        choices.extend((1..=most).map(|len| Choice::Read(id, len)));
        if read < bounds.chunks[id] {
            return;
        }
        let more = left > 0;
        match bounds.holder {
            Holder::Nobody => choices.push(Choice::ReadEof(id)),
            Holder::Closes(_) if !more => choices.push(Choice::ReadEof(id)),
            Holder::Closes(_) | Holder::Descendant(_) => {}
        }
        if looks && bounds.holder != Holder::Nobody {
            choices.push(Choice::ReadNothing(id));
        }
    }

    fn reads(&self, id: StreamId) -> bool {
        !self.child.pumps[id].gone && self.design.room(id) > 0
    }

    fn is_possible(&self, bounds: &Bounds, happening: Happening) -> bool {
        let running = self.child.start == Start::Running;
        let first = bounds.streams.ids().first();
        match happening {
            Happening::Kill | Happening::Signal | Happening::Close | Happening::Shutdown => {
                self.child.start != Start::Refused
            }
            Happening::Discard | Happening::Detach => {
                first.is_some() && self.child.start != Start::Refused && !self.history.is_over()
            }
            Happening::CancelExited => self.child.waiting[Until::Exited as usize] > 0,
            Happening::CancelTerminal => self.child.waiting[Until::Terminal as usize] > 0,
            Happening::ReadError => running && first.is_some_and(|&id| self.reads(id)),
            Happening::Refuse => self.child.start == Start::Pending,
        }
    }

    /// Makes a choice happen, and has the monitor judge what follows from it.
    ///
    /// # Errors
    ///
    /// [`Wrong`] when a rule is broken, or an honest input is refused. The world is then of no
    /// further use.
    pub fn take(&mut self, bounds: &Bounds, choice: Choice) -> Result<Step<Bytes>, Wrong> {
        let input = self.input(bounds, choice);
        let step = self.design.step(input.clone()).map_err(Wrong::Refused)?;
        self.history.observe(&input, &step).map_err(Wrong::Broken)?;
        self.carry_out(bounds, &step).map_err(Wrong::Broken)?;
        Ok(step)
    }

    /// What a choice would make the design do, whether or not a rule allows it.
    pub fn peek(&self, bounds: &Bounds, choice: Choice) -> Option<Step<Bytes>> {
        let mut after = self.clone();
        let input = after.input(bounds, choice);
        after.design.step(input).ok()
    }

    /// What the driver does with a step, and what only the child knows about it (C7): whether all
    /// that the root wrote was read. The monitor has to believe what a pump says.
    fn carry_out(&mut self, bounds: &Bounds, step: &Step<Bytes>) -> Result<(), Broken> {
        let child = &mut self.child;
        for until in [Until::Exited, Until::Terminal] {
            let resolved = u8::try_from(step.resolved.of(until)).unwrap_or(u8::MAX);
            let waiting = &mut child.waiting[until as usize];
            *waiting = waiting.saturating_sub(resolved);
        }
        let exits = matches!(step.event, Some(Event::Exit(_)));
        if step.actions.is_empty() && !exits {
            return Ok(());
        }
        for timer in Timer::all(bounds.streams) {
            if let Some(action) = step.actions.timer(timer) {
                child.clocks.apply(timer, action);
            }
        }
        for &id in bounds.streams.ids() {
            let pump = &mut child.pumps[id];
            let cut = match step.actions.pump(id) {
                Some(PumpAction::Abandon) => {
                    (pump.gone, pump.looks) = (true, false);
                    true
                }
                Some(PumpAction::Resume) => {
                    pump.looks = child.reaped;
                    false
                }
                Some(PumpAction::Pause) | None => false,
            };
            if (cut || exits) && !pump.released && pump.read < bounds.chunks[id] {
                let why = "bytes that the root had written were never read";
                return Err(Broken { rule: Rule::C7, why });
            }
        }
        Ok(())
    }

    /// The input that a choice is, and what it does to the child.
    fn input(&mut self, bounds: &Bounds, choice: Choice) -> Input<Bytes> {
        let child = &mut self.child;
        match choice {
            Choice::Start => {
                child.start = Start::Running;
                child.once.remove(Happening::Refuse);
                Input::Started
            }
            Choice::Read(id, len) => {
                let pump = &mut child.pumps[id];
                let at = pump.read;
                pump.read += len;
                pump.looks = child.reaped;
                Input::Chunk(id, Bytes { at, len })
            }
            Choice::ReadEof(id) => {
                child.pumps[id].gone = true;
                child.pumps[id].looks = false;
                Input::Eof(id)
            }
            Choice::ReadNothing(id) => {
                child.pumps[id].looks = false;
                Input::Empty(id)
            }
            Choice::Reap => {
                child.reaped = true;
                let mut standing = PerStream::default();
                for &id in bounds.streams.ids() {
                    let pump = &mut child.pumps[id];
                    pump.looks = !pump.gone;
                    standing[id] = u64::from(bounds.chunks[id].saturating_sub(pump.read));
                }
                Input::Reap { status: Status::Exited { code: 0 }, standing }
            }
            Choice::Drain => Input::Drain,
            Choice::Wait(until) => {
                child.waits_left[until as usize] -= 1;
                child.waiting[until as usize] += 1;
                Input::Wait(until)
            }
            Choice::Fire(timer) => {
                child.clocks.off(timer);
                match timer {
                    // Readability wins: what the look finds decides.
                    Timer::Idle(id) | Timer::Deadline(id) => child.pumps[id].looks = true,
                    // The bound of a teardown gives the root up.
                    Timer::Close | Timer::Shutdown => {
                        child.reaped = true;
                        self.release(bounds.streams.ids());
                    }
                    Timer::Timeout | Timer::Grace | Timer::Stall => {}
                }
                Input::Timeout(timer)
            }
            Choice::Happen(happening) => {
                child.once.remove(happening);
                self.happen(bounds, happening)
            }
        }
    }

    fn happen(&mut self, bounds: &Bounds, happening: Happening) -> Input<Bytes> {
        let first = bounds.streams.ids().first().copied().unwrap_or(StreamId::Stdout);
        match happening {
            Happening::Kill => Input::Kill,
            Happening::Signal => Input::Signal(Signal::INT),
            Happening::Close => {
                self.release(bounds.streams.ids());
                Input::Close
            }
            Happening::Shutdown => Input::Shutdown,
            Happening::Discard => {
                self.release(&[first]);
                Input::Discard(first)
            }
            Happening::Detach => {
                self.release(bounds.streams.ids());
                Input::Detach
            }
            Happening::CancelExited => {
                self.child.waiting[Until::Exited as usize] -= 1;
                Input::CancelWait(Until::Exited)
            }
            Happening::CancelTerminal => {
                self.child.waiting[Until::Terminal as usize] -= 1;
                Input::CancelWait(Until::Terminal)
            }
            Happening::ReadError => {
                let pump = &mut self.child.pumps[first];
                *pump = Pump { gone: true, looks: false, released: true, ..*pump };
                Input::ReadError(first, Errno(5))
            }
            Happening::Refuse => {
                self.child.start = Start::Refused;
                Input::Refused
            }
        }
    }

    fn release(&mut self, streams: &[StreamId]) {
        for &id in streams {
            self.child.pumps[id].released = true;
        }
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
        // Nobody takes the terminal in a world without a consumer.
        if !bounds.consumer {
            return Ok(());
        }
        self.history.finish()?;
        if bounds.must_end() && !self.is_over() {
            let why = "nothing more can happen, and there is no terminal";
            return Err(Broken { rule: Rule::C6, why });
        }
        Ok(())
    }
}
