//! What the root left behind: a held pipe never hangs, and never costs a byte of the root.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::time::Duration;

use common::{Pattern, assert_sound, child, events, no_hang, report, sh, until};
use lastbyte::{Command, Cut, Descendants, DrainPolicy, End, Event, Status, StreamId, Terminal};

const HELD: &str = "echo hi; sleep 30 &";
const ZERO: Status = Status::Exited { code: 0 };

/// Runs a script under a drain policy; all it wrote to stdout, and its terminal.
async fn drained(script: &str, drain: DrainPolicy) -> (Vec<u8>, Terminal) {
    let mut execution = sh(script).drain(drain).spawn().expect("sh starts");
    let handle = execution.handle();
    let (events, terminal) = no_hang(events(&mut execution)).await;
    assert_sound(&handle);
    let stdout = events.iter().filter_map(|event| match event {
        Event::Chunk { stream: StreamId::Stdout, chunk } => Some(chunk.to_vec()),
        Event::Chunk { .. } | Event::Gap { .. } | Event::End { .. } | Event::Exit(_) => None,
    });
    (stdout.flatten().collect(), terminal)
}

fn assert_held(terminal: &Terminal, cut: Cut) {
    assert_eq!(terminal.status, ZERO);
    for stream in [StreamId::Stdout, StreamId::Stderr] {
        let report = report(terminal, stream);
        assert_eq!((report.end, report.held, report.dropped), (End::Cut(cut), true, 0));
    }
}

/// If this were red, `sh -c 'daemon &'` would hang its caller, or lose what the shell wrote.
#[tokio::test]
async fn c06_a_grandchild_that_holds_the_pipe_is_cut_by_each_bounded_policy() {
    let second = Duration::from_millis(50);
    let idle = DrainPolicy::Idle { gap: second, max: 10 * second };
    for (drain, cut) in [
        (DrainPolicy::After(Duration::ZERO), Cut::After),
        (DrainPolicy::After(second), Cut::After),
        (idle, Cut::Idle),
        (DrainPolicy::default(), Cut::Idle),
    ] {
        let (stdout, terminal) = drained(HELD, drain).await;
        assert_eq!(stdout, b"hi\n", "{drain:?}");
        assert_held(&terminal, cut);
    }
}

/// If this were red, whoever chose to wait for ever could not, or could not be freed again.
#[tokio::test]
async fn c06_until_eof_waits_and_a_close_frees_it() {
    let mut execution = sh(HELD).drain(DrainPolicy::UntilEof).spawn().expect("sh starts");
    until(&mut execution, "hi\n").await;
    let handle = execution.handle();
    assert_eq!(no_hang(execution.exited()).await, ZERO);
    assert_eq!(handle.terminal(), None);
    let terminal = no_hang(execution.close()).await;
    assert_eq!(terminal.status, ZERO);
    assert_sound(&handle);
}

/// If this were red, output that a descendant writes within the bound would be lost.
#[tokio::test]
async fn c06_until_eof_delivers_what_a_descendant_writes_later() {
    let (stdout, terminal) =
        drained("(sleep 0.3; echo late) & echo early", DrainPolicy::UntilEof).await;
    assert_eq!(stdout, b"early\nlate\n");
    assert!(terminal.is_complete());
}

/// If this were red, a descendant that never stops writing would hang its caller.
#[tokio::test]
async fn c06_a_chatty_grandchild_is_cut_at_the_cap() {
    let drain =
        DrainPolicy::Idle { gap: Duration::from_millis(200), max: Duration::from_millis(400) };
    let script = "(while :; do echo x; sleep 0.01; done) & echo root";
    let mut execution = sh(script).drain(drain).spawn().expect("sh starts");
    let handle = execution.handle();
    let (_, terminal) = no_hang(events(&mut execution)).await;
    assert_eq!(report(&terminal, StreamId::Stdout).end, End::Cut(Cut::Max));
    assert_eq!(report(&terminal, StreamId::Stderr).end, End::Cut(Cut::Idle));
    assert_sound(&handle);
}

/// If this were red, asking for the group's end at the exit would still wait for the group.
#[tokio::test]
async fn c06_killing_descendants_at_the_exit_ends_each_stream_with_eof() {
    let mut command = sh("echo hi; sleep 30 & echo $!");
    command.descendants(Descendants::Kill).drain(DrainPolicy::UntilEof);
    let output = no_hang(command.output()).await.expect("sh starts");
    assert!(output.terminal.is_complete(), "{:?}", output.terminal);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let pid = text.lines().nth(1).expect("the grandchild's pid");
    // Its streams close a moment before its state says that it is gone.
    no_hang(async {
        while !is_gone(pid) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Whether a process has ended: it is a zombie of init at most.
fn is_gone(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .map_or(true, |stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")))
}

/// If this were red, a bound of zero would lose the end of large output, by the timing of the day:
/// the race that this crate exists for, with a descendant who keeps the pipe busy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c07_a_bound_of_zero_loses_nothing_that_the_root_wrote() {
    // Enough to have the pipe grown, so that much more than one read stands in it at the end.
    const BYTES: usize = 3_000_000;
    let child = child(&[]).program().to_string_lossy().into_owned();
    for run in 0..150 {
        let chatter = if run % 2 == 0 { "(while :; do printf .; done) &" } else { "sleep 30 &" };
        let script = format!("{child} pattern {BYTES}; {chatter} exit 0");
        let (stdout, terminal) = drained(&script, DrainPolicy::After(Duration::ZERO)).await;
        assert!(stdout.len() >= BYTES, "{} bytes in run {run}: {terminal:?}", stdout.len());
        Pattern::new().check(&stdout[..BYTES]);
        assert_eq!(terminal.status, ZERO);
    }
}

/// If this were red, a bound would cut commands that nobody holds open.
#[tokio::test]
async fn c05_a_bound_of_zero_is_complete_when_nobody_holds_the_pipe() {
    for _ in 0..200 {
        let (stdout, terminal) =
            drained("echo hi; exec >&- 2>&-; exit 0", DrainPolicy::After(Duration::ZERO)).await;
        assert_eq!(stdout, b"hi\n");
        assert!(terminal.is_complete(), "{terminal:?}");
    }
}

/// If this were red, a daemon that closes its outputs would be taken for one that has ended.
#[tokio::test]
async fn c09_an_eof_is_not_an_exit() {
    let mut command = sh("echo bye; exec >&- 2>&-; sleep 30");
    command.timeout(Duration::from_millis(100)).grace(Duration::from_secs(5));
    let mut execution = command.spawn().expect("sh starts");
    let handle = execution.handle();
    let (_, terminal) = no_hang(events(&mut execution)).await;
    // Every stream had ended; the timeout was still armed.
    assert!(terminal.cause.timed_out && terminal.is_complete(), "{terminal:?}");
    assert_sound(&handle);
}

/// If this were red, starting one child would keep another's pipe open (`pipe2(2)`, `O_CLOEXEC`).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c18_concurrent_starts_do_not_hold_each_others_streams() {
    let tasks: Vec<_> = (0..200)
        .map(|task| {
            tokio::spawn(async move {
                // Every other one lives long; it must not hold the short ones' pipes.
                let long = sh("sleep 30").spawn().expect("sh starts");
                let mut short = sh(&format!("echo {task}"));
                short.drain(DrainPolicy::UntilEof);
                let output = no_hang(short.output()).await.expect("sh starts");
                assert!(output.is_success());
                no_hang(long.close()).await;
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no task fails");
    }
}

/// If this were red, a command would be reported as held, or hang, because another one was just
/// being started: until its exec a new process has copies of all our descriptors. A bound of zero
/// shows any holder; large arguments make the moment before the exec long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c18_a_sibling_that_is_being_started_holds_nobodys_stream() {
    let slow_starts = tokio::spawn(async {
        let mut slow = Command::new("true");
        slow.args((0..15).map(|_| "x".repeat(100_000)));
        for _ in 0..400 {
            assert!(no_hang(slow.output()).await.expect("true starts").is_success());
        }
    });
    for run in 0..800 {
        let mut command = Command::new("echo");
        command.arg("mine").drain(DrainPolicy::After(Duration::ZERO));
        let output = no_hang(command.output()).await.expect("echo starts");
        assert!(output.terminal.is_complete(), "run {run}: {:?}", output.terminal);
    }
    slow_starts.await.expect("it does not fail");
}
