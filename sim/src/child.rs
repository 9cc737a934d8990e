//! The child of a bounded world, as its driver knows it: what it may do next, and what that does.
//!
//! It sees of the design only [`Facts`], and of what the design answers only [`Effects`]. So an
//! explorer need not hold a child together with one design: it can go through them part by part.

use lastbyte::{
    machine::{
        Errno, Event, Input, PerStream, PumpAction, Signal, Status, Step, StreamId, Streams, Timer,
        TimerAction, Until,
    },
    monitor::{Broken, Rule},
};

use crate::{
    bytes::Bytes,
    design::Design,
    world::{Bounds, Choice, Happening, Holder, Once},
};

/// The child, its pipes, the callers, and the timers that the driver runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Child {
    start: Start,
    reaped: bool,
    pumps: PerStream<Pump>,
    clocks: Clocks,
    waits_left: [u8; 2],
    waiting: [u8; 2],
    once: Once,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Start {
    Pending,
    Running,
    Refused,
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

impl Pump {
    fn packed(self) -> u64 {
        let flags =
            u64::from(self.gone) | u64::from(self.looks) << 1 | u64::from(self.released) << 2;
        flags << 8 | u64::from(self.read)
    }
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

    fn running(self) -> u16 {
        self.armed & !self.held
    }

    fn off(&mut self, timer: Timer) {
        let bit = Clocks::bit(timer);
        (self.armed, self.held) = (self.armed & !bit, self.held & !bit);
    }
}

/// What decides, of a design and a history, what may happen next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// The most bytes that one chunk may have, as far as a world can tell.
    room: PerStream<u8>,
    has_event: bool,
}

impl Facts {
    pub(crate) fn of<D: Design>(design: &D, streams: Streams) -> Self {
        let mut room = PerStream::default();
        for &id in streams.ids() {
            room[id] = u8::try_from(design.room(id)).unwrap_or(u8::MAX);
        }
        Facts { room, has_event: design.has_event() }
    }

    pub(crate) fn has_event(&self) -> bool {
        self.has_event
    }

    /// All of them in 17 bits.
    #[inline]
    pub(crate) fn packed(self) -> u32 {
        self.room.iter().fold(u32::from(self.has_event), |bits, &room| bits << 8 | u32::from(room))
    }
}

/// A choice with what only the child knows of it: all that its input says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Act {
    choice: Choice,
    /// A read: the place of its first byte. The reap: what stands in each stream.
    bytes: [u8; 2],
}

impl Act {
    /// Asks a design for an event, although there is none.
    pub(crate) const PROBE: Act = Act { choice: Choice::Drain, bytes: [0; 2] };

    /// A number that no other input within the same bounds has.
    pub(crate) fn number(self) -> u32 {
        let (kind, which, extra) = match self.choice {
            Choice::Start => (0, 0, 0),
            Choice::Read(id, len) => (1, id as u32, len),
            Choice::ReadEof(id) => (2, id as u32, 0),
            Choice::ReadNothing(id) => (3, id as u32, 0),
            Choice::Reap => (4, 0, 0),
            Choice::Drain => (5, 0, 0),
            Choice::Wait(until) => (6, until as u32, 0),
            Choice::Fire(timer) => (7, Clocks::bit(timer).trailing_zeros(), 0),
            Choice::Happen(happening) => (8, happening as u32, 0),
        };
        let [first, second] = self.bytes;
        // A read has its length where the reap has its second stream.
        let bytes = u32::from(first) << 8 | u32::from(second | extra);
        kind << 20 | which << 16 | bytes
    }

    pub(crate) fn input(self, bounds: &Bounds) -> Input<Bytes> {
        let first = first_of(bounds.streams);
        match self.choice {
            Choice::Start => Input::Started,
            Choice::Read(id, len) => Input::Chunk(id, Bytes { at: self.bytes[0], len }),
            Choice::ReadEof(id) => Input::Eof(id),
            Choice::ReadNothing(id) => Input::Empty(id),
            Choice::Reap => {
                let mut standing = PerStream::default();
                for (&id, &bytes) in bounds.streams.ids().iter().zip(&self.bytes) {
                    standing[id] = u64::from(bytes);
                }
                Input::Reap { status: Status::Exited { code: 0 }, standing }
            }
            Choice::Drain => Input::Drain,
            Choice::Wait(until) => Input::Wait(until),
            Choice::Fire(timer) => Input::Timeout(timer),
            Choice::Happen(happening) => match happening {
                Happening::Kill => Input::Kill,
                Happening::Signal => Input::Signal(Signal::INT),
                Happening::Close => Input::Close,
                Happening::Shutdown => Input::Shutdown,
                Happening::Discard => Input::Discard(first),
                Happening::Detach => Input::Detach,
                Happening::CancelExited => Input::CancelWait(Until::Exited),
                Happening::CancelTerminal => Input::CancelWait(Until::Terminal),
                Happening::ReadError => Input::ReadError(first, Errno(5)),
                Happening::Refuse => Input::Refused,
            },
        }
    }
}

fn first_of(streams: Streams) -> StreamId {
    streams.ids().first().copied().unwrap_or(StreamId::Stdout)
}

/// What a step makes the driver do. For timers and pumps one bit each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Effects {
    resolved: [u8; 2],
    exits: bool,
    /// Whether there is anything but resolved waiters.
    acts: bool,
    arm: u16,
    disarm: u16,
    stand: u16,
    hold: u16,
    go: u16,
    abandons: PerStream<bool>,
    resumes: PerStream<bool>,
}

impl Effects {
    pub(crate) fn of(step: &Step<Bytes>, streams: Streams) -> Self {
        let exits = matches!(step.event, Some(Event::Exit(_)));
        let mut effects = Effects {
            resolved: [Until::Exited, Until::Terminal]
                .map(|until| u8::try_from(step.resolved.of(until)).unwrap_or(u8::MAX)),
            exits,
            acts: exits || !step.actions.is_empty(),
            ..Effects::default()
        };
        for timer in Timer::all(streams) {
            if let Some(action) = step.actions.timer(timer) {
                effects.order(Clocks::bit(timer), action);
            }
        }
        for &id in streams.ids() {
            let pump = step.actions.pump(id);
            effects.abandons[id] = pump == Some(PumpAction::Abandon);
            effects.resumes[id] = pump == Some(PumpAction::Resume);
        }
        effects
    }

    /// Whether nothing is to be done, and nobody to be told.
    #[inline]
    pub(crate) fn are_none(&self) -> bool {
        !self.acts && self.resolved == [0; 2]
    }

    fn order(&mut self, bit: u16, action: TimerAction) {
        match action {
            TimerAction::Arm => (self.arm, self.go) = (self.arm | bit, self.go | bit),
            TimerAction::ArmHeld => (self.arm, self.stand) = (self.arm | bit, self.stand | bit),
            TimerAction::Hold => self.hold |= bit,
            TimerAction::Resume => self.go |= bit,
            TimerAction::Disarm => (self.disarm, self.go) = (self.disarm | bit, self.go | bit),
        }
    }
}

impl Child {
    pub(crate) fn new(bounds: &Bounds) -> Self {
        Child {
            start: Start::Pending,
            reaped: false,
            pumps: PerStream::default(),
            clocks: Clocks::default(),
            waits_left: [bounds.waiters; 2],
            waiting: [0; 2],
            once: bounds.once,
        }
    }

    /// All of it in one number: unlike children have unlike numbers.
    pub(crate) fn packed(&self) -> u128 {
        let Child { start, reaped, ref pumps, clocks, waits_left, waiting, once } = *self;
        let mut head = (start as u64) << 1 | u64::from(reaped);
        for pump in pumps.iter() {
            head = head << 16 | pump.packed();
        }
        head = head << 16 | u64::from(once.bits());
        let [exited, terminal] = waits_left;
        let left = u32::from_le_bytes([exited, terminal, waiting[0], waiting[1]]);
        let timers = u32::from(clocks.armed) << 16 | u32::from(clocks.held);
        u128::from(head) << 64 | u128::from(left) << 32 | u128::from(timers)
    }

    /// What may happen next, in a fixed order.
    #[inline]
    pub(crate) fn choices(
        &self,
        bounds: &Bounds,
        facts: &Facts,
        is_over: bool,
        choices: &mut Vec<Choice>,
    ) {
        match self.start {
            Start::Pending => choices.push(Choice::Start),
            Start::Running => {
                for &id in bounds.streams.ids() {
                    self.pump_choices(bounds, id, facts.room[id], choices);
                }
                if !self.reaped {
                    choices.push(Choice::Reap);
                }
            }
            Start::Refused => {}
        }
        if bounds.consumer && facts.has_event {
            choices.push(Choice::Drain);
        }
        for until in [Until::Exited, Until::Terminal] {
            if self.waits_left[until as usize] > 0 {
                choices.push(Choice::Wait(until));
            }
        }
        let running = self.clocks.running();
        if running != 0 {
            let runs = |timer: &Timer| running & Clocks::bit(*timer) != 0;
            choices.extend(Timer::all(bounds.streams).filter(runs).map(Choice::Fire));
        }
        if self.once != Once::default() {
            let possible = |happening: &Happening| {
                self.once.has(*happening) && self.is_possible(bounds, facts, is_over, *happening)
            };
            choices.extend(Happening::ALL.into_iter().filter(possible).map(Choice::Happen));
        }
    }

    /// What the next read of a stream may find, if its pump reads now: the driver makes no read
    /// without room for it.
    fn pump_choices(&self, bounds: &Bounds, id: StreamId, room: u8, choices: &mut Vec<Choice>) {
        let Pump { read, gone, looks, .. } = self.pumps[id];
        if gone || room == 0 {
            return;
        }
        let left = (bounds.chunks[id] + bounds.holder.chunks()).saturating_sub(read);
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

    fn is_possible(
        &self,
        bounds: &Bounds,
        facts: &Facts,
        is_over: bool,
        happening: Happening,
    ) -> bool {
        let first = bounds.streams.ids().first();
        match happening {
            Happening::Kill | Happening::Signal | Happening::Close | Happening::Shutdown => {
                self.start != Start::Refused
            }
            Happening::Discard | Happening::Detach => {
                first.is_some() && self.start != Start::Refused && !is_over
            }
            Happening::CancelExited => self.waiting[Until::Exited as usize] > 0,
            Happening::CancelTerminal => self.waiting[Until::Terminal as usize] > 0,
            Happening::ReadError => {
                let reads = |&id: &StreamId| !self.pumps[id].gone && facts.room[id] > 0;
                self.start == Start::Running && first.is_some_and(reads)
            }
            Happening::Refuse => self.start == Start::Pending,
        }
    }

    /// Makes a choice happen to the child.
    #[inline]
    pub(crate) fn act(&mut self, bounds: &Bounds, choice: Choice) -> Act {
        let mut bytes = [0; 2];
        match choice {
            Choice::Start => {
                self.start = Start::Running;
                self.once.remove(Happening::Refuse);
            }
            Choice::Read(id, len) => {
                let pump = &mut self.pumps[id];
                bytes[0] = pump.read;
                pump.read += len;
                pump.looks = self.reaped;
            }
            Choice::ReadEof(id) => {
                (self.pumps[id].gone, self.pumps[id].looks) = (true, false);
            }
            Choice::ReadNothing(id) => self.pumps[id].looks = false,
            Choice::Reap => {
                self.reaped = true;
                for (&id, standing) in bounds.streams.ids().iter().zip(&mut bytes) {
                    let pump = &mut self.pumps[id];
                    pump.looks = !pump.gone;
                    *standing = bounds.chunks[id].saturating_sub(pump.read);
                }
            }
            Choice::Drain => {}
            Choice::Wait(until) => {
                self.waits_left[until as usize] -= 1;
                self.waiting[until as usize] += 1;
            }
            Choice::Fire(timer) => self.fire(bounds, timer),
            Choice::Happen(happening) => {
                self.once.remove(happening);
                self.happen(bounds, happening);
            }
        }
        Act { choice, bytes }
    }

    fn fire(&mut self, bounds: &Bounds, timer: Timer) {
        self.clocks.off(timer);
        match timer {
            // Readability wins: what the look finds decides.
            Timer::Idle(id) | Timer::Deadline(id) => self.pumps[id].looks = true,
            // The bound of a teardown gives the root up.
            Timer::Close | Timer::Shutdown => {
                self.reaped = true;
                self.release(bounds.streams.ids());
            }
            Timer::Timeout | Timer::Grace | Timer::Stall => {}
        }
    }

    fn happen(&mut self, bounds: &Bounds, happening: Happening) {
        match happening {
            Happening::Kill | Happening::Signal | Happening::Shutdown => {}
            Happening::Close | Happening::Detach => self.release(bounds.streams.ids()),
            Happening::Discard => self.release(&[first_of(bounds.streams)]),
            Happening::CancelExited => self.waiting[Until::Exited as usize] -= 1,
            Happening::CancelTerminal => self.waiting[Until::Terminal as usize] -= 1,
            Happening::ReadError => {
                let pump = &mut self.pumps[first_of(bounds.streams)];
                *pump = Pump { gone: true, looks: false, released: true, ..*pump };
            }
            Happening::Refuse => self.start = Start::Refused,
        }
    }

    fn release(&mut self, streams: &[StreamId]) {
        for &id in streams {
            self.pumps[id].released = true;
        }
    }

    /// What the driver does with a step, and what only the child knows about it (C7): whether all
    /// that the root wrote was read. The monitor has to believe what a pump says.
    #[inline]
    pub(crate) fn carry_out(&mut self, bounds: &Bounds, effects: &Effects) -> Result<(), Broken> {
        for (waiting, resolved) in self.waiting.iter_mut().zip(effects.resolved) {
            *waiting = waiting.saturating_sub(resolved);
        }
        if !effects.acts {
            return Ok(());
        }
        let Clocks { armed, held } = self.clocks;
        self.clocks = Clocks {
            armed: (armed | effects.arm) & !effects.disarm,
            held: (held | effects.stand | armed & effects.hold) & !effects.go,
        };
        for &id in bounds.streams.ids() {
            let pump = &mut self.pumps[id];
            let cut = effects.abandons[id];
            if cut {
                (pump.gone, pump.looks) = (true, false);
            } else if effects.resumes[id] {
                pump.looks = self.reaped;
            }
            if (cut || effects.exits) && !pump.released && pump.read < bounds.chunks[id] {
                let why = "bytes that the root had written were never read";
                return Err(Broken { rule: Rule::C7, why });
            }
        }
        Ok(())
    }
}
