//! What surrounds the verbs: doctor, completions, man pages, colours.
#![expect(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

mod common;

use std::{
    collections::BTreeSet,
    env, fs,
    process::{Command, Output, Stdio},
};

use common::verbs;
use serde_json::Value;

fn lastbyte(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lastbyte")).args(args).output().expect("lastbyte starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// If this were red, a program could not act on what is missing, or would be told something else
/// than a reader.
#[test]
fn doctor_tells_programs_what_it_tells_people() {
    let told = lastbyte(&["doctor", "--json"]);
    let object: Value = serde_json::from_slice(&told.stdout).expect("one JSON object");
    let well = object["well"].as_bool().expect("a verdict");
    assert_eq!(told.status.code(), Some(i32::from(!well)));
    let checks = object["checks"].as_array().expect("checks");
    assert!(checks.len() > 10);
    let shown = text(&lastbyte(&["doctor"]).stdout);
    for check in checks {
        let part =
            |name: &str| check[name].as_str().unwrap_or_else(|| panic!("no {name}: {check}"));
        let (name, state) = (part("name"), part("state"));
        assert!(["ok", "note", "missing"].contains(&state), "{check}");
        assert!(!part("found").is_empty() && !part("means").is_empty(), "{check}");
        let line = shown.lines().find(|line| line.split_whitespace().nth(1) == Some(name));
        assert_eq!(line.and_then(|line| line.split_whitespace().next()), Some(state), "{shown}");
        // A reader is told what to do about it where it is not well.
        assert_eq!(shown.contains(part("means")), state != "ok", "{name}: {shown}");
        well.then(|| assert_ne!(state, "missing"));
    }
}

/// If this were red, commands would end as `unknown` and nobody would be told why.
#[test]
fn c09_doctor_finds_that_statuses_are_thrown_away() {
    // The shell ignores SIGCHLD, and what it becomes inherits that.
    let binary = env!("CARGO_BIN_EXE_lastbyte");
    let told = Command::new("bash")
        .args(["-c", "trap '' CHLD; exec \"$0\" doctor", binary])
        .output()
        .expect("bash starts");
    let shown = text(&told.stdout);
    assert_eq!(told.status.code(), Some(1), "{shown}");
    assert!(shown.contains("missing statuses        SIGCHLD is ignored"), "{shown}");
}

/// If this were red, a shell would complete nothing, or choke on what it sources.
#[test]
fn completions_know_every_verb() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let told = lastbyte(&["completions", shell]);
        assert_eq!(told.status.code(), Some(0));
        let script = text(&told.stdout);
        for verb in verbs() {
            assert!(script.contains(&verb), "{shell} does not know {verb}");
        }
        assert!(!script.contains("racy"), "{shell} completes what is hidden");
    }
    let script = lastbyte(&["completions", "bash"]).stdout;
    let mut bash =
        Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().expect("bash starts");
    std::io::Write::write_all(&mut bash.stdin.take().expect("it is piped"), &script)
        .expect("bash reads");
    assert!(bash.wait().expect("bash ends").success(), "bash cannot read it");
}

/// If this were red, `man lastbyte-run` would find nothing.
#[test]
fn there_is_a_man_page_for_each_verb() {
    let folder = env::temp_dir().join(format!("lastbyte-man-{}", std::process::id()));
    let path = folder.to_str().expect("a path in UTF-8");
    let told = lastbyte(&["man", "--dir", path]);
    assert_eq!(told.status.code(), Some(0), "{told:?}");
    let mut pages = BTreeSet::new();
    for entry in fs::read_dir(&folder).expect("it was made").flatten() {
        let page = fs::read_to_string(entry.path()).expect("text");
        assert!(page.contains(".TH lastbyte"), "{:?} is no man page", entry.path());
        pages.insert(entry.file_name().to_string_lossy().into_owned());
    }
    fs::remove_dir_all(&folder).expect("it was ours");
    for verb in verbs() {
        assert!(pages.contains(&format!("lastbyte-{verb}.1")), "{verb} has none: {pages:?}");
    }
    assert!(pages.contains("lastbyte.1") && pages.contains("lastbyte-network-orders.1"));
    assert!(!pages.contains("lastbyte-racy.1"), "what is hidden has no page");
    let page = text(&lastbyte(&["man"]).stdout);
    assert!(page.contains(".TH lastbyte 1"), "{page}");
}

/// If this were red, a file or a pipe would get the colours of a terminal.
#[test]
fn nothing_that_is_no_terminal_gets_colours_or_progress() {
    for words in [
        &["--help"][..],
        &["run", "--help"],
        &["no-such-verb"],
        &["show", "stock:C4"],
        &["check", "--design", "stock", "--samples", "0"],
        &["network", "seeds", "0..2"],
        &["network", "seeds", "0..2", "--quiet"],
        &["doctor"],
    ] {
        let told = lastbyte(words);
        let all = text(&told.stdout) + &text(&told.stderr);
        assert!(!all.contains('\u{1b}') && !all.contains('\r'), "{words:?}: {all:?}");
    }
}
