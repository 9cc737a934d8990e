//! What is wrong on purpose: edits of the production text of `src/ordering.rs`, one at a time.
//!
//! `build.rs` makes a copy of the file for each, and the models show that loom sees the difference.
//! A `was` that is not found exactly once fails the build: then the production text has changed, and
//! the edit is to be made anew, or goes.

/// A mistake that somebody could make in the ordering core.
pub(crate) struct Edit {
    /// The copy's name, and its test's.
    pub(crate) name: &'static str,
    /// What is wrong, in a few words.
    pub(crate) wrong: &'static str,
    was: &'static str,
    becomes: &'static str,
}

impl Edit {
    /// The text with the mistake in it.
    pub(crate) fn apply(&self, text: &str) -> String {
        let found = text.matches(self.was).count();
        assert!(
            found == 1,
            "sim/loom/edits.rs: what {} replaces is {found} times in src/ordering.rs:\n{}",
            self.name,
            self.was
        );
        text.replacen(self.was, self.becomes, 1)
    }
}

/// Every mistake: checks and registrations torn apart first, then wake-ups, then steps.
pub(crate) const EDITS: &[Edit] = &[
    Edit {
        name: "wait_checks_then_registers",
        wrong: "a wait looks in one lock step and registers in another",
        was: "
        let polled = this.core.shared.with(|shared| {
            if shared.machine.is_reached(A::UNTIL) {
                this.ticket = None;
                return Poll::Ready(A::outcome(&shared.machine));
            }
",
        becomes: "
        let reached = this.core.shared.with(|shared| {
            shared.machine.is_reached(A::UNTIL).then(|| A::outcome(&shared.machine))
        });
        if let Some(outcome) = reached {
            this.ticket = None;
            return Poll::Ready(outcome);
        }
        let polled = this.core.shared.with(|shared| {
",
    },
    Edit {
        name: "consumer_checks_then_registers",
        wrong: "poll_event looks in one lock step and registers in another",
        was: "
            wakes.replaced = register(&mut shared.consumer, cx);
            Poll::Pending
        });
",
        becomes: "
            Poll::Pending
        });
        if polled.is_pending() {
            self.shared.with(|shared| wakes.replaced = register(&mut shared.consumer, cx));
        }
",
    },
    Edit {
        name: "driver_looks_then_registers",
        wrong: "poll_orders takes the orders in one lock step and registers in another",
        was: "
        let orders = self.shared.with(|shared| {
            wakes.replaced = register(&mut shared.driver, cx);
            shared.orders()
        });
",
        becomes: "
        let orders = self.orders();
        self.shared.with(|shared| wakes.replaced = register(&mut shared.driver, cx));
",
    },
    Edit {
        name: "cancel_finds_then_removes",
        wrong: "a dropped wait finds its place in one lock step and empties it in another",
        was: "
        let forgotten = self.core.shared.with(|shared| {
            let place = shared.waiters.iter().position(|waiter| waiter.ticket == ticket)?;
",
        becomes: "
        let place = self.core.shared.with(|shared| {
            shared.waiters.iter().position(|waiter| waiter.ticket == ticket)
        });
        let Some(place) = place else { return };
        let forgotten = self.core.shared.with(|shared| {
",
    },
    Edit {
        name: "cancel_removes_another",
        wrong: "a dropped wait removes the oldest registration and not its own",
        was: ".position(|waiter| waiter.ticket == ticket)?;",
        becomes: ".position(|waiter| waiter.ticket <= ticket)?;",
    },
    Edit {
        name: "waker_taken_before_the_step",
        wrong: "drive takes the consumer's waker in a lock step before the one it is for",
        was: "
        let driven = self.shared.with(|shared| {
            let actions = shared.step(input, &mut wakes, |step| step.actions)?;
",
        becomes: "
        let taken = self.shared.with(|shared| shared.consumer.take());
        let driven = self.shared.with(|shared| {
            let (actions, ready) =
                shared.step(input, &mut wakes, |step| (step.actions, step.ready))?;
            if ready || shared.machine.is_done() {
                wakes.consumer = taken;
            } else {
                shared.consumer = taken;
            }
",
    },
    Edit {
        name: "consumer_not_woken_for_an_event",
        wrong: "the consumer is woken only when all is over",
        was: "if self.consumer.is_some() && (ready || self.machine.is_done()) {",
        becomes: "let _unused = ready;
        if self.consumer.is_some() && self.machine.is_done() {",
    },
    Edit {
        name: "consumer_not_woken_at_the_end",
        wrong: "the consumer is woken only for an event, not when none will come",
        was: "if self.consumer.is_some() && (ready || self.machine.is_done()) {",
        becomes: "if self.consumer.is_some() && ready {",
    },
    Edit {
        name: "driver_not_woken_for_actions",
        wrong: "the driver is woken only when all is over",
        was: "if !self.actions.is_empty() || self.machine.is_done() {",
        becomes: "if self.machine.is_done() {",
    },
    Edit {
        name: "driver_not_woken_at_the_end",
        wrong: "the driver is woken only for actions, not when none will come",
        was: "if !self.actions.is_empty() || self.machine.is_done() {",
        becomes: "if !self.actions.is_empty() {",
    },
    Edit {
        name: "drain_asks_nobody",
        wrong: "what a drain asks for does not reach the driver",
        was: "
        self.hand_over(&actions, wakes);
        event
",
        becomes: "
        let _unused = actions;
        event
",
    },
    Edit {
        name: "first_waker_kept",
        wrong: "consumer and driver are woken where they polled first, not last",
        was: "Some(waker) if waker.will_wake(cx.waker()) => None,",
        becomes: "Some(_first) => None,",
    },
    Edit {
        name: "wait_keeps_its_first_waker",
        wrong: "a wait is woken where it was polled first, not last",
        was: "
                if let Some(waiter) = mine.filter(|waiter| !waiter.waker.will_wake(cx.waker())) {
                    wakes.replaced = Some(mem::replace(&mut waiter.waker, cx.waker().clone()));
                }
",
        becomes: "
                let _first = mine;
",
    },
    Edit {
        name: "wait_not_counted",
        wrong: "a wait registers its waker and does not tell the machine",
        was: "let _registered = shared.step(Input::Wait(A::UNTIL), &mut wakes, drop);",
        becomes: "let _unused = &mut wakes;",
    },
    Edit {
        name: "waiters_dropped_unwoken",
        wrong: "the wakers of resolved waits are dropped, not woken",
        was: "self.waiters.into_iter().for_each(Waker::wake);",
        becomes: "drop(self.waiters);",
    },
    Edit {
        name: "first_waiter_woken_alone",
        wrong: "of several resolved waits one is woken",
        was: ".extract_if(.., |waiter| waiter.until == until)",
        becomes: ".extract_if(.., |waiter| waiter.until == until).take(1)",
    },
    Edit {
        name: "every_waiter_woken",
        wrong: "the reap wakes also those who wait for the terminal",
        was: ".extract_if(.., |waiter| waiter.until == until)",
        becomes: ".extract_if(.., |_waiter| true)",
    },
    Edit {
        name: "step_is_torn",
        wrong: "drive reads the machine in one lock step and writes it in another",
        was: "
        let driven = self.shared.with(|shared| {
",
        becomes: "
        let read = self.shared.with(|shared| shared.machine.clone());
        let driven = self.shared.with(|shared| {
            shared.machine = read;
",
    },
    Edit {
        name: "driver_forgets_what_others_asked",
        wrong: "a step of the driver's overwrites the actions that others left for him",
        was: "
            shared.actions.merge(&actions);
",
        becomes: "
            shared.actions = actions;
",
    },
    Edit {
        name: "actions_are_given_twice",
        wrong: "actions that the driver was given are given again",
        was: "actions: mem::take(&mut self.actions),",
        becomes: "actions: self.actions,",
    },
    Edit {
        name: "wakes_under_the_lock",
        wrong: "drive calls the wakers before it has released the lock",
        was: "
            shared.actions.merge(&actions);
            Ok(shared.orders())
",
        becomes: "
            shared.actions.merge(&actions);
            mem::take(&mut wakes).wake();
            Ok(shared.orders())
",
    },
    Edit {
        name: "drops_under_the_lock",
        wrong: "a dropped wait drops its waker before it has released the lock",
        was: "
            Some(waiter.waker)
",
        becomes: "
            drop(waiter.waker);
            None::<Waker>
",
    },
    Edit {
        name: "register_drops_under_the_lock",
        wrong: "a consumer or driver who moves has his old waker dropped under the lock",
        was: "_ => place.replace(cx.waker().clone()),",
        becomes: "_ => {
            *place = Some(cx.waker().clone());
            None
        }",
    },
    Edit {
        name: "wait_moves_under_the_lock",
        wrong: "a wait that moves has its old waker dropped under the lock",
        was: "wakes.replaced = Some(mem::replace(&mut waiter.waker, cx.waker().clone()));",
        becomes: "waiter.waker = cx.waker().clone();",
    },
];
