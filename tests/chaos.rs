//! What a busy machine and careless callers do to real executions, where a soak could only meet it by
//! chance: a consumer that panics or goes at each of its awaits, no memory left, pipes of one page, a
//! runtime that stands still, signals to this process.
//!
//! What else belongs here has a place of its own: descriptors and processes that run out in
//! `exhaustion.rs`, held pipes and escapes in `descendants.rs`, closes at any moment in `teardown.rs`,
//! paused clocks in `surface/clocks.rs`.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

use common::{Pattern, assert_sound, child, events, no_hang, sh};
use lastbyte::{DrainPolicy, Event, Status, StreamId, blocking};

/// A root that writes, is asked, and writes again; a descendant outlives it for a moment.
const STORY: &str = "echo one; echo two >&2; (sleep 0.01) & echo three; exit 3";

/// If this were red, a consumer that panics would leave its command running, its waiters waiting, or a
/// lock poisoned for everybody.
#[tokio::test]
async fn c11_a_consumer_that_panics_ends_its_execution_and_nobody_elses() {
    for events in 0..4 {
        let mut other = sh("read -r line; echo $line").spawn().expect("sh starts");
        let mut execution = sh("echo a; echo b; exec sleep 600").spawn().expect("sh starts");
        let handle = execution.handle();
        let waiting = tokio::spawn(handle.wait());
        let consumer = tokio::spawn(async move {
            for _ in 0..events {
                // Two lines may come as one.
                let _event = execution.try_next();
                tokio::task::yield_now().await;
            }
            resume_unwind(Box::new("a consumer who panics"));
        });
        let joined: Result<(), _> = no_hang(consumer).await;
        assert!(joined.is_err_and(|error| error.is_panic()));
        let terminal = no_hang(handle.wait()).await;
        assert!(matches!(terminal.status, Status::Signaled { .. }), "{terminal:?}");
        assert_eq!(no_hang(waiting).await.expect("a waiter does not panic"), terminal);
        assert_sound(&handle);
        no_hang(other.wait()).await;
    }
}

/// If this were red, a panic between two events would leave the driver's thread or the root.
#[test]
fn c11_a_thread_that_panics_with_an_execution_ends_it() {
    let execution = blocking::spawn(&sh("echo a; exec sleep 600")).expect("sh starts");
    let handle = execution.handle();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let mut execution = execution;
        assert!(matches!(execution.next(), Some(Event::Chunk { .. })));
        resume_unwind(Box::new("a consumer who panics"));
    }));
    assert!(caught.is_err());
    // Dropped, it is closed at once: where that fails nothing else would end it, and no wait is begun.
    let closed = handle.cause().cancelled;
    if !closed {
        let _killed = handle.kill();
    }
    assert!(closed, "nobody has closed it");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let terminal = runtime.expect("a runtime").block_on(no_hang(handle.wait()));
    assert!(matches!(terminal.status, Status::Signaled { .. }), "{terminal:?}");
    assert_sound(&handle);
}

/// Takes events until it has been pending so many times, then is gone; whether it came to that.
async fn dropped_when_pending(times: u32) -> bool {
    let mut execution = sh(STORY).drain(DrainPolicy::UntilEof).spawn().expect("sh starts");
    let handle = execution.handle();
    let mut pending = 0;
    let over = no_hang(std::future::poll_fn(|cx| {
        loop {
            match pin!(execution.next()).poll(cx) {
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) => return Poll::Ready(true),
                Poll::Pending if pending == times => return Poll::Ready(false),
                Poll::Pending => {
                    pending += 1;
                    return Poll::Pending;
                }
            }
        }
    }))
    .await;
    drop(execution);
    let terminal = no_hang(handle.wait()).await;
    let ended = match terminal.status {
        Status::Exited { code } => code == 3,
        Status::Signaled { .. } => true,
        Status::Unknown(_) | Status::Lost | Status::Forced => false,
    };
    assert!(ended, "dropped at {times}: {terminal:?}");
    assert_sound(&handle);
    !over
}

/// If this were red, there would be an await at which a consumer must not go.
#[tokio::test]
async fn c11_dropped_at_each_await_nothing_hangs_and_nothing_is_left() {
    let mut times = 0;
    // Real processes wake a reader as often as they like, but not for ever.
    while dropped_when_pending(times).await {
        times += 1;
        assert!(times < 1000, "it is pending for ever");
    }
    assert!(times > 0, "it was never pending");
}

/// If this were red, a child with a small pipe would lose bytes, or its end be taken for another.
#[tokio::test]
async fn c07_through_a_pipe_of_one_page_every_byte_comes() {
    for bytes in [1_u64, 4095, 4096, 4097, 100_000, 1_000_000] {
        for drain in [DrainPolicy::UntilEof, DrainPolicy::After(Duration::ZERO)] {
            let mut command = child(&["one-page", &bytes.to_string()]);
            let mut execution =
                command.drain(drain).monitor(true).spawn().expect("the child starts");
            let handle = execution.handle();
            let (events, terminal) = no_hang(events(&mut execution)).await;
            let mut pattern = Pattern::new();
            for event in &events {
                if let Event::Chunk { stream: StreamId::Stdout, chunk } = event {
                    assert!(chunk.len() <= 4096, "the pipe holds {} bytes", chunk.len());
                    pattern.check(chunk);
                }
            }
            assert_eq!((pattern.position(), terminal.is_complete()), (bytes, true), "{terminal:?}");
            assert_sound(&handle);
        }
    }
}

/// If this were red, a child that finds no memory would be another kind of end than the one it has.
#[tokio::test]
async fn c09_a_child_without_memory_is_what_it_says() {
    let mut command = sh("echo before; x=$(head -c 64M /dev/zero | tr '\\0' x); echo after");
    let limits = lastbyte::ResourceLimits { address_space: Some(32 << 20), ..Default::default() };
    let mut execution = command.resources(limits).spawn().expect("sh starts");
    let handle = execution.handle();
    let (events, terminal) = no_hang(events(&mut execution)).await;
    let stdout: Vec<u8> = events
        .iter()
        .filter_map(|event| match event {
            Event::Chunk { stream: StreamId::Stdout, chunk } => Some(chunk.to_vec()),
            Event::Chunk { .. } | Event::Gap { .. } | Event::End { .. } | Event::Exit(_) => None,
        })
        .flatten()
        .collect();
    assert_eq!(stdout, b"before\n");
    assert!(matches!(terminal.status, Status::Exited { code: 1.. } | Status::Signaled { .. }));
    assert!(terminal.is_complete(), "{terminal:?}");
    assert_sound(&handle);
}

/// If this were red, a program whose runtime stands still for a while (a debugger, a suspended laptop, a
/// blocking call) would find outputs cut that had been there all the time: readability wins over any
/// timer that is due as well.
#[test]
fn c06_what_stood_while_nobody_looked_is_delivered_before_any_clock() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let drain = DrainPolicy::Idle { gap: Duration::from_millis(1), max: Duration::from_millis(1) };
    let script = "printf 'first\\n'; printf 'last\\n'; exit 0";
    let mut command = sh(script);
    command.drain(drain);
    let output = runtime.block_on(async {
        let mut execution = command.spawn().expect("sh starts");
        let pid = execution.id().expect("it has one");
        // The runtime stands still until the root is a zombie, or gone.
        let stat = format!("/proc/{pid}/stat");
        while std::fs::read_to_string(&stat).is_ok_and(|text| !text.contains(") Z ")) {
            std::thread::yield_now();
        }
        let handle = execution.handle();
        let (events, terminal) = events(&mut execution).await;
        assert_sound(&handle);
        (events, terminal)
    });
    assert!(output.1.is_complete(), "{:?}", output.1);
    let text: Vec<u8> = output
        .0
        .iter()
        .filter_map(|event| match event {
            Event::Chunk { chunk, .. } => Some(chunk.to_vec()),
            Event::Gap { .. } | Event::End { .. } | Event::Exit(_) => None,
        })
        .flatten()
        .collect();
    assert_eq!(text, b"first\nlast\n");
}
