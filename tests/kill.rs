//! Signals, kills, timeouts and waits on real processes: only what happened is reported.

mod common;

use std::{collections::BTreeMap, time::Duration};

use common::{Random, assert_sound, events, no_hang, report, sh, until};
use lastbyte::{Command, End, Event, Reply, Signal, Status, StreamId, machine::Killed};

const TERM: Killed = Killed { signal: Signal::TERM, escalated: false };

/// If this were red, a child that ignores SIGTERM would outlive its timeout.
#[tokio::test]
async fn c16_a_child_that_ignores_term_is_killed_after_the_grace() {
    let mut command = sh("trap '' TERM; echo ready; while :; do sleep 0.05; done");
    command.grace(Duration::from_millis(100));
    let mut execution = command.spawn().expect("sh starts");
    let handle = execution.handle();
    until(&mut execution, "ready").await;
    assert_eq!(execution.kill(), Reply::Done);
    let (_, terminal) = no_hang(events(&mut execution)).await;
    assert_eq!(terminal.status, Status::Signaled { signal: Signal::KILL, core: false });
    assert_eq!(terminal.cause.killed_by_us, Some(Killed { escalated: true, ..TERM }));
    assert!(terminal.cause.cancelled && !terminal.cause.timed_out);
    assert_eq!(execution.kill(), Reply::AlreadyExited);
    assert_sound(&handle);
}

/// If this were red, what a command says when it is asked to end would be lost.
#[tokio::test]
async fn c16_output_in_answer_to_term_is_delivered() {
    let script = "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    let mut execution = sh(script).spawn().expect("sh starts");
    until(&mut execution, "ready").await;
    execution.kill();
    until(&mut execution, "caught").await;
    let (_, terminal) = no_hang(events(&mut execution)).await;
    assert_eq!(terminal.status, Status::Exited { code: 5 });
    assert_eq!(terminal.cause.killed_by_us, Some(TERM));
    assert!(terminal.is_complete());
}

/// If this were red, an exit code and a signal would be mixed up.
#[tokio::test]
async fn c09_exited_137_is_not_signaled_9() {
    let exited = no_hang(sh("exit 137").output()).await.expect("sh starts");
    assert_eq!(exited.terminal.status, Status::Exited { code: 137 });
    let signaled = no_hang(sh("kill -9 $$").output()).await.expect("sh starts");
    assert_eq!(signaled.terminal.status, Status::Signaled { signal: Signal::KILL, core: false });
    assert_eq!(signaled.terminal.cause.killed_by_us, None, "it was not us");
}

/// If this were red, a child that was stopped would be taken for one that has ended.
#[tokio::test]
async fn c09_stopped_and_continued_is_not_ended() {
    let mut execution = sh("echo ready; kill -STOP $$; echo on; exit 4").spawn().expect("starts");
    until(&mut execution, "ready").await;
    let pid = execution.id().expect("a local process has a pid");
    // Stopped, by the kernel's own word.
    while !std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives").contains(") T ")
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(execution.handle().status(), None);
    execution.signal(Signal::new(18).expect("SIGCONT"));
    let (_, terminal) = no_hang(events(&mut execution)).await;
    assert_eq!(terminal.status, Status::Exited { code: 4 });
}

/// If this were red, a timeout would lose the output that came before it.
#[tokio::test]
async fn c10_a_timeout_keeps_the_output_and_is_reported() {
    let mut command = sh("echo before; sleep 30");
    command.timeout(Duration::from_millis(300));
    let output = no_hang(command.output()).await.expect("sh starts");
    assert_eq!(output.stdout, b"before\n");
    assert!(output.terminal.cause.timed_out);
    assert_eq!(output.terminal.cause.killed_by_us, Some(TERM));
    // The group was killed, sleep too: nobody holds the streams.
    assert!(output.terminal.is_complete(), "{:?}", output.terminal);
}

/// If this were red, a command that came in time would be reported as killed.
#[tokio::test]
async fn c10_an_exit_in_time_is_clean() {
    let mut command = sh("exit 0");
    command.timeout(Duration::from_secs(60));
    let output = no_hang(command.output()).await.expect("sh starts");
    assert_eq!(output.terminal.cause, lastbyte::Cause::default());
}

/// If this were red, a kill would leave what the command has started.
#[tokio::test]
async fn c16_a_kill_reaches_the_group() {
    let mut execution = sh("sleep 30 & echo $!; wait").spawn().expect("sh starts");
    let text = until(&mut execution, "\n").await;
    execution.kill();
    let (_, terminal) = no_hang(events(&mut execution)).await;
    assert!(matches!(terminal.status, Status::Signaled { signal: Signal::TERM, .. }));
    // Its end is what ended the streams.
    assert_eq!(report(&terminal, StreamId::Stdout).end, End::Eof, "{text}");
}

/// If this were red, a kill that comes when the child ends by itself would invent an outcome, hang,
/// or lose the exit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c16_a_kill_that_races_the_exit_has_one_of_two_outcomes() {
    let tasks: Vec<_> = (0..4_u64)
        .map(|task| {
            tokio::spawn(async move {
                let mut random = Random::seeded(task * 7919 + 1);
                let mut outcomes = BTreeMap::new();
                for run in 0..2500 {
                    let mut execution =
                        Command::new("true").monitor(true).spawn().expect("true starts");
                    let handle = execution.handle();
                    for _ in 0..random.below(40) {
                        tokio::task::yield_now().await;
                    }
                    let reply = handle.kill();
                    let (_, terminal) = no_hang(events(&mut execution)).await;
                    let outcome = match (reply, terminal.status, terminal.cause.killed_by_us) {
                        (Reply::AlreadyExited, Status::Exited { code: 0 }, None) => "beaten",
                        (Reply::Done, Status::Exited { code: 0 }, Some(TERM)) => "too late",
                        (
                            Reply::Done,
                            Status::Signaled { signal: Signal::TERM, core: false },
                            Some(TERM),
                        ) => "killed",
                        other => panic!("task {task} run {run}: {other:?}"),
                    };
                    assert_eq!(no_hang(handle.wait()).await, terminal);
                    assert_sound(&handle);
                    *outcomes.entry(outcome).or_insert(0_u32) += 1;
                }
                outcomes
            })
        })
        .collect();
    let mut total = 0;
    for task in tasks {
        total += task.await.expect("no task fails").values().sum::<u32>();
    }
    assert_eq!(total, 10_000);
}

/// If this were red, a waiter that comes late, goes early or is one of many would hang or be told
/// something else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c04_every_waiter_gets_the_same_outcome() {
    let mut execution = sh("read x; exit 9").stdin(lastbyte::Stdio::Piped).spawn().expect("starts");
    let handle = execution.handle();
    let early: Vec<_> = (0..50).map(|_| tokio::spawn(handle.wait())).collect();
    let exits: Vec<_> = (0..50).map(|_| tokio::spawn(handle.exited())).collect();
    for cancelled in early.iter().step_by(3) {
        cancelled.abort();
    }
    drop(execution.stdin());
    let (_, terminal) = no_hang(events(&mut execution)).await;
    for (place, waiter) in early.into_iter().enumerate() {
        match no_hang(waiter).await {
            Ok(outcome) => assert_eq!(outcome, terminal),
            Err(gone) => assert!(gone.is_cancelled() && place % 3 == 0),
        }
    }
    for waiter in exits {
        assert_eq!(no_hang(waiter).await.expect("it lives"), Status::Exited { code: 9 });
    }
    assert_eq!(no_hang(handle.wait()).await, terminal, "late");
    assert_eq!(no_hang(execution.wait()).await, terminal, "the consumer");
    assert_sound(&handle);
}

/// If this were red, an execution without a consumer could not be waited for.
#[tokio::test]
async fn c04_a_detached_execution_is_still_reaped_and_waited_for() {
    let execution = sh("yes | head -c 10000000; exit 6").spawn().expect("sh starts");
    let handle = execution.detach();
    let terminal = no_hang(handle.wait()).await;
    assert_eq!(terminal.status, Status::Exited { code: 6 });
    assert!(terminal.reports().all(|report| report.end != End::Eof || report.dropped == 0));
    assert_sound(&handle);
}

/// If this were red, somebody else's wait would be taken for an exit code, or hang us.
#[tokio::test]
async fn c09_a_stolen_reap_is_unknown_and_loses_no_output() {
    let mut execution = sh("echo mine; read x").stdin(lastbyte::Stdio::Piped).spawn().expect("sh");
    until(&mut execution, "mine").await;
    let pid = execution.id().and_then(|pid| i32::try_from(pid).ok()).expect("a pid");
    let stdin = execution.stdin();
    // Blocks this thread, and with it the driver, until it has reaped what the driver waits for.
    drop(stdin);
    let pid = rustix::process::Pid::from_raw(pid);
    let stolen = rustix::process::waitpid(pid, rustix::process::WaitOptions::empty());
    assert!(stolen.is_ok_and(|reaped| reaped.is_some()));
    let (events, terminal) = no_hang(events(&mut execution)).await;
    assert!(matches!(terminal.status, Status::Unknown(_)), "{terminal:?}");
    assert!(terminal.is_complete() && matches!(events.last(), Some(Event::Exit(_))));
}
