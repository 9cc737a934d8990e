//! Bytes through, exit codes, and options.

use std::{
    ffi::OsStr,
    io::{Read, Write},
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStrExt, net::UnixStream},
    },
    process::{Command, Stdio},
};

use super::{LASTBYTE, assert_ended, lastbyte, no_hang, run, sh};

/// If this were red, output would be changed on its way, or be on the wrong stream.
#[test]
fn c03_each_byte_there_is_passes_on_either_stream() {
    let all: String = (0..=255).map(|byte| format!("\\{byte:03o}")).collect();
    let output = sh(&[], &format!("printf '{all}'; printf '{all}{all}' >&2"));
    let expected: Vec<u8> = (0..=255).collect();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, expected);
    assert_eq!(output.stderr, [&expected[..], &expected[..]].concat());
}

/// If this were red, large output would lose bytes between the command and a pipe.
#[test]
fn c03_a_hundred_megabytes_through_a_pipe_are_the_same_bytes() {
    const BLOCK: usize = 100_000;
    const BLOCKS: usize = 1000;
    let script = "seq 1 20000000 | head -c 100000000";
    let mut through = lastbyte(&["--", "sh", "-c", script]);
    let mut direct = Command::new("sh");
    direct.args(["-c", script]).stdout(Stdio::piped());
    no_hang(move || {
        let mut through = through.spawn().expect("lastbyte starts");
        let mut direct = direct.spawn().expect("sh starts");
        let mut ours = through.stdout.take().expect("piped");
        let mut theirs = direct.stdout.take().expect("piped");
        let (mut our_block, mut their_block) = (vec![0; BLOCK], vec![0; BLOCK]);
        for block in 0..BLOCKS {
            ours.read_exact(&mut our_block).expect("lastbyte goes on");
            theirs.read_exact(&mut their_block).expect("sh goes on");
            assert!(our_block == their_block, "block {block} differs");
        }
        assert_eq!(ours.read(&mut our_block).expect("the end"), 0);
        assert!(direct.wait().expect("it ends").success());
        assert!(through.wait().expect("it ends").success());
    });
}

/// If this were red, a reader that set its pipe non-blocking would get a part of the output.
#[test]
fn c03_a_full_non_blocking_stdout_is_waited_for() {
    // More than a socket takes, and less than what a socket, a buffer and a pipe take together: so
    // the child can write it all while nobody reads.
    const BYTES: usize = 300_000;
    let (mut ours, theirs) = UnixStream::pair().expect("a pair");
    let (mut told, tells) = UnixStream::pair().expect("a pair");
    theirs.set_nonblocking(true).expect("a flag");
    let script = format!("head -c {BYTES} /dev/zero; echo all >&0");
    let mut command = lastbyte(&["--", "sh", "-c", &script]);
    command.stdin(OwnedFd::from(tells)).stdout(OwnedFd::from(theirs));
    let mut child = command.spawn().expect("lastbyte starts");
    // It holds the other ends too.
    drop(command);
    let received = no_hang(move || {
        told.read_exact(&mut [0; 4]).expect("the child writes all");
        let mut received = Vec::new();
        ours.read_to_end(&mut received).expect("all of it");
        received
    });
    assert_eq!(received.len(), BYTES);
    assert!(child.wait().expect("it ends").success());
}

/// If this were red, scripts would take a failure for a success.
#[test]
fn c09_the_exit_code_is_the_commands() {
    assert_ended(&sh(&[], "echo hi; echo oops >&2; exit 3"), 3, "hi\n", "oops\n");
    assert_ended(&sh(&[], "kill -TERM $$"), 143, "", "");
    assert_ended(&sh(&[], "kill -KILL $$"), 137, "", "");
    // A number, not a signal: a shell cannot tell them apart, JSON can.
    assert_ended(&sh(&[], "exit 137"), 137, "", "");
}

/// If this were red, a command that cannot be run could not be told from one that failed.
#[test]
fn c14_a_refused_start_exits_126_or_127_and_says_what_to_do() {
    let refusals = [
        (
            &["--", "no-such-program"][..],
            127,
            "run `no-such-program`: no such program on PATH; check the name or give a path",
        ),
        (&["--", "/no/such"], 127, "run `/no/such`: no such file; check the path"),
        (
            &["--", "/etc/passwd"],
            126,
            "run `/etc/passwd`: not executable; `chmod +x` it, or check its directories and mount \
             options",
        ),
        (
            &["--cwd", "/no/such", "--", "true"],
            126,
            "run `true` in `/no/such`: no such working directory; create it or choose another",
        ),
    ];
    for (args, code, text) in refusals {
        assert_ended(&run(args), code, "", &format!("lastbyte: failed to {text}\n"));
    }
}

/// If this were red, a typing error would look like the command's own failure.
#[test]
fn c14_a_bad_value_exits_125_and_says_what_to_write() {
    let bad = [
        (
            "drain <POLICY>",
            "soon",
            "no such policy; write `eof`, `after=DUR` or `idle=DUR,max=DUR`",
        ),
        ("drain <POLICY>", "idle=1s", "an idle rule needs its cap; add `,max=DUR`"),
        (
            "drain <POLICY>",
            "idle=2s,max=1s",
            "`idle` is longer than `max`; raise `max` or lower `idle`",
        ),
        ("timeout <DUR>", "5", "write a number and a unit, as in 200ms, 5s, 1m30s"),
        ("grace <DUR>", "soon", "write a number and a unit, as in 200ms, 5s, 1m30s"),
        ("max-output <BYTES>", "0", "too small; write 1 or more"),
        ("buffer <BYTES>", "much", "write bytes, as in 65536, 64KiB, 1MB"),
        ("env <K=V>", "=x", "no name and value; write NAME=VALUE"),
    ];
    for (option, value, advice) in bad {
        let flag = option.split(' ').next().unwrap_or_default();
        let output = run(&[&format!("--{flag}={value}"), "--", "true"]);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = stderr.lines().next().unwrap_or_default();
        let place = format!("error: invalid value '{value}' for '--{option}': ");
        assert!(line.starts_with(&place) && line.ends_with(advice), "{stderr}");
        assert_eq!(output.status.code(), Some(125));
    }
}

/// If this were red, a command line that cannot be read would exit as many commands do.
#[test]
fn c14_a_bad_command_line_exits_125() {
    for args in [&[][..], &["--bogus", "--", "true"], &["true"], &["--timeout"]] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(125), "{args:?}");
        assert!(output.stderr.starts_with(b"error: "), "{args:?}");
    }
}

/// If this were red, the command would run elsewhere, or with other variables.
#[test]
fn c18_directory_and_variables_are_the_childs_in_any_encoding() {
    let output = sh(&["--cwd", "/usr", "--env", "A=1=2", "--env", "B="], "pwd; echo \"$A$B\"");
    assert_ended(&output, 0, "/usr\n1=2\n", "");
    let mut command = Command::new(LASTBYTE);
    command.args(["run", "--env"]).arg(OsStr::from_bytes(b"RAW=\xff"));
    let output = command.args(["--", "sh", "-c", "printf %s \"$RAW\""]).output().expect("it runs");
    assert_eq!(output.stdout, b"\xff");
}

/// If this were red, `lastbyte run -- cat` in a pipeline would read nothing.
#[test]
fn c17_a_piped_stdin_is_the_childs() {
    let mut command = lastbyte(&["--", "cat"]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("lastbyte starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(b"one\0two\xff").expect("it is read");
    drop(stdin);
    let output = no_hang(move || child.wait_with_output().expect("it ends"));
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"one\0two\xff"[..]));
}

/// If this were red, small buffers would lose or reorder output.
#[test]
fn c12_a_small_buffer_delivers_all() {
    let output = sh(&["--buffer", "1KiB"], "seq 1 20000");
    let expected: String = (1..=20000).map(|number| format!("{number}\n")).collect();
    assert!(output.stdout == expected.as_bytes());
    assert_ended(&output, 0, &expected, "");
}

/// If this were red, nobody could attach the contract to a real command.
#[test]
fn c01_the_monitor_says_what_it_saw() {
    let output = sh(&["--monitor"], "echo hi; exit 4");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let steps = stderr
        .strip_prefix("lastbyte: monitor: ")
        .and_then(|rest| rest.strip_suffix(" steps, no rule broken\n"))
        .and_then(|steps| steps.parse::<u64>().ok());
    // Start, chunk, two ends, reap, and four events taken.
    assert!(steps.is_some_and(|steps| steps >= 9), "{stderr}");
    assert_eq!(output.status.code(), Some(4));
}
