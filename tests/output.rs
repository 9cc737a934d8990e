//! Every byte, in its order, before the exit: on real processes.

mod common;

use common::{Pattern, assert_sound, child, events, no_hang, report, sh};
use lastbyte::{
    BufferPolicy, Command, Data, End, Event, Execution, OutputLimit, Over, Status, Stdio, StreamId,
    blocking,
};

/// If this were red, short commands would lose their output, as in the case this crate is for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c01_ten_thousand_short_commands_lose_nothing() {
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            tokio::spawn(async move {
                for run in 0..1250 {
                    let marker = format!("marker-{task}-{run}\n");
                    let mut command = Command::new("echo");
                    command.arg(marker.trim_end()).monitor(true);
                    let mut execution = command.spawn().expect("echo starts");
                    let handle = execution.handle();
                    let waiter = tokio::spawn(handle.wait());
                    let (events, terminal) = no_hang(events(&mut execution)).await;
                    let bytes: Vec<u8> = events
                        .iter()
                        .filter_map(|event| match event {
                            Event::Chunk { chunk, .. } => Some(chunk.to_vec()),
                            Event::Gap { .. } | Event::End { .. } | Event::Exit(_) => None,
                        })
                        .flatten()
                        .collect();
                    assert_eq!(String::from_utf8_lossy(&bytes), marker);
                    assert!(terminal.is_complete(), "{terminal:?}");
                    assert_eq!(waiter.await.expect("the waiter lives"), terminal);
                    assert_sound(&handle);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no task fails");
    }
}

/// If this were red, a caller without a runtime would lose output that others get.
#[test]
fn c01_a_thousand_short_commands_lose_nothing_without_a_runtime() {
    for run in 0..500 {
        let marker = format!("marker-{run}\n");
        let mut command = Command::new("echo");
        command.arg(marker.trim_end()).monitor(true);
        let output = blocking::output(&command).expect("echo starts");
        assert_eq!(String::from_utf8_lossy(&output.stdout), marker);
        assert!(output.is_success());
        let output = blocking::spawn(&command).expect("echo starts").output();
        assert_eq!(String::from_utf8_lossy(&output.stdout), marker);
        assert!(output.is_success());
    }
}

/// If this were red, long output would be damaged, or its end cut off.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c03_two_gibibytes_of_binary_arrive_as_they_were_written() {
    const BYTES: u64 = 2 << 30;
    let mut execution = child(&["pattern", &BYTES.to_string()]).spawn().expect("the child starts");
    let mut pattern = Pattern::new();
    let terminal = loop {
        match execution.next().await.expect("the exit comes first") {
            Event::Chunk { chunk, .. } => pattern.check(&chunk),
            Event::Gap { .. } | Event::End { .. } => {}
            Event::Exit(terminal) => break terminal,
        }
    };
    assert_eq!(pattern.position(), BYTES);
    assert_eq!(report(&terminal, StreamId::Stdout).delivered, BYTES);
    assert!(terminal.is_complete());
}

/// If this were red, the last of many small writes would be left in a pipe that was to gather them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c01_a_flood_of_small_writes_is_whole_and_before_the_exit() {
    const BYTES: u64 = (16 << 20) + 7;
    let mut command = child(&["small", &BYTES.to_string()]);
    let mut execution = command.monitor(true).spawn().expect("the child starts");
    let handle = execution.handle();
    let (events, terminal) = no_hang(events(&mut execution)).await;
    let mut pattern = Pattern::new();
    for event in &events {
        match event {
            Event::Chunk { chunk, .. } => pattern.check(chunk),
            Event::Gap { .. } | Event::End { .. } | Event::Exit(_) => {}
        }
    }
    assert_eq!(pattern.position(), BYTES);
    assert!(terminal.is_complete(), "{terminal:?}");
    assert_sound(&handle);
    let output = blocking::output(&command).expect("the child starts");
    let mut pattern = Pattern::new();
    pattern.check(&output.stdout);
    assert_eq!(pattern.position(), BYTES);
}

const INTERLEAVED: &str =
    "i=0; while [ $i -lt 100000 ]; do echo o $i; echo e $i >&2; i=$((i+1)); done";

/// If this were red, one stream would lose or reorder lines while the other is busy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c03_two_hundred_thousand_lines_on_both_streams_keep_their_order() {
    let output = no_hang(sh(INTERLEAVED).monitor(false).output()).await.expect("sh starts");
    for (bytes, name) in [(&output.stdout, 'o'), (&output.stderr, 'e')] {
        let text = String::from_utf8_lossy(bytes);
        assert!(text.lines().enumerate().all(|(line, text)| text == format!("{name} {line}")));
        assert_eq!(text.lines().count(), 100_000);
    }
    assert!(output.is_success());
}

/// If this were red, a log of both streams would not show what happened before what.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c03_a_combined_stream_has_the_order_of_the_writes() {
    let output =
        no_hang(sh(INTERLEAVED).monitor(false).combined().output()).await.expect("sh starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines();
    for line in 0..100_000 {
        assert_eq!(lines.next(), Some(format!("o {line}").as_str()));
        assert_eq!(lines.next(), Some(format!("e {line}").as_str()));
    }
    assert_eq!(lines.next(), None);
}

/// If this were red, output that is written byte by byte would be lost or regrouped.
#[tokio::test]
async fn c03_one_byte_writes_arrive_in_order() {
    let script = "i=0; while [ $i -lt 5000 ]; do printf $((i%10)); i=$((i+1)); done";
    let output = no_hang(sh(script).output()).await.expect("sh starts");
    let expected: Vec<u8> = (0..5000_u32).map(|i| b'0' + (i % 10) as u8).collect();
    assert_eq!(output.stdout, expected);
}

/// If this were red, bytes would be taken for text.
#[tokio::test]
async fn c03_nul_invalid_utf8_and_a_missing_newline_are_bytes_like_others() {
    let output = no_hang(sh(r"printf 'a\000b\377\376\303'").output()).await.expect("sh starts");
    assert_eq!(output.stdout, b"a\0b\xff\xfe\xc3");
    assert!(output.is_success());
}

/// If this were red, a failure would hide its own output.
#[tokio::test]
async fn c08_a_failed_command_is_complete() {
    let output = no_hang(sh("echo why; exit 3").output()).await.expect("sh starts");
    assert_eq!(output.terminal.status, Status::Exited { code: 3 });
    assert!(output.terminal.is_complete() && !output.is_success());
    assert_eq!(output.stdout, b"why\n");
}

/// If this were red, the end of a stream could overtake its bytes, or come twice.
#[tokio::test]
async fn c01_each_stream_ends_once_after_its_last_byte_and_before_the_exit() {
    let mut execution = sh("echo a; echo b >&2; echo c").spawn().expect("sh starts");
    let (events, _) = no_hang(events(&mut execution)).await;
    for stream in [StreamId::Stdout, StreamId::Stderr] {
        let of_stream: Vec<&Event> = events
            .iter()
            .filter(|event| match event {
                Event::Chunk { stream: of, .. }
                | Event::Gap { stream: of, .. }
                | Event::End { stream: of, .. } => *of == stream,
                Event::Exit(_) => false,
            })
            .collect();
        let ends = of_stream.iter().filter(|event| matches!(event, Event::End { .. })).count();
        assert_eq!(ends, 1);
        assert!(matches!(of_stream.last(), Some(Event::End { end: End::Eof, .. })));
    }
    assert_sound(&execution.handle());
}

/// If this were red, a consumer who was away would find a part of the output missing, or would have
/// kept the exit from those who only wait for that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c04_an_exit_with_a_full_buffer_keeps_everything_for_a_late_consumer() {
    // As much as fits into the buffer and the pipe: the child ends with nobody reading.
    let mut command = child(&["pattern", "69632"]);
    let buffer = BufferPolicy { bytes_max: 4096, ..BufferPolicy::default() };
    command.buffer(buffer).monitor(true);
    let mut execution = command.spawn().expect("the child starts");
    let handle = execution.handle();
    assert_eq!(no_hang(execution.exited()).await, Status::Exited { code: 0 });
    assert_eq!(handle.terminal(), None, "nothing has been delivered yet");
    let (events, terminal) = no_hang(events(&mut execution)).await;
    let mut pattern = Pattern::new();
    for event in &events {
        if let Event::Chunk { chunk, .. } = event {
            assert!(chunk.len() <= 4096);
            pattern.check(chunk);
        }
    }
    assert_eq!(pattern.position(), 69_632);
    assert!(terminal.is_complete());
    assert_eq!(no_hang(handle.wait()).await, terminal);
    assert_sound(&handle);
}

/// If this were red, waiting for a talkative command without reading it would never return.
#[tokio::test]
async fn c15_waiting_without_reading_a_large_output_returns() {
    let mut execution = child(&["pattern", "10000000"]).spawn().expect("the child starts");
    let terminal = no_hang(execution.wait()).await;
    assert_eq!(terminal.status, Status::Exited { code: 0 });
    assert!(!terminal.is_complete(), "it says that the output was thrown away");
}

/// If this were red, inherited and null streams would hold an execution up.
#[tokio::test]
async fn c15_streams_that_are_not_ours_are_not_waited_for() {
    let mut command = sh("echo out; echo err >&2");
    command.stdout(Stdio::Null);
    let output = no_hang(command.output()).await.expect("sh starts");
    assert_eq!((output.stdout, output.stderr), (vec![], b"err\n".to_vec()));
    let output = no_hang(command.stderr(Stdio::Null).output()).await.expect("sh starts");
    assert_eq!(output.terminal.reports().count(), 0);
    assert!(output.is_success());
}

/// If this were red, one consumer who stopped would stop other executions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c12_an_absent_consumer_delays_no_other_execution() {
    let blocked = Command::new("yes").spawn().expect("yes starts");
    for _ in 0..100 {
        let output = no_hang(sh("echo fine").output()).await.expect("sh starts");
        assert_eq!(output.stdout, b"fine\n");
    }
    // Nor its own kill: nobody has taken a byte.
    blocked.kill();
    assert!(matches!(no_hang(blocked.exited()).await, Status::Signaled { .. }));
    no_hang(blocked.close()).await;
}

/// If this were red, an output limit would be silent, or would block or cut more than it says.
#[tokio::test]
async fn c08_an_output_limit_truncates_keeps_the_tail_or_kills_and_says_so() {
    let script = "printf 0123456789; echo whole >&2";
    let limited = |over| async move {
        let mut command = sh(script);
        command.limit(OutputLimit { bytes_max: 6, over });
        no_hang(command.output()).await.expect("sh starts")
    };
    let output = limited(Over::Truncate).await;
    assert_eq!(output.stdout, b"012345");
    let stdout = report(&output.terminal, StreamId::Stdout);
    assert_eq!((stdout.end, stdout.delivered, stdout.dropped), (End::Limit, 6, 4));
    assert_eq!(output.stderr, b"whole\n");
    let output = limited(Over::KeepTail { bytes_max: 3 }).await;
    assert_eq!(output.stdout, b"012345789");
    let stdout = report(&output.terminal, StreamId::Stdout);
    assert_eq!((stdout.end, stdout.delivered, stdout.dropped), (End::Limit, 9, 1));

    let mut command = Command::new("yes");
    command.limit(OutputLimit { bytes_max: 1000, over: Over::Kill }).monitor(true);
    let mut execution = command.spawn().expect("yes starts");
    let handle = execution.handle();
    let (_, terminal) = no_hang(events(&mut execution)).await;
    assert!(terminal.cause.output_limit && matches!(terminal.status, Status::Signaled { .. }));
    assert_eq!(report(&terminal, StreamId::Stdout).delivered, 1000);
    assert_sound(&handle);
}

/// If this were red, a log could not say when a line came.
#[tokio::test]
async fn c03_chunks_carry_the_time_they_were_read_at_when_asked() {
    let mut execution =
        sh("echo a; read x; echo b").timestamps(true).stdin(Stdio::Piped).spawn().expect("starts");
    let mut stdin = execution.stdin().expect("stdin is piped");
    let first = no_hang(next_chunk(&mut execution)).await;
    stdin.write_all(b"\n").await.expect("sh reads");
    let second = no_hang(next_chunk(&mut execution)).await;
    assert!(first.at().is_some() && first.at() < second.at());
    no_hang(execution.close()).await;
}

async fn next_chunk(execution: &mut Execution) -> Data {
    loop {
        match execution.next().await {
            Some(Event::Chunk { chunk, .. }) => return chunk,
            Some(Event::Gap { .. } | Event::End { .. }) => {}
            Some(Event::Exit(_)) | None => panic!("no chunk came"),
        }
    }
}
