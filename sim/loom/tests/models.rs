//! The ordering core under loom: every execution of two or three threads, no preemption bound.
//!
//! A model runs the production source. It is explored exhaustively: its number of executions is
//! asserted (loom's version is pinned), and a cap that loom would end it at, green, is a failure.
//! The monitor is attached, so that every execution is also judged by the contract. A consumer or
//! waiter that is never woken is a deadlock, which loom reports.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll, Waker},
};

use lastbyte_loom::{
    machine::{
        BufferPolicy, Chunk, Event, Full, Input, PerStream, Policy, Status, StreamId, Streams,
        Terminal, Timer,
    },
    ordering::Core,
};
use loom::{future::block_on, model::Builder, thread};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Byte(u8);

impl Chunk for Byte {
    fn len(&self) -> u64 {
        1
    }

    fn split_off(&mut self, at: u64) -> Self {
        unreachable!("one byte has no place {at} inside it")
    }
}

const ZERO: Status = Status::Exited { code: 0 };
const OUT: StreamId = StreamId::Stdout;
const ERR: StreamId = StreamId::Stderr;

/// Explores a model to the end, and asserts how many executions that took.
fn exhaustive(name: &str, expected: u64, model: impl Fn() + Sync + Send + 'static) {
    static RUNS: [AtomicU64; 32] = [const { AtomicU64::new(0) }; 32];
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let started = std::time::Instant::now();
    let place = NEXT.fetch_add(1, Ordering::SeqCst) as usize;
    let mut builder = Builder::new();
    builder.preemption_bound = None;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.max_branches = 100_000;
    builder.check(move || {
        RUNS[place].fetch_add(1, Ordering::SeqCst);
        model();
    });
    let runs = RUNS[place].load(Ordering::SeqCst);
    println!("{name}: exhaustive, {runs} executions in {:.1?}", started.elapsed());
    assert_eq!(runs, expected, "{name}: the number of executions has changed");
}

fn started(streams: Streams, policy: Policy) -> Core<Byte> {
    let core = Core::monitored(streams, policy).expect("a sound policy");
    core.step(Input::Started).expect("it has not started");
    core
}

fn reap(core: &Core<Byte>, standing: u64) {
    let mut left = PerStream::default();
    left[OUT] = standing;
    // Refused only after a forced end.
    let _refused = core.drive(Input::Reap { status: ZERO, standing: left });
}

/// A pump: one chunk, then the end. What comes after a cut is refused and forgotten.
fn pump(core: &Core<Byte>, stream: StreamId) {
    let _refused = core.drive(Input::Chunk(stream, Byte(1)));
    let _refused = core.drive(Input::Eof(stream));
}

/// Takes everything; the exit must be last.
fn consume(core: &Core<Byte>) -> (usize, Terminal) {
    let mut chunks = 0;
    loop {
        match block_on(poll_fn(|cx| core.poll_event(cx))) {
            Some(Event::Chunk { .. }) => chunks += 1,
            Some(Event::Gap { .. } | Event::End { .. }) => {}
            Some(Event::Exit(terminal)) => {
                assert_eq!(block_on(poll_fn(|cx| core.poll_event(cx))), None);
                return (chunks, terminal);
            }
            None => panic!("no exit came"),
        }
    }
}

fn assert_sound(core: &Core<Byte>) {
    let verdict = core.verdict().expect("the monitor is attached");
    assert_eq!(verdict.violation, None);
}

/// If this were red, an exit could overtake output that a pump is about to hand in.
#[test]
fn c01_stdout_only_all_chunks_before_the_exit() {
    exhaustive("stdout only", 636, || {
        let core = started(Streams::Stdout, Policy::default());
        let pumping = core.clone();
        let pump = thread::spawn(move || pump(&pumping, OUT));
        reap(&core, 1);
        let (chunks, terminal) = consume(&core);
        assert_eq!((chunks, terminal.status), (1, ZERO));
        pump.join().expect("it ends");
        assert_sound(&core);
    });
}

/// If this were red, a wait could return with output of either stream missing.
#[test]
fn c04_mixed_streams_every_chunk_before_the_wait() {
    exhaustive("mixed streams", 148_412, || {
        let core = started(Streams::Separate, Policy::default());
        let pumping = core.clone();
        let pumps = thread::spawn(move || {
            pump(&pumping, OUT);
            pump(&pumping, ERR);
        });
        let mut wait = pin!(core.wait());
        let polled = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending(), "the wait came before the reap");
        reap(&core, 1);
        let (chunks, terminal) = consume(&core);
        assert_eq!(chunks, 2);
        assert_eq!(block_on(wait), Some(terminal));
        pumps.join().expect("it ends");
        assert_sound(&core);
    });
}

/// If this were red, a process that ends first would take its last output with it.
#[test]
fn c01_exit_before_pump_the_terminal_waits() {
    exhaustive("exit before pump", 454, || {
        let core = started(Streams::Stdout, Policy::default());
        reap(&core, 1);
        let pumping = core.clone();
        let pump = thread::spawn(move || pump(&pumping, OUT));
        assert_eq!(consume(&core).0, 1);
        pump.join().expect("it ends");
        assert_sound(&core);
    });
}

/// If this were red, a pump that ends first would leave the terminal waiting for something else.
#[test]
fn c05_pump_before_exit_the_terminal_comes_at_once() {
    exhaustive("pump before exit", 62, || {
        let core = started(Streams::Stdout, Policy::default());
        pump(&core, OUT);
        let reaping = core.clone();
        let reap = thread::spawn(move || reap(&reaping, 0));
        assert_eq!(consume(&core).0, 1);
        reap.join().expect("it ends");
        assert_sound(&core);
    });
}

/// If this were red, a wait that registers while the root is reaped would never be woken.
#[test]
fn c04_a_reap_and_the_registration_of_a_wait() {
    exhaustive("reap and registration", 89, || {
        let core = started(Streams::Stdout, Policy::default());
        let reaping = core.clone();
        let reap = thread::spawn(move || reap(&reaping, 0));
        assert_eq!(block_on(core.exited()), Some(ZERO));
        reap.join().expect("it ends");
        assert_sound(&core);
    });
}

/// If this were red, two waiters could be told different things, or one of them nothing.
#[test]
fn c04_two_waiters_and_the_delivery() {
    exhaustive("two waiters", 48, || {
        let core = started(Streams::None, Policy::default());
        reap(&core, 0);
        let mut early = pin!(core.wait());
        let polled = early.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending(), "it resolved before the delivery");
        let waiting = core.clone();
        let waiter = thread::spawn(move || block_on(waiting.wait()));
        let (_, terminal) = consume(&core);
        assert_eq!(block_on(early), Some(terminal));
        assert_eq!(waiter.join().expect("it ends"), Some(terminal));
        assert_sound(&core);
    });
}

/// If this were red, a wait that is given up as the terminal comes would take another's wake-up
/// with it.
#[test]
fn c04_a_cancelled_wait_and_the_delivery() {
    exhaustive("cancelled wait", 53862, || {
        let core = started(Streams::None, Policy::default());
        reap(&core, 0);
        let (cancelling, waiting) = (core.clone(), core.clone());
        let cancelled = thread::spawn(move || {
            let wait = pin!(cancelling.wait());
            let _polled = wait.poll(&mut Context::from_waker(Waker::noop()));
        });
        let waiter = thread::spawn(move || block_on(waiting.wait()));
        let (_, terminal) = consume(&core);
        assert_eq!(waiter.join().expect("it ends"), Some(terminal));
        cancelled.join().expect("it ends");
        assert_sound(&core);
    });
}

/// If this were red, the last pump, the reap and the consumer could each leave the end to another.
#[test]
fn c05_the_last_eof_and_the_reap_and_the_consumer() {
    exhaustive("last EOF and reap", 36516, || {
        let core = started(Streams::Stdout, Policy::default());
        let (ending, reaping) = (core.clone(), core.clone());
        let eof = thread::spawn(move || ending.drive(Input::Eof(OUT)).expect("it is open").done);
        let reap = thread::spawn(move || reap(&reaping, 0));
        let (_, terminal) = consume(&core);
        assert!(terminal.is_complete());
        eof.join().expect("it ends");
        reap.join().expect("it ends");
        assert_sound(&core);
    });
}

/// If this were red, a close would let a pump in afterwards, or count its bytes wrongly.
#[test]
fn c11_a_close_and_a_pump() {
    exhaustive("close and pump", 54, || {
        let core = started(Streams::Stdout, Policy::default());
        let (pumping, closing) = (core.clone(), core.clone());
        let pump = thread::spawn(move || pump(&pumping, OUT));
        let close = thread::spawn(move || closing.step(Input::Close).expect("always legal"));
        pump.join().expect("it ends");
        close.join().expect("it ends");
        assert_eq!(core.try_event(), None, "an event after the close");
        reap(&core, 0);
        assert!(core.terminal().is_some());
        assert_sound(&core);
    });
}

/// If this were red, a close that meets the exit would leave waiters behind.
#[test]
fn c11_a_close_and_a_reap_and_a_waiter() {
    exhaustive("close and reap", 33526, || {
        let core = started(Streams::Stdout, Policy::default());
        let (reaping, closing) = (core.clone(), core.clone());
        let reap = thread::spawn(move || reap(&reaping, 0));
        let close = thread::spawn(move || closing.step(Input::Close).expect("always legal"));
        let terminal = block_on(core.wait()).expect("it has started");
        assert_eq!(terminal.status, ZERO);
        reap.join().expect("it ends");
        close.join().expect("it ends");
        assert_sound(&core);
    });
}

/// If this were red, a pump that paused would never be told to go on.
#[test]
fn c12_a_paused_pump_and_the_drain_that_resumes_it() {
    exhaustive("pause and resume", 201898, || {
        let buffer = BufferPolicy { bytes_max: 1, chunks_max: 1, full: Full::Pause };
        let core = started(Streams::Stdout, Policy { buffer, ..Policy::default() });
        reap(&core, 2);
        let pumping = core.clone();
        let pump = thread::spawn(move || {
            for byte in 1..=2 {
                let room = |cx: &mut Context<'_>| match pumping.poll_orders(cx).room[OUT] {
                    0 => Poll::Pending,
                    _ => Poll::Ready(()),
                };
                block_on(poll_fn(room));
                let _orders = pumping.drive(Input::Chunk(OUT, Byte(byte))).expect("room");
            }
            let _orders = pumping.drive(Input::Eof(OUT)).expect("it is open");
        });
        assert_eq!(consume(&core).0, 2);
        pump.join().expect("it ends");
        assert_sound(&core);
    });
}

/// If this were red, a runtime that shuts down would leave somebody waiting.
#[test]
fn c13_a_shutdown_and_a_waiter() {
    exhaustive("shutdown and wait", 187, || {
        let core = started(Streams::Stdout, Policy::default());
        let stopping = core.clone();
        let shutdown = thread::spawn(move || {
            stopping.step(Input::Shutdown).expect("always legal");
            let _orders = stopping.drive(Input::Timeout(Timer::Shutdown)).expect("it was armed");
        });
        let terminal = block_on(core.wait());
        assert_eq!(terminal.map(|terminal| terminal.status), Some(Status::Forced));
        shutdown.join().expect("it ends");
        assert_sound(&core);
    });
}

/// The variable that asks for the sabotaged model.
const SABOTAGED: &str = "LASTBYTE_TEST_SABOTAGED";

/// If this were red, loom would not see a lost wake-up, and the models above would prove nothing:
/// this waiter checks first and registers afterwards. It runs in a process of its own, for loom
/// cannot unwind out of a deadlock.
#[test]
fn c04_a_wait_that_checks_before_it_registers_is_caught() {
    if std::env::var_os(SABOTAGED).is_some() {
        return loom::model(check_then_register);
    }
    let output = std::process::Command::new(std::env::current_exe().expect("a test has a path"))
        .args(["c04_a_wait_that_checks_before_it_registers_is_caught", "--exact", "--nocapture"])
        .env(SABOTAGED, "1")
        .output()
        .expect("it starts");
    assert!(!output.status.success(), "the lost wake-up was not found");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("deadlock"), "it failed for another reason: {said}");
}

fn check_then_register() {
    let core = started(Streams::Stdout, Policy::default());
    let reaping = core.clone();
    let seat = loom::sync::Arc::new(loom::sync::Mutex::new(None::<Waker>));
    let waking = seat.clone();
    let reap = thread::spawn(move || {
        reap(&reaping, 0);
        let registered = waking.lock().expect("not poisoned").take();
        if let Some(waker) = registered {
            waker.wake();
        }
    });
    block_on(poll_fn(|cx| {
        if core.status().is_some() {
            return Poll::Ready(());
        }
        *seat.lock().expect("not poisoned") = Some(cx.waker().clone());
        Poll::Pending
    }));
    reap.join().expect("it ends");
}
