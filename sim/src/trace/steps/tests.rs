//! Steps that are right pass; each mistake in them is found at its line, clocks included.

use std::{fs, path::Path};

use lastbyte::monitor::Rule;
use serde_json::json;

use crate::{
    trace::{Checker, Finding, Malformed},
    vectors::{Outcome, Vector, store, words},
};

/// A held stream that ends by its idle clock, after one that is paused and goes on.
const IDLE: &[&str] = &[
    r#"{"event":"machine","outputs":["stdout"],"policy":["buffer_bytes_max 4","drain idle 100 5000"]}"#,
    r#"{"event":"step","at":0.5,"input":"started","follows":[]}"#,
    r#"{"event":"step","at":10,"input":"chunk stdout abc","follows":["ready"]}"#,
    r#"{"event":"step","at":20,"input":"reap exited 0 standing stdout 1","follows":["arm idle stdout 100","arm deadline stdout 5000","ready"]}"#,
    r#"{"event":"step","at":20,"input":"chunk stdout d","follows":["pause stdout","arm_held idle stdout 100","hold deadline stdout","ready"]}"#,
    r#"{"event":"step","at":50,"input":"drain","follows":["chunk stdout abc","resume stdout","resume idle stdout","resume deadline stdout","ready"]}"#,
    r#"{"event":"step","at":50,"input":"empty stdout","follows":["ready"]}"#,
    r#"{"event":"step","at":60,"input":"drain","follows":["chunk stdout d"]}"#,
    r#"{"event":"step","at":150,"input":"timeout idle stdout","follows":[]}"#,
    r#"{"event":"step","at":151,"input":"empty stdout","follows":["abandon stdout","disarm deadline stdout","ready"]}"#,
    r#"{"event":"step","at":151,"input":"drain","follows":["end stdout cut idle","ready"]}"#,
    r#"{"event":"step","at":151,"input":"drain","follows":["exit exited 0","report stdout 4 0 cut idle held"]}"#,
];

fn check(lines: &[String]) -> Result<Vec<Finding>, Malformed> {
    let mut checker = Checker::new(true);
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(lines) {
        findings.extend(checker.take(number, line.as_bytes())?);
    }
    findings.extend(checker.finish());
    Ok(findings)
}

fn lines(of: &[&str]) -> Vec<String> {
    of.iter().map(|&line| line.to_owned()).collect()
}

/// The canonical history, in whose line `number` this stands instead of that.
#[track_caller]
fn assert_breaks(rule: Rule, why: &str, number: usize, that: &str, this: &str) {
    let mut changed = lines(IDLE);
    assert!(changed[number - 1].contains(that), "{}", changed[number - 1]);
    changed[number - 1] = changed[number - 1].replace(that, this);
    let findings = check(&changed).unwrap_or_else(|malformed| panic!("{malformed:?}"));
    let found: Vec<_> =
        findings.iter().map(|it| (it.line, it.broken.rule, it.broken.why)).collect();
    assert_eq!(found, [(number as u64, rule, why)]);
    assert_eq!(findings[0].rows.len(), number);
}

#[track_caller]
fn assert_malformed(why: &str, lines: &[String]) {
    match check(lines) {
        Ok(findings) => panic!("it is taken: {findings:?}"),
        Err(malformed) => assert_eq!((malformed.line, &*malformed.why), (lines.len() as u64, why)),
    }
}

/// If this were red, a port that does all right would be accused.
#[test]
fn steps_that_are_right_pass_with_and_without_times() {
    assert_eq!(check(&lines(IDLE)), Ok(vec![]));
    let timeless: Vec<String> = lines(IDLE)
        .iter()
        .map(|line| match (line.find("\"at\""), line.find("\"input\"")) {
            (Some(at), Some(input)) => format!("{}{}", &line[..at], &line[input..]),
            _ => line.clone(),
        })
        .collect();
    assert_eq!(check(&timeless), Ok(vec![]));
    // A refused input has changed nothing, and the name of one that is over may be used again.
    let refused = r#"{"event":"step","at":11,"input":"drain","follows":["illegal no_consumer"]}"#;
    let mut twice = lines(IDLE);
    twice.insert(3, refused.to_owned());
    twice.extend(lines(IDLE));
    assert_eq!(check(&twice), Ok(vec![]));
}

/// If this were red, the first trace that a reader copies would be no trace.
#[test]
fn the_steps_of_the_page_pass() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/traces.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let (_, rest) = page.split_once("## Step by step").expect("it has the heading");
    let (_, rest) = rest.split_once("```json\n").expect("it has an example");
    let (example, _) = rest.split_once("```").expect("it ends");
    assert_eq!(check(&lines(&example.lines().collect::<Vec<_>>())), Ok(vec![]));
}

fn told(vector: &Vector) -> Option<Vec<String>> {
    let Outcome::Steps { steps, .. } = &vector.expected else { return None };
    let streams = words::read::streams(&vector.streams).expect("streams of ours");
    let outputs: Vec<&str> = streams.ids().iter().map(|id| id.name()).collect();
    let machine = json!({ "event": "machine", "outputs": outputs, "policy": vector.policy });
    let steps = vector.inputs.iter().zip(steps);
    let steps =
        steps.map(|(input, step)| json!({ "event": "step", "input": input, "follows": step }));
    Some([machine].into_iter().chain(steps).map(|line| line.to_string()).collect())
}

/// If this were red, the checker would accuse the reference, in some state or other.
#[test]
fn every_vector_passes_as_a_trace() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let vectors = store::read(&folder).expect("the vectors are there");
    let mut passed = 0;
    for vector in &vectors {
        let Some(lines) = told(vector) else { continue };
        let mut checker = Checker::new(false);
        for (number, line) in (1..).zip(&lines) {
            let found = checker.take(number, line.as_bytes());
            assert_eq!(found, Ok(None), "{}: {line}", vector.id);
        }
        passed += 1;
    }
    assert!(passed > 20_000, "{passed} of {}", vectors.len());
}

/// If this were red, a terminal that waits for a timer would pass.
#[test]
fn c05_a_terminal_that_does_not_stand_at_once_is_found() {
    let why = "the root is reaped and every stream has ended, and nothing is ready";
    assert_breaks(Rule::C5, why, 10, r#","ready"]"#, "]");
    let why = "the root is reaped, every stream has ended, and no terminal came";
    let exit = r#""exit exited 0","report stdout 4 0 cut idle held""#;
    assert_breaks(Rule::C5, why, 12, exit, r#""ready""#);
}

/// If this were red, a clock of another length, or one that does not stand still, would pass.
#[test]
fn c06_a_clock_that_runs_wrong_is_found() {
    let early = "a timer ran out before its time";
    // It stood still from 20 to 50, so 149 is within the slack and 148 is not.
    assert_breaks(Rule::C6, early, 9, "\"at\":150", "\"at\":148.9");
    let mut slack = lines(IDLE);
    slack[8] = slack[8].replace("\"at\":150", "\"at\":149");
    assert_eq!(check(&slack), Ok(vec![]));
    let length = "a timer was armed for another time than the policy has";
    assert_breaks(Rule::C6, length, 4, "idle stdout 100", "idle stdout 99");
    assert_breaks(Rule::C6, length, 5, "arm_held idle stdout 100", "arm_held idle stdout 5000");
    let off = "a timer ran out that was not armed";
    assert_breaks(Rule::C6, off, 9, "timeout idle stdout", "timeout grace");
}

/// If this were red, bytes that a port invents or loses would pass.
#[test]
fn c03_bytes_are_held_to_those_that_were_read() {
    let mut changed = lines(IDLE);
    changed[5] = changed[5].replace("chunk stdout abc", "chunk stdout abd");
    let findings = check(&changed).expect("it is of the form");
    assert_eq!((findings[0].line, findings[0].broken.rule), (6, Rule::C3));
}

/// If this were red, an execution that hangs would pass.
#[test]
fn c06_what_is_missing_at_the_end_is_found() {
    let findings = check(&lines(&IDLE[..9])).expect("it is of the form");
    assert_eq!((findings[0].line, findings[0].broken.rule), (9, Rule::C6));
}

/// If this were red, a slip in a line would be taken for something else.
#[test]
fn a_line_that_is_not_of_the_form_says_what_is_wrong() {
    let with = |line: &str| [lines(&IDLE[..2]), vec![line.to_owned()]].concat();
    let step = |fields: &str| with(&format!(r#"{{"event":"step",{fields}}}"#));
    for (why, lines) in [
        (
            "`at` is before that of an earlier line of this execution",
            step(r#""at":0.4,"input":"drain","follows":[]"#),
        ),
        (
            "no `at`, which earlier lines of this execution have",
            step(r#""input":"drain","follows":[]"#),
        ),
        ("this event has a field `follows`, which is missing", step(r#""at":1,"input":"drain""#)),
        (
            "no time -1; it is milliseconds since some moment, from 0",
            step(r#""at":-1,"input":"drain","follows":[]"#),
        ),
        ("after its `machine` this execution has only `step` lines", with(r#"{"event":"kill"}"#)),
        ("after its `machine` this execution has only `step` lines", with(IDLE[0])),
        (
            "`machine` and `step` have no place among the lines of this execution",
            lines(&[r#"{"event":"start"}"#, IDLE[1]]),
        ),
        (
            "no execution has just these streams, in this order",
            lines(&[r#"{"event":"machine","outputs":["stderr","stdout"]}"#]),
        ),
    ] {
        assert_malformed(why, &lines);
    }
    let unknown = check(&step(r#""at":1,"input":"finish","follows":[]"#)).expect_err("no input");
    assert!(unknown.why.contains("finish"), "{unknown:?}");
    let unknown = check(&step(r#""at":1,"input":"drain","follows":["explode"]"#));
    assert!(unknown.expect_err("no answer").why.contains("explode"));
}
