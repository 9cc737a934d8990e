//! The client: an execution at a runner is as a local one.

use std::time::Duration;

use lastbyte::{
    Cause, Command, Cut, DrainPolicy, End, ErrorKind, Event, Execution, Policy, PtySize, Signal,
    Status, Stdio, StreamId, Terminal,
    error::Stage,
    remote::wire::{BoxRequest, ExecRequest},
};

use super::harness::{Served, runs, serve, serve_with};

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).monitor(true);
    command
}

async fn start(served: &Served, id: &str, command: &Command) -> Execution {
    served.client().spawn(id, command).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn until(execution: &mut Execution, word: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(word) {
        match execution.next().await {
            Some(Event::Chunk { chunk, .. }) => seen += &String::from_utf8_lossy(&chunk),
            Some(Event::End { .. }) => {}
            other => panic!("{other:?} after {seen:?}"),
        }
    }
    seen
}

fn report(terminal: &Terminal, stream: StreamId) -> lastbyte::StreamReport {
    *terminal.reports().find(|report| report.stream == stream).expect("it has the stream")
}

/// If this were red, output would be missing at the client's end although the runner had it.
#[tokio::test]
async fn c01_all_output_comes_before_the_exit() {
    let served = serve().await;
    let id = served.a_box().await;
    let execution = start(&served, &id, &sh("echo out; echo err >&2; exit 3")).await;
    let handle = execution.handle();
    let output = execution.output().await;
    assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
    assert_eq!(output.terminal.status, Status::Exited { code: 3 });
    assert!(output.terminal.is_complete());
    assert_eq!(output.terminal.cause, Cause::default());
    assert_eq!(handle.wait().await, output.terminal);
    assert_eq!(handle.verdict().and_then(|verdict| verdict.violation), None);
    served.end().await;
}

/// If this were red, a long output would be cut or doubled where one answer ends.
#[tokio::test]
async fn c03_a_long_output_is_the_same_byte_for_byte() {
    let served = serve_with("retain_bytes = 100000").await;
    let id = served.a_box().await;
    let script = "i=0; while [ $i -lt 200000 ]; do echo $i; i=$((i+1)); done";
    let output = start(&served, &id, &sh(script)).await.output().await;
    let expected: String = (0..200_000).map(|i| format!("{i}\n")).collect();
    assert!(output.stdout == expected.as_bytes(), "{} bytes", output.stdout.len());
    assert!(output.is_success());
    served.end().await;
}

/// If this were red, a refusal at a runner would be another than here.
#[tokio::test]
async fn c14_a_refused_start_is_the_same_error_as_here() {
    let served = serve().await;
    let id = served.a_box().await;
    let command = Command::new("no-such-program");
    let far = served.client().spawn(&id, &command).await.expect_err("there is none");
    let here = command.spawn().expect_err("there is none");
    assert_eq!((far.kind(), far.stage()), (ErrorKind::CannotSpawn, Some(Stage::Lookup)));
    assert_eq!(far.errno(), here.errno());
    assert_eq!(far.exit_code(), 127);
    let unknown = served.client().spawn("box-0-0", &command).await.expect_err("no such box");
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    let inherits = served.client().spawn(&id, Command::new("true").stdin(Stdio::Inherit)).await;
    assert_eq!(inherits.expect_err("ours").kind(), ErrorKind::InvalidArgument);
    served.end().await;
}

/// If this were red, a client would not know that a stream was cut at the runner, or why it was
/// killed there.
#[tokio::test]
async fn c08_what_the_runner_cut_and_why_it_killed_is_told() {
    let served = serve().await;
    let id = served.a_box().await;
    let mut held = sh("sleep 60 & echo hi");
    held.drain(DrainPolicy::After(Duration::ZERO));
    let mut execution = start(&served, &id, &held).await;
    let mut ends = Vec::new();
    let terminal = loop {
        match execution.next().await.expect("an exit comes") {
            Event::End { stream, end } => ends.push((stream, end)),
            Event::Exit(terminal) => break terminal,
            Event::Chunk { .. } | Event::Gap { .. } => {}
        }
    };
    ends.sort_by_key(|&(stream, _)| stream);
    let cut = End::Cut(Cut::After);
    assert_eq!(ends, [(StreamId::Stdout, cut), (StreamId::Stderr, cut)]);
    let stdout = report(&terminal, StreamId::Stdout);
    assert_eq!((stdout.end, stdout.delivered, stdout.held), (cut, 3, true));
    let mut late = sh("sleep 60");
    late.timeout(Duration::from_millis(10));
    let terminal = start(&served, &id, &late).await.wait().await;
    assert!(terminal.cause.timed_out);
    assert_eq!(terminal.status, Status::Signaled { signal: Signal::TERM, core: false });
    served.end().await;
}

/// If this were red, a kill would stay here, or what is written in answer to it would be lost.
#[tokio::test]
async fn c16_a_kill_reaches_the_group_and_the_answer_comes_back() {
    let served = serve().await;
    let id = served.a_box().await;
    let script = "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done";
    let mut execution = start(&served, &id, &sh(script)).await;
    until(&mut execution, "up").await;
    execution.kill();
    let output = execution.output().await;
    assert_eq!(output.stdout, b"bye\n");
    assert_eq!(output.terminal.status, Status::Exited { code: 7 });
    assert!(output.terminal.cause.cancelled);
    served.end().await;
}

/// If this were red, a closed or dropped execution would run on at the runner.
#[tokio::test]
async fn c11_closed_or_dropped_it_ends_at_the_runner_too() {
    let served = serve().await;
    let id = served.a_box().await;
    for close in [true, false] {
        let mut execution = start(&served, &id, &sh("echo $$; exec sleep 60")).await;
        let pid = until(&mut execution, "\n").await;
        if close {
            let terminal = execution.close().await;
            assert_eq!(terminal.status, Status::Signaled { signal: Signal::KILL, core: false });
        } else {
            drop(execution);
        }
        while runs(pid.trim()) {
            tokio::task::yield_now().await;
        }
    }
    served.end().await;
}

/// If this were red, input would be lost on its way, or a command that waits for its end hang.
#[tokio::test]
async fn c17_input_arrives_in_order_and_ends_once() {
    let served = serve().await;
    let id = served.a_box().await;
    let mut command = Command::new("cat");
    command.stdin(Stdio::Piped);
    let mut execution = start(&served, &id, &command).await;
    let mut stdin = execution.stdin().expect("it is piped");
    let input: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
    let sent = input.clone();
    let writer = tokio::spawn(async move {
        stdin.write_all(&sent).await.expect("cat reads");
        stdin.report()
    });
    let output = execution.output().await;
    assert!(output.stdout == input, "{} bytes", output.stdout.len());
    let report = writer.await.expect("no panic");
    assert_eq!((report.accepted, report.written), (1_000_000, 1_000_000));
    // One that does not read ends its input, and nothing else.
    let mut command = sh("exec <&-; echo closed; read -r line < /dev/null; exit 5");
    command.stdin(Stdio::Piped);
    let mut execution = start(&served, &id, &command).await;
    let mut stdin = execution.stdin().expect("it is piped");
    until(&mut execution, "closed").await;
    while stdin.write_all(b"x").await.is_ok() {}
    assert_eq!(execution.output().await.terminal.status, Status::Exited { code: 5 });
    served.end().await;
}

/// If this were red, a terminal at a runner would have another size than the user's.
#[tokio::test]
async fn c18_a_terminal_has_the_size_it_was_given_and_changes_it() {
    let served = serve().await;
    let id = served.a_box().await;
    let mut command = sh("while stty size; do sleep 0.01; done");
    command.pty(PtySize { rows: 30, cols: 100 });
    let mut execution = start(&served, &id, &command).await;
    let _input = execution.stdin();
    until(&mut execution, "30 100").await;
    execution.resize(PtySize { rows: 31, cols: 101 }).expect("it has a terminal");
    until(&mut execution, "31 101").await;
    execution.close().await;
    served.end().await;
}

/// If this were red, nobody could come back to what he started.
#[tokio::test]
async fn c19_a_detached_execution_is_there_for_another_client() {
    let served = serve_with("orphan_seconds = 0").await;
    let client = served.client();
    let id = client.create_box(&BoxRequest::default()).await.expect("a box").id;
    let request = ExecRequest {
        command: "sh".to_owned(),
        args: vec!["-c".to_owned(), "echo one; read line; echo $line".to_owned()],
        detach: true,
        ..ExecRequest::default()
    };
    let found = served.exec(&id, serde_json::to_value(&request).expect("it is JSON")).await;
    let name = found.rsplit('/').next().expect("its name");
    let attach = || client.attach(&id, name, 0, false, Policy::default());
    let mut first = attach().await.expect("it runs");
    until(&mut first, "one").await;
    let mut stdin = first.stdin().expect("it is piped");
    stdin.write_all(b"two\n").await.expect("it reads");
    let second = attach().await.expect("it is kept").output().await;
    assert_eq!(second.stdout, b"one\ntwo\n");
    assert_eq!(client.boxes().await.expect("one").len(), 1);
    client.delete_box(&id, true).await.expect("it is there");
    served.end().await;
}
