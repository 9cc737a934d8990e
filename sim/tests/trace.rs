//! `lastbyte trace check` as its users have it: files, stdin, exit codes, words.
#![expect(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

use std::{
    fs,
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

const LASTBYTE: &str = env!("CARGO_BIN_EXE_lastbyte");

/// The trace of the docs.
fn documented() -> String {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/traces.md"))
        .expect("the page is there");
    let (_, rest) = page.split_once("```json\n").expect("there is an example");
    rest.split_once("```").expect("it ends").0.to_owned()
}

fn check(options: &[&str], trace: &[u8]) -> Output {
    let mut check = Command::new(LASTBYTE)
        .args(["trace", "check"])
        .args(options)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("lastbyte starts");
    check.stdin.take().expect("it is piped").write_all(trace).expect("it reads");
    check.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn assert_said(output: &Output, code: i32, stdout: &str, stderr: &str) {
    assert_eq!(
        (output.status.code(), text(&output.stdout), text(&output.stderr)),
        (Some(code), stdout.to_owned(), stderr.to_owned())
    );
}

/// If this were red, whoever writes traces by the page would be refused.
#[test]
fn the_trace_of_the_page_passes() {
    let said = "-: executions: 1, events: 9; no rule broken\n";
    assert_said(&check(&["--complete"], documented().as_bytes()), 0, said, "");
}

/// If this were red, a broken trace would not lead to its line.
#[test]
fn c01_a_broken_trace_is_told_by_its_line() {
    let lines = documented();
    // The chunk is handed over after its stream's end.
    let mut lines: Vec<&str> = lines.lines().collect();
    let chunk = lines.remove(4);
    lines.insert(6, chunk);
    let trace = lines.join("\n");
    let said = "stdin:6: execution \"e1\" breaks C1 (last byte first): the end of a stream overtook its \
         last byte\n-: executions: 1, events: 9; 1 broken\n";
    assert_said(&check(&[], trace.as_bytes()), 1, said, "");

    let output = check(&["--json"], trace.as_bytes());
    let said: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(said["files"][0]["broken"][0]["line"], 6);
    assert_eq!(said["files"][0]["broken"][0]["rule"], "C1");
    assert_eq!(said["files"][0]["executions"], 1);

    let drawn = text(&check(&["--show"], trace.as_bytes()).stdout);
    assert!(drawn.contains("reads \"hi\\n\" from stdout"), "{drawn}");
    assert!(drawn.contains("After step 6: C1 (last byte first)"), "{drawn}");
}

/// If this were red, a trace that ends early would be blamed, or one that hangs would pass.
#[test]
fn c06_what_has_not_ended_is_judged_only_where_the_trace_is_whole() {
    let trace = documented().lines().take(6).collect::<Vec<_>>().join("\n") + "\n";
    let said = "-: executions: 1, events: 6; no rule broken; 1 not over where it ends\n";
    assert_said(&check(&[], trace.as_bytes()), 0, said, "");
    let said = "stdin:6: execution \"e1\" breaks C6 (never hangs): nothing more can happen, and there \
         is no terminal\n-: executions: 1, events: 6; 1 broken; 1 not over where it ends\n";
    assert_said(&check(&["--complete"], trace.as_bytes()), 1, said, "");
}

/// If this were red, a trace that cannot be read would pass, or not say where it is wrong.
#[test]
fn what_is_no_trace_is_refused_with_its_place() {
    let cut = &documented()[..80];
    let said = "lastbyte: stdin:2:24: EOF while parsing a string; the file ends within this line: it \
         was cut; docs/traces.md has the form of a line\n";
    assert_said(&check(&[], cut.as_bytes()), 125, "", said);

    let said = "lastbyte: stdin:1:1: expected value; docs/traces.md has the form of a line\n";
    assert_said(&check(&[], b"spawn e1\n"), 125, "", said);

    let said =
        "lastbyte: stdin:1:32: invalid unicode code point; docs/traces.md has the form of a line\n";
    assert_said(&check(&[], b"{\"event\":\"start\",\"execution\":\"a\xff\"}\n"), 125, "", said);

    let missing = Command::new(LASTBYTE)
        .args(["trace", "check", "/no/such/trace"])
        .output()
        .expect("lastbyte starts");
    let said = "lastbyte: failed to open /no/such/trace: No such file or directory (os \
                error 2); give a file that can be read, or - for stdin\n";
    assert_said(&missing, 125, "", said);
}

/// If this were red, what our own command prints would not hold to the contract.
#[test]
fn what_run_prints_passes() {
    let scripts = [
        (vec![], "echo hi; echo oops >&2; exit 3"),
        (vec![], "kill -9 $$"),
        (vec!["--drain", "after=0"], "echo hi; sleep 5 & exit 3"),
        (vec!["--max-output", "5"], "echo 0123456789"),
        (vec!["--timeout", "10ms"], "echo hi; sleep 60"),
        (vec!["--pty"], "echo hi"),
    ];
    let mut trace = Vec::new();
    let runs = scripts.len();
    for (options, script) in scripts {
        let run = Command::new(LASTBYTE)
            .args(["run", "--json"])
            .args(options)
            .args(["--", "sh", "-c", script])
            .stdin(Stdio::null())
            .output()
            .expect("lastbyte starts");
        trace.extend(run.stdout);
    }
    let output = check(&["--complete"], &trace);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&trace));
    assert!(said.starts_with(&format!("-: executions: {runs}, ")), "{said}");
}
