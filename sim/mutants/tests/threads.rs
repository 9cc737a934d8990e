//! The ordering core between real threads: a driver, a consumer, waiters and a caller, each blocked
//! until he is woken. What a memory model makes of it is loom's to say; this runs under
//! ThreadSanitizer too (`.ci/sanitizers`).
#![expect(clippy::expect_used, reason = "a test that cannot go on must fail")]

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use lastbyte::{
    StreamId, Terminal,
    machine::{
        BufferPolicy, Chunk, DrainPolicy, Event, Full, Input, PerStream, Policy, Status, Streams,
    },
    ordering::Core,
};

const CHUNKS: u8 = 60;
const RUNS: u8 = 20;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Byte(u8);

impl Chunk for Byte {
    fn len(&self) -> u64 {
        1
    }

    fn split_off(&mut self, at: u64) -> Self {
        unreachable!("a byte is not split at {at}")
    }
}

struct Unparks(Thread);

impl Wake for Unparks {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks this thread until something is ready.
fn block_on<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    let waker = Waker::from(Arc::new(Unparks(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        match poll(&mut cx) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

fn wait_for<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    block_on(|cx| future.as_mut().poll(cx))
}

/// Waits until there is room on a stream.
fn room(core: &Core<Byte>, id: StreamId) {
    block_on(|cx| {
        let orders = core.poll_orders(cx);
        if orders.room[id] > 0 || orders.done { Poll::Ready(()) } else { Poll::Pending }
    });
}

/// Pumps both streams in turn, ends them, and reaps in between.
fn drive(core: &Core<Byte>, seed: u8) {
    let _orders = core.drive(Input::Started).expect("it starts");
    let ids = [StreamId::Stdout, StreamId::Stderr];
    for number in 0..CHUNKS {
        for id in ids {
            room(core, id);
            let chunk = Input::Chunk(id, Byte(number));
            let _orders = core.drive(chunk).expect("there is room");
        }
        if number == seed % CHUNKS {
            let status = Status::Exited { code: i32::from(seed) };
            let standing = PerStream::from_fn(|_| u64::from(CHUNKS));
            let _orders = core.drive(Input::Reap { status, standing }).expect("it runs");
        }
    }
    for id in ids {
        let _orders = core.drive(Input::Eof(id)).expect("it has not ended");
    }
    block_on(|cx| if core.poll_orders(cx).done { Poll::Ready(()) } else { Poll::Pending });
}

fn consume(core: &Core<Byte>) -> (PerStream<Vec<u8>>, Terminal) {
    let mut bytes = PerStream::<Vec<u8>>::default();
    loop {
        match block_on(|cx| core.poll_event(cx)).expect("the exit comes") {
            Event::Chunk { stream, chunk } => bytes[stream].push(chunk.0),
            Event::Gap { .. } => panic!("nothing is dropped"),
            Event::End { .. } => {}
            Event::Exit(terminal) => return (bytes, terminal),
        }
    }
}

/// If this were red, two threads would see one step half made, or one would sleep for ever.
#[test]
fn c04_threads_that_block_are_all_woken_and_told_the_same() {
    let buffer = BufferPolicy { bytes_max: 4, chunks_max: 4, full: Full::Pause };
    let policy = Policy { drain: DrainPolicy::UntilEof, buffer, ..Policy::default() };
    for seed in 0..RUNS {
        let core = Core::monitored(Streams::Separate, policy).expect("a policy");
        let (driver, consumer, caller) = (core.clone(), core.clone(), core.clone());
        let driver = thread::spawn(move || drive(&driver, seed));
        let consumer = thread::spawn(move || consume(&consumer));
        let waiters = [core.clone(), core.clone()];
        let waiters = waiters
            .map(|core| thread::spawn(move || (wait_for(core.exited()), wait_for(core.wait()))));
        let caller = thread::spawn(move || {
            for _ in 0..10 {
                drop((caller.exited(), caller.status(), caller.cause(), caller.terminal()));
                thread::yield_now();
            }
        });
        driver.join().expect("the driver ends");
        let (bytes, exit) = consumer.join().expect("the consumer ends");
        let all: Vec<u8> = (0..CHUNKS).collect();
        assert_eq!(bytes.iter().map(Vec::as_slice).collect::<Vec<_>>(), [&all[..], &all[..]]);
        for waiter in waiters {
            let told = waiter.join().expect("a waiter ends");
            assert_eq!(told, (Some(exit.status), Some(exit)));
        }
        caller.join().expect("the caller ends");
        assert_eq!(core.verdict().and_then(|verdict| verdict.violation), None);
    }
}
