//! Readers of our output that go away, or whose disk is full.

use std::{fs::File, os::unix::process::ExitStatusExt};

use rustix::process::{Signal, kill_process};

use super::{Running, assert_ended, lastbyte, pid, wait_until_gone};

/// If this were red, `lastbyte run -- yes | head` would never end, or leave `yes` behind.
#[test]
fn c17_a_reader_that_goes_away_ends_the_command_and_exits_141() {
    let script = "trap 'echo tidy >&2; exit 0' TERM; echo $$; while :; do echo y; done";
    let (running, child) = Running::sh(&[], script).until("\n");
    // It was asked to end, and what it said to that is on the stream that still has a reader.
    assert_ended(&running.abandon(), 141, "", "tidy\n");
    wait_until_gone(pid(&child));
}

/// If this were red, a reader of events that goes away would leave the command running.
#[test]
fn c17_a_reader_of_json_that_goes_away_ends_the_command_too() {
    let (running, _) = Running::sh(&["--json"], "yes").until("chunk");
    assert_ended(&running.abandon(), 141, "", "");
}

/// If this were red, a full disk would pass for a success.
#[test]
fn c08_output_that_cannot_be_written_is_an_error_of_ours() {
    let mut command = lastbyte(&["--", "echo", "hi"]);
    let full = File::options().write(true).open("/dev/full").expect("it is there");
    let output = command.stdout(full).output().expect("lastbyte starts");
    let note = "lastbyte: failed to write the output: No space left on device (os error 28); the \
                command was ended\n";
    assert_ended(&output, 125, "", note);
}

/// If this were red, a note that nobody can read would change the exit code.
#[test]
fn c09_a_note_that_nobody_reads_changes_no_exit_code() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let script = "sleep 30 & echo $!; exit 3";
    let mut command = lastbyte(&["--monitor", "--drain", "after=0", "--", "sh", "-c", script]);
    let output = command.stderr(writer).output().expect("lastbyte starts");
    assert_eq!((output.status.code(), output.status.signal()), (Some(3), None));
    let left = pid(&String::from_utf8_lossy(&output.stdout));
    kill_process(left, Signal::KILL).expect("it was left alone");
}
