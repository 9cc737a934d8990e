//! A terminal for the command, and the one we are run from.

use std::{io::Write, process::Stdio};

use lastbyte::{Command, Event, PtySize, blocking};

use super::{LASTBYTE, Running, assert_ended, lastbyte, no_hang, sh};

/// Runs a shell script on a terminal, types into it when it says `ready`, and returns what the
/// screen shows.
fn on_a_terminal(script: &str, typed: &'static [u8]) -> String {
    let mut command = Command::new("sh");
    command.args(["-c", script]).env("LASTBYTE", LASTBYTE).pty(PtySize { rows: 31, cols: 91 });
    no_hang(move || {
        let mut execution = blocking::spawn(&command).expect("sh starts");
        let mut stdin = execution.stdin().expect("a pty has an input");
        let mut screen = String::new();
        let mut is_typed = false;
        for event in execution.by_ref() {
            if let Event::Chunk { chunk, .. } = event {
                screen += &String::from_utf8_lossy(&chunk);
            }
            if !is_typed && screen.contains("ready") {
                stdin.write_all_blocking(typed).expect("somebody reads");
                is_typed = true;
            }
        }
        screen
    })
}

/// If this were red, programs would not know that they have a terminal.
#[test]
fn c18_with_pty_the_command_has_a_terminal() {
    let script = "test -t 0 && test -t 1 && test -t 2 && echo yes";
    let output = sh(&["--pty"], script);
    assert_ended(&output, 0, "yes\r\n", "");
    assert_ended(&sh(&[], script), 1, "", "");
}

/// If this were red, piped input would not reach a command on a terminal, or never end.
#[test]
fn c17_piped_input_reaches_a_pty_and_ends() {
    let script = "stty -echo; echo ready; cat; echo end";
    let mut command = lastbyte(&["--pty", "--", "sh", "-c", script]);
    command.stdin(Stdio::piped());
    let (mut running, _) = Running::start(command).until("ready");
    let mut stdin = running.child.stdin.take().expect("piped");
    stdin.write_all(b"line\nno newline").expect("it is read");
    drop(stdin);
    assert_ended(&running.finish(), 0, "line\r\nno newlineend\r\n", "");
}

/// If this were red, a command that reads the terminal it is run from would be stopped.
#[test]
fn c17_what_is_typed_is_relayed_to_the_command() {
    let script = "\"$LASTBYTE\" run -- sh -c 'echo ready; read line; echo \"got $line\"'";
    let screen = on_a_terminal(script, b"typed\n");
    assert!(screen.contains("got typed\r\n"), "{screen:?}");
}

/// If this were red, full-screen programs would draw for a terminal of another size.
#[test]
fn c18_a_pty_has_the_size_of_our_terminal() {
    assert_eq!(on_a_terminal("\"$LASTBYTE\" run --pty -- stty size", b""), "31 91\r\n");
}

/// If this were red, keys would not reach the command as they are, or our terminal would stay raw.
#[test]
fn c17_our_terminal_is_raw_for_a_pty_and_restored_after_it() {
    // The command gets the interrupt key itself: our terminal did not make a signal of it.
    let command = "stty raw -echo; echo ready; head -c 2 | od -An -tx1; exit 5";
    let script =
        format!("stty -g; \"$LASTBYTE\" run --pty -- sh -c '{command}'; echo code $?; stty -g");
    let screen = on_a_terminal(&script, b"\x03x");
    assert!(screen.contains(" 03 78"), "{screen:?}");
    assert!(screen.contains("code 5\r\n"), "{screen:?}");
    let lines: Vec<&str> = screen.lines().map(str::trim).collect();
    assert_eq!(lines.first(), lines.last(), "{screen:?}");
}

/// If this were red, a job in the background of a shell would be stopped at once.
#[test]
fn c17_a_background_job_is_not_stopped_for_its_relay() {
    let script = "set -m; \"$LASTBYTE\" run -- sh -c 'sleep 0.5; echo done' & \
                  wait $!; echo code $?";
    let screen = on_a_terminal(script, b"");
    assert!(screen.contains("done\r\n") && screen.contains("code 0\r\n"), "{screen:?}");
}
