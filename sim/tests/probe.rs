//! `lastbyte probe`: it finds what is wrong with wrong runners of commands, and clears right ones.
#![expect(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

use std::{
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const LASTBYTE: &str = env!("CARGO_BIN_EXE_lastbyte");

fn probe(options: &[&str], command: &[&str]) -> Output {
    Command::new(LASTBYTE)
        .arg("probe")
        .args(options)
        .arg("--")
        .args(command)
        .stdin(Stdio::null())
        .output()
        .expect("lastbyte starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What it says in JSON, and its exit code.
fn json(options: &[&str], command: &[&str]) -> (Value, Option<i32>) {
    let output = probe(&[options, &["--json"]].concat(), command);
    let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr))
    });
    (said, output.status.code())
}

/// Runs of a case that showed this fault.
fn hits(said: &Value, case: &str, fault: &str) -> u64 {
    let cases = said["cases"].as_array().expect("there are cases");
    let of = cases.iter().find(|of| of["case"] == case).expect("the case was run");
    of[fault]["runs"].as_u64().expect("a number of runs")
}

/// The cases in which any run was faulty.
fn faulty(said: &Value) -> Vec<&str> {
    let cases = said["cases"].as_array().expect("there are cases");
    let is_faulty = |case: &&Value| case["faulty"]["runs"] != 0;
    cases.iter().filter(is_faulty).map(|case| case["case"].as_str().expect("a name")).collect()
}

/// Each mistake fails its cases and no other. Whoever waits for the end of the output hangs on a
/// background process too, which is not asked of him here.
#[track_caller]
fn assert_found(bug: &str, fault: &str, cases: &[&str]) {
    let command = [LASTBYTE, "racy", "--bug", bug, "--", "sh", "-c", "{}"];
    // What is to end must do so on a busy machine too; what hangs costs its timeout.
    let timeout = if fault == "hung" { "2s" } else { "100s" };
    let only: Vec<&str> = cases.iter().flat_map(|case| ["--case", case]).collect();
    let (said, code) =
        json(&[&["-n", "4", "-j", "4", "--timeout", timeout], &only[..]].concat(), &command);
    assert_eq!((faulty(&said), code), (cases.to_vec(), Some(1)), "{said:#}");
    for case in cases {
        assert_eq!(hits(&said, case, fault), hits(&said, case, "faulty"), "{said:#}");
    }
    let others: Vec<&str> = cases.iter().flat_map(|case| ["--skip", case]).collect();
    let others = [&["-n", "4", "--timeout", "100s", "--skip", "grandchild"], &others[..]].concat();
    let (said, code) = json(&others, &command);
    assert_eq!((faulty(&said), code), (vec![], Some(0)), "{said:#}");
}

/// If this were red, a probe would blame a shell that does nothing wrong.
#[test]
fn c01_a_plain_shell_is_cleared() {
    let (said, code) = json(&["-n", "25", "--timeout", "100s"], &["sh", "-c", "{}"]);
    assert_eq!((faulty(&said), code), (vec![], Some(0)), "{said:#}");
    assert_eq!(said["verdict"], "clear");
    assert_eq!(said["all"]["runs"], 11 * 25);
}

/// If this were red, our own command would lose bytes, hang or tell a wrong exit under a probe.
#[test]
fn c01_our_own_command_is_cleared() {
    let (said, code) =
        json(&["-n", "10", "--timeout", "100s"], &[LASTBYTE, "run", "--", "sh", "-c", "{}"]);
    assert_eq!((faulty(&said), code), (vec![], Some(0)), "{said:#}");
}

/// If this were red, the race that this project is about could not be seen from outside: it loses
/// the output of most short commands, and the bounds say that it is no accident.
#[test]
fn c01_the_stock_race_is_found() {
    let command = [LASTBYTE, "racy", "--", "sh", "-c", "{}"];
    let (said, code) = json(&["-n", "150", "--case", "short"], &command);
    assert_eq!(code, Some(1));
    assert_eq!(said["verdict"], "faulty");
    let loss = &said["cases"][0]["loss"];
    let low = loss["low"].as_f64().expect("a bound");
    let high = loss["high"].as_f64().expect("a bound");
    let rate = loss["rate"].as_f64().expect("a rate");
    assert!(0.1 < low && low < rate && rate < high && high <= 1.0, "{loss:#}");
    assert_eq!(hits(&said, "short", "wrong_code"), 0);
    assert_eq!(hits(&said, "short", "hung"), 0);
}

/// If this were red, the end of a large output could go missing unseen.
#[test]
fn c01_a_missing_end_is_found() {
    assert_found("head", "truncated", &["big", "big-both"]);
}

/// If this were red, bytes could become text unseen.
#[test]
fn c03_text_in_place_of_bytes_is_found() {
    assert_found("text", "altered", &["binary"]);
}

/// If this were red, death by a signal could be told as success unseen.
#[test]
fn c09_a_swallowed_signal_is_found() {
    assert_found("code", "wrong_code", &["signals"]);
}

/// If this were red, two streams read one after the other could wait for ever unseen.
#[test]
fn c12_streams_that_wait_for_each_other_are_found() {
    assert_found("one-by-one", "hung", &["big-both"]);
}

/// If this were red, a stdin that never ends could hang its readers unseen.
#[test]
fn c17_a_stdin_that_never_ends_is_found() {
    assert_found("open-stdin", "hung", &["stdin-eof"]);
}

/// If this were red, the hang on a background process could not be seen from outside, or the probe
/// would hang with it.
#[test]
fn c06_waiting_for_a_background_process_is_found() {
    let command = [LASTBYTE, "racy", "--bug", "waits-for-eof", "--", "sh", "-c", "{}"];
    let options = ["-n", "1000", "-j", "4", "--timeout", "1s", "--case", "grandchild"];
    let (said, code) = json(&options, &command);
    assert_eq!(code, Some(1));
    let runs = said["cases"][0]["runs"].as_u64().expect("a number of runs");
    assert_eq!(hits(&said, "grandchild", "hung"), runs, "{said:#}");
    assert!((3..=7).contains(&runs), "it goes on although it hangs: {runs} runs");
    assert_eq!(said["cases"][0]["stopped"], true);
}

/// If this were red, a failure could not be seen again by pasting a line.
#[test]
fn a_failing_case_says_how_to_see_it_again() {
    let command = [LASTBYTE, "racy", "--bug", "code", "--", "sh", "-c", "{}"];
    let output = probe(&["-n", "2", "-j", "1", "--case", "signals"], &command);
    let said = text(&output.stdout);
    let line = |name: &str| {
        let line = said.lines().find_map(|line| line.trim_start().strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name:?} in {said}")).trim_start().to_owned()
    };
    let shell = |script: String| {
        let script = script.replace("lastbyte probe", &format!("{LASTBYTE} probe"));
        Command::new("sh").args(["-c", &script]).output().expect("sh starts")
    };
    assert_eq!(text(&shell(line("again:")).stdout), said);
    let once = shell(line("once:"));
    assert_eq!((text(&once.stdout).as_str(), once.status.code()), ("before\n", Some(0)));
}

/// If this were red, a probe that was stopped would leave nothing of what it had found.
#[test]
fn an_interrupted_probe_says_what_it_has_found() {
    let mut probe = Command::new(LASTBYTE)
        .args(["probe", "-n", "1000000", "--", "sh", "-c", "{}"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("lastbyte starts");
    let mut lines = BufReader::new(probe.stdout.take().expect("it is piped")).lines();
    let head = lines.next().expect("a line").expect("it is text");
    assert!(head.starts_with("case "), "{head}");
    let pid = Pid::from_raw(probe.id().cast_signed()).expect("a pid");
    kill_process(pid, Signal::INT).expect("it runs");
    let rest: Vec<String> = lines.map(|line| line.expect("it is text")).collect();
    assert!(rest.last().is_some_and(|line| line.starts_with("unfinished: ")), "{rest:?}");
    assert_eq!(probe.wait().expect("it ends").code(), Some(130));
}

/// If this were red, `lastbyte probe | head` would end with a panic.
#[test]
fn a_reader_that_has_gone_ends_the_probe() {
    let mut probe = Command::new(LASTBYTE)
        .args(["probe", "-n", "1", "--", "sh", "-c", "{}"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("lastbyte starts");
    drop(probe.stdout.take());
    let output = probe.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(141), String::new()));
}

/// If this were red, a mistake in the command line would be told as lost output.
#[test]
fn a_command_line_that_runs_nothing_is_refused() {
    let refused = |command: &[&str]| {
        let output = probe(&[], command);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(125), String::new()));
        text(&output.stderr)
    };
    assert_eq!(
        refused(&["sh", "-c"]),
        "lastbyte: no {} in the command line; put it where the shell command belongs, as in \
         `lastbyte probe -- sh -c {}`\n"
    );
    assert_eq!(
        refused(&["sh", "-c", "{};{}"]),
        "lastbyte: {} stands 2 times in the command line; the shell command can stand in one \
         place; leave one\n"
    );
    assert_eq!(
        refused(&["false", "{}"]),
        "lastbyte: the command line does not run a shell command: `false 'exit 0'` exited with \
         code 1, and said \"\"; put {} where a shell takes its command, as in `lastbyte probe -- sh -c \
         {}`\n"
    );
    assert_eq!(
        refused(&["no-such-program", "{}"]),
        "lastbyte: failed to run `no-such-program`: no such program on PATH; check the name or \
         give a path\n"
    );
}

/// If this were red, the page of the probe would leave a case or a fault untold.
#[test]
fn the_page_has_every_case_and_option() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/probe.md"))
        .expect("the page is there");
    let (said, _) = json(&["-n", "1"], &["sh", "-c", "{}"]);
    for case in said["cases"].as_array().expect("there are cases") {
        let name = case["case"].as_str().expect("a name");
        assert!(page.contains(&format!("| `{name}` |")), "no case {name}");
    }
    let help = Command::new(LASTBYTE).args(["probe", "--help"]).output().expect("it starts");
    for word in text(&help.stdout).split_whitespace().filter(|word| word.starts_with("--")) {
        let option = word.trim_end_matches(['.', ',', ';']);
        if !["--", "--help", "--version"].contains(&option) {
            assert!(page.contains(option), "no option {option}");
        }
    }
}
