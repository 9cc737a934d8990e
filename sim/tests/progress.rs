//! Progress of long work: on a terminal, with a rate and the time that is left; nowhere else.
#![expect(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const LASTBYTE: &str = env!("CARGO_BIN_EXE_lastbyte");

/// Each verb that works for long: what it counts, and words for little work. `@` is a folder.
const LONG: [(&str, &str); 7] = [
    ("places", "check --design stock --samples 0 --chunks 1"),
    ("schedules", "sample --design stock --in plain --seeds 0..5"),
    ("seeds", "network seeds 0..2"),
    ("seeds", "sweep --seeds 0..2 --out @"),
    ("runs", "probe -n 2 --case short"),
    ("executions", "soak --executions 2 --case short"),
    ("vectors", "conform --only races.odjdny7n"),
];

/// What the command line needs behind its options.
fn rest(line: &str) -> Vec<&str> {
    match line.split_whitespace().next() {
        Some("probe") => vec!["--", "sh", "-c", "{}"],
        Some("conform") => vec!["--", LASTBYTE, "shim"],
        _ => Vec::new(),
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("progress-{name}"));
    let _old = fs::remove_dir_all(&folder);
    folder
}

/// Runs a line with these options; on a terminal, if there is one, with its stdout elsewhere.
fn run(line: &str, options: &[&str], out: &Path, terminal: bool) -> Output {
    let words = line.split_whitespace().map(|word| match word {
        "@" => out.to_str().expect("a path in UTF-8"),
        word => word,
    });
    let words: Vec<&str> = words.chain(options.iter().copied()).chain(rest(line)).collect();
    let mut command = Command::new(LASTBYTE);
    if terminal {
        let script = r#"exec "$@" >/dev/null"#;
        command.args(["run", "--pty", "--", "sh", "-c", script, "sh", LASTBYTE]);
    }
    command
        .args(words)
        .env("TERM", "xterm")
        .env("COLUMNS", "200")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("lastbyte starts")
}

/// If this were red, whoever waits would not know for how long, or a log would be full of bars.
#[test]
fn long_work_shows_its_progress_on_a_terminal_and_nowhere_else() {
    for (what, line) in LONG {
        let name = line.split_whitespace().next().unwrap_or_default();
        let out = folder(name);
        let shown = run(line, &[], &out, true);
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert_eq!(shown.status.code(), Some(0), "{line}: {shown:?}");
        for part in [what, "left"] {
            assert!(text.contains(part), "{line}: no {part:?} in {text:?}");
        }
        assert!(text.contains("/s") || what == "places", "{line}: no rate in {text:?}");
        let quiet = run(line, &["--quiet"], &folder(name), true);
        let text = String::from_utf8_lossy(&quiet.stdout).into_owned();
        assert_eq!((quiet.status.code(), &*text), (Some(0), ""), "{line} --quiet");
        let piped = run(line, &[], &folder(name), false);
        let text = String::from_utf8_lossy(&piped.stderr).into_owned();
        assert_eq!((piped.status.code(), &*text), (Some(0), ""), "{line} without a terminal");
    }
}
