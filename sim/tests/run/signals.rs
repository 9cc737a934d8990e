//! Signals to us: forwarded once, then stronger with each.

use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{LASTBYTE, Running, exit, no_hang, parse, pid, wait_until_ended, wait_until_gone};

/// If this were red, Ctrl-C would not reach the command, or reach it more than once.
#[test]
fn c16_a_signal_is_forwarded_once_and_the_exit_is_the_commands() {
    let signals = [
        (Signal::INT, "INT"),
        (Signal::TERM, "TERM"),
        (Signal::HUP, "HUP"),
        (Signal::QUIT, "QUIT"),
    ];
    for (signal, name) in signals {
        let script = format!(
            "trap 'echo got; got=1' {name}; echo ready
             while [ -z \"$got\" ]; do sleep 0.05; done; echo end; exit 7"
        );
        let (running, _) = Running::sh(&[], &script).until("ready");
        running.signal(signal);
        let output = running.finish();
        // A shell may say on stderr what ended `sleep`, which is of the group.
        assert_eq!(output.status.code(), Some(7), "{name}: {output:?}");
        assert_eq!(output.stdout, b"got\nend\n", "{name}");
    }
}

/// If this were red, a command that ends by Ctrl-C would look as if it had succeeded.
#[test]
fn c09_a_forwarded_signal_that_ends_the_command_is_its_status() {
    let (running, _) = Running::sh(&["--json"], "echo ready; exec sleep 30").until("ready");
    running.signal(Signal::INT);
    let output = running.finish();
    let events = parse(&output.stdout);
    assert_eq!(exit(&events)["status"], json!({ "signal": 2 }));
    assert_eq!(exit(&events)["killed_by_us"], Value::Null, "it was only handed on");
    assert_eq!(output.status.code(), Some(130));
}

/// If this were red, a command that ignores Ctrl-C could not be ended by a second one.
#[test]
fn c16_the_second_signal_kills_by_policy_and_is_recorded() {
    // The time between the two requests is the child's.
    let script = "trap '' TERM; trap 'sleep 0.3; echo got' INT; echo ready
                  while :; do sleep 0.05; done";
    let running = Running::sh(&["--json", "--grace", "50ms"], script);
    let (running, _) = running.until("ready");
    running.signal(Signal::INT);
    let (running, _) = running.until("got");
    running.signal(Signal::INT);
    let output = running.finish();
    let events = parse(&output.stdout);
    let exit = exit(&events);
    assert_eq!(exit["status"], json!({ "signal": 9 }));
    assert_eq!(exit["killed_by_us"], json!({ "signal": 15, "escalated": true }));
    assert_eq!((&exit["cancelled"], &exit["timed_out"]), (&json!(true), &json!(false)));
    assert_eq!(output.status.code(), Some(137));
}

/// If this were red, `--drain eof` could only be ended by SIGKILL.
#[test]
fn c13_a_signal_after_the_exit_ends_the_wait_for_what_was_left_behind() {
    let script = "sleep 300 & echo left $!";
    let (running, start) = Running::sh(&["--json", "--drain", "eof"], script).until("start");
    let (running, left) = running.until("left");
    let (start, left) = (parse(start.as_bytes()), parse(left.as_bytes()));
    wait_until_gone(pid(&start[0]["pid"].to_string()));
    running.signal(Signal::TERM);
    let output = running.finish();
    assert_eq!(output.status.code(), Some(0), "the command itself had succeeded");
    exit(&parse(&output.stdout));
    let left = left[0]["text"].as_str().and_then(|text| text.strip_prefix("left "));
    wait_until_ended(pid(left.expect("a pid")));
}

/// If this were red, nohup(1) would not protect a command that is run through us.
#[test]
fn c18_what_we_ignore_the_command_ignores() {
    let ignored = |trap: &str| {
        let script = format!("{trap} exec \"$0\" run -- grep SigIgn /proc/self/status");
        let output = Command::new("sh").args(["-c", &script, LASTBYTE]).output();
        let line = String::from_utf8(output.expect("sh starts").stdout).expect("text");
        let set = line.trim().strip_prefix("SigIgn:").expect("a set").trim();
        u64::from_str_radix(set, 16).expect("a hexadecimal number")
    };
    let bit = |signal: Signal| 1 << (signal.as_raw() - 1);
    let asked = bit(Signal::HUP) | bit(Signal::INT);
    assert_eq!(ignored("trap '' HUP INT;") & asked, asked);
    // Nor does it inherit that we ignore SIGPIPE.
    assert_eq!(ignored("") & (asked | bit(Signal::PIPE)), 0);
}

/// If this were red, a lastbyte whose reader is stuck could only be ended by SIGKILL.
#[test]
fn c11_the_fourth_request_ends_us_whatever_holds_us_up() {
    let script = "echo ready; exec head -c 10000000 /dev/zero";
    let (running, _) = Running::sh(&[], script).until("ready");
    // Nobody reads on, so it blocks.
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        running.signal(signal);
    }
    let Running { mut child, stdout } = running;
    let status = no_hang(move || child.wait().expect("it ends"));
    drop(stdout);
    let requests = [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT];
    let code = status.code().expect("an exit");
    // Signals that wait together come in no order.
    assert!(requests.iter().any(|signal| 128 + signal.as_raw() == code), "{code}");
}

/// If this were red, a lastbyte that is killed would leave its command running, where nobody sees it.
#[test]
fn c11_a_lastbyte_that_is_killed_takes_its_command_with_it() {
    for options in [&[][..], &["--pty"], &["--json"]] {
        let (running, line) = Running::sh(options, "echo pid=$$=; exec sleep 600").until("pid=");
        let root = pid(line.split('=').nth(1).expect("a pid"));
        running.signal(Signal::KILL);
        wait_until_ended(root);
        drop(running.finish());
    }
}
