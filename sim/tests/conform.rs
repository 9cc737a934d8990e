//! The conformance kit: the vectors are those of the code, the reference passes them, and every
//! saboteur is found at the rules that its bug is known to break.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use lastbyte::monitor::Rule;
use lastbyte_sim::{
    conform::{Trouble, Verdict, judge, port, saboteur::Bug},
    vectors::{Outcome, Vector, generate, store},
};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors")
}

fn vectors() -> Vec<Vector> {
    store::read(&folder()).unwrap_or_else(|error| panic!("{error}"))
}

/// `lastbyte conform ARGS -- lastbyte shim BUG`.
fn conform(args: &[&str], bug: &[&str]) -> Output {
    let lastbyte = env!("CARGO_BIN_EXE_lastbyte");
    let folder = folder();
    let vectors = ["conform", "--vectors", folder.to_str().unwrap_or_default()];
    Command::new(lastbyte)
        .args(vectors)
        .args(args)
        .args(["--", lastbyte, "shim"])
        .args(bug)
        .output()
        .unwrap_or_else(|error| panic!("lastbyte conform {args:?}: {error}"))
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// If this were red, ports would be held to another machine than the one that ships. After a wanted
/// change: `cargo run -p lastbyte-sim --release -- vectors --out vectors`.
#[test]
fn the_vectors_are_those_that_the_code_makes() {
    for (name, made) in store::files(&generate::all()) {
        let kept = fs::read_to_string(folder().join(&name)).unwrap_or_default();
        let differs = kept.lines().zip(made.lines()).position(|(kept, made)| kept != made);
        assert!(
            kept == made,
            "vectors/{name} is another, from line {differs:?} on, counted from 0"
        );
    }
}

/// If this were red, a topic, a rule or a refusal would have no vector, or two would share an id.
#[test]
fn there_are_vectors_for_everything() {
    let vectors = vectors();
    assert!(vectors.len() >= 20_000, "{}", vectors.len());
    let ids: BTreeSet<&str> = vectors.iter().map(|vector| vector.id.as_str()).collect();
    assert_eq!(ids.len(), vectors.len());
    for rule in Rule::ALL.into_iter().filter(|rule| rule.is_monitored()) {
        let about = vectors.iter().filter(|vector| vector.rules.contains(&rule)).count();
        assert!(about >= 100, "{about} vectors are about {rule}");
    }
    let mut words: BTreeMap<String, u64> = BTreeMap::new();
    for vector in &vectors {
        for input in &vector.inputs {
            let first = input.split(' ').next().unwrap_or_default();
            *words.entry(first.to_owned()).or_default() += 1;
        }
        let Outcome::Steps { steps, .. } = &vector.expected else { continue };
        for line in steps.iter().flatten().filter(|line| line.starts_with("illegal")) {
            *words.entry(line.clone()).or_default() += 1;
        }
    }
    let inputs = words.keys().filter(|word| !word.contains(' ')).count();
    assert_eq!(inputs, 17, "{words:?}");
    assert_eq!(words.len() - inputs, 14, "{words:?}");
}

/// If this were red, a port could have a bug that many stacks have had, and pass; or be told that it
/// breaks another rule than it does.
#[test]
fn each_saboteur_is_found_strictly_at_its_rules() {
    let vectors = vectors();
    let questions: Vec<String> = vectors.iter().map(judge::question).collect();
    for &bug in Bug::ALL {
        let mut found = BTreeSet::new();
        for (vector, question) in vectors.iter().zip(&questions) {
            let answer = port::answer(question, Some(bug)).expect("a question of ours");
            match judge::judge(vector, &answer) {
                Verdict::Passed => {}
                Verdict::Differs(difference) => {
                    found.insert(difference.rule);
                }
                other @ (Verdict::Trouble(_) | Verdict::NotAsked) => panic!("{other:?}"),
            }
        }
        let known: BTreeSet<Rule> = bug.rules().iter().copied().collect();
        assert_eq!(found, known, "{}", bug.name());
    }
}

/// If this were red, the reference itself would not conform, or nobody could tell from the exit code.
#[test]
fn the_reference_passes_all() {
    let file = std::env::temp_dir().join(format!("lastbyte-junit-{}.xml", std::process::id()));
    let path = file.to_str().expect("a path in UTF-8");
    let passed = conform(&["--junit", path], &[]);
    assert_eq!(passed.status.code(), Some(0), "{passed:?}");
    assert!(out(&passed).contains(&format!("all {} vectors pass", vectors().len())));
    let junit = fs::read_to_string(&file).expect("the report was written");
    fs::remove_file(&file).expect("it was ours");
    let document = roxmltree::Document::parse(&junit).expect("XML");
    let cases = document.descendants().filter(|node| node.has_tag_name("testcase")).count();
    assert_eq!(cases, vectors().len());
}

/// If this were red, the author of a port would not learn where it goes wrong.
#[test]
fn c01_a_failure_is_told_with_its_rule_its_step_and_what_came_before() {
    let failed = conform(&["--only", "rules"], &["--bug", "exit-before-end"]);
    assert_eq!(failed.status.code(), Some(1));
    let told = out(&failed);
    for part in [
        "C1 (last byte first), its shortest failure: rules.",
        "expected: nothing",
        "got:      exit exited 0",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    let failed = conform(&["--json", "--only", "rules"], &["--bug", "exit-before-end"]);
    let told: Value = serde_json::from_slice(&failed.stdout).expect("one JSON object");
    assert_eq!(told["failures"][0]["rule"], "C1");
    let id = told["failures"][0]["id"].as_str().expect("an id");
    let shown = conform(&["--show", id], &["--bug", "exit-before-end"]);
    assert!(out(&shown).contains("got: exit exited 0"), "{}", out(&shown));
}

/// If this were red, a shim that misbehaves would hang the suite, or look like a wrong machine.
#[test]
fn a_shim_that_does_not_answer_is_told_what_it_does_instead() {
    for (bug, part) in [
        ("dies", "the shim ended and had not answered: exited with code 125"),
        ("hangs", "no answer within 50ms"),
        ("rubbish", "not an answer: no JSON: something else"),
        ("swaps", "out of order: asked"),
        ("lingers", "at the end of its input the shim hung"),
    ] {
        let args = ["--only", "rules", "--jobs", "1"];
        // Only where a bound is to be met is it short.
        let bound = if bug == "hangs" || bug == "lingers" { "50ms" } else { "60s" };
        let failed = conform(&[&args[..], &["--timeout", bound]].concat(), &["--bug", bug]);
        assert_eq!(failed.status.code(), Some(1), "{bug}: {failed:?}");
        assert!(out(&failed).contains(part), "{bug}: {}", out(&failed));
    }
}

/// If this were red, an answer of the wrong form could pass, or bring the driver down.
#[test]
fn what_is_no_answer_is_rubbish() {
    let vector = &vectors()[0];
    for answer in ["", "null", "[]", "{}", r#"{"id":1}"#] {
        let verdict = judge::judge(vector, answer);
        assert!(matches!(verdict, Verdict::Trouble(Trouble::Rubbish(_))), "{answer}: {verdict:?}");
    }
    for rest in [r#""steps":1"#, r#""steps":[]"#, r#""steps":[1]"#, r#""invalid":1"#] {
        let answer = format!(r#"{{"id":"{}",{rest}}}"#, vector.id);
        let verdict = judge::judge(vector, &answer);
        assert!(matches!(verdict, Verdict::Trouble(Trouble::Rubbish(_))), "{answer}: {verdict:?}");
    }
}

/// If this were red, a slip of the pen would look like a port that conforms.
#[test]
fn bad_arguments_are_told_apart_from_ports_that_fail() {
    let lastbyte = env!("CARGO_BIN_EXE_lastbyte");
    let folder = folder();
    let vectors = folder.to_str().expect("a path in UTF-8");
    for (args, part) in [
        (&["--", "no-such-shim"][..], "no such program"),
        (&["--only", "C99", "--", lastbyte], "a pattern is"),
        (&["--show", "rules.none"], "there is no vector"),
        (&[], "no shim is named"),
        (&["--vectors", "no-such-folder", "--", lastbyte], "--vectors DIR"),
    ] {
        let args = if args.first() == Some(&"--vectors") {
            args.to_vec()
        } else {
            [&["--vectors", vectors], args].concat()
        };
        let output = Command::new(lastbyte).arg("conform").args(&args).output().expect("it runs");
        assert_eq!(output.status.code(), Some(125), "{args:?}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(part), "{args:?}: {said}");
    }
}
