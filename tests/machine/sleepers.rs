//! Anything in any order at the ordering core: nobody sleeps while what he sleeps for is there.
//!
//! Loom shows that no wake-up is lost between threads, for a few histories; here one thread shows
//! for many histories that each step wakes whom it concerns.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake, Waker},
};

use lastbyte::{
    Policy, Streams,
    machine::Input,
    ordering::{Awaited, Core, Delivered, Exited, Wait},
};
use proptest::{collection::vec, prelude::*};

use crate::{
    random::{any_input, any_policy, any_streams},
    watched::Text,
    world::Any,
};

/// Whether somebody sleeps.
#[derive(Default)]
struct Sleeps(AtomicBool);

impl Wake for Sleeps {
    fn wake(self: Arc<Self>) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Somebody who polls, and sleeps when there is nothing.
#[derive(Default)]
struct Sleeper(Arc<Sleeps>);

impl Sleeper {
    /// Whether it was ready.
    fn polls(&self, poll: impl FnOnce(&mut Context<'_>) -> bool) -> bool {
        let waker = Waker::from(Arc::clone(&self.0));
        let ready = poll(&mut Context::from_waker(&waker));
        self.0.0.store(!ready, Ordering::Relaxed);
        ready
    }

    fn sleeps(&self) -> bool {
        self.0.0.load(Ordering::Relaxed)
    }
}

struct Waiter<A: Awaited> {
    wait: Pin<Box<Wait<Text, A>>>,
    sleeper: Sleeper,
    resolved: bool,
}

impl<A: Awaited> Waiter<A> {
    fn new(wait: Wait<Text, A>) -> Self {
        Waiter { wait: Box::pin(wait), sleeper: Sleeper::default(), resolved: false }
    }

    fn polls(&mut self) {
        if !self.resolved {
            let wait = self.wait.as_mut();
            self.resolved = self.sleeper.polls(|cx| wait.poll(cx).is_ready());
        }
    }
}

struct World {
    core: Core<Text>,
    consumer: Sleeper,
    driver: Sleeper,
    exited: Vec<Waiter<Exited>>,
    delivered: Vec<Waiter<Delivered>>,
}

impl World {
    fn new(streams: Streams, policy: Policy) -> Self {
        World {
            core: Core::monitored(streams, policy).expect("the policy makes sense"),
            consumer: Sleeper::default(),
            driver: Sleeper::default(),
            exited: Vec::new(),
            delivered: Vec::new(),
        }
    }

    fn drain(&self) {
        self.consumer.polls(|cx| self.core.poll_event(cx).is_ready());
    }

    fn obey(&self) {
        self.driver.polls(|cx| {
            let orders = self.core.poll_orders(cx);
            orders.done || !orders.actions.is_empty()
        });
    }

    fn happens(&mut self, input: Option<Input<Text>>) {
        match input {
            None => self.obey(),
            Some(Input::Drain) => self.drain(),
            Some(Input::Wait(_)) => {
                self.exited.push(Waiter::new(self.core.exited()));
                self.delivered.push(Waiter::new(self.core.wait()));
                self.exited.iter_mut().for_each(Waiter::polls);
                self.delivered.iter_mut().for_each(Waiter::polls);
            }
            Some(Input::CancelWait(_)) => {
                // Who came first goes first: the others must not be mixed up.
                if self.exited.len() > 1 {
                    self.exited.remove(0);
                    self.delivered.remove(0);
                }
            }
            Some(input) => {
                let _reply = self.core.step(input);
            }
        }
        self.nobody_oversleeps();
        let verdict = self.core.verdict().expect("it is monitored");
        assert_eq!(verdict.violation, None);
    }

    fn nobody_oversleeps(&self) {
        if self.core.status().is_some() || self.core.is_done() {
            assert!(!self.exited.iter().any(|waiter| waiter.sleeper.sleeps()), "exited");
        }
        if self.core.terminal().is_some() || self.core.is_done() {
            assert!(!self.delivered.iter().any(|waiter| waiter.sleeper.sleeps()), "wait");
        }
        if self.driver.sleeps() {
            let orders = self.core.orders();
            assert!(orders.actions.is_empty() && !orders.done, "driver");
        }
        if self.consumer.sleeps() {
            assert_eq!(self.core.try_event(), None, "consumer");
            assert!(!self.core.is_done(), "consumer");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// If this were red, somebody would sleep for ever over an event, an outcome or an order.
    #[test]
    fn c04_nobody_sleeps_over_what_he_waits_for(
        streams in any_streams(),
        policy in any_policy(),
        history in vec(any_input(), 0..60),
    ) {
        let mut world = World::new(streams, policy);
        world.happens(Any::Started.input(streams, &mut 0));
        let mut content = 0;
        for any in history {
            world.happens(any.input(streams, &mut content));
        }
    }
}
