//! The conformance kit proves itself: the vectors are those that the code makes, the reference passes
//! them all, each saboteur fails at the rules of its bug, and a shim that misbehaves is told so.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::{Command, Output},
    thread,
};

use lastbyte::{Policy, monitor::Rule};
use lastbyte_sim::{
    conform::{
        Verdict, judge,
        port::answer,
        saboteur::{Bug, Sabotage},
    },
    vectors::{Outcome, Topic, Vector, generate, store, words},
};
use serde_json::Value;

const LASTBYTE: &str = env!("CARGO_BIN_EXE_lastbyte");

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../vectors")
}

fn lastbyte(args: &[&str]) -> Output {
    let output = Command::new(LASTBYTE).args(args).current_dir(folder().join("..")).output();
    output.unwrap_or_else(|error| panic!("lastbyte {args:?}: {error}"))
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// If this were red, ports would be held to another machine than ours.
#[test]
fn the_vectors_are_those_that_the_code_makes() {
    for (name, text) in store::files(&generate::all()) {
        let path = folder().join(&name);
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == text, "vectors/{name} is out of date: run `lastbyte vectors`");
    }
}

/// If this were red, two vectors could not be told apart, or there would be fewer than are claimed.
#[test]
fn there_are_enough_of_them_each_with_a_name_and_a_rule() {
    let vectors = store::read(&folder()).unwrap_or_else(|bad| panic!("{bad}"));
    assert!(vectors.len() >= 20_000, "{} vectors", vectors.len());
    let ids: BTreeSet<&str> = vectors.iter().map(|vector| vector.id.as_str()).collect();
    assert_eq!(ids.len(), vectors.len());
    assert!(vectors.iter().all(|vector| !vector.rules.is_empty()));
    let topics: BTreeSet<&str> = vectors.iter().map(Vector::topic).collect();
    assert_eq!(topics.len(), Topic::ALL.len());
    let rules: BTreeSet<Rule> =
        vectors.iter().flat_map(|vector| vector.rules.iter().copied()).collect();
    let monitored = Rule::ALL.into_iter().filter(|rule| rule.is_monitored());
    assert_eq!(rules, monitored.collect(), "each rule that a machine can show has vectors");
}

/// The rules at which the machine with this bug fails, each with the number of vectors.
fn fails_at(vectors: &[Vector], bug: Option<Bug>) -> BTreeMap<Rule, u32> {
    let mut failed = BTreeMap::new();
    for vector in vectors {
        let answer = answer(&judge::question(vector), bug).unwrap_or_else(|bad| panic!("{bad}"));
        match judge::judge(vector, &answer) {
            Verdict::Passed => {}
            Verdict::Differs(difference) => *failed.entry(difference.rule).or_default() += 1,
            verdict @ (Verdict::Trouble(_) | Verdict::NotAsked) => panic!("{verdict:?}"),
        }
    }
    failed
}

/// If this were red, a port with a bug that stacks have had would pass, or would be sent to look at
/// the wrong rule.
#[test]
fn each_saboteur_fails_at_the_rules_of_its_bug_and_the_reference_at_none() {
    let vectors = store::read(&folder()).unwrap_or_else(|bad| panic!("{bad}"));
    assert_eq!(fails_at(&vectors, None), BTreeMap::new());
    let (vectors, half) = (&vectors, Bug::ALL.len().div_ceil(2));
    thread::scope(|scope| {
        for bugs in Bug::ALL.chunks(half) {
            scope.spawn(move || {
                for &bug in bugs {
                    let found: BTreeSet<Rule> = fails_at(vectors, Some(bug)).into_keys().collect();
                    let known: BTreeSet<Rule> = bug.rules().iter().copied().collect();
                    assert_eq!(found, known, "{}", bug.name());
                }
            });
        }
    });
}

/// If this were red, the command would say other things of a port than the kit finds.
#[test]
fn conform_passes_the_reference_and_tells_where_a_port_leaves_it() {
    let passed = lastbyte(&["conform", "--", LASTBYTE, "shim"]);
    assert_eq!(passed.status.code(), Some(0), "{passed:?}");
    assert!(out(&passed).ends_with(" vectors pass\n"), "{}", out(&passed));

    let junit = std::env::temp_dir().join(format!("lastbyte-junit-{}.xml", std::process::id()));
    let file = junit.to_str().expect("a path in UTF-8");
    let bug = "wait-at-reap";
    let args =
        ["conform", "--only", "rules", "--junit", file, "--", LASTBYTE, "shim", "--bug", bug];
    let failed = lastbyte(&args);
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    for part in ["C4 (wait follows), its shortest failure: rules.", "expected: ", "got:      "] {
        assert!(out(&failed).contains(part), "{part} is not in {}", out(&failed));
    }
    let xml = fs::read_to_string(&junit).expect("it was written");
    fs::remove_file(&junit).expect("it was ours");
    let xml = roxmltree::Document::parse(&xml).expect("well-formed");
    let failures = xml.descendants().filter(|node| node.has_tag_name("failure")).count();
    let cases = xml.descendants().filter(|node| node.has_tag_name("testcase")).count();
    assert!(failures > 0 && cases > failures, "{failures} of {cases}");
}

/// If this were red, a failure could not be looked at.
#[test]
fn one_vector_is_drawn_up_to_where_the_answer_differs() {
    let args = ["conform", "--json", "--only", "races", "--", LASTBYTE, "shim", "--bug"];
    let failed = lastbyte(&[&args[..], &["shutdown-alone"]].concat());
    let told: Value = serde_json::from_slice(&failed.stdout).expect("one JSON object");
    let id = told["failures"][0]["id"].as_str().expect("something failed");
    let drawn = lastbyte(&["conform", "--show", id]);
    assert_eq!(drawn.status.code(), Some(0), "{drawn:?}");
    assert!(out(&drawn).contains(id), "{}", out(&drawn));
    let shim = [LASTBYTE, "shim", "--bug", "shutdown-alone"];
    let drawn = lastbyte(&[&["conform", "--show", id, "--"][..], &shim[..]].concat());
    assert_eq!(drawn.status.code(), Some(1), "{drawn:?}");
    assert!(out(&drawn).contains("C13"), "{}", out(&drawn));
}

/// If this were red, a shim that dies, hangs or babbles would hang the kit, or pass.
#[test]
fn a_shim_that_misbehaves_is_told_so() {
    for (manner, told) in [
        ("dies", "the shim ended and had not answered"),
        ("hangs", "does the shim flush its line"),
        ("rubbish", "not an answer: "),
        ("swaps", "out of order: "),
        ("lingers", "at the end of its input the shim hung"),
    ] {
        assert!(Sabotage::named(manner).is_some(), "{manner}");
        let args = ["conform", "--only", "policies", "--jobs", "1", "--timeout", "1s"];
        let shim = ["--", LASTBYTE, "shim", "--bug", manner];
        let failed = lastbyte(&[&args[..], &shim[..]].concat());
        assert_eq!(failed.status.code(), Some(1), "{manner}: {failed:?}");
        assert!(out(&failed).contains(told), "{manner}: {}", out(&failed));
    }
}

/// If this were red, a port that has to be compiled first would fail, or one that never answers would
/// be waited for.
#[test]
fn a_shim_may_build_itself_before_its_first_answer_and_is_bounded_in_that_too() {
    let asked = |more: &[&str], script: &str| {
        let args = ["conform", "--only", "policies", "--jobs", "1"];
        lastbyte(&[&args[..], more, &["--", "sh", "-c", script, LASTBYTE]].concat())
    };
    let built = asked(&["--timeout", "1s"], "sleep 2; exec \"$0\" shim");
    assert_eq!(built.status.code(), Some(0), "{built:?}");
    let never = asked(&["--timeout", "100ms", "--first", "200ms"], "exec sleep 60");
    assert_eq!(never.status.code(), Some(1), "{never:?}");
    assert!(out(&never).contains("does the shim flush its line"), "{}", out(&never));
}

/// If this were red, a slip of the pen would look like a port that passes.
#[test]
fn what_cannot_be_asked_is_told_apart_from_what_passes() {
    for (bad, part) in [
        (&["conform"][..], "no shim is named"),
        (&["conform", "--", "no-such-shim"], "no-such-shim"),
        (&["conform", "--only", "C99", "--", "true"], "is meant by \"C99\""),
        (&["conform", "--vectors", "docs", "--", "true"], "--vectors DIR"),
        (&["conform", "--show", "races.nothing"], "there is no vector"),
    ] {
        let refused = lastbyte(bad);
        assert_eq!(refused.status.code(), Some(125), "{bad:?}: {refused:?}");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains(part), "{bad:?}: {said}");
    }
}

/// If this were red, a port's author would be told words, defaults or an answer that are not ours.
#[test]
fn the_page_for_authors_tells_the_words_defaults_and_answers_of_the_code() {
    let page = folder().join("../docs/conformance.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let (_, policies) = page.split_once("| key and value |").expect("a table of policies");
    for (key, value) in words::policy::all(&Policy::default()) {
        let starts = [format!("| `{key} "), format!("`, `{key} ")];
        let is_row = |line: &&str| line.starts_with(&starts[0]) || line.contains(&starts[1]);
        let row = policies.lines().filter(|line| line.starts_with("| `")).find(is_row);
        let row = row.unwrap_or_else(|| panic!("no row has `{key}`"));
        let default = if value.is_empty() { "none".to_owned() } else { format!("`{value}`") };
        assert!(row.contains(&default), "{key} is {default} by default: {row}");
    }
    for (streams, _) in words::policy::STREAMS {
        assert!(page.contains(&format!("`{streams}`")), "{streams}");
    }
    let vectors = store::read(&folder()).unwrap_or_else(|bad| panic!("{bad}"));
    for vector in &vectors {
        let Outcome::Steps { steps, .. } = &vector.expected else { continue };
        for line in steps.iter().flatten().filter_map(|line| line.strip_prefix("illegal ")) {
            assert!(page.contains(&format!("`{line}`")), "{line}");
        }
    }
    let question = page.lines().find_map(|line| line.strip_prefix("$ echo '")).expect("an example");
    let (question, _) = question.split_once("' |").expect("it is piped");
    let answered = answer(question, None).unwrap_or_else(|bad| panic!("{bad}"));
    assert!(page.contains(&answered), "{answered}");
    let count = format!("{}", Bug::ALL.len());
    assert!(page.contains(&format!("one of {count} bugs")), "{count}");
}
