//! The core's own futures, step by step: each is woken by the step that it waits for.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use lastbyte::{
    Data, Event, Policy, Signal, Streams,
    machine::{Input, PerStream, Timer, Until},
    ordering::Core,
};
use tokio_test::{
    assert_pending, assert_ready,
    task::{Spawn, spawn},
};

use crate::{
    fake::{OUT, ZERO},
    polled::{moves, sleeps, woken_once},
};

fn running() -> Core<Data> {
    let core = Core::monitored(Streams::Stdout, Policy::default()).expect("the policy makes sense");
    step(&core, Input::Started);
    core
}

fn step(core: &Core<Data>, input: Input<Data>) {
    core.step(input).expect("it is legal here");
    sound(core);
}

fn sound(core: &Core<Data>) {
    let verdict = core.verdict().expect("it is monitored");
    assert_eq!(verdict.violation, None);
}

fn chunk(text: &'static str) -> Input<Data> {
    Input::Chunk(OUT, Data::new(text.as_bytes().into()))
}

fn reap() -> Input<Data> {
    Input::Reap { status: ZERO, standing: PerStream::default() }
}

fn next(core: &Core<Data>) -> impl Future<Output = Option<Event>> + use<> {
    let core = core.clone();
    poll_fn(move |cx| core.poll_event(cx))
}

/// Polls the driver's side: whether there is something to do.
fn has_orders(driver: &mut Spawn<()>, core: &Core<Data>) -> bool {
    let orders = driver.enter(|cx, _| core.poll_orders(cx));
    orders.done || !orders.actions.is_empty()
}

/// If this were red, a consumer would sleep over his output, or be woken to find nothing.
#[test]
fn c05_the_consumer_is_woken_by_what_he_can_take_and_by_nothing_else() {
    let core = running();
    let mut consumer = spawn(next(&core));
    assert_pending!(consumer.poll());
    let mut other = spawn(core.wait());
    assert_pending!(other.poll());
    for input in [Input::Empty(OUT), Input::Kill, Input::Signal(Signal::HUP), Input::Shutdown] {
        step(&core, input);
        assert!(sleeps(&consumer), "there is nothing to take");
    }
    step(&core, chunk("a"));
    assert!(woken_once(&consumer));
    step(&core, chunk("b"));
    assert!(matches!(assert_ready!(consumer.poll()), Some(Event::Chunk { .. })));
    assert!(matches!(assert_ready!(consumer.poll()), Some(Event::Chunk { .. })));
    assert_pending!(consumer.poll());
    step(&core, reap());
    assert!(sleeps(&consumer), "the stream has not ended");
    step(&core, Input::Eof(OUT));
    assert!(woken_once(&consumer));
    assert!(matches!(assert_ready!(consumer.poll()), Some(Event::End { .. })));
    assert!(matches!(assert_ready!(consumer.poll()), Some(Event::Exit(_))));
    assert_eq!(assert_ready!(consumer.poll()), None);
    assert_eq!(assert_ready!(consumer.poll()), None, "for ever");
}

/// If this were red, a terminal that comes behind the last end would find its consumer asleep.
#[test]
fn c05_the_consumer_is_woken_for_the_terminal_alone() {
    let core = running();
    step(&core, Input::Eof(OUT));
    let mut consumer = spawn(next(&core));
    assert!(matches!(assert_ready!(consumer.poll()), Some(Event::End { .. })));
    assert_pending!(consumer.poll());
    step(&core, reap());
    assert!(woken_once(&consumer));
    assert!(matches!(assert_ready!(consumer.poll()), Some(Event::Exit(_))));
}

/// If this were red, a consumer would sleep for ever on an execution that somebody else closed.
#[test]
fn c11_the_consumer_of_a_closed_execution_is_woken_when_it_is_over() {
    for ends in [reap(), Input::Timeout(Timer::Close)] {
        let core = running();
        let mut consumer = spawn(next(&core));
        assert_pending!(consumer.poll());
        step(&core, Input::Close);
        assert!(sleeps(&consumer), "it is not over yet");
        step(&core, ends);
        assert!(woken_once(&consumer));
        assert_eq!(assert_ready!(consumer.poll()), None);
    }
}

/// If this were red, whoever waits for the exit would miss it, or be woken by every chunk.
#[test]
fn c04_exited_is_woken_by_the_reap_and_by_nothing_else() {
    let core = running();
    let mut waits = [core.exited(), core.exited(), core.exited()].map(spawn);
    for wait in &mut waits {
        assert_pending!(wait.poll());
    }
    assert_pending!(waits[0].poll());
    for input in [chunk("a"), Input::Kill, Input::Eof(OUT)] {
        step(&core, input);
        assert!(waits.iter().all(sleeps));
    }
    step(&core, reap());
    for wait in &mut waits {
        assert!(woken_once(wait));
        assert_eq!(assert_ready!(wait.poll()), Some(ZERO));
    }
    assert_eq!(assert_ready!(spawn(core.exited()).poll()), Some(ZERO), "a late one too");
}

/// If this were red, a wait would return before the output, or never.
#[test]
fn c04_wait_is_woken_by_the_delivery_and_by_nothing_else() {
    let core = running();
    let mut waits = [core.wait(), core.wait(), core.wait()].map(spawn);
    for wait in &mut waits {
        assert_pending!(wait.poll());
    }
    // Who waits for something else is resolved in between, alone.
    let mut exited = spawn(core.exited());
    assert_pending!(exited.poll());
    for input in [chunk("a"), reap(), Input::Eof(OUT)] {
        step(&core, input);
        assert!(waits.iter().all(sleeps), "it is available, but not delivered");
    }
    assert!(woken_once(&exited));
    for _ in ["chunk", "end"] {
        assert!(core.try_event().is_some());
        assert!(waits.iter().all(sleeps));
    }
    let Some(Event::Exit(terminal)) = core.try_event() else { panic!("the terminal is next") };
    for wait in &mut waits {
        assert!(woken_once(wait));
        assert_eq!(assert_ready!(wait.poll()), Some(terminal));
    }
    assert_eq!(assert_ready!(spawn(core.wait()).poll()), Some(terminal), "a late one too");
    sound(&core);
}

/// If this were red, one caller who gives up would take another's outcome, or leave his waker
/// behind for as long as the execution lives.
#[test]
fn c04_a_wait_dropped_at_any_point_affects_nobody() {
    for dropped_at in 0..5 {
        let core = running();
        let mut stays = spawn(core.wait());
        let mut goes = Some((spawn(core.wait()), spawn(core.exited())));
        // A waker outlives its task here, to be counted after the future is gone.
        let mut witness = spawn(());
        assert_pending!(stays.poll());
        for (number, input) in
            [None, Some(chunk("a")), Some(reap()), Some(Input::Eof(OUT))].into_iter().enumerate()
        {
            if number == dropped_at {
                goes = None;
                assert_eq!(witness.waker_ref_count(), 1, "nothing of it is kept");
                let counted = core.step(Input::CancelWait(Until::Exited));
                assert!(counted.is_err(), "nobody waits for that any more");
            }
            if let Some((wait, exited)) = &mut goes {
                let _polled = witness.enter(|cx, _| {
                    wait.enter(|_, wait| wait.poll(cx)).is_ready()
                        | exited.enter(|_, exited| exited.poll(cx)).is_ready()
                });
            }
            input.into_iter().for_each(|input| step(&core, input));
        }
        while core.try_event().is_some() {}
        assert!(woken_once(&stays));
        drop(goes);
        assert_eq!(witness.waker_ref_count(), 1);
        assert!(assert_ready!(stays.poll()).is_some());
        sound(&core);
    }
}

/// If this were red, dropping a wait that was resolved would cancel somebody else's.
#[test]
fn c04_a_wait_dropped_after_its_outcome_cancels_nobody() {
    let core = running();
    let (mut unread, mut later) = (spawn(core.exited()), spawn(core.exited()));
    assert_pending!(unread.poll());
    step(&core, reap());
    assert!(woken_once(&unread));
    drop(unread);
    assert_eq!(assert_ready!(later.poll()), Some(ZERO));
    let mut terminal = spawn(core.wait());
    assert_pending!(terminal.poll());
    drop(later);
    // Refused: the one that was resolved is not counted among those who wait.
    assert!(core.step(Input::CancelWait(Until::Exited)).is_err());
    assert!(sleeps(&terminal));
    sound(&core);
}

/// If this were red, an event would be lost when whoever waited for it gave up.
#[test]
fn c01_an_event_is_taken_only_when_it_is_returned() {
    let core = running();
    let mut gave_up = spawn(next(&core));
    assert_pending!(gave_up.poll());
    step(&core, chunk("a"));
    assert!(gave_up.is_woken());
    drop(gave_up);
    let mut fresh = spawn(next(&core));
    let Some(Event::Chunk { chunk, .. }) = assert_ready!(fresh.poll()) else {
        panic!("the chunk is next")
    };
    assert_eq!(&chunk[..], b"a");
}

/// If this were red, the driver would sleep over a kill, or be woken by whatever anybody does.
#[test]
fn c16_the_driver_is_woken_by_what_it_must_do_and_by_nothing_else() {
    let core = running();
    let mut driver = spawn(());
    assert!(!has_orders(&mut driver, &core));
    let mut wait = spawn(core.wait());
    assert_pending!(wait.poll());
    assert_pending!(spawn(next(&core)).poll());
    assert!(sleeps(&driver), "a wait gives it nothing to do");
    step(&core, Input::Kill);
    assert!(woken_once(&driver));
    step(&core, Input::Kill);
    assert!(has_orders(&mut driver, &core), "the signal and its clock");
    assert!(!has_orders(&mut driver, &core), "once");
    step(&core, chunk("a"));
    assert!(core.try_event().is_some());
    assert!(sleeps(&driver), "the buffer was never full");
    step(&core, Input::Eof(OUT));
    step(&core, reap());
    assert!(has_orders(&mut driver, &core), "the grace is over");
    assert!(core.try_event().is_some());
    assert!(sleeps(&driver), "the terminal is not delivered yet");
    assert!(core.try_event().is_some());
    assert!(woken_once(&driver), "to go");
    assert!(has_orders(&mut driver, &core));
}

/// If this were red, a consumer who makes room would leave the child blocked on its pipe.
#[test]
fn c12_the_driver_is_woken_when_the_consumer_has_made_room() {
    let buffer = lastbyte::BufferPolicy { bytes_max: 4, ..Default::default() };
    let policy = Policy { buffer, ..Policy::default() };
    let core = Core::monitored(Streams::Stdout, policy).expect("the policy makes sense");
    let mut driver = spawn(());
    for input in [Input::Started, chunk("a"), chunk("bcd")] {
        step(&core, input);
    }
    assert!(has_orders(&mut driver, &core), "the pump is to pause");
    assert!(!has_orders(&mut driver, &core));
    assert!(core.try_event().is_some());
    assert!(sleeps(&driver), "more than half is still there");
    assert!(core.try_event().is_some());
    assert!(woken_once(&driver));
    assert!(has_orders(&mut driver, &core));
}

/// If this were red, a future that has moved to another task would wake the old one and sleep.
#[tokio::test]
async fn c04_each_future_of_the_core_wakes_the_task_it_is_on() {
    let core = running();
    assert!(moves(next(&core), || step(&core, chunk("a"))).await.is_some());
    assert_eq!(moves(core.exited(), || step(&core, reap())).await, Some(ZERO));
    let delivered = moves(core.wait(), || {
        step(&core, Input::Eof(OUT));
        while core.try_event().is_some() {}
    });
    assert!(delivered.await.is_some());
    let core = running();
    let ordered = poll_fn(|cx| {
        let orders = core.poll_orders(cx);
        if orders.actions.is_empty() { Poll::Pending } else { Poll::Ready(orders.actions) }
    });
    assert!(!moves(pin!(ordered), || step(&core, Input::Kill)).await.signals().is_empty());
}

/// If this were red, whoever waits for an execution that could not start would wait for ever.
#[test]
fn c14_a_refusal_wakes_everybody() {
    let core = Core::monitored(Streams::Stdout, Policy::default()).expect("the policy makes sense");
    let (mut wait, mut exited) = (spawn(core.wait()), spawn(core.exited()));
    let (mut consumer, mut driver) = (spawn(next(&core)), spawn(()));
    assert_pending!(wait.poll());
    assert_pending!(exited.poll());
    assert_pending!(consumer.poll());
    assert!(!has_orders(&mut driver, &core));
    step(&core, Input::Refused);
    assert!(woken_once(&wait) && woken_once(&exited) && woken_once(&consumer));
    assert!(woken_once(&driver));
    assert_eq!(assert_ready!(wait.poll()), None);
    assert_eq!(assert_ready!(exited.poll()), None);
    assert_eq!(assert_ready!(consumer.poll()), None);
}
