//! `lastbyte soak`: it clears what ships, finds each mistake, and tells the line that runs it again.
#![expect(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

use std::process::{Command, Output, Stdio};

use serde_json::Value;

const LASTBYTE: &str = env!("CARGO_BIN_EXE_lastbyte");

fn soak(options: &[&str]) -> Output {
    Command::new(LASTBYTE)
        .arg("soak")
        .args(options)
        .stdin(Stdio::null())
        .output()
        .expect("lastbyte starts")
}

/// What it says in JSON, and its exit code.
fn json(options: &[&str]) -> (Value, Option<i32>) {
    let output = soak(&[options, &["--json"]].concat());
    let said = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (said, output.status.code())
}

/// Every execution shows the mistake, as a fault of this kind.
#[track_caller]
fn assert_found(mistake: &str, case: &str, fault: &str) {
    // Only what hangs on purpose meets the bound.
    let hang = if mistake == "hang" { "1s" } else { "100s" };
    let options = ["--executions", "8", "--seed", "3", "--case", case, "--mistake", mistake];
    let (said, code) = json(&[&options[..], &["--hang", hang]].concat());
    assert_eq!((&said["verdict"], code), (&Value::from("faulty"), Some(1)), "{said:#}");
    assert_eq!(said["faults"][fault], 8, "{said:#}");
    let line = said["told"][0]["reproduce"].as_str().expect("a line");
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[..2], ["lastbyte", "soak"]);
    let again = [&words[2..6], &["--mistake", mistake, "--hang", hang]].concat();
    let (again, code) = json(&again);
    assert_eq!((&again["told"][0]["why"], code), (&said["told"][0]["why"], Some(1)), "{line}");
}

/// If this were red, the executions that ship lose bytes, hang, leak or break a rule, or a soak
/// blames them for what they do right. Each case comes up.
#[test]
fn c01_every_case_of_the_mix_is_cleared() {
    let (said, code) = json(&["--executions", "800", "--seed", "5", "--hang", "100s"]);
    assert_eq!((&said["verdict"], code), (&Value::from("clear"), Some(0)), "{said:#}");
    assert_eq!(said["executions"], 800);
    assert_eq!(said["bytes"]["lost"], 0);
    assert!(said["bytes"]["seen"].as_u64() >= said["bytes"]["due"].as_u64(), "{said:#}");
    let cases = said["cases"].as_object().expect("cases");
    assert_eq!(cases.len(), 31, "{cases:?}");
    assert_eq!(cases.values().filter_map(Value::as_u64).sum::<u64>(), 800);
}

/// If this were red, a soak under nohup(1), or started by a shell in the background, would blame the
/// executions for children that are deaf to what should end them.
#[test]
fn signals_that_are_ignored_around_it_make_no_hang() {
    let script =
        r#"trap '' HUP INT QUIT; exec "$0" soak --case dies --executions 60 --hang 20s --json"#;
    let output = Command::new("sh").args(["-c", script, LASTBYTE]).output().expect("sh starts");
    let said: Value = serde_json::from_slice(&output.stdout).expect("a verdict");
    assert_eq!(
        (&said["verdict"], &said["faults"]["hung"]),
        (&"clear".into(), &0.into()),
        "{said:#}"
    );
}

/// If this were red, a soak would be clear of losses because it does not see them.
#[test]
fn c08_a_lost_byte_is_found() {
    assert_found("lose", "short", "lost");
}

/// If this were red, a soak would take other bytes for those that were written.
#[test]
fn c03_an_altered_byte_is_found() {
    assert_found("alter", "pty", "altered");
}

/// If this were red, a soak would hang with what it watches.
#[test]
fn c06_a_hang_is_found() {
    assert_found("hang", "big", "hung");
}

/// If this were red, a soak without a monitor would pass for one with it.
#[test]
fn a_monitor_that_is_missing_is_found() {
    assert_found("no-monitor", "both", "broken");
}

#[track_caller]
fn assert_leaks(mistake: &str, what: &str) {
    let options = ["--executions", "3", "--case", "short", "--hang", "2s", "--mistake", mistake];
    let (said, code) = json(&options);
    assert_eq!((&said["verdict"], code), (&Value::from("faulty"), Some(1)), "{said:#}");
    let leak = said["leaks"][0].as_str().unwrap_or_default();
    assert!(leak.contains(what), "{said:#}");
}

/// If this were red, a soak would be clear of leaks because it does not see them.
#[test]
fn c11_what_leaks_is_found() {
    assert_leaks("leak-descriptor", "descriptors are left");
    assert_leaks("leak-process", "3 processes are left");
}

/// If this were red, a seed would not be a soak: what was found could not be run again.
#[test]
fn a_seed_and_a_number_are_a_plan() {
    let cases = |seed: &str| json(&["--executions", "60", "--seed", seed]).0["cases"].clone();
    assert_eq!(cases("11"), cases("11"));
    assert_ne!(cases("11"), cases("12"));
}

/// If this were red, a log would be full of a bar that nobody sees, or a script would get its table.
#[test]
fn the_verdict_is_the_last_line_and_stderr_is_silent() {
    let output = soak(&["--executions", "40"]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = text.lines().last().unwrap_or_default();
    assert_eq!(
        last, "clear: 0 lost, 0 altered, 0 broken, 0 end, 0 hung, 0 start, 0 leaks",
        "{text}"
    );
}

/// If this were red, a bound in time would be none.
#[test]
fn a_soak_ends_by_time_where_no_count_does() {
    let (said, code) = json(&["--for", "300ms"]);
    assert_eq!(code, Some(0), "{said:#}");
    assert!(said["executions"].as_u64() > Some(0), "{said:#}");
}
