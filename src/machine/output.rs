//! Everything that can follow from an input: an event, actions for the driver, resolved waiters,
//! or a typed refusal.

use core::fmt;

use super::{End, InputKind, Signal, SignalSet, StreamId, Streams, Terminal, Until};

/// What follows from one input.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Step<C> {
    /// What the consumer gets; only ever for [`Input::Drain`](super::Input::Drain).
    pub event: Option<Event<C>>,
    /// What the driver must do now.
    pub actions: Actions,
    /// How many waiters this step resolves.
    pub resolved: Resolved,
    /// The consumer, who found nothing before, will find an event now.
    pub ready: bool,
    /// What became of a signal, kill, close or shutdown.
    pub reply: Reply,
}

impl<C> Default for Step<C> {
    fn default() -> Self {
        Step {
            event: None,
            actions: Actions::default(),
            resolved: Resolved::default(),
            ready: false,
            reply: Reply::Done,
        }
    }
}

/// What the consumer gets: `(Chunk | Gap | End)* Exit`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event<C> {
    /// Bytes of a stream, in their order.
    Chunk {
        /// Which stream.
        stream: StreamId,
        /// At least one byte.
        chunk: C,
    },
    /// Bytes that were read and dropped stood here (C8).
    Gap {
        /// Which stream.
        stream: StreamId,
        /// How many, at least 1.
        bytes: u64,
    },
    /// Nothing of this stream follows.
    End {
        /// Which stream.
        stream: StreamId,
        /// How it ended.
        end: End,
    },
    /// The terminal: nothing follows (C2).
    Exit(Terminal),
}

/// What became of a signal, kill, close or shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// Done, or under way.
    Done,
    /// The root has no pid yet; it is done when it has (C16).
    Latched,
    /// The root has been reaped: there is nobody to signal (C16).
    AlreadyExited,
}

/// How many waiters a step resolves, by what they wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Resolved {
    /// Those who wait for [`Until::Exited`].
    pub exited: u32,
    /// Those who wait for [`Until::Terminal`].
    pub terminal: u32,
}

impl Resolved {
    /// How many of one kind.
    pub fn of(&self, until: Until) -> u32 {
        match until {
            Until::Exited => self.exited,
            Until::Terminal => self.terminal,
        }
    }
}

/// A clock that the driver runs for the machine. Its length is
/// [`Policy::delay`](super::Policy::delay).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Timer {
    /// Armed at the start; then kills the execution.
    Timeout,
    /// Armed by the first signal of a kill; then sends SIGKILL.
    Grace,
    /// Armed while output stands buffered and is not taken; then kills the execution.
    Stall,
    /// Armed by a close before the reap; then forces the terminal.
    Close,
    /// Armed by a shutdown; then forces the terminal.
    Shutdown,
    /// Armed at the reap and by each chunk after it; then cuts the stream.
    Idle(StreamId),
    /// Armed at the reap; then cuts the stream.
    Deadline(StreamId),
}

/// How many timers an execution can have at once.
pub(crate) const TIMERS: usize = 9;

impl Timer {
    /// Every timer that an execution with these streams can arm.
    pub fn all(streams: Streams) -> impl Iterator<Item = Timer> {
        [Timer::Timeout, Timer::Grace, Timer::Stall, Timer::Close, Timer::Shutdown]
            .into_iter()
            .chain(streams.ids().iter().flat_map(|&id| [Timer::Idle(id), Timer::Deadline(id)]))
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Timer::Timeout => 0,
            Timer::Grace => 1,
            Timer::Stall => 2,
            Timer::Close => 3,
            Timer::Shutdown => 4,
            Timer::Idle(stream) => 5 + stream.slot(),
            Timer::Deadline(stream) => 7 + stream.slot(),
        }
    }
}

/// What the driver does with a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimerAction {
    /// Start it with its full length, also if it runs.
    Arm = 1,
    /// Set it to its full length, standing still.
    ArmHeld,
    /// Let it stand still with what is left: the source is not being read (C6).
    Hold,
    /// Let it go on.
    Resume,
    /// Forget it.
    Disarm,
}

impl TimerAction {
    /// The one action that does what `self` and then `next` do; `None` when they cancel out.
    fn then(self, next: TimerAction) -> Option<TimerAction> {
        match (self, next) {
            (_, TimerAction::Arm | TimerAction::ArmHeld | TimerAction::Disarm) => Some(next),
            (TimerAction::Arm, TimerAction::Hold) => Some(TimerAction::ArmHeld),
            (TimerAction::ArmHeld, TimerAction::Resume) => Some(TimerAction::Arm),
            (TimerAction::Hold, TimerAction::Resume) | (TimerAction::Resume, TimerAction::Hold) => {
                None
            }
            (_, TimerAction::Hold | TimerAction::Resume) => Some(self),
        }
    }
}

/// What the driver does with a pump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PumpAction {
    /// Stop reading for now: the consumer is slow (C12).
    Pause = 1,
    /// Read again.
    Resume,
    /// Stop reading for good and let go of the source.
    Abandon,
}

/// What the driver must do, in this order: signals, pumps, timers. Signals come first, so that a
/// child is never killed by a pipe that closed before its signal came (C16).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Actions {
    signals: SignalSet,
    /// One number for each pump and timer, [`BITS`] wide: most steps ask for nothing, and two
    /// comparisons tell.
    asked: u64,
}

/// Bits of one number in [`Actions`]; 0 asks for nothing.
const BITS: usize = 4;
const MASK: u64 = (1 << BITS) - 1;
/// The places of the pumps come before those of the timers.
const PUMPS: usize = 2;
const _: () = assert!((PUMPS + TIMERS) * BITS <= 64, "every pump and timer has a place");

impl Actions {
    /// Signals to send to the target of the kill policy. After the reap only its group is meant,
    /// by a reference that cannot reach a reused pid.
    pub fn signals(&self) -> SignalSet {
        self.signals
    }

    /// What to do with the pump of `stream`.
    pub fn pump(&self, stream: StreamId) -> Option<PumpAction> {
        match self.place(stream.slot()) {
            1 => Some(PumpAction::Pause),
            2 => Some(PumpAction::Resume),
            3 => Some(PumpAction::Abandon),
            _ => None,
        }
    }

    /// What to do with `timer`.
    pub fn timer(&self, timer: Timer) -> Option<TimerAction> {
        self.timer_at(timer.index())
    }

    fn timer_at(&self, index: usize) -> Option<TimerAction> {
        match self.place(PUMPS + index) {
            1 => Some(TimerAction::Arm),
            2 => Some(TimerAction::ArmHeld),
            3 => Some(TimerAction::Hold),
            4 => Some(TimerAction::Resume),
            5 => Some(TimerAction::Disarm),
            _ => None,
        }
    }

    fn place(&self, place: usize) -> u64 {
        self.asked >> (place * BITS) & MASK
    }

    fn set_place(&mut self, place: usize, number: u64) {
        let shift = place * BITS;
        self.asked = self.asked & !(MASK << shift) | number << shift;
    }

    /// Whether there is nothing to do.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.asked == 0 && self.signals.is_empty()
    }

    /// Each action, in order, for an execution with these streams.
    pub fn list(&self, streams: Streams) -> impl Iterator<Item = Action> {
        let actions = *self;
        let signals = actions.signals.iter().map(Action::Signal);
        let pumps = streams
            .ids()
            .iter()
            .filter_map(move |&id| actions.pump(id).map(|pump| Action::Pump(id, pump)));
        let timers = Timer::all(streams)
            .filter_map(move |timer| actions.timer(timer).map(|what| Action::Timer(timer, what)));
        signals.chain(pumps).chain(timers)
    }

    /// Adds what a later step asks for, so that carrying out the sum does what carrying out both
    /// in turn would.
    #[inline]
    pub fn merge(&mut self, later: &Actions) {
        if !later.is_empty() {
            self.add(later);
        }
    }

    #[cold]
    fn add(&mut self, later: &Actions) {
        self.signals.extend(later.signals);
        for slot in 0..PUMPS {
            let abandoned = self.place(slot) == PumpAction::Abandon as u64;
            if later.place(slot) != 0 && !abandoned {
                self.set_place(slot, later.place(slot));
            }
        }
        for index in 0..TIMERS {
            if let Some(next) = later.timer_at(index) {
                self.add_timer(index, next);
            }
        }
    }

    pub(super) fn signal(&mut self, signal: Signal) {
        self.signals.insert(signal);
    }

    pub(super) fn signal_all(&mut self, signals: SignalSet) {
        self.signals.extend(signals);
    }

    pub(super) fn set_pump(&mut self, stream: StreamId, action: PumpAction) {
        self.set_place(stream.slot(), action as u64);
    }

    pub(super) fn set_timer(&mut self, timer: Timer, action: TimerAction) {
        self.add_timer(timer.index(), action);
    }

    fn add_timer(&mut self, index: usize, next: TimerAction) {
        let sum = match self.timer_at(index) {
            None => Some(next),
            Some(now) => now.then(next),
        };
        self.set_place(PUMPS + index, sum.map_or(0, |action| action as u64));
    }
}

/// Whoever reads a history that another implementation wrote has a list of its actions.
impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(list: I) -> Self {
        let mut actions = Actions::default();
        for action in list {
            match action {
                Action::Signal(signal) => actions.signal(signal),
                Action::Pump(id, pump) => actions.set_pump(id, pump),
                Action::Timer(timer, what) => actions.set_timer(timer, what),
            }
        }
        actions
    }
}

/// One thing for the driver to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Send this signal.
    Signal(Signal),
    /// Do this with the pump of that stream.
    Pump(StreamId, PumpAction),
    /// Do this with that timer.
    Timer(Timer, TimerAction),
}

/// An input that has no meaning in the state it met. The machine is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Illegal {
    /// What came.
    pub input: InputKind,
    /// Why it cannot be.
    pub why: Why,
}

/// Why an input is illegal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// The root has not started.
    NotStarted,
    /// The root has started already, or was refused.
    AlreadyStarted,
    /// The start was refused: there is no execution (C14).
    Refused,
    /// The root has been reaped already (C2).
    AlreadyReaped,
    /// The terminal has been delivered: nothing follows it (C2).
    AlreadyDone,
    /// The execution has no such stream (C15).
    NoSuchStream,
    /// The stream has ended or was abandoned: nothing of it follows (C1).
    StreamEnded,
    /// Its pump is paused (C12).
    PumpPaused,
    /// The chunk is larger than the room left in the buffer (C12).
    NoRoom,
    /// A chunk has at least one byte; an empty read is an EOF, and the pump must say so (C9).
    EmptyChunk,
    /// Only the machine says that an end was forced (C9).
    StatusIsOurs,
    /// Nobody of that kind waits (C4).
    NobodyWaits,
    /// The timer is not armed, or it stands still (C6).
    TimerNotRunning,
    /// There is no consumer (C11).
    NoConsumer,
}

impl Why {
    /// The contract rule that forbids it.
    pub const fn rule(self) -> &'static str {
        match self {
            Why::NotStarted | Why::AlreadyStarted | Why::Refused => "C14",
            Why::AlreadyReaped | Why::AlreadyDone => "C2",
            Why::NoSuchStream => "C15",
            Why::StreamEnded => "C1",
            Why::PumpPaused | Why::NoRoom => "C12",
            Why::EmptyChunk | Why::StatusIsOurs => "C9",
            Why::NobodyWaits => "C4",
            Why::TimerNotRunning => "C6",
            Why::NoConsumer => "C11",
        }
    }
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            Why::NotStarted => "the root has not started",
            Why::AlreadyStarted => "the root has started already",
            Why::Refused => "the start was refused",
            Why::AlreadyReaped => "the root has been reaped already",
            Why::AlreadyDone => "the terminal has been delivered",
            Why::NoSuchStream => "the execution has no such stream",
            Why::StreamEnded => "the stream has ended",
            Why::PumpPaused => "its pump is paused",
            Why::NoRoom => "the chunk is larger than the room left",
            Why::EmptyChunk => "a chunk has at least one byte",
            Why::StatusIsOurs => "only the machine says that an end was forced",
            Why::NobodyWaits => "nobody of that kind waits",
            Why::TimerNotRunning => "the timer is not running",
            Why::NoConsumer => "there is no consumer",
        };
        write!(f, "{:?} refused: {why} ({})", self.input, self.why.rule())
    }
}

impl core::error::Error for Illegal {}
