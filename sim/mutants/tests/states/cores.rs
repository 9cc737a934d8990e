//! The core as a state, and whom it knows: its hash, whose waker it keeps, and who is forgotten.

use std::{
    future::Future,
    hash::{DefaultHasher, Hasher},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use lastbyte::{
    machine::{Event, Input, Streams},
    ordering::Core,
};

use crate::{
    places::{all, policy},
    watched::{STDERR, STDOUT, Text, chunk, reap},
};

/// Counts how often somebody is woken.
#[derive(Default)]
struct Calls(AtomicUsize);

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Calls {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn core(history: &[Input<Text>]) -> Core<Text> {
    let core = Core::monitored(Streams::Separate, policy()).expect("the policy makes sense");
    for input in history {
        let _reply = core.step(input.clone()).expect("it is legal here");
    }
    core
}

fn hash(core: &Core<Text>) -> u64 {
    let mut hasher = DefaultHasher::new();
    core.hash_state(&mut hasher);
    hasher.finish()
}

/// If this were red, the exploring executor would take two states of the product for one.
#[test]
fn c01_every_state_of_a_core_has_a_hash_of_its_own() {
    let mut states: Vec<_> = all().iter().map(|history| core(history)).collect();
    let start = [Input::Started];
    let asleep = Waker::noop();
    let mut cx = Context::from_waker(asleep);
    // Nothing is left for the driver; it sleeps; the consumer sleeps; each with the same machine.
    states.extend([core(&start), core(&start), core(&start)]);
    let [told, consumer, driver] = states.last_chunk().expect("there are three");
    let _orders = told.orders();
    assert_eq!(consumer.poll_event(&mut cx), Poll::Pending);
    let _orders = driver.poll_orders(&mut cx);
    let unwatched = Core::new(Streams::Separate, policy()).expect("the policy makes sense");
    let _reply = unwatched.step(Input::Started).expect("it starts");
    states.push(unwatched);
    let hashes: Vec<_> = states.iter().map(hash).collect();
    for (place, one) in hashes.iter().enumerate() {
        assert_eq!(*one, hash(&states[place]), "asked twice it is the same");
        assert_eq!(hashes.iter().position(|it| it == one), Some(place), "it is that of another");
    }
    for history in all() {
        assert_eq!(hash(&core(&history)), hash(&core(&history)), "{history:?}");
    }
}

/// If this were red, a task that is polled again and again would be kept as often; and one that has
/// moved would be woken where it is no more.
#[test]
fn c04_one_waker_is_kept_of_each_and_it_is_his_last() {
    let core = core(&[Input::Started]);
    let _orders = core.orders();
    let [before, after] = [(); 2].map(|()| Arc::new(Calls::default()));
    let kept = Waker::from(Arc::clone(&before));
    for _ in 0..3 {
        let mut cx = Context::from_waker(&kept);
        assert_eq!(core.poll_event(&mut cx), Poll::Pending);
        let _orders = core.poll_orders(&mut cx);
    }
    // Here, in `kept`, once as consumer and once as driver.
    assert_eq!(Arc::strong_count(&before), 4);
    let moved = Waker::from(Arc::clone(&after));
    assert_eq!(core.poll_event(&mut Context::from_waker(&moved)), Poll::Pending);
    assert_eq!(Arc::strong_count(&before), 3, "where it was it is forgotten");
    let _orders = core.drive(chunk(STDOUT, "a")).expect("there is room");
    assert_eq!((before.count(), after.count()), (0, 1));
}

/// If this were red, everybody who stops waiting would stay in the core's memory, and be counted as
/// somebody who waits.
#[test]
fn c04_whoever_stops_waiting_is_forgotten() {
    let core = core(&[Input::Started]);
    let before = hash(&core);
    let calls = Arc::new(Calls::default());
    let waker = Waker::from(Arc::clone(&calls));
    {
        let mut gone = pin!(core.exited());
        let mut other = pin!(core.wait());
        let mut cx = Context::from_waker(&waker);
        assert_eq!(gone.as_mut().poll(&mut cx), Poll::Pending);
        assert_eq!(other.as_mut().poll(&mut cx), Poll::Pending);
        assert_ne!(hash(&core), before, "somebody waits");
    }
    assert_eq!(hash(&core), before, "nobody waits any more");
    assert_eq!(Arc::strong_count(&calls), 2, "no waker of theirs is kept");
    let _orders = core.drive(reap()).expect("it runs");
    assert_eq!(calls.count(), 0, "nobody is woken for those who are gone");
}

/// If this were red, a core that nobody watches and one that is watched would wake differently.
#[test]
fn c04_a_consumer_sleeps_until_there_is_something_for_him() {
    for watched in [false, true] {
        let make = if watched { Core::monitored } else { Core::new };
        let core = make(Streams::Stdout, policy()).expect("the policy makes sense");
        let _orders = core.drive(Input::Started).expect("it starts");
        let calls = Arc::new(Calls::default());
        let waker = Waker::from(Arc::clone(&calls));
        let mut cx = Context::from_waker(&waker);
        assert_eq!(core.poll_event(&mut cx), Poll::Pending);
        // Steps that have nothing for him.
        let _orders = core.drive(Input::Empty(STDOUT)).expect("it is open");
        let _orders = core.drive(reap()).expect("it runs");
        assert_eq!(calls.count(), 0, "he is woken for nothing");
        let _orders = core.drive(Input::Eof(STDOUT)).expect("it is open");
        assert_eq!(calls.count(), 1, "he is not woken");
        // He asks again, finds it, and is left alone.
        assert!(core.poll_event(&mut cx).is_ready());
        assert!(core.poll_event(&mut cx).is_ready());
        assert_eq!(core.poll_event(&mut cx), Poll::Ready(None));
        assert_eq!(calls.count(), 1);
    }
}

/// If this were red, whoever waits would be told that nothing was started, or another outcome than
/// the consumer.
#[test]
fn c04_a_wait_is_told_what_the_consumer_is() {
    let mut cx = Context::from_waker(Waker::noop());
    let over = core(&[Input::Started, Input::Eof(STDOUT), Input::Eof(STDERR), reap()]);
    let exit = std::iter::from_fn(|| over.try_event()).last();
    let Some(Event::Exit(exit)) = exit else { panic!("the last event is {exit:?}") };
    assert_eq!(pin!(over.exited()).poll(&mut cx), Poll::Ready(Some(exit.status)));
    assert_eq!(pin!(over.wait()).poll(&mut cx), Poll::Ready(Some(exit)));
    let refused = core(&[Input::Refused]);
    assert_eq!(pin!(refused.exited()).poll(&mut cx), Poll::Ready(None));
    assert_eq!(pin!(refused.wait()).poll(&mut cx), Poll::Ready(None));
}

/// If this were red, a waiter that has moved to another task would sleep there for ever.
#[test]
fn c04_a_waiter_is_woken_where_it_was_polled_last() {
    let core = core(&[Input::Started]);
    let [before, after] = [(); 2].map(|()| Arc::new(Calls::default()));
    let mut wait = pin!(core.exited());
    for calls in [&before, &before, &after, &after] {
        let waker = Waker::from(Arc::clone(calls));
        assert_eq!(wait.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending);
    }
    assert_eq!(Arc::strong_count(&before), 1, "where it was it is forgotten");
    let _orders = core.drive(reap()).expect("it runs");
    assert_eq!((before.count(), after.count()), (0, 1));
}
