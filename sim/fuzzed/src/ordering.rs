//! The ordering core between a driver, a consumer and waiters whose turns the bytes decide.
//!
//! Each is polled only when its waker was called, as an executor would: whoever is not woken when
//! something is there for him is found, at once or when everything else has ended.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use arbitrary::{Arbitrary, Result, Unstructured};
use lastbyte::{
    Status, Terminal,
    machine::{DrainPolicy, Event, Input, PerStream, Streams, Timer, Until},
    ordering::{Core, Delivered, Exited, Orders, Wait},
};

use crate::{
    history::{Start, any},
    watched::{STATUS, Text},
    world::Any,
};

/// Waiters at once.
const WAITERS: usize = 4;

/// Whether somebody is to be polled.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Somebody who is polled: first without having been woken, then when he was.
struct Turn(Arc<Woken>);

impl Turn {
    fn new() -> Self {
        Turn(Arc::new(Woken(AtomicBool::new(true))))
    }

    fn is_due(&self) -> bool {
        self.0.0.load(Ordering::Relaxed)
    }

    /// Takes the turn, with the waker that gives the next one.
    fn take(&self) -> Waker {
        self.0.0.store(false, Ordering::Relaxed);
        Waker::from(Arc::clone(&self.0))
    }

    fn keep(&self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

enum Waiting {
    Exited(Pin<Box<Wait<Text, Exited>>>),
    Terminal(Pin<Box<Wait<Text, Delivered>>>),
}

struct Waiter {
    waiting: Waiting,
    turn: Turn,
}

/// What a waiter was told; `None` where the start was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Exited(Option<Status>),
    Terminal(Option<Terminal>),
}

/// One core and everybody around it.
struct Scene {
    core: Core<Text>,
    streams: Streams,
    content: u8,
    driver: Turn,
    driver_done: bool,
    consumer: Turn,
    exit: Option<Terminal>,
    consumer_done: bool,
    waiters: [Option<Waiter>; WAITERS],
    told: [Option<Outcome>; 2],
}

/// Runs the turns that these bytes are.
///
/// # Panics
///
/// The core breaks a promise.
pub fn ordering(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let Ok(Start { streams, policy }) = Start::arbitrary(&mut u) else { return };
    let Ok(core) = Core::monitored(streams, policy) else { return };
    let mut scene = Scene {
        core,
        streams,
        content: 0,
        driver: Turn::new(),
        driver_done: false,
        consumer: Turn::new(),
        exit: None,
        consumer_done: false,
        waiters: [const { None }; WAITERS],
        told: [None; 2],
    };
    while !u.is_empty() {
        if scene.turn(&mut u).is_err() {
            break;
        }
        scene.check();
    }
    scene.end(policy.drain == DrainPolicy::UntilEof);
}

impl Scene {
    /// Somebody's turn.
    fn turn(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u8::arbitrary(u)? % 16 {
            0..6 => self.drive(any(u)?),
            6 | 7 => self.ask(any(u)?),
            8 | 9 => self.poll_consumer(),
            10 => self.poll_driver(),
            11 => self.poll_again(),
            12 => self.begin_wait(usize::from(u8::arbitrary(u)?)),
            13 => self.poll_waiter(usize::from(u8::arbitrary(u)?) % WAITERS),
            14 => self.waiters[usize::from(u8::arbitrary(u)?) % WAITERS] = None,
            _ => self.settle(),
        }
        Ok(())
    }

    /// The driver tells what it found.
    fn drive(&mut self, any: Any) {
        match any.input(self.streams, &mut self.content) {
            // What the driver is not the one to say, callers say.
            Some(
                input @ (Input::Drain
                | Input::Wait(_)
                | Input::CancelWait(_)
                | Input::Signal(_)
                | Input::Kill
                | Input::Discard(_)
                | Input::Detach
                | Input::Close
                | Input::Shutdown),
            ) => self.step(input),
            Some(
                input @ (Input::Started
                | Input::Refused
                | Input::Chunk(..)
                | Input::Eof(_)
                | Input::ReadError(..)
                | Input::Empty(_)
                | Input::Reap { .. }
                | Input::Timeout(_)),
            ) => self.find(input),
            None => {
                let orders = self.core.orders();
                self.obey(&orders);
            }
        }
    }

    /// A step of the driver's; illegal ones change nothing.
    fn find(&mut self, input: Input<Text>) {
        if let Ok(orders) = self.core.drive(input) {
            self.obey(&orders);
        }
    }

    /// A caller asks.
    fn ask(&mut self, any: Any) {
        match any.input(self.streams, &mut self.content) {
            Some(input) => self.step(input),
            None => self.poll_consumer(),
        }
    }

    fn step(&mut self, input: Input<Text>) {
        // An event that a caller takes is the consumer's, and waits are what waiters are for.
        let of_others = matches!(input, Input::Drain | Input::Wait(_) | Input::CancelWait(_));
        if !of_others {
            let _replied = self.core.step(input);
        }
    }

    /// The driver has no work of its own here: it must only hear of what it is to do.
    fn obey(&mut self, orders: &Orders) {
        self.driver_done = orders.done;
    }

    fn poll_driver(&mut self) {
        if self.driver.is_due() {
            let waker = self.driver.take();
            let orders = self.core.poll_orders(&mut Context::from_waker(&waker));
            self.obey(&orders);
        }
    }

    fn poll_consumer(&mut self) {
        if self.consumer.is_due() {
            let waker = self.consumer.take();
            let polled = self.core.poll_event(&mut Context::from_waker(&waker));
            self.consume(polled);
        }
    }

    fn consume(&mut self, polled: Poll<Option<Event<Text>>>) {
        match polled {
            Poll::Ready(Some(event)) => {
                assert_eq!(self.exit, None, "nothing follows the exit (C2)");
                if let Event::Exit(terminal) = event {
                    self.exit = Some(terminal);
                }
                self.consumer.keep();
            }
            Poll::Ready(None) => {
                assert!(self.core.is_done(), "nothing more comes of what is not done");
                self.consumer_done = true;
            }
            Poll::Pending => assert!(!self.core.is_done(), "whoever waits now waits for ever"),
        }
    }

    /// Everybody is polled from somewhere else, unwoken: his waker changes.
    fn poll_again(&mut self) {
        for turn in [&mut self.driver, &mut self.consumer] {
            *turn = Turn::new();
        }
        self.waiters.iter_mut().flatten().for_each(|waiter| waiter.turn = Turn::new());
        self.poll_driver();
        self.poll_consumer();
        (0..WAITERS).for_each(|place| self.poll_waiter(place));
    }

    fn begin_wait(&mut self, number: usize) {
        let waiting = if number & WAITERS == 0 {
            Waiting::Exited(Box::pin(self.core.exited()))
        } else {
            Waiting::Terminal(Box::pin(self.core.wait()))
        };
        let waiter = Waiter { waiting, turn: Turn::new() };
        self.waiters[number % WAITERS] = Some(waiter);
    }

    fn poll_waiter(&mut self, place: usize) {
        let Some(waiter) = &mut self.waiters[place] else { return };
        if !waiter.turn.is_due() {
            return;
        }
        let waker = waiter.turn.take();
        let cx = &mut Context::from_waker(&waker);
        let polled = match &mut waiter.waiting {
            Waiting::Exited(wait) => wait.as_mut().poll(cx).map(Outcome::Exited),
            Waiting::Terminal(wait) => wait.as_mut().poll(cx).map(Outcome::Terminal),
        };
        let Poll::Ready(outcome) = polled else { return };
        self.waiters[place] = None;
        let known = match outcome {
            Outcome::Exited(_) => &mut self.told[0],
            Outcome::Terminal(_) => &mut self.told[1],
        };
        assert_eq!(*known.get_or_insert(outcome), outcome, "every wait has one outcome (C4)");
    }

    /// Everybody who is woken has his turn, until nobody is.
    fn settle(&mut self) {
        loop {
            self.poll_driver();
            self.poll_consumer();
            (0..WAITERS).for_each(|place| self.poll_waiter(place));
            let waiting = self.waiters.iter().flatten().any(|waiter| waiter.turn.is_due());
            let consumer = self.consumer.is_due() && !self.consumer_done;
            if !(self.driver.is_due() || consumer || waiting) {
                return;
            }
        }
    }

    /// The contract holds, and nobody sleeps whose time has come.
    fn check(&mut self) {
        let verdict = self.core.verdict();
        assert_eq!(verdict.and_then(|verdict| verdict.violation), None);
        for waiter in self.waiters.iter().flatten().filter(|waiter| !waiter.turn.is_due()) {
            let due = match &waiter.waiting {
                Waiting::Exited(_) => self.core.status().is_some(),
                Waiting::Terminal(_) => self.core.terminal().is_some(),
            };
            assert!(!due, "a waiter was not woken (C4)");
        }
        if !self.driver.is_due() && !self.driver_done {
            let orders = self.core.orders();
            assert!(orders.actions.is_empty() && !orders.done, "the driver was not woken");
        }
        if !self.consumer.is_due() && !self.consumer_done {
            assert_eq!(self.core.try_event(), None, "the consumer was not woken");
        }
    }

    /// The root ends and time runs out; whoever is woken has his turn.
    fn end(mut self, until_eof: bool) {
        self.find(Input::Started);
        let standing = PerStream::default();
        self.find(Input::Reap { status: STATUS, standing });
        // Each round ends a stream, drains it or fires what forces it: a few are enough.
        for _round in 0..8 {
            self.settle();
            for &id in self.streams.ids() {
                let ends = if until_eof { Input::Eof(id) } else { Input::Empty(id) };
                self.find(ends);
            }
            for timer in Timer::all(self.streams) {
                self.find(Input::Timeout(timer));
            }
            self.settle();
            self.check();
        }
        assert!(self.core.is_done(), "it has not come to an end (C6)");
        assert!(self.consumer_done, "the consumer waits for ever");
        assert!(self.driver_done, "the driver waits for ever");
        assert!(self.waiters.iter().all(Option::is_none), "somebody waits for ever (C4)");
        let told = self.told[Until::Terminal as usize];
        if let (Some(exit), Some(Outcome::Terminal(told))) = (self.exit, told) {
            assert_eq!(told, Some(exit), "a wait and the consumer are told the same (C4)");
        }
    }
}
