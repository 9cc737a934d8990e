//! A terminal: one stream, EIO is its end, and a hang-up never comes before the exit.

mod common;

use common::{assert_sound, events, no_hang, report, sh};
use lastbyte::{Command, End, PtySize, Status, Stdio, StreamId};

/// If this were red, the end of a terminal's output would be an error, or be lost.
#[tokio::test]
async fn c09_eio_on_a_pty_is_its_eof() {
    for _ in 0..200 {
        let mut command = sh("echo hi; echo err >&2");
        let output = no_hang(command.pty(PtySize::default()).output()).await.expect("sh starts");
        assert_eq!(output.stdout, b"hi\r\nerr\r\n");
        assert!(output.is_success(), "{:?}", output.terminal);
    }
}

/// If this were red, programs would not know that they have a terminal, or how large it is.
#[tokio::test]
async fn c18_the_child_has_a_terminal_of_the_size_asked_for() {
    let mut command = sh("test -t 0 && test -t 1 && test -t 2 && stty size && tty </dev/tty");
    command.pty(PtySize { rows: 30, cols: 132 });
    let output = no_hang(command.output()).await.expect("sh starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with("30 132\r\n/dev/"), "{text:?}");
}

/// If this were red, interactive programs could not be driven, or would not see the end of input.
#[tokio::test]
async fn c17_what_is_typed_is_read_and_the_end_of_input_too() {
    let mut execution = Command::new("cat").pty(PtySize::default()).spawn().expect("cat starts");
    let handle = execution.handle();
    let mut stdin = execution.stdin().expect("a pty has an input");
    stdin.write_all(b"typed\n").await.expect("cat reads");
    drop(stdin);
    let (_, terminal) = no_hang(events(&mut execution)).await;
    assert_eq!(terminal.status, Status::Exited { code: 0 });
    // The echo, and cat's answer.
    assert_eq!(report(&terminal, StreamId::Pty).delivered, 2 * "typed\r\n".len() as u64);
    drop(handle);
}

/// If this were red, input whose last line has no newline would never end.
#[tokio::test]
async fn c17_the_end_of_input_is_seen_after_an_incomplete_line() {
    let mut command = sh("stty -echo; echo ready; cat");
    let mut execution = command.pty(PtySize::default()).spawn().expect("sh starts");
    common::until_on(&mut execution, StreamId::Pty, "ready").await;
    let mut stdin = execution.stdin().expect("a pty has an input");
    stdin.write_all(b"no newline").await.expect("cat reads");
    drop(stdin);
    let output = no_hang(execution.output()).await;
    assert!(output.is_success(), "{:?}", output.terminal);
    assert!(output.stdout.ends_with(b"no newline"), "{:?}", output.stdout);
}

/// If this were red, a program that closes its terminal before it exits would be ended by SIGHUP.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c16_a_pty_is_not_hung_up_before_the_root_is_reaped() {
    let script = "exec 0<&- 1>&- 2>&-; i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; exit 3";
    for _ in 0..100 {
        let mut execution = sh(script).pty(PtySize::default()).spawn().expect("sh starts");
        drop(execution.stdin());
        let (_, terminal) = no_hang(events(&mut execution)).await;
        assert_eq!(terminal.status, Status::Exited { code: 3 });
    }
}

/// If this were red, a background process on the terminal would hang its caller.
#[tokio::test]
async fn c07_all_that_the_root_wrote_to_a_held_pty_is_delivered() {
    for _ in 0..50 {
        // The descendant ignores the hang-up of its terminal.
        let script = "trap '' HUP; sleep 30 & head -c 3000 /dev/zero | tr '\\0' x";
        let mut command = sh(script);
        command.pty(PtySize::default()).drain(lastbyte::DrainPolicy::After(Default::default()));
        let mut execution = command.spawn().expect("sh starts");
        let handle = execution.handle();
        let (_, terminal) = no_hang(events(&mut execution)).await;
        let pty = report(&terminal, StreamId::Pty);
        assert_eq!((pty.delivered, pty.held), (3000, true), "{pty:?}");
        assert!(matches!(pty.end, End::Cut(_)));
        assert_sound(&handle);
        handle.close();
    }
}

/// If this were red, a pty could not be closed while its program runs.
#[tokio::test]
async fn c11_a_program_on_a_pty_can_be_closed() {
    let mut execution = sh("echo ready; sleep 30").pty(PtySize::default()).spawn().expect("sh");
    let handle = execution.handle();
    loop {
        match no_hang(execution.next()).await {
            Some(lastbyte::Event::Chunk { chunk, .. }) if chunk.starts_with(b"ready") => break,
            Some(_) => {}
            None => panic!("it ended"),
        }
    }
    let terminal = no_hang(execution.close()).await;
    assert!(matches!(terminal.status, Status::Signaled { .. }));
    assert_sound(&handle);
}

/// Set for the copy of this program that runs on a terminal.
const ON_A_TERMINAL: &str = "LASTBYTE_TEST_ON_A_TERMINAL";

/// If this were red, a command that is left in our group would be stopped when it reads the
/// terminal that we are run from.
#[tokio::test]
async fn c16_a_command_left_in_our_group_reads_our_terminal() {
    if std::env::var_os(ON_A_TERMINAL).is_some() {
        let mut command = sh("stty -echo; echo ready >/dev/tty; read line; echo \"got $line\"");
        let output = command.stdin(Stdio::Inherit).process_group(false).output();
        let output = output.await.expect("sh starts");
        assert_eq!(output.stdout, b"got typed\n");
        return;
    }
    let this = std::env::current_exe().expect("a test has a path");
    let mut command = Command::new(this);
    command.args(["--exact", "c16_a_command_left_in_our_group_reads_our_terminal"]);
    command.env(ON_A_TERMINAL, "1").pty(PtySize::default());
    let mut execution = command.spawn().expect("this program starts");
    common::until_on(&mut execution, StreamId::Pty, "ready").await;
    let mut stdin = execution.stdin().expect("a pty has an input");
    stdin.write_all(b"typed\n").await.expect("sh reads");
    let output = no_hang(execution.output()).await;
    assert_eq!(output.terminal.status, Status::Exited { code: 0 }, "{:?}", output.stdout);
}
