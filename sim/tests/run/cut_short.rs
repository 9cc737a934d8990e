//! Output that is not whole, and what is said of it.

use std::process::Output;

use rustix::process::{Signal, kill_process};

use super::{assert_ended, pid, sh};

/// Ends what the script left behind, whose pid it wrote to stderr first; returns our notes.
fn end_what_is_left(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let (left, notes) = stderr.split_once('\n').expect("a pid");
    kill_process(pid(left), Signal::KILL).expect("it was left alone");
    notes.to_owned()
}

/// If this were red, a background process would hang its caller, or output would be missing
/// without a word.
#[test]
fn c06_a_background_process_is_waited_for_by_policy_and_reported() {
    let policies = [
        (&[][..], "was cut after the exit, silent for 200ms"),
        (&["--drain", "idle=50ms,max=1s"], "was cut after the exit, silent for 50ms"),
        (&["--drain", "after=100ms"], "was cut 100ms after the exit"),
        (&["--drain", "after=0"], "was cut 0s after the exit"),
    ];
    for (options, why) in policies {
        // The pid with as many digits as any has.
        let output = sh(options, "echo hi; sleep 30 & printf '%07d\\n' $! >&2");
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"hi\n"[..]));
        let note = |stream, bytes| {
            format!(
                "lastbyte: {stream} {why}; a process that the command left behind still holds it; \
                 {bytes} bytes delivered, 0 dropped; for a longer wait, set --drain\n"
            )
        };
        assert_eq!(end_what_is_left(&output), note("stdout", 3) + &note("stderr", 8));
    }
}

/// If this were red, the cap of an idle rule would not hold against a chatty descendant.
#[test]
fn c06_a_chatty_background_process_ends_at_the_cap() {
    let script = "(while :; do echo x; sleep 0.02; done) & echo $! >&2";
    let output = sh(&["--drain", "idle=1s,max=1s"], script);
    let notes = end_what_is_left(&output);
    assert!(notes.starts_with("lastbyte: stdout was cut 1s after the exit; "), "{notes}");
    assert_eq!(output.status.code(), Some(0));
}

/// If this were red, who asked for every byte would not get the late ones.
#[test]
fn c08_until_eof_waits_for_the_last_writer() {
    let output = sh(&["--drain", "eof"], "echo early; (sleep 0.5; echo late) &");
    assert_ended(&output, 0, "early\nlate\n", "");
}

/// If this were red, a limit would cut without a word.
#[test]
fn c08_output_beyond_the_limit_is_dropped_and_counted() {
    let output = sh(&["--max-output", "3"], "echo hello; echo ok >&2; exit 5");
    let note = "lastbyte: stdout passed --max-output; 3 bytes delivered, 3 dropped; to get the \
                rest, raise it\n";
    assert_ended(&output, 5, "hel", &format!("ok\n{note}"));
}

/// If this were red, a command that ignores SIGTERM would outlive its timeout.
#[test]
fn c10_a_timeout_kills_a_command_that_ignores_sigterm_and_exits_124() {
    let options = ["--timeout", "300ms", "--grace", "100ms"];
    let note = "lastbyte: the command was killed at its timeout of 300ms: SIGTERM, then SIGKILL; \
                --timeout sets it\n";
    assert_ended(&sh(&options, "trap '' TERM; echo hi; sleep 30"), 124, "hi\n", note);
}

/// If this were red, what a command says when it is killed would be lost.
#[test]
fn c16_what_is_written_in_answer_to_sigterm_is_delivered() {
    // A shell may say on stderr what ended `sleep`.
    let script = "exec 2>&-; trap 'echo bye; exit 0' TERM; echo hi; while :; do sleep 0.05; done";
    let note = "lastbyte: the command was killed at its timeout of 300ms: SIGTERM; --timeout sets \
                it\n";
    assert_ended(&sh(&["--timeout", "300ms"], script), 124, "hi\nbye\n", note);
}

/// If this were red, an exit before the timeout would be blamed on it.
#[test]
fn c10_an_exit_that_beats_its_timeout_is_its_own() {
    assert_ended(&sh(&["--timeout", "1m"], "exit 124"), 124, "", "");
}
