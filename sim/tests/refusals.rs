//! What every verb says when it cannot go on: nothing where nobody listens any more.
#![expect(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

use std::{
    collections::BTreeSet,
    fs,
    io::{Write, pipe},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

const LASTBYTE: &str = env!("CARGO_BIN_EXE_lastbyte");

/// A folder of the test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("refusals-{name}"));
    let _old = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs these words of a shell's grammar, without quotes, with this on stdin.
fn run(line: &str, stdin: &str, stdout: Stdio) -> Output {
    let mut child = Command::new(LASTBYTE)
        .args(line.split_whitespace())
        .current_dir(repository())
        .env_remove("LASTBYTE_TOKEN")
        .stdin(Stdio::piped())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .expect("lastbyte starts");
    // Who does not read it has ended.
    let _written = child.stdin.take().expect("it is piped").write_all(stdin.as_bytes());
    child.wait_with_output().expect("it ends")
}

/// The verbs that `--help` lists.
fn verbs() -> BTreeSet<String> {
    let help = run("--help", "", Stdio::piped());
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    help.lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .map(str::to_owned)
        .collect()
}

/// A question that a shim answers.
const QUESTION: &str =
    r#"{"id":"x","streams":"separate","policy":[],"inputs":["started","eof stdout"]}"#;

/// If this were red, `lastbyte ... | head -1` would end in a panic, or in words that nobody asked for.
#[test]
fn a_reader_who_has_gone_ends_every_verb_quietly() {
    let folder = folder("closed");
    let out = folder.to_str().expect("a path in UTF-8");
    let sweep = format!("sweep --seeds 0..1 --out {out}/sweep");
    assert_eq!(run(&sweep, "", Stdio::piped()).status.code(), Some(0));
    let lines = [
        "--help".to_owned(),
        "run --help".to_owned(),
        "--version".to_owned(),
        "run -- echo hi".to_owned(),
        "run --json -- true".to_owned(),
        "serve".to_owned(),
        "check --design stock --samples 0".to_owned(),
        "check --design stock --samples 0 --json".to_owned(),
        "replay stock:wait-error:1:1:333:72f3".to_owned(),
        "sample --design stock --in plain --seeds 0..5".to_owned(),
        "show stock:C1".to_owned(),
        "show stock:C2".to_owned(),
        "network seeds 0..1".to_owned(),
        sweep,
        format!("merge {out}/sweep"),
        "trace check /dev/null".to_owned(),
        "trace check --json /dev/null".to_owned(),
        "probe -n 1 --case short -- sh -c {}".to_owned(),
        "probe -n 1 --case short --json -- sh -c {}".to_owned(),
        "soak --executions 1 --case short".to_owned(),
        "conform --show races.odjdny7n".to_owned(),
        format!("conform --only races.odjdny7n -- {LASTBYTE} shim"),
        format!("conform --only races.odjdny7n --json -- {LASTBYTE} shim"),
        "shim".to_owned(),
        "doctor".to_owned(),
        "completions bash".to_owned(),
        "man".to_owned(),
    ];
    let mut seen = BTreeSet::new();
    for line in lines {
        let (reader, writer) = pipe().expect("a pipe");
        drop(reader);
        let output = run(&line, &format!("{QUESTION}\n"), writer.into());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*said), (Some(141), ""), "{line}");
        seen.extend(line.split_whitespace().next().map(str::to_owned));
    }
    // It makes vectors for half a minute before it has anything to say.
    seen.insert("vectors".to_owned());
    let missing: Vec<String> = verbs().into_iter().filter(|verb| !seen.contains(verb)).collect();
    assert_eq!(missing, Vec::<String>::new(), "no line for a verb");
}

/// If this were red, output that is cut short by a full disk would pass for all there is.
#[test]
fn a_full_disk_is_told() {
    for line in ["--help", "doctor", "check --design stock --samples 0", "trace check /dev/null"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
        let output = run(line, "", full.into());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(125), "{line}: {said}");
        for part in ["failed to write the output", "No space left", "where there is room"] {
            assert!(said.contains(part), "{line}: no {part:?} in {said}");
        }
    }
}

/// If this were red, a name from elsewhere could move the cursor of whoever reads what a verb says.
#[test]
fn what_verbs_say_is_never_obeyed_by_a_terminal() {
    let escape = "\u{1b}]0;hurt\u{7}";
    for line in [
        format!("check --design {escape}"),
        format!("check --rule {escape}"),
        format!("sample --design {escape}"),
        format!("sample --in {escape}"),
        format!("show {escape}"),
        format!("show {escape}:C1"),
        format!("replay {escape}"),
        format!("replay stock:{escape}:1:1:333:72f3"),
        format!("trace check {escape}"),
        format!("merge {escape}"),
        format!("conform --vectors {escape} -- true"),
        format!("network replay {escape}"),
        format!("check --html /dev/null/{escape}"),
        // clap leaves such a word out of what it says.
        format!("{escape}hurt"),
    ] {
        let output = run(&line, "", Stdio::piped());
        assert_eq!(output.status.code(), Some(125), "{line:?}: {output:?}");
        let said = [output.stdout, output.stderr].concat();
        assert!(!said.contains(&0x1b) && !said.contains(&7), "{line:?}: {said:?}");
        assert!(String::from_utf8_lossy(&said).contains("hurt"), "{line:?}: it is not quoted");
    }
}
