//! The ordering core: one machine transition per atomic step, and whom to wake after it.
//!
//! A [`Core`] is shared by pumps, reaper, consumer, waiters and closers, from async tasks or plain
//! threads. All that is shared is one [`Machine`] behind one lock; a step is made under the lock,
//! wakers are called after it is released. It knows no runtime, and does nothing but step: so that
//! an exhaustive exploration of the machine is one of the core, at the granularity of steps.

use alloc::{boxed::Box, vec::Vec};
use core::{
    fmt,
    future::Future,
    hash::{Hash, Hasher},
    mem,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use crate::{
    machine::{
        Actions, Cause, Chunk, Event, Illegal, Input, InvalidPolicy, Machine, PerStream, Policy,
        Reply, Resolved, Status, Step, StreamId, Streams, Terminal, Until,
    },
    monitor::{Monitor, Violation},
    sync::{Arc, Mutex},
};

/// One execution, shared.
///
/// Clones are the same execution. There is one consumer and one driver: whoever polled last is
/// woken. Waiters may be any number.
pub struct Core<C> {
    shared: Arc<Mutex<Shared<C>>>,
}

impl<C> Clone for Core<C> {
    fn clone(&self) -> Self {
        Core { shared: Arc::clone(&self.shared) }
    }
}

impl<C> fmt::Debug for Core<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

struct Shared<C> {
    machine: Machine<C>,
    /// Asked for by steps that the driver did not make.
    actions: Actions,
    consumer: Option<Waker>,
    driver: Option<Waker>,
    waiters: Vec<Registered>,
    next_ticket: u64,
    watched: Option<Box<Watched<C>>>,
    observer: Option<Box<dyn Observe<C>>>,
}

/// Whoever is told each step, in order. It is called under the lock, so it must neither wait nor
/// step.
pub trait Observe<C>: Send {
    /// A step was made.
    fn observe(&mut self, input: &Input<C>, step: &Step<C>);
}

struct Registered {
    ticket: u64,
    until: Until,
    waker: Waker,
}

struct Watched<C> {
    monitor: Monitor<C>,
    violation: Option<Violation>,
}

/// Whom to wake once the lock is released.
#[derive(Default)]
struct Wakes {
    consumer: Option<Waker>,
    driver: Option<Waker>,
    waiters: Vec<Waker>,
    /// Registered by whoever has moved elsewhere since. Not woken; but dropping a waker may run
    /// foreign code as well.
    replaced: Option<Waker>,
}

impl Wakes {
    // Most steps wake nobody.
    #[inline]
    fn wake(self) {
        if self.consumer.is_some()
            || self.driver.is_some()
            || self.replaced.is_some()
            || !self.waiters.is_empty()
        {
            self.wake_all();
        } else {
            // There is nothing in it to be dropped.
            mem::forget(self);
        }
    }

    #[cold]
    fn wake_all(self) {
        if let Some(waker) = self.consumer {
            waker.wake();
        }
        if let Some(waker) = self.driver {
            waker.wake();
        }
        self.waiters.into_iter().for_each(Waker::wake);
        drop(self.replaced);
    }
}

/// What the driver must know after a step.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Orders {
    /// What is to be done now, by this step and by those of others since the last orders.
    pub actions: Actions,
    /// For each stream the largest chunk that will be accepted, in bytes; 0 while its pump is
    /// paused and after its end. It only grows until the driver's next step.
    pub room: PerStream<u64>,
    /// Nothing can change any more.
    pub done: bool,
}

impl<C: Chunk + Clone + Eq> Core<C> {
    /// An execution that has not started.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] when the policy cannot be carried out.
    pub fn new(streams: Streams, policy: Policy) -> Result<Self, InvalidPolicy> {
        let shared = Shared {
            machine: Machine::new(streams, policy)?,
            actions: Actions::default(),
            consumer: None,
            driver: None,
            waiters: Vec::new(),
            next_ticket: 0,
            watched: None,
            observer: None,
        };
        Ok(Core { shared: Arc::new(Mutex::new(shared)) })
    }

    /// As [`Core::new`], with the [`Monitor`] attached: every step is checked against the
    /// contract. Costs time and memory in proportion to what is buffered.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] when the policy cannot be carried out.
    pub fn monitored(streams: Streams, policy: Policy) -> Result<Self, InvalidPolicy> {
        let core = Self::new(streams, policy)?;
        let watched = Watched { monitor: Monitor::new(streams, policy), violation: None };
        core.shared.with(|shared| shared.watched = Some(Box::new(watched)));
        Ok(core)
    }

    /// Has `observer` told each step from now on, in place of whoever was before.
    pub fn observe(&self, observer: Box<dyn Observe<C>>) {
        let before = self.shared.with(|shared| shared.observer.replace(observer));
        // Foreign code: not under the lock.
        drop(before);
    }

    /// Makes one step, for anyone but the driver and the consumer. What it asks of the driver is
    /// handed to the driver.
    ///
    /// # Errors
    ///
    /// [`Illegal`]; nothing has changed.
    pub fn step(&self, input: Input<C>) -> Result<Reply, Illegal> {
        let mut wakes = Wakes::default();
        let stepped = self.shared.with(|shared| {
            let (actions, reply) =
                shared.step(input, &mut wakes, |step| (step.actions, step.reply))?;
            shared.hand_over(&actions, &mut wakes);
            Ok(reply)
        });
        wakes.wake();
        stepped
    }

    // The driver's side.

    /// Makes one step for the driver, and returns all that is to be done now.
    ///
    /// # Errors
    ///
    /// [`Illegal`]; nothing has changed. A chunk of a stream that was cut meanwhile is refused
    /// so: it was not accepted, and is the pump's to forget.
    #[inline]
    pub fn drive(&self, input: Input<C>) -> Result<Orders, Illegal> {
        let mut wakes = Wakes::default();
        let driven = self.shared.with(|shared| {
            let actions = shared.step(input, &mut wakes, |step| step.actions)?;
            shared.actions.merge(&actions);
            Ok(shared.orders())
        });
        wakes.wake();
        driven
    }

    /// What is to be done now, without a step.
    pub fn orders(&self) -> Orders {
        self.shared.with(Shared::orders)
    }

    /// As [`Core::orders`], and has the driver woken when there is more to be done.
    pub fn poll_orders(&self, cx: &mut Context<'_>) -> Orders {
        let mut wakes = Wakes::default();
        let orders = self.shared.with(|shared| {
            wakes.replaced = register(&mut shared.driver, cx);
            shared.orders()
        });
        wakes.wake();
        orders
    }

    // The consumer's side.

    /// Takes the next event, if there is one now. `None`: not yet, or never again; see
    /// [`Core::is_done`].
    #[inline]
    pub fn try_event(&self) -> Option<Event<C>> {
        let mut wakes = Wakes::default();
        let event = self.shared.with(|shared| shared.take_event(&mut wakes));
        wakes.wake();
        event
    }

    /// Takes the next event. `Ready(None)`: nothing will come any more; the terminal has been
    /// delivered, the start was refused, or, after a close or a detach, the execution is over.
    ///
    /// Cancel safety: an event is taken only if it is returned.
    #[inline]
    pub fn poll_event(&self, cx: &mut Context<'_>) -> Poll<Option<Event<C>>> {
        let mut wakes = Wakes::default();
        let polled = self.shared.with(|shared| {
            if shared.machine.has_event() {
                return Poll::Ready(shared.take_event(&mut wakes));
            }
            if shared.machine.is_done() {
                return Poll::Ready(None);
            }
            wakes.replaced = register(&mut shared.consumer, cx);
            Poll::Pending
        });
        wakes.wake();
        polled
    }

    // The waiters' side.

    /// Waits for the reap. Level-triggered: early, late or concurrent, every wait has the same
    /// outcome (C4).
    ///
    /// Cancel safety: dropping it affects nobody.
    pub fn exited(&self) -> Wait<C, Exited> {
        Wait { core: self.clone(), ticket: None, _kind: core::marker::PhantomData }
    }

    /// Waits until the terminal has been delivered, or is available and nobody will take it (C4).
    ///
    /// Cancel safety: dropping it affects nobody.
    pub fn wait(&self) -> Wait<C, Delivered> {
        Wait { core: self.clone(), ticket: None, _kind: core::marker::PhantomData }
    }

    // What can be asked.

    /// How the root ended, from the reap on.
    pub fn status(&self) -> Option<Status> {
        self.shared.with(|shared| shared.machine.status())
    }

    /// What we have done to the root so far; from the reap on, all that we had done before it.
    pub fn cause(&self) -> Cause {
        self.shared.with(|shared| shared.machine.cause())
    }

    /// The terminal, once waits for it resolve.
    pub fn terminal(&self) -> Option<Terminal> {
        self.shared.with(|shared| shared.machine.terminal())
    }

    /// Whether nothing can change any more: the terminal is delivered, or nobody takes it, or the
    /// start was refused.
    pub fn is_done(&self) -> bool {
        self.shared.with(|shared| shared.machine.is_done())
    }

    /// Whether bytes of `stream` may still come.
    pub fn is_open(&self, stream: StreamId) -> bool {
        self.shared.with(|shared| shared.machine.is_open(stream))
    }

    /// What the monitor has seen: steps checked, and the first rule broken. `None` without one.
    pub fn verdict(&self) -> Option<Verdict> {
        self.shared.with(|shared| {
            shared.watched.as_ref().map(|watched| Verdict {
                steps: watched.monitor.steps(),
                violation: watched.violation,
            })
        })
    }
}

impl<C: Chunk + Clone + Eq + Hash> Core<C> {
    /// Hashes the whole state, for explorers: two cores that hash alike have the same future.
    pub fn hash_state(&self, state: &mut impl Hasher) {
        self.shared.with(|shared| {
            (&shared.machine, shared.actions).hash(state);
            (shared.consumer.is_some(), shared.driver.is_some()).hash(state);
            shared.waiters.iter().for_each(|waiter| waiter.until.hash(state));
            if let Some(watched) = &shared.watched {
                (watched.monitor.history(), watched.violation.is_some()).hash(state);
            }
        });
    }
}

/// What a monitor has seen of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Steps checked.
    pub steps: u64,
    /// The first rule broken.
    pub violation: Option<Violation>,
}

impl<C: Chunk + Clone + Eq> Shared<C> {
    /// One step, and what is kept of it: never the step itself, which would be moved to where
    /// that of a [seen](Shared::step_seen) one is.
    #[inline(always)]
    fn step<T>(
        &mut self,
        input: Input<C>,
        wakes: &mut Wakes,
        kept: impl Fn(Step<C>) -> T,
    ) -> Result<T, Illegal> {
        let (ready, resolved, kept) = if self.watched.is_none() && self.observer.is_none() {
            let step = self.machine.step(input)?;
            (step.ready, step.resolved, kept(step))
        } else {
            let step = self.step_seen(input)?;
            (step.ready, step.resolved, kept(step))
        };
        if self.consumer.is_some() && (ready || self.machine.is_done()) {
            wakes.consumer = self.consumer.take();
        }
        if resolved != Resolved::default() {
            self.take_waiters(resolved, wakes);
        }
        Ok(kept)
    }

    /// A step that is checked, or told.
    #[cold]
    fn step_seen(&mut self, input: Input<C>) -> Result<Step<C>, Illegal> {
        let seen = input.clone();
        let step = self.machine.step(input)?;
        if let Some(watched) = &mut self.watched
            && watched.violation.is_none()
        {
            watched.violation = watched.monitor.observe(&seen, &step).err();
        }
        if let Some(observer) = &mut self.observer {
            observer.observe(&seen, &step);
        }
        Ok(step)
    }

    #[cold]
    fn take_waiters(&mut self, resolved: Resolved, wakes: &mut Wakes) {
        for until in [Until::Exited, Until::Terminal] {
            if resolved.of(until) > 0 {
                wakes.waiters.extend(
                    self.waiters
                        .extract_if(.., |waiter| waiter.until == until)
                        .map(|waiter| waiter.waker),
                );
            }
        }
    }

    #[inline(always)]
    fn take_event(&mut self, wakes: &mut Wakes) -> Option<Event<C>> {
        let stepped = self.step(Input::Drain, wakes, |step| (step.actions, step.event));
        let (actions, event) = stepped.ok()?;
        self.hand_over(&actions, wakes);
        event
    }

    /// Leaves actions for the driver. It is also woken when nothing is left to change, to go.
    #[inline]
    fn hand_over(&mut self, actions: &Actions, wakes: &mut Wakes) {
        self.actions.merge(actions);
        if !self.actions.is_empty() || self.machine.is_done() {
            wakes.driver = self.driver.take();
        }
    }

    #[inline]
    fn orders(&mut self) -> Orders {
        let room = self.machine.rooms();
        Orders { actions: mem::take(&mut self.actions), room, done: self.machine.is_done() }
    }
}

/// Has whoever polls woken where it is now. Returns where it was before.
fn register(place: &mut Option<Waker>, cx: &Context<'_>) -> Option<Waker> {
    match place {
        Some(waker) if waker.will_wake(cx.waker()) => None,
        _ => place.replace(cx.waker().clone()),
    }
}

/// What a [`Wait`] waits for, and what it then returns.
pub trait Awaited: Unpin {
    /// What there is to know then.
    type Outcome;
    #[doc(hidden)]
    const UNTIL: Until;
    #[doc(hidden)]
    fn outcome<C: Chunk>(machine: &Machine<C>) -> Option<Self::Outcome>;
}

/// Waiting for the reap.
#[derive(Debug)]
pub struct Exited;

impl Awaited for Exited {
    type Outcome = Status;
    const UNTIL: Until = Until::Exited;

    fn outcome<C: Chunk>(machine: &Machine<C>) -> Option<Status> {
        machine.status()
    }
}

/// Waiting for the terminal's delivery.
#[derive(Debug)]
pub struct Delivered;

impl Awaited for Delivered {
    type Outcome = Terminal;
    const UNTIL: Until = Until::Terminal;

    fn outcome<C: Chunk>(machine: &Machine<C>) -> Option<Terminal> {
        machine.terminal()
    }
}

/// One waiter. Resolves to `None` only when the start was refused.
#[must_use = "futures do nothing unless polled"]
pub struct Wait<C: Chunk + Clone + Eq, A: Awaited> {
    core: Core<C>,
    ticket: Option<u64>,
    _kind: core::marker::PhantomData<A>,
}

impl<C: Chunk + Clone + Eq, A: Awaited> fmt::Debug for Wait<C, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("until", &A::UNTIL).finish_non_exhaustive()
    }
}

impl<C: Chunk + Clone + Eq, A: Awaited> Future for Wait<C, A> {
    type Output = Option<A::Outcome>;

    // Check and registration are one step under the lock: a resolution cannot slip in between.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut wakes = Wakes::default();
        let polled = this.core.shared.with(|shared| {
            if shared.machine.is_reached(A::UNTIL) {
                this.ticket = None;
                return Poll::Ready(A::outcome(&shared.machine));
            }
            if let Some(ticket) = this.ticket {
                let mine = shared.waiters.iter_mut().find(|waiter| waiter.ticket == ticket);
                if let Some(waiter) = mine.filter(|waiter| !waiter.waker.will_wake(cx.waker())) {
                    wakes.replaced = Some(mem::replace(&mut waiter.waker, cx.waker().clone()));
                }
                return Poll::Pending;
            }
            // A wait is legal in every state.
            let _registered = shared.step(Input::Wait(A::UNTIL), &mut wakes, drop);
            let ticket = shared.next_ticket;
            shared.next_ticket += 1;
            shared.waiters.push(Registered { ticket, until: A::UNTIL, waker: cx.waker().clone() });
            this.ticket = Some(ticket);
            Poll::Pending
        });
        wakes.wake();
        polled
    }
}

impl<C: Chunk + Clone + Eq, A: Awaited> Drop for Wait<C, A> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let mut wakes = Wakes::default();
        let forgotten = self.core.shared.with(|shared| {
            let place = shared.waiters.iter().position(|waiter| waiter.ticket == ticket)?;
            let waiter = shared.waiters.swap_remove(place);
            let _cancelled = shared.step(Input::CancelWait(A::UNTIL), &mut wakes, drop);
            Some(waiter.waker)
        });
        wakes.wake();
        // Dropping a waker may run foreign code: not under the lock.
        drop(forgotten);
    }
}
