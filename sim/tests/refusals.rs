//! What every verb says when it cannot go on: what, where, why and what to try; and nothing where nobody
//! listens any more.
#![expect(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

mod common;

use std::{
    collections::BTreeSet,
    fs,
    io::{Write, pipe},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use common::verbs;

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

/// A line, what stands on its stdin, its exit code, and what it must say: what went wrong and where, why,
/// and what to try.
type Bad = (&'static str, &'static str, i32, &'static [&'static str]);

/// Files that are wrong, by name. `@` in a line is their folder.
const FILES: [(&str, &str); 7] = [
    ("unknown.toml", "keep_seconds = 5\nkeep_minutes = 5\n"),
    ("none.toml", "default_image = 'none'\n"),
    ("token", "two words\n"),
    ("torn.jsonl", "{\"sweep\":1,\n"),
    ("nothing.jsonl", ""),
    ("trace", "{\"event\":\"start\"}\n{\"event\":\"nope\"}\n"),
    ("no.json", "hello\n"),
];

const RUN: [Bad; 12] = [
    ("run", "", 125, &["<CMD>", "required", "--help"]),
    ("run -- no-such-program", "", 127, &["run `no-such-program`", "no such", "check the name"]),
    ("run -- /", "", 126, &["run `/`", "not executable", "chmod +x"]),
    ("run --cwd /no -- true", "", 126, &["`true` in `/no`", "no such working dir", "create it"]),
    ("run --drain no -- true", "", 125, &["'no'", "--drain", "no such policy", "write `eof`"]),
    ("run --timeout 5 -- true", "", 125, &["'5'", "--timeout", "unit", "as in 200ms"]),
    ("run --buffer 0 -- true", "", 125, &["'0'", "--buffer", "too small", "write 1 or more"]),
    ("run --max-output x -- true", "", 125, &["'x'", "--max-output", "as in 65536"]),
    ("run --env X -- true", "", 125, &["'X'", "--env", "no name and value", "NAME=VALUE"]),
    ("run --runner nope --box b -- true", "", 125, &["`nope`", "names no place", "HOST:PORT"]),
    ("run --runner unix:/no --box b -- true", "", 125, &["unix:/no", "No such", "whether it runs"]),
    (
        "run --runner unix:/no --box b --token-file /no -- true",
        "",
        125,
        &["`/no` for --token-file", "No such file", "name another"],
    ),
];

const SERVE: [Bad; 8] = [
    ("serve --listen nope", "", 125, &["`nope`", "names no place", "unix:PATH"]),
    ("serve --listen 1.2.3.4:5", "", 125, &["1.2.3.4:5", "no token", "give one, or listen on"]),
    ("serve --listen unix:/no/x", "", 125, &["unix:/no/x", "No such", "choose another"]),
    ("serve --config /no", "", 125, &["`/no` for --config", "No such file", "name another"]),
    (
        "serve --config @/unknown.toml",
        "",
        125,
        &[
            "line 2, column 1",
            "unknown field `keep_minutes`",
            "expected one of",
            "`@/unknown.toml`",
        ],
    ),
    ("serve --config @/none.toml", "", 125, &["no image", "`none`", "`@/none.toml`"]),
    ("serve --token-file @/token", "", 125, &["visible ASCII", "letters and digits", "`@/token`"]),
    ("serve --state-dir /dev/null/x", "", 125, &["`/dev/null/x` for --state-dir", "Not a dir"]),
];

const MATRIX: [Bad; 17] = [
    ("check --design no", "", 125, &["no design \"no\"", "there are lastbyte, "]),
    ("check --rule C21", "", 125, &["no rule \"C21\"", "C1 to C20"]),
    ("check --chunks 9", "", 125, &["'9'", "--chunks", "0..=6"]),
    (
        "check --design stock --states-max 1",
        "",
        125,
        &["stock in ", "more than 1 states", "lower the bounds, or raise --states-max"],
    ),
    ("replay nope", "", 125, &["\"nope\"", "not six parts", "copy it whole"]),
    ("replay stock:no:1:1:3:72f3", "", 125, &["stock:no:", "no world `no`", "`lastbyte check`"]),
    ("replay no:plain:1:1:3:72f3", "", 125, &["no:plain", "no design `no`", "`lastbyte check`"]),
    ("sample --design lastbyte", "", 125, &["\"lastbyte\"", "explored", "`check --design NAME`"]),
    ("sample --in no", "", 125, &["in \"no\"", "asked in the scenarios", "`check --design NAME`"]),
    ("sample --seeds 5", "", 125, &["'5'", "--seeds", "A..B", "0..1000"]),
    ("sample --seeds 5..5", "", 125, &["'5..5'", "--seeds", "no seed is in it", "A below B"]),
    ("show stock", "", 125, &["\"stock\"", "no design and rule", "such as stock:C1"]),
    ("show stock:C99", "", 125, &["no rule \"C99\"", "C1 to C20"]),
    ("network seeds x", "", 125, &["'x'", "[SEEDS]", "no seeds", "such as 0..1000"]),
    ("network replay nope", "", 125, &["`nope`", "no token of the network", "one looks like"]),
    ("network orders --small x", "", 125, &["'x'", "--small", "possible values: silent"]),
    (
        "network replay order:short:lastbyte:zz:0",
        "",
        125,
        &[
            "order:short:lastbyte:",
            "choice 1 is not there",
            "`lastbyte network orders` makes new ones",
        ],
    ),
];

const FILES_READ: [Bad; 12] = [
    ("sweep --seeds 0..1", "", 125, &["--out <DIR>", "required", "--help"]),
    ("sweep --seeds x --out @", "", 125, &["'x'", "--seeds", "no seeds", "such as 0..1000"]),
    ("sweep --seeds 0..4 --shard 5/4 --out @", "", 125, &["'5/4'", "no part 5", "from 1"]),
    ("sweep --seeds 0..4 --out @ -j 0", "", 125, &["'0'", "-j", "no count", "1 or more"]),
    ("sweep --seeds 0..4 --out /dev/null/x", "", 125, &["/dev/null/x", "Not a", "another --out"]),
    ("merge /no", "", 125, &["open /no", "No such file", "`lastbyte sweep --out`"]),
    ("merge @/torn.jsonl", "", 125, &["@/torn.jsonl:1:", "EOF", "is it a file of"]),
    ("merge @/nothing.jsonl", "", 125, &["@/nothing.jsonl", "no first line", "leave it out"]),
    ("trace check /no", "", 125, &["open /no", "No such file", "- for stdin"]),
    ("trace check @", "", 125, &["read @", "Is a directory", "- for stdin"]),
    ("trace check @/trace", "", 125, &["@/trace:2:", "no event \"nope\"", "docs/traces.md"]),
    ("trace check -", "{", 125, &["stdin:1:", "it was cut", "docs/traces.md"]),
];

const COMMANDS: [Bad; 9] = [
    ("probe -- true", "", 125, &["no {} in the command line", "put it where", "sh -c {}"]),
    ("probe -- echo {} {}", "", 125, &["{} stands 2 times", "one place", "leave one"]),
    ("probe -- no-such {}", "", 125, &["run `no-such`", "no such program", "check the name"]),
    ("probe -- sh {}", "", 125, &["`sh 'exit 0'`", "exited with", "put {} where a shell"]),
    ("probe --timeout 0 -- sh -c {}", "", 125, &["timeout of 0", "nothing end", "--timeout a sec"]),
    ("probe -j 0 -- sh -c {}", "", 125, &["'0'", "-j", "no count", "1 or more"]),
    ("soak --executions 0", "", 125, &["'0'", "--executions", "no count", "1 or more"]),
    ("soak --hang 0", "", 125, &["bound of 0", "nothing end", "--hang a second or more"]),
    ("soak --case no", "", 125, &["'no'", "--case", "possible values: short"]),
];

/// A vector of the folder.
const ONE: &str = "conform --only races.odjdny7n";

const PORTS: [Bad; 15] = [
    ("conform", "", 125, &["no shim is named", "after `--`", "ports/python/conform"]),
    ("conform --vectors /no -- true", "", 125, &["/no/manifest.json", "No such", "--vectors DIR"]),
    (
        "conform --only no-such -- true",
        "",
        125,
        &["\"no-such\"", "no vector in vectors", "a rule such as"],
    ),
    ("conform --show no", "", 125, &["no vector \"no\" in vectors", "its files have all ids"]),
    ("conform --jobs 0 -- true", "", 125, &["'0'", "--jobs", "no count", "1 or more"]),
    ("ONE -- no-such", "", 125, &["start the shim", "`no-such`", "no such", "check the name"]),
    ("ONE -- true", "", 1, &["races.odjdny7n: the shim ended", "code 0", "answer each line"]),
    ("ONE -- echo hi", "", 1, &["races.odjdny7n: not an answer", "no JSON: hi", "conformance.md"]),
    (
        "ONE -- sed -u s/,.*/}/",
        "",
        1,
        &["not an answer", "no `steps`, and no `invalid`", "as docs/"],
    ),
    ("ONE -- sed -u s/inputs/steps/", "", 1, &["not an answer", "no list of lists", "as docs/"]),
    ("ONE -- sed -u s/races/other/", "", 1, &["out of order", "answered other.", "its own `id`"]),
    ("shim --bug no", "", 125, &["'no'", "--bug", "possible values: exit-before-end"]),
    ("shim", "hello", 125, &["line 1", "expected", "`lastbyte conform -- lastbyte shim`"]),
    ("vectors --out /dev/null/x", "", 125, &["/dev/null/x", "Not a directory", "give --out"]),
    ("completions no", "", 125, &["'no'", "<SHELL>", "possible values: bash"]),
];

const REST: [Bad; 4] = [
    ("doctor x", "", 125, &["'x'", "unexpected argument", "Usage: lastbyte doctor"]),
    ("man --dir /dev/null/x", "", 125, &["/dev/null/x", "Not a directory", "give --dir a folder"]),
    ("no-such-verb", "", 125, &["'no-such-verb'", "unrecognized", "--help"]),
    ("chekc", "", 125, &["'chekc'", "unrecognized", "'check'"]),
];

/// If this were red, whoever makes a mistake would be told that there is one, and not which, or not what
/// to do about it.
#[test]
fn bad_input_is_told_with_what_where_why_and_what_to_try() {
    let folder = folder("bad");
    let place = folder.to_str().expect("a path in UTF-8");
    for (name, text) in FILES {
        fs::write(folder.join(name), text).expect("it is written");
    }
    let mut seen = BTreeSet::new();
    let groups = [&RUN[..], &SERVE, &MATRIX, &FILES_READ, &COMMANDS, &PORTS, &REST];
    for &(line, stdin, code, parts) in groups.into_iter().flatten() {
        let line = line.replace('@', place).replace("ONE", ONE);
        let output = run(&line, stdin, Stdio::piped());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // A verdict on a shim is what was asked for.
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{line}: {said}{told}");
        assert_eq!(told.is_empty(), code != 1, "{line}: {told}");
        for part in parts {
            let part = part.replace('@', place);
            assert!(format!("{said}{told}").contains(&part), "{line}: no {part:?} in {said}{told}");
        }
        assert!(!said.contains("panicked at"), "{line}: {said}");
        seen.extend(line.split_whitespace().next().map(str::to_owned));
    }
    let missing: Vec<String> = verbs().into_iter().filter(|verb| !seen.contains(verb)).collect();
    assert_eq!(missing, Vec::<String>::new(), "no bad input for a verb");
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
