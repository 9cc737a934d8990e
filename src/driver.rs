//! The driver: carries out what the machine asks for, and reports what the backend found.
//!
//! It decides nothing. A [`Driver`] is a future that knows no runtime: it runs as a tokio task, on
//! a thread of its own, or under a simulator, by what its [`Backend`] and [`Clock`] are.

use core::{
    future::Future,
    hash::{Hash, Hasher},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use crate::{
    Data,
    backend::{Backend, Exit, Read},
    machine::{
        Illegal, Input, PerStream, Policy, PumpAction, StreamId, Streams, Target, Timer,
        TimerAction,
    },
    ordering::{Core, Orders},
};

/// Reads of one stream before the others, and the task's neighbours, have their turn.
const READS_PER_TURN: u32 = 32;

/// A monotonic clock that can wake a task.
pub trait Clock {
    /// Time since the start of the execution.
    fn now(&self) -> Duration;

    /// Ready when `at` has come; otherwise has the task of `cx` woken then. A later call replaces
    /// an earlier one.
    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()>;
}

/// Runs one execution to its end; the future is ready when nothing is left to do.
///
/// Dropping it before that drops the backend, which ends and reaps the root; the core is told, so
/// that nobody waits for ever.
#[derive(Debug)]
#[must_use = "an execution does nothing without its driver"]
pub struct Driver<B: Backend, K: Clock> {
    core: Core<Data>,
    backend: B,
    clock: K,
    policy: Policy,
    streams: Streams,
    timestamps: bool,
    room: PerStream<u64>,
    abandoned: PerStream<bool>,
    /// The root has ended, and each stream that is still open must show what is left in it.
    exit: Option<Exit>,
    probe: PerStream<bool>,
    timers: Vec<Running>,
    done: bool,
}

/// A timer of the machine that was armed.
#[derive(Clone, Copy, Debug, Hash)]
struct Running {
    timer: Timer,
    left: Left,
}

#[derive(Clone, Copy, Debug, Hash)]
enum Left {
    Until(Duration),
    Held(Duration),
}

impl<B: Backend, K: Clock> Driver<B, K> {
    /// A driver for an execution whose root has just started.
    ///
    /// # Errors
    ///
    /// [`Illegal`] when `core` has started already.
    pub fn start(
        core: Core<Data>,
        backend: B,
        clock: K,
        policy: Policy,
        streams: Streams,
        timestamps: bool,
    ) -> Result<Self, Illegal> {
        let orders = core.drive(Input::Started)?;
        let mut driver = Driver {
            core,
            backend,
            clock,
            policy,
            streams,
            timestamps,
            room: PerStream::default(),
            abandoned: PerStream::default(),
            exit: None,
            probe: PerStream::default(),
            timers: Vec::new(),
            done: false,
        };
        driver.carry_out(orders);
        Ok(driver)
    }

    /// The execution that it drives.
    pub fn core(&self) -> &Core<Data> {
        &self.core
    }

    /// Hashes what it has learned and not yet forgotten, for explorers of states: its core,
    /// backend and clock are hashed by those who hold them.
    pub fn hash_state(&self, state: &mut impl Hasher) {
        (self.room, self.abandoned, self.exit, self.probe).hash(state);
        (&self.timers, self.done).hash(state);
    }

    /// Makes one step. An input that came too late, for a stream that was cut or a timer that was
    /// disarmed by somebody else's step, has changed nothing and is forgotten.
    fn drive(&mut self, input: Input<Data>) {
        if let Ok(orders) = self.core.drive(input) {
            self.carry_out(orders);
        }
    }

    fn carry_out(&mut self, orders: Orders) {
        self.room = orders.room;
        self.done = orders.done;
        if orders.actions.is_empty() {
            return;
        }
        let target = if self.exit.is_some() { Target::Group } else { self.policy.kill.target };
        for signal in orders.actions.signals().iter() {
            self.backend.signal(signal, target);
        }
        for &id in self.streams.ids() {
            // What others ask for after the exit may have made a stream due: it is looked at.
            self.probe[id] |= self.exit.is_some();
            match orders.actions.pump(id) {
                Some(PumpAction::Abandon) => {
                    self.abandoned[id] = true;
                    self.backend.abandon(id);
                }
                // A stream that was not read while it was paused must be looked at again.
                Some(PumpAction::Resume) => self.probe[id] = true,
                // Room says the same: no read is made without it.
                Some(PumpAction::Pause) | None => {}
            }
        }
        for timer in Timer::all(self.streams) {
            if let Some(action) = orders.actions.timer(timer) {
                self.set_timer(timer, action);
            }
        }
    }

    fn set_timer(&mut self, timer: Timer, action: TimerAction) {
        let now = self.clock.now();
        let delay = self.policy.delay(timer);
        let place = self.timers.iter().position(|running| running.timer == timer);
        let left = match (action, place.map(|place| self.timers[place].left)) {
            (TimerAction::Arm, _) => Left::Until(now.saturating_add(delay)),
            (TimerAction::ArmHeld, _) => Left::Held(delay),
            (TimerAction::Hold, Some(Left::Until(at))) => Left::Held(at.saturating_sub(now)),
            (TimerAction::Resume, Some(Left::Held(left))) => Left::Until(now.saturating_add(left)),
            (TimerAction::Disarm, _) => {
                if let Some(place) = place {
                    self.timers.swap_remove(place);
                }
                return;
            }
            (TimerAction::Hold | TimerAction::Resume, _) => return,
        };
        match place {
            Some(place) => self.timers[place].left = left,
            None => self.timers.push(Running { timer, left }),
        }
    }

    /// Learns the root's end.
    fn poll_exit(&mut self, cx: &mut Context<'_>) {
        if self.exit.is_none()
            && let Poll::Ready(exit) = self.backend.poll_exit(cx)
        {
            self.reap(exit);
        }
    }

    fn reap(&mut self, exit: Exit) {
        self.exit = Some(exit);
        for &id in self.streams.ids() {
            self.probe[id] = true;
        }
        self.drive(Input::Reap { status: exit.status, standing: exit.standing });
    }

    /// Reads one stream until it has nothing, is paused or has had its turn. Says whether there
    /// may be more at once.
    fn pump(&mut self, cx: &mut Context<'_>, id: StreamId) -> bool {
        for _ in 0..READS_PER_TURN {
            if self.abandoned[id] || self.room[id] == 0 {
                return false;
            }
            if self.exit.is_some() && self.probe[id] {
                match self.backend.try_read(id, self.room[id]) {
                    Some(read) => self.accept(id, read),
                    None => {
                        self.probe[id] = false;
                        if !self.backend.may_come(id) {
                            self.drive(Input::Empty(id));
                        }
                    }
                }
                continue;
            }
            match self.backend.poll_read(cx, id, self.room[id]) {
                Poll::Ready(read) => self.accept(id, read),
                Poll::Pending => return false,
            }
        }
        true
    }

    fn accept(&mut self, id: StreamId, read: Read) {
        let input = match read {
            Read::Chunk(data) if self.timestamps => {
                Input::Chunk(id, data.read_at(self.clock.now()))
            }
            Read::Chunk(data) => Input::Chunk(id, data),
            Read::Eof => Input::Eof(id),
            Read::Error(errno) => Input::ReadError(id, errno),
        };
        if let Input::Eof(_) | Input::ReadError(..) = input {
            self.abandoned[id] = true;
            self.backend.abandon(id);
        }
        // After the reap each read is followed by another look, until one finds nothing.
        self.probe[id] = self.exit.is_some();
        self.drive(input);
    }

    /// Fires what is due, the earliest first, and has the task woken for the next. Says whether
    /// anything was fired.
    fn poll_timers(&mut self, cx: &mut Context<'_>) -> bool {
        let mut fired = false;
        while let Some((place, at)) = self.next_timer() {
            if self.clock.poll_until(cx, at).is_pending() {
                break;
            }
            fired = true;
            let timer = self.timers[place].timer;
            match timer {
                // Readability wins: the machine cuts when the look that follows finds nothing.
                Timer::Idle(id) | Timer::Deadline(id) => self.probe[id] = true,
                // An exit that beat the timer stays clean (C10).
                Timer::Timeout | Timer::Grace | Timer::Stall | Timer::Close => {
                    if self.exit.is_none()
                        && let Some(exit) = self.backend.try_exit()
                    {
                        self.reap(exit);
                        continue;
                    }
                }
                Timer::Shutdown => {}
            }
            self.timers.swap_remove(place);
            self.drive(Input::Timeout(timer));
        }
        fired
    }

    fn next_timer(&self) -> Option<(usize, Duration)> {
        self.timers
            .iter()
            .enumerate()
            .filter_map(|(place, running)| match running.left {
                Left::Until(at) => Some((place, at)),
                Left::Held(_) => None,
            })
            .min_by_key(|&(_, at)| at)
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let orders = self.core.poll_orders(cx);
            self.carry_out(orders);
            self.poll_exit(cx);
            let mut more = false;
            for &id in self.streams.ids() {
                more |= self.pump(cx, id);
            }
            if self.done {
                // What was not reaped by a forced end is the backend's to end when it is dropped.
                return Poll::Ready(());
            }
            if self.poll_timers(cx) {
                continue;
            }
            if more {
                cx.waker().wake_by_ref();
            }
            return Poll::Pending;
        }
    }
}

impl<B: Backend, K: Clock> Drop for Driver<B, K> {
    /// A runtime that goes away takes its tasks with it: the execution is closed, and its root is
    /// given the bound of a close to be reaped, so that nobody waits for ever (C11, C13).
    fn drop(&mut self) {
        if self.done {
            return;
        }
        self.drive(Input::Close);
        if self.exit.is_none() {
            match self.backend.wait_exit(self.policy.delay(Timer::Close)) {
                Some(exit) => self.reap(exit),
                None => self.drive(Input::Timeout(Timer::Close)),
            }
        }
    }
}

impl<B: Backend + Unpin, K: Clock + Unpin> Future for Driver<B, K> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        ready!(this.turn(cx));
        Poll::Ready(())
    }
}
