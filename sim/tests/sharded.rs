//! `lastbyte sweep` and `lastbyte merge`: parts, engines, what is torn, what does not belong together.
#![expect(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// What engines set; none of it must come from around the tests.
const VARIABLES: [&str; 8] = [
    "JOB_COMPLETION_INDEX",
    "LASTBYTE_SHARDS",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_ARRAY_TASK_COUNT",
    "SLURM_ARRAY_TASK_MIN",
    "SLURM_ARRAY_TASK_STEP",
    "CI_NODE_INDEX",
    "CI_NODE_TOTAL",
];

fn lastbyte(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastbyte"));
    command.args(words).stdin(Stdio::null());
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command
}

/// A folder of the test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("sweep-{name}"));
    let _old = fs::remove_dir_all(&folder);
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn sweep(seeds: &str, out: &Path, options: &[&str], variables: &[(&str, &str)]) -> Output {
    let out = out.to_str().expect("a path in UTF-8");
    let words = [&["sweep", "--seeds", seeds, "--out", out], options].concat();
    lastbyte(&words).envs(variables.iter().copied()).output().expect("lastbyte starts")
}

#[track_caller]
fn swept(seeds: &str, out: &Path, options: &[&str]) {
    let output = sweep(seeds, out, options, &[]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

fn merge(files: &[&Path]) -> Output {
    let files = files.iter().map(|file| file.to_str().expect("a path in UTF-8"));
    lastbyte(&["merge", "--json"]).args(files).output().expect("lastbyte starts")
}

#[track_caller]
fn merged(files: &[&Path]) -> Value {
    let output = merge(files);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// It is refused, and says all of this.
#[track_caller]
fn assert_refused(output: &Output, parts: &[&str]) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(125), "{said}");
    for part in parts {
        assert!(said.contains(part), "{part:?} is not in {said:?}");
    }
}

/// What differs between two reports of the same seeds is how many files they came from, and in how many
/// parts.
fn came_to(mut report: Value) -> Value {
    let fields = report.as_object_mut().expect("an object");
    for field in ["files", "number_of_parts", "way_to_deal_out"] {
        assert!(fields.remove(field).is_some(), "{field}");
    }
    report
}

fn only_file(folder: &Path) -> PathBuf {
    let mut files = fs::read_dir(folder).expect("the folder is there").flatten();
    let file = files.next().expect("a file").path();
    assert!(files.next().is_none(), "there is one");
    file
}

/// If this were red, a sweep in parts would have run other seeds than one that is whole, or some twice.
#[test]
fn parts_of_each_kind_come_to_what_the_whole_does() {
    let whole = folder("whole");
    swept("5..45", &whole, &[]);
    let whole = merged(&[&whole]);
    assert_eq!((&whole["runs"], &whole["files"]), (&40.into(), &1.into()), "{whole:#}");
    let whole = came_to(whole);
    for by in ["slice", "count", "hash"] {
        let out = folder(&format!("parts-{by}"));
        for part in 1..=3 {
            swept("5..45", &out, &["--shard", &format!("{by}:{part}/3")]);
        }
        let report = merged(&[&out]);
        assert_eq!((&report["files"], &report["way_to_deal_out"]), (&3.into(), &by.into()));
        assert_eq!(came_to(report), whole, "{by}");
    }
}

/// If this were red, a program that is killed would cost what it had done, or leave a file that nobody
/// can go on in; or a seed would be counted twice.
#[test]
fn what_is_killed_goes_on_where_it_was() {
    let (out, whole) = (folder("killed"), folder("not-killed"));
    swept("0..120", &whole, &[]);
    let words =
        ["sweep", "--seeds", "0..120", "--out", out.to_str().expect("UTF-8"), "-j", "1", "--quiet"];
    for lines in [3, 40, 80] {
        let mut child = lastbyte(&words).stdout(Stdio::null()).spawn().expect("lastbyte starts");
        // A reader of the file as it grows.
        while !out.is_dir() || fs::read_dir(&out).map_or(0, Iterator::count) == 0 {
            std::thread::yield_now();
        }
        let file = only_file(&out);
        while fs::read_to_string(&file).expect("text").lines().count() < lines {
            std::thread::yield_now();
        }
        child.kill().expect("it runs, or has just ended");
        child.wait().expect("it is ours");
    }
    let before = fs::read_to_string(only_file(&out)).expect("text").lines().count();
    let output = sweep("0..120", &out, &["--json"], &[]);
    let said: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(said["runs"], 120);
    let known = said["before"].as_u64().expect("a number");
    assert!((78..=120).contains(&known) && known <= before as u64, "{known} of {before}");
    assert_eq!(came_to(merged(&[&out])), came_to(merged(&[&whole])));
}

/// If this were red, a line that was half written would be taken for a whole one, or cost the file.
#[test]
fn a_torn_last_line_is_run_again_wherever_it_is_torn() {
    let out = folder("torn");
    swept("0..6", &out, &["-j", "1"]);
    let file = only_file(&out);
    let whole = fs::read(&file).expect("it is there");
    let lines: Vec<&[u8]> = whole.split_inclusive(|&byte| byte == b'\n').collect();
    assert_eq!(lines.len(), 7);
    let last = lines[6].len();
    // All of it but the newline looks whole, and is not.
    for torn in [1, last / 2, last - 1] {
        fs::write(&file, &whole[..whole.len() - torn]).expect("it is ours");
        assert_refused(&merge(&[&out]), &["1 of 6 seeds are missing"]);
        let output = sweep("0..6", &out, &["--json"], &[]);
        let said: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert_eq!((&said["runs"], &said["before"]), (&6.into(), &5.into()), "{torn}");
        assert!(text(&output.stderr).contains("had been torn"), "{}", text(&output.stderr));
        assert_eq!(fs::read(&file).expect("it is there"), whole, "the same seed is the same line");
    }
    // Not even the head.
    fs::write(&file, &whole[..20]).expect("it is ours");
    assert_refused(&merge(&[&out]), &["has no first line yet"]);
    assert_eq!(sweep("0..6", &out, &["-j", "1"], &[]).status.code(), Some(0));
    assert_eq!(fs::read(&file).expect("it is there"), whole);
}

/// If this were red, a report would be of two versions, of seeds that were not run, or of some twice.
#[test]
fn what_does_not_belong_together_is_refused_and_named() {
    let out = folder("refused");
    for part in ["1/2", "2/2"] {
        swept("0..8", &out, &["--shard", part, "-j", "1"]);
    }
    let name = |part: u64| out.join(format!("lastbyte-0-8-slice-{part}-of-2.jsonl"));
    let (one, two) = (name(1), name(2));
    assert_refused(&merge(&[&one]), &["4 of 8 seeds are missing: 4..8", "run the sweep"]);
    assert_refused(&merge(&[&out, &two]), &["seed 4 is in", "give each part once"]);
    let other = folder("other");
    swept("0..9", &other, &[]);
    assert_refused(&merge(&[&out, &other]), &["not of one sweep", "seeds is 0..8 and 0..9"]);
    let text = fs::read_to_string(&two).expect("it is there");
    let change = |from: &str, to: &str| {
        assert!(text.contains(from), "{from} is not in {text}");
        fs::write(&two, text.replacen(from, to, 1)).expect("it is ours");
        merge(&[&out])
    };
    let code = text.split("\"code\":\"").nth(1).expect("a code")[..16].to_owned();
    assert_refused(&change(&code, "0123456789abcdef"), &["their code is", "0123456789abcdef"]);
    let version = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    assert_refused(&change(&version, "\"version\":\"9.9.9\""), &["their version is", "9.9.9"]);
    assert_refused(&change("\"seed\":5", "\"seed\":1"), &[":3: seed 1 is not of this part"]);
    assert_refused(&change("\"seed\":5", "\"seed\":4"), &[":3: seed 4 is in it twice"]);
    assert_refused(&change("\"seed\":5", "\"seed\":x"), &[":3: ", "is it a file of"]);
    fs::write(&two, "x".repeat(70_000)).expect("it is ours");
    assert_refused(&merge(&[&out]), &[":1: a line of a sweep has at most 65536 bytes"]);
    assert_refused(&merge(&[Path::new("/no/such")]), &["failed to open /no/such"]);
    let empty = folder("empty");
    fs::create_dir_all(&empty).expect("it is ours");
    assert_refused(&merge(&[&empty]), &["has no file of a sweep"]);
}

/// If this were red, a folder of one version would be gone on in by another.
#[test]
fn a_sweep_goes_on_in_no_file_of_another() {
    let out = folder("stale");
    swept("0..3", &out, &[]);
    let file = only_file(&out);
    let text = fs::read_to_string(&file).expect("it is there");
    fs::write(&file, text.replacen("\"code\":\"", "\"code\":\"x", 1)).expect("it is ours");
    let refused = sweep("0..3", &out, &[], &[]);
    assert_refused(&refused, &["is of another sweep: their code is", "give another --out"]);
}

/// If this were red, two programs that were given the same part would write into one file.
#[test]
fn one_part_is_run_by_one_program() {
    let out = folder("locked");
    swept("0..2", &out, &[]);
    let file = fs::File::open(only_file(&out)).expect("it is there");
    file.lock().expect("nobody else has it");
    assert_refused(&sweep("0..2", &out, &[], &[]), &["another program writes to"]);
}

/// The part that is said on stderr.
fn said(variables: &[(&str, &str)], options: &[&str]) -> Output {
    let name: Vec<String> =
        variables.iter().map(|(name, value)| format!("{name}{value}")).collect();
    sweep(
        "0..8",
        &folder(&format!("engine-{}", name.concat().replace('/', "-"))),
        options,
        variables,
    )
}

/// If this were red, a job would run another part than its engine gave it, or all of them the same.
#[test]
fn the_part_is_the_one_that_the_engine_means() {
    let kubernetes = [("JOB_COMPLETION_INDEX", "1"), ("LASTBYTE_SHARDS", "4")];
    let slurm = |id| {
        [
            ("SLURM_ARRAY_TASK_ID", id),
            ("SLURM_ARRAY_TASK_COUNT", "4"),
            ("SLURM_ARRAY_TASK_MIN", "10"),
            ("SLURM_ARRAY_TASK_STEP", "5"),
        ]
    };
    let ci = [("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "4")];
    for (variables, engine) in [
        (&kubernetes[..], "the Kubernetes Job"),
        (&slurm("15"), "the Slurm array"),
        (&ci, "the CI"),
    ] {
        let output = said(variables, &[]);
        let line = format!("lastbyte: part slice:2/4, as the variables of {engine} say\n");
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), line));
        assert!(text(&output.stdout).contains("part slice:2/4"), "{}", text(&output.stdout));
    }
    // Two who agree, and one who is not asked.
    assert_eq!(said(&[kubernetes, ci].concat(), &[]).status.code(), Some(0));
    let asked = said(&ci, &["--shard", "4/4"]);
    assert_eq!((asked.status.code(), text(&asked.stderr)), (Some(0), String::new()));
    // A job that is not parallel, as GitLab has it.
    let whole = said(&[("CI_NODE_TOTAL", "1")], &[]);
    assert_eq!((whole.status.code(), text(&whole.stderr)), (Some(0), String::new()));
}

/// If this were red, a job whose engine is not understood would run the wrong part without a word.
#[test]
fn half_a_word_or_two_of_them_are_refused() {
    assert_refused(&said(&[("JOB_COMPLETION_INDEX", "1")], &[]), &["LASTBYTE_SHARDS is not"]);
    assert_refused(&said(&[("SLURM_ARRAY_TASK_ID", "1")], &[]), &["SLURM_ARRAY_TASK_COUNT is not"]);
    assert_refused(&said(&[("CI_NODE_TOTAL", "3")], &[]), &["CI_NODE_INDEX is not"]);
    assert_refused(&said(&[("CI_NODE_INDEX", "3")], &[]), &["CI_NODE_TOTAL is not"]);
    let both = [
        ("CI_NODE_INDEX", "1"),
        ("CI_NODE_TOTAL", "8"),
        ("JOB_COMPLETION_INDEX", "1"),
        ("LASTBYTE_SHARDS", "4"),
    ];
    let parts = ["the Kubernetes Job say part slice:2/4", "the CI part slice:1/8", "--shard"];
    assert_refused(&said(&both, &[]), &parts);
    let beyond = [("JOB_COMPLETION_INDEX", "4"), ("LASTBYTE_SHARDS", "4")];
    assert_refused(&said(&beyond, &[]), &["there is no part 5 of 4"]);
    let list = [
        ("SLURM_ARRAY_TASK_ID", "9"),
        ("SLURM_ARRAY_TASK_COUNT", "3"),
        ("SLURM_ARRAY_TASK_MIN", "1"),
        ("SLURM_ARRAY_TASK_STEP", "1"),
    ];
    assert_refused(&said(&list, &[]), &["task 9 of a Slurm array", "--array=1-3"]);
    assert_refused(
        &said(&[("CI_NODE_INDEX", "x"), ("CI_NODE_TOTAL", "2")], &[]),
        &["CI_NODE_INDEX is \"x\", which is no number"],
    );
    for shard in ["0/3", "4/3", "1", "x/3", "1/x", "half:1/3", "1/0"] {
        assert_refused(&said(&[], &["--shard", shard]), &[shard]);
    }
}

/// If this were red, whoever reads the lines would find in them what the page does not explain. (That
/// they are there as seeds are done is what `what_is_killed_goes_on_where_it_was` waits for.)
#[test]
fn the_page_has_every_field_of_a_line() {
    let out = folder("fields");
    swept("0..2", &out, &[]);
    let file = BufReader::new(fs::File::open(only_file(&out)).expect("it is there"));
    let lines: Vec<Value> = file
        .lines()
        .map(|line| serde_json::from_str(&line.expect("text")).expect("an object"))
        .collect();
    assert_eq!(lines.len(), 3);
    // As the page has it.
    let page = include_str!("../../docs/sweep.md");
    for field in lines[0].as_object().expect("a head").keys() {
        assert!(page.contains(&format!("| `{field}` |")), "{field} is not in the page");
    }
    for field in lines[1].as_object().expect("a row").keys() {
        assert!(page.contains(&format!("| `{field}` |")), "{field} is not in the page");
    }
}
