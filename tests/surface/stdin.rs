//! Writing to a child's stdin, poll by poll. The child is a real `cat`, held back by a consumer
//! who does not take its output: so a write that is larger than all pipes is pending until he does.

use std::{
    pin::{Pin, pin},
    task::Poll,
};

use lastbyte::{
    BufferPolicy, Command, Event, Execution, Signal, Status, Stdin, StdinClosed, StdinReport, Stdio,
};
use tokio::io::AsyncWrite;
use tokio_test::{
    assert_ready, assert_ready_ok,
    task::{Spawn, spawn},
};

use crate::common::{assert_sound, no_hang};

/// Far more than the pipes, `cat` and the buffer hold.
const MUCH: usize = 1 << 20;

fn much() -> Vec<u8> {
    // The number of each four bytes: none is like another.
    (0..(MUCH / 4) as u32).flat_map(u32::to_le_bytes).collect()
}

fn cat() -> (Execution, Stdin) {
    let buffer = BufferPolicy { bytes_max: 16 * 1024, ..BufferPolicy::default() };
    let mut command = Command::new("cat");
    command.stdin(Stdio::Piped).buffer(buffer).monitor(true);
    let mut execution = command.spawn().expect("cat starts");
    let stdin = execution.stdin().expect("stdin is piped");
    (execution, stdin)
}

/// Lets the reactor and the driver work until this task is woken.
async fn woken<T>(task: &Spawn<T>) {
    no_hang(async {
        while !task.is_woken() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Takes what there is now.
fn take(execution: &mut Execution, taken: &mut Vec<u8>) {
    while let Some(event) = execution.try_next() {
        if let Event::Chunk { chunk, .. } = event {
            taken.extend_from_slice(&chunk);
        }
    }
}

/// Takes what there is until this task is woken.
async fn take_until_woken<T>(execution: &mut Execution, taken: &mut Vec<u8>, task: &Spawn<T>) {
    no_hang(async {
        while !task.is_woken() {
            take(execution, taken);
            tokio::task::yield_now().await;
        }
    })
    .await;
}

async fn ends(execution: Execution, mut taken: Vec<u8>) -> Vec<u8> {
    let handle = execution.handle();
    let output = no_hang(execution.output()).await;
    assert!(output.is_success());
    assert_sound(&handle);
    taken.extend(output.stdout);
    taken
}

/// If this were red, a writer would sleep on although the child reads again.
#[tokio::test]
async fn c17_write_all_is_woken_whenever_the_child_has_read() {
    let (mut execution, mut stdin) = cat();
    let (much, mut taken) = (much(), Vec::new());
    let mut pending = 0;
    {
        let mut write = spawn(stdin.write_all(&much));
        loop {
            if let Poll::Ready(done) = write.poll() {
                done.expect("cat reads");
                break;
            }
            pending += 1;
            assert!(write.is_woken() || write.waker_ref_count() == 2, "somebody will wake it");
            take_until_woken(&mut execution, &mut taken, &write).await;
        }
    }
    assert!(pending > 0, "it had to wait");
    let all = MUCH as u64;
    assert_eq!(stdin.close(), StdinReport { accepted: all, written: all });
    assert!(ends(execution, taken).await == much, "every byte, in order");
}

/// If this were red, a writer who is cancelled could not tell where to go on.
#[tokio::test]
async fn c17_a_write_dropped_while_pending_tells_how_far_it_got() {
    let (mut execution, mut stdin) = cat();
    let (much, mut taken) = (much(), Vec::new());
    let mut dropped = 0;
    loop {
        let written = usize::try_from(stdin.report().written).expect("it is in memory");
        let mut write = spawn(stdin.write_all(&much[written..]));
        if let Poll::Ready(done) = write.poll() {
            done.expect("cat reads");
            break;
        }
        dropped += 1;
        if dropped % 2 == 0 {
            // Dropped after it was woken: the readiness is there for the next one.
            take_until_woken(&mut execution, &mut taken, &write).await;
        } else {
            drop(write);
            take(&mut execution, &mut taken);
            tokio::task::yield_now().await;
        }
    }
    assert!(dropped > 0, "it had to wait");
    let report = stdin.close();
    assert_eq!(report.written, MUCH as u64);
    assert!(report.accepted > report.written, "what was dropped had been accepted");
    assert!(ends(execution, taken).await == much, "every byte once, in order");
}

/// If this were red, a write that has moved to another task would be lost.
#[tokio::test]
async fn c17_a_write_wakes_the_task_it_is_on() {
    let (mut execution, mut stdin) = cat();
    let (much, mut taken) = (much(), Vec::new());
    {
        let mut write = pin!(stdin.write_all(&much));
        let mut tasks = [spawn(()), spawn(())];
        let mut moves = 0;
        loop {
            let task = &mut tasks[moves % 2];
            if let Poll::Ready(done) = task.enter(|cx, _| write.as_mut().poll(cx)) {
                done.expect("cat reads");
                break;
            }
            moves += 1;
            assert_eq!(tasks[moves % 2].waker_ref_count(), 1, "the task it has left is forgotten");
            let now_on = &tasks[(moves + 1) % 2];
            take_until_woken(&mut execution, &mut taken, now_on).await;
        }
        assert!(moves > 1, "it has moved");
    }
    drop(stdin);
    assert!(ends(execution, taken).await == much);
}

/// If this were red, a writer would wait for ever on a child that has died.
#[tokio::test]
async fn c17_a_pending_write_is_woken_by_the_death_of_the_child() {
    let (mut execution, mut stdin) = cat();
    let much = much();
    let closed = {
        let mut write = spawn(stdin.write_all(&much));
        assert!(write.poll().is_pending());
        execution.signal(Signal::KILL);
        loop {
            woken(&write).await;
            if let Poll::Ready(done) = write.poll() {
                break done.expect_err("nobody reads");
            }
        }
    };
    let StdinClosed(report) = closed;
    assert_eq!(report, stdin.report());
    assert!(report.accepted == MUCH as u64 && report.written < report.accepted);
    let again = assert_ready!(spawn(stdin.write_all(b"more")).poll());
    assert_eq!(again.expect_err("it is closed").0.accepted, MUCH as u64 + 4);
    let terminal = no_hang(execution.wait()).await;
    assert_eq!(terminal.status, Status::Signaled { signal: Signal::KILL, core: false });
}

/// If this were red, `tokio::io::copy` into a child would not end its input, or end it twice.
#[tokio::test]
async fn c17_as_an_async_writer_it_ends_once_and_counts_what_was_written() {
    let (execution, stdin) = cat();
    let mut stdin = spawn(stdin);
    let written = assert_ready_ok!(stdin.enter(|cx, stdin| stdin.poll_write(cx, b"bytes")));
    assert_eq!(written, 5);
    assert_ready_ok!(stdin.enter(|cx, stdin| stdin.poll_flush(cx)));
    assert_ready_ok!(stdin.enter(|cx, stdin| stdin.poll_shutdown(cx)));
    assert_ready_ok!(stdin.enter(|cx, stdin| stdin.poll_shutdown(cx)));
    assert_eq!(ends(execution, Vec::new()).await, b"bytes");
    let late = assert_ready!(stdin.enter(|cx, stdin| stdin.poll_write(cx, b"late")));
    assert_eq!(late.expect_err("it has ended").kind(), std::io::ErrorKind::BrokenPipe);
    let report = Pin::new(&mut *stdin).report();
    assert_eq!(report, StdinReport { accepted: 5, written: 5 });
}

/// If this were red, a pending `poll_write` would count bytes that it did not take.
#[tokio::test]
async fn c17_a_pending_poll_write_accepts_nothing() {
    let (execution, stdin) = cat();
    let mut stdin = spawn(stdin);
    let block = [7; 64 * 1024];
    // Whoever takes nothing lets every pipe fill: then it is pending for good.
    let report = no_hang(async {
        loop {
            let before = stdin.report();
            match stdin.enter(|cx, stdin| stdin.poll_write(cx, &block)) {
                Poll::Ready(written) => {
                    let written = written.expect("cat lives") as u64;
                    let StdinReport { accepted, written: total } = stdin.report();
                    assert_eq!((accepted, total), (before.accepted + written, accepted));
                }
                Poll::Pending => {
                    assert_eq!(stdin.report(), before);
                    return before;
                }
            }
        }
    });
    let report = report.await;
    drop(stdin);
    assert_eq!(ends(execution, Vec::new()).await.len() as u64, report.written);
}
