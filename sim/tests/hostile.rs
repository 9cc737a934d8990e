//! Files and programs that mean harm: traces, vectors, shims and tokens made to move the reader's
//! cursor, fill his memory or bring down whoever reads them.
#![expect(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread,
};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors");

/// What a terminal would obey: a title, a clear screen, a hyperlink, the other direction, one byte of
/// C1, a bell, a carriage return that overwrites.
const HOSTILE: &str =
    "a\u{1b}]0;pwned\u{7}\u{1b}[2J\u{1b}]8;;http://x\u{1b}\\b\u{202e}c\u{9b}31md\re\u{8}f\u{200b}g";

fn lastbyte<S: AsRef<OsStr>>(words: &[S], input: Vec<u8>) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lastbyte"))
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("lastbyte starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    // It may stop reading early, for good reasons.
    let writing = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("it ends");
    writing.join().expect("it does not panic");
    output
}

/// What it said, on both; nothing in it may be obeyed by a terminal.
#[track_caller]
fn neutral(output: &Output) -> String {
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8(said).expect("it is text");
    let obeyed = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
    };
    let found: Vec<char> = said.chars().filter(obeyed).collect();
    assert!(found.is_empty(), "{found:?} in {said:?}");
    said
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string")
}

/// If this were red, whoever looks at a trace would have his terminal written to by it.
#[test]
fn what_a_trace_holds_is_shown_and_not_obeyed() {
    let word = quoted(HOSTILE);
    let lines = [
        format!(r#"{{"execution":1,"event":{word}}}"#),
        format!(r#"{{"execution":{word},"event":"gap","stream":{word},"bytes":1}}"#),
        format!(r#"{{"execution":1,"event":"wait","until":{word}}}"#),
        format!(r#"{{"execution":1,"event":"end","stream":"stdout","end":{word}}}"#),
        format!(r#"{{"execution":1,"event":"end","stream":"stdout","end":"cut","why":{word}}}"#),
        format!(r#"{{"execution":1,"event":"chunk","stream":"stdout","base64":{word}}}"#),
        format!(r#"{{"execution":1,"event":"signal","signal":15,"target":{word}}}"#),
        format!(r#"{{"execution":1,"event":"exit","status":{word}}}"#),
        format!(r#"{{"execution":1,"event":"exit","status":{{"unknown":{word}}}}}"#),
        format!(r#"{{"execution":1,"event":"machine","policy":[{word}],"outputs":["stdout"]}}"#),
        format!(r#"{{"execution":1,"event":"step","input":{word},"follows":[{word}]}}"#),
        format!(r#"{{"execution":1,"event":"spawn","outputs":[{word}]}}"#),
        format!(
            r#"{{"execution":1,"event":"exit","code":0,"streams":{{{word}:{{"end":"eof"}}}}}}"#
        ),
        HOSTILE.to_owned(),
    ];
    for line in lines {
        let output = lastbyte(&["trace", "check", "-"], format!("{line}\n").into_bytes());
        assert_eq!(output.status.code(), Some(125), "{line}: {output:?}");
        neutral(&output);
    }
    // What breaks a rule is told with its execution's name, and drawn with its bytes.
    let broken = format!(
        "{{\"execution\":{word},\"event\":\"start\"}}\n\
         {{\"execution\":{word},\"event\":\"chunk\",\"stream\":\"stdout\",\"text\":{word}}}\n\
         {{\"execution\":{word},\"event\":\"exit\",\"status\":{{\"code\":0}}}}\n\
         {{\"execution\":{word},\"event\":\"chunk\",\"stream\":\"stdout\",\"text\":{word}}}\n"
    );
    for options in [&["trace", "check", "-"][..], &["trace", "check", "--show", "-"]] {
        let output = lastbyte(options, broken.clone().into_bytes());
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(neutral(&output).contains("pwned"), "{output:?}");
    }
}

/// If this were red, a file's name would write to the terminal of whoever names it.
#[test]
fn what_a_word_holds_is_shown_and_not_obeyed() {
    for words in [
        &["trace", "check", HOSTILE][..],
        &["merge", HOSTILE],
        &["replay", HOSTILE],
        &["network", "replay", HOSTILE],
        &["run", "--", HOSTILE],
        &["serve", "--listen", HOSTILE],
        &["vectors", "--out", &format!("/dev/null/{HOSTILE}")],
        &["conform", "--vectors", HOSTILE, "--", "true"],
        &["conform", "--vectors", VECTORS, "--only", "C16", "--", HOSTILE],
        &["sweep", "--seeds", HOSTILE, "--out", "x"],
        &["probe", "--", HOSTILE, "{}"],
    ] {
        let output = lastbyte(words, Vec::new());
        assert_ne!(output.status.code(), Some(0), "{words:?}: {output:?}");
        neutral(&output);
    }
}

fn script(name: &str, text: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("hostile");
    fs::create_dir_all(&folder).expect("a folder of the test's own");
    let path = folder.join(name);
    fs::write(&path, text).expect("it is ours");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    path
}

/// If this were red, a port's program could write to the terminal of whoever tests it.
#[test]
fn what_a_shim_says_is_shown_and_not_obeyed() {
    let says = script(
        "says",
        "#!/bin/sh\nwhile read -r _; do printf 'x\\033[2J\\033]0;p\\007\\n'; done\n",
    );
    let dies = script("dies", "#!/bin/sh\nprintf 'x\\033[2J\\r' >&2\nexit 3\n");
    for shim in [says, dies] {
        let words = ["conform", "--vectors", VECTORS, "--only", "C16", "--"];
        let mut words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        words.push(shim.as_os_str());
        let output = lastbyte(&words, Vec::new());
        assert_ne!(output.status.code(), Some(0), "{output:?}");
        neutral(&output);
    }
}

/// If this were red, what a command line under test writes would reach the terminal of whoever tests it.
#[test]
fn what_a_probed_program_says_is_shown_and_not_obeyed() {
    let says = script("probed", "#!/bin/sh\nprintf 'x\\033[2J\\r'; printf '\\033]0;p\\007' >&2\n");
    let words = ["probe", "-n", "2", "--case", "short", "--case", "both-streams", "--"];
    let mut words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
    words.extend([says.as_os_str(), OsStr::new("{}")]);
    let output = lastbyte(&words, Vec::new());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    neutral(&output);
}

/// If this were red, a few bytes could bring down whoever checks a trace, or have him fill his memory.
#[test]
fn a_small_trace_costs_little_whatever_it_says() {
    let chunk = |bytes: u64| {
        format!("{{\"execution\":1,\"event\":\"read\",\"stream\":\"stdout\",\"bytes\":{bytes}}}\n")
    };
    let spawn = "{\"execution\":1,\"event\":\"spawn\",\"outputs\":[\"stdout\"]}\n";
    let many = |event: &str| format!("{{\"execution\":1,{event}}}\n").repeat(20_000);
    let traces = [
        // As deep as a stack is not.
        format!("{{\"execution\":1,\"event\":{}\n", "[".repeat(2_000_000)),
        format!("{{\"x\":{}\n", "{\"x\":".repeat(500_000)),
        // As much as no counter holds.
        format!("{spawn}{}{}{}", chunk(u64::MAX), chunk(u64::MAX), chunk(1)),
        format!(
            "{spawn}{}",
            many("\"event\":\"gap\",\"stream\":\"stdout\",\"bytes\":18446744073709551615")
        ),
        format!("{spawn}{}", many("\"event\":\"wait\",\"until\":\"terminal\"")),
        format!("{spawn}{}", many("\"event\":\"signal\",\"signal\":9,\"target\":\"group\"")),
        format!(
            "{spawn}{{\"execution\":1,\"event\":\"reap\",\"status\":{{\"code\":0}},\"standing\":{{\"stdout\":18446744073709551615}}}}\n{}",
            chunk(u64::MAX)
        ),
        "{\"execution\":1,\"event\":\"step\",\"at\":1e308,\"input\":\"started\"}\n".to_owned(),
        format!("{{\"execution\":1e999999,\"event\":\"start\"}}\n{}", "9".repeat(1_000_000)),
    ];
    for trace in traces {
        let shown: String = trace.chars().take(120).collect();
        for options in [&["trace", "check", "-"][..], &["trace", "check", "--show", "-"]] {
            let output = limited(options, trace.clone().into_bytes());
            let code = output.status.code();
            assert!(matches!(code, Some(0 | 1 | 125)), "{shown}: {output:?}");
            let said = neutral(&output);
            assert!(said.len() < 64 * 1024, "{shown}: {} bytes are said", said.len());
        }
    }
}

/// As [`lastbyte`], with 512 MiB of memory.
fn limited(words: &[&str], input: Vec<u8>) -> Output {
    let program = env!("CARGO_BIN_EXE_lastbyte");
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -v 524288; exec \"$0\" \"$@\"", program])
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sh starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let writing = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("it ends");
    writing.join().expect("it does not panic");
    output
}

/// If this were red, a line without end would be kept as a whole.
#[test]
fn a_line_without_end_is_refused_within_its_bound() {
    let line = format!("{{\"execution\":1,\"event\":\"{}", "x".repeat(65 * 1024 * 1024));
    let output = limited(&["trace", "check", "-"], line.into_bytes());
    assert_eq!(output.status.code(), Some(125), "{output:?}");
    assert!(neutral(&output).contains(":1: the line is longer than 67108864 bytes"), "{output:?}");
}
