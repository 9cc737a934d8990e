//! Stdin: bytes in order, EOF once, and a child that does not read it fails nothing.

mod common;

use common::{Pattern, assert_sound, block, events, no_hang, sh};
use lastbyte::{Command, Event, Status, StdinReport, Stdio, blocking};

/// If this were red, a child could wait for an end of input that never comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c17_bytes_arrive_in_order_and_then_the_eof() {
    const BLOCKS: u64 = 100;
    let mut execution = Command::new("cat").stdin(Stdio::Piped).spawn().expect("cat starts");
    let mut stdin = execution.stdin().expect("stdin is piped");
    assert!(execution.stdin().is_none(), "there is one");
    let writer = tokio::spawn(async move {
        let mut block = block();
        for number in 0..BLOCKS {
            block[..8].copy_from_slice(&number.to_le_bytes());
            stdin.write_all(&block).await.expect("cat reads");
        }
        stdin.close()
    });
    let mut pattern = Pattern::new();
    let (events, terminal) = no_hang(events(&mut execution)).await;
    for event in &events {
        if let Event::Chunk { chunk, .. } = event {
            pattern.check(chunk);
        }
    }
    let bytes = BLOCKS * 64 * 1024;
    assert_eq!(pattern.position(), bytes);
    assert_eq!(
        writer.await.expect("the writer lives"),
        StdinReport { accepted: bytes, written: bytes }
    );
    assert!(terminal.is_complete());
}

/// If this were red, counting words would hang.
#[test]
fn c17_wc_gets_its_eof_without_a_runtime() {
    let mut execution =
        blocking::spawn(Command::new("wc").arg("-c").stdin(Stdio::Piped)).expect("wc starts");
    let mut stdin = execution.stdin().expect("stdin is piped");
    stdin.write_all_blocking(b"12345").expect("wc reads");
    drop(stdin);
    assert_eq!(String::from_utf8_lossy(&execution.output().stdout).trim(), "5");
}

/// If this were red, a child that does not read its input would be taken for a failure, or would
/// block whoever writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c17_a_child_that_does_not_read_ends_its_stdin_and_nothing_else() {
    let mut command = sh("exec <&-; echo done; exit 0");
    let mut execution = command.stdin(Stdio::Piped).spawn().expect("sh starts");
    let handle = execution.handle();
    let mut stdin = execution.stdin().expect("stdin is piped");
    let input = vec![0; 10_000_000];
    let closed = no_hang(stdin.write_all(&input)).await.expect_err("nobody reads");
    assert_eq!(closed.0.accepted, 10_000_000);
    assert!(closed.0.written < 10_000_000);
    let (_, terminal) = no_hang(events(&mut execution)).await;
    assert_eq!(terminal.status, Status::Exited { code: 0 });
    assert!(terminal.is_complete());
    assert_sound(&handle);
}

/// If this were red, an open stdin would hold an execution up.
#[tokio::test]
async fn c17_an_open_stdin_does_not_delay_the_exit() {
    let mut command = sh("exit 7");
    let mut execution = command.stdin(Stdio::Piped).spawn().expect("sh starts");
    let _stdin = execution.stdin();
    let (_, terminal) = no_hang(events(&mut execution)).await;
    assert_eq!(terminal.status, Status::Exited { code: 7 });
}

/// If this were red, collecting the output of a command with a piped stdin would hang.
#[tokio::test]
async fn c17_collecting_output_ends_a_stdin_that_nobody_writes_to() {
    let mut command = Command::new("cat");
    command.stdin(Stdio::Piped);
    assert!(no_hang(command.output()).await.expect("cat starts").is_success());
    assert!(blocking::output(&command).expect("cat starts").is_success());
}

/// If this were red, a child without input would read ours.
#[tokio::test]
async fn c17_stdin_is_empty_unless_asked_for() {
    let output = no_hang(Command::new("cat").output()).await.expect("cat starts");
    assert!(output.is_success() && output.stdout.is_empty());
}
