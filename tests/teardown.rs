//! Close, drop and shutdown at any moment: nothing is left of an execution.
//!
//! Each test looks at the whole process, so they take turns.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    future::Future,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use common::{Random, assert_sound, no_hang, sh};
use lastbyte::{Command, Event, Execution, Handle, Status, Terminal, blocking};
use rustix::process::{WaitId, WaitIdOptions, waitid};
use tokio::runtime::{Builder, Runtime};

/// What this process has: descriptors, threads, children.
#[derive(Debug, PartialEq)]
struct Census {
    descriptors: usize,
    threads: usize,
    has_children: bool,
}

fn census() -> Census {
    let entries = |path| std::fs::read_dir(path).expect("proc is mounted").count();
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Census {
        descriptors: entries("/proc/self/fd"),
        threads: ours(),
        // ECHILD: neither running nor zombie.
        has_children: waitid(WaitId::All, options).is_ok(),
    }
}

/// Threads of ours and of a runtime; those of the test harness come and go.
fn ours() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("proc is mounted").flatten();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok())
        .filter(|name| name.starts_with("lastbyte") || name.starts_with("tokio"))
        .count()
}

fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Runs `body` on a runtime and takes the census before and after, when all tasks are gone.
fn leaves_nothing<F: Future>(body: impl FnOnce() -> F) {
    let _turn = turn();
    // The signal machinery of a first runtime stays.
    drop(runtime());
    let before = before();
    assert!(!before.has_children);
    let runtime = runtime();
    runtime.block_on(body());
    drop(runtime);
    wait_for(&before);
}

/// The census before a test, when what an earlier one has joined is gone.
fn before() -> Census {
    while ours() > 0 {
        std::thread::yield_now();
    }
    census()
}

/// A thread that has returned is counted until the kernel has let go of it.
fn wait_for(before: &Census) {
    for _ in 0..10_000 {
        if census() == *before {
            return;
        }
        std::thread::yield_now();
    }
    assert_eq!(census(), *before);
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A root that writes to both streams and ends soon, with a descendant that holds them.
const BUSY: &str = "echo a; echo b >&2; (sleep 60) & echo c";
/// A root that does not end by itself.
const ENDLESS: &str = "echo a; sleep 60";

async fn end_somehow(mut execution: Execution, how: u64) -> (Handle, Terminal) {
    let handle = execution.handle();
    let terminal = match how {
        0 => execution.close().await,
        1 => {
            drop(execution);
            handle.wait().await
        }
        2 => {
            handle.close();
            assert!(execution.next().await.is_none(), "an event after the close");
            handle.wait().await
        }
        3 => {
            handle.shutdown();
            while execution.next().await.is_some() {}
            handle.wait().await
        }
        4 => {
            let waiter = tokio::spawn(handle.wait());
            let closer = handle.clone();
            tokio::task::spawn_blocking(move || closer.close()).await.expect("it returns");
            waiter.await.expect("it returns")
        }
        _ => {
            let detached = execution.detach();
            detached.kill();
            detached.wait().await
        }
    };
    (handle, terminal)
}

/// If this were red, tearing executions down would leak processes, descriptors or threads, hang, or
/// call back after the end.
#[test]
fn c11_ten_thousand_closes_at_random_moments_leave_nothing() {
    const SEED: u64 = 20_261_123;
    leaves_nothing(|| async {
        let tasks: Vec<_> = (0..4)
            .map(|task| {
                tokio::spawn(async move {
                    let mut random = Random::seeded(SEED + task);
                    for run in 0..2500 {
                        let script = if random.below(2) == 0 { BUSY } else { ENDLESS };
                        let mut execution = sh(script).spawn().expect("sh starts");
                        for _ in 0..random.below(6) {
                            // Some of these find an event, some are dropped while they wait.
                            let mut next = std::pin::pin!(execution.next());
                            for _ in 0..random.below(30) {
                                if let Poll::Ready(event) = poll_once(next.as_mut()) {
                                    assert!(!matches!(event, Some(Event::Exit(_)) | None));
                                    break;
                                }
                                tokio::task::yield_now().await;
                            }
                        }
                        let how = random.below(6);
                        let (handle, terminal) = no_hang(end_somehow(execution, how)).await;
                        assert!(
                            !matches!(terminal.status, Status::Forced | Status::Unknown(_)),
                            "seed {SEED} task {task} run {run}: {terminal:?}"
                        );
                        assert_sound(&handle);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no task fails");
        }
    });
}

/// If this were red, a cancelled `output()` would leave its command running.
#[test]
fn c11_an_output_that_is_dropped_leaves_nothing() {
    leaves_nothing(|| async {
        let mut random = Random::seeded(7);
        for _ in 0..500 {
            let command = sh(ENDLESS);
            let mut output = Box::pin(command.output());
            for _ in 0..random.below(20) {
                assert!(poll_once(output.as_mut()).is_pending());
                tokio::task::yield_now().await;
            }
            drop(output);
        }
    });
}

/// If this were red, a program that ends its runtime would leave processes and blocked waiters.
#[test]
fn c13_dropping_the_runtime_resolves_waiters_and_leaves_nothing() {
    let _turn = turn();
    drop(runtime());
    let before = before();
    let runtime = runtime();
    let executions: Vec<Execution> = runtime
        .block_on(async { (0..20).map(|_| sh("sleep 60").spawn().expect("sh starts")).collect() });
    let handles: Vec<Handle> = executions.iter().map(Execution::handle).collect();
    drop(runtime);
    for handle in &handles {
        let terminal = blocking::block_on(handle.wait());
        assert!(matches!(terminal.status, Status::Signaled { .. }), "{terminal:?}");
        assert_sound(handle);
    }
    drop(executions);
    wait_for(&before);
}

/// If this were red, callers without a runtime would leak threads.
#[test]
fn c11_blocking_executions_leave_nothing() {
    let _turn = turn();
    let before = before();
    for run in 0..300 {
        let mut execution = blocking::spawn(&sh(ENDLESS)).expect("sh starts");
        let first = execution.next();
        assert!(matches!(first, Some(Event::Chunk { .. })), "{first:?}");
        match run % 3 {
            0 => drop(execution.close()),
            1 => drop(execution),
            _ => {
                execution.kill();
                assert!(matches!(execution.wait().status, Status::Signaled { .. }));
            }
        }
    }
    wait_for(&before);
}

/// If this were red, a refused start would leave descriptors.
#[test]
fn c14_a_thousand_refused_starts_leave_nothing() {
    leaves_nothing(|| async {
        for _ in 0..1000 {
            let refused = Command::new("/no/such/program").spawn();
            assert!(refused.is_err());
        }
    });
}
