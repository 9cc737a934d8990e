//! Compares an answer with what has to follow, and names the rule.
//!
//! The rule is that of the contract's own checker, where the history as the port told it breaks
//! one. Where it does not, as for a clock that is too long, it is what the first line that differs
//! is about.

use lastbyte::{
    machine::{Input, Streams},
    monitor::{Monitor, Rule, Violation},
};
use serde_json::{Map, Value, json};

use super::{Difference, Trouble, Verdict};
use crate::vectors::{
    Outcome, Vector, about,
    words::{
        Text, policy,
        read::{self, Answer},
    },
};

/// The line that asks a vector.
pub fn question(vector: &Vector) -> String {
    let mut question = Map::new();
    question.insert("id".to_owned(), json!(vector.id));
    question.insert("streams".to_owned(), json!(vector.streams));
    question.insert("policy".to_owned(), json!(vector.policy));
    question.insert("inputs".to_owned(), json!(vector.inputs));
    Value::Object(question).to_string() + "\n"
}

/// Judges the line that came back.
pub fn judge(vector: &Vector, answer: &str) -> Verdict {
    match read_answer(vector, answer) {
        Ok(got) => match &vector.expected {
            expected if *expected == got => Verdict::Passed,
            expected => Verdict::Differs(difference(vector, expected, &got)),
        },
        Err(trouble) => Verdict::Trouble(trouble),
    }
}

/// The first characters of something that may be long.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(160).collect();
    if shown.len() < text.len() {
        shown.push_str(" ...");
    }
    shown
}

fn read_answer(vector: &Vector, answer: &str) -> Result<Outcome, Trouble> {
    let rubbish = |what: &str| Trouble::Rubbish(format!("{what}: {}", shown(answer.trim_end())));
    let value: Value = serde_json::from_str(answer).map_err(|_| rubbish("no JSON"))?;
    let id = value["id"].as_str().ok_or_else(|| rubbish("it has no `id`"))?;
    if id != vector.id {
        return Err(Trouble::OutOfOrder(format!("asked {}, answered {}", vector.id, shown(id))));
    }
    if let Some(why) = value.get("invalid") {
        let why = why.as_str().ok_or_else(|| rubbish("`invalid` is no string"))?;
        return Ok(Outcome::Invalid(why.to_owned()));
    }
    let steps = value.get("steps").ok_or_else(|| rubbish("it has no `steps`, and no `invalid`"))?;
    let steps: Option<Vec<Vec<String>>> =
        steps.as_array().and_then(|steps| steps.iter().map(strings).collect());
    let steps = steps.ok_or_else(|| rubbish("`steps` is no list of lists of strings"))?;
    let room = match value.get("room") {
        None => Vec::new(),
        Some(room) => strings(room).ok_or_else(|| rubbish("`room` is no list of strings"))?,
    };
    if steps.len() != vector.inputs.len() {
        let what = format!("{} inputs, and `steps` has {}", vector.inputs.len(), steps.len());
        return Err(rubbish(&what));
    }
    Ok(Outcome::Steps { steps, room })
}

fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|line| line.as_str().map(str::to_owned)).collect()
}

fn difference(vector: &Vector, expected: &Outcome, got: &Outcome) -> Difference {
    match (expected, got) {
        (
            Outcome::Steps { steps: expected, room: expected_room },
            Outcome::Steps { steps: got, room: got_room },
        ) => match expected.iter().zip(got).position(|(expected, got)| expected != got) {
            Some(step) => {
                let violation = violation(vector, got);
                Difference {
                    step: Some(step + 1),
                    expected: expected[step].clone(),
                    got: got[step].clone(),
                    rule: match &violation {
                        Some(violation) => violation.rule,
                        None => rule_of_step(&vector.inputs[step], &expected[step], &got[step]),
                    },
                    broken: violation.map(|violation| violation.to_string()),
                }
            }
            None => told("room", expected_room, got_room, Rule::C12),
        },
        (expected, got) => {
            let rule = match (expected, got) {
                (Outcome::Invalid(why), _) | (_, Outcome::Invalid(why)) => {
                    about::rule_of_invalid(why)
                }
                (Outcome::Steps { .. }, Outcome::Steps { .. }) => Rule::C12,
            };
            told("the policy", &policy_told(expected), &policy_told(got), rule)
        }
    }
}

fn policy_told(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Steps { .. } => vec!["can be carried out".to_owned()],
        Outcome::Invalid(why) => vec![format!("invalid {why}")],
    }
}

fn told(what: &str, expected: &[String], got: &[String], rule: Rule) -> Difference {
    let with = |lines: &[String]| {
        let lines = if lines.is_empty() { "nothing".to_owned() } else { lines.join("; ") };
        vec![format!("{what}: {lines}")]
    };
    Difference { step: None, expected: with(expected), got: with(got), rule, broken: None }
}

/// The first rule that the history breaks as the port tells it.
fn violation(vector: &Vector, steps: &[Vec<String>]) -> Option<Violation> {
    let streams: Streams = read::streams(&vector.streams).ok()?;
    let mut monitor = Monitor::new(streams, policy::read(&vector.policy).ok()?);
    for (input, step) in vector.inputs.iter().zip(steps) {
        let input: Input<Text> = read::input(input).ok()?;
        // What is not of the form ends what can be told of the history.
        match read::answer(step).ok()? {
            Answer::Illegal => {}
            Answer::Step(step) => {
                if let Err(violation) = monitor.observe(&input, &step) {
                    return Some(violation);
                }
            }
        }
    }
    None
}

/// What the first line that differs is about; that there is an event or not says least.
fn rule_of_step(input: &str, expected: &[String], got: &[String]) -> Rule {
    let Ok(input) = read::input(input) else { return Rule::C9 };
    let missing = expected.iter().filter(|line| !got.contains(line));
    let excess = got.iter().filter(|line| !expected.contains(line));
    let mut lines: Vec<&String> = missing.chain(excess).collect();
    lines.sort_by_key(|line| *line == "ready");
    let is_status = |line: &str| line.starts_with("exit ") || line.starts_with("terminal ");
    match lines[..] {
        [] => about::rule_of_input(&input),
        // Both tell an end, and not the same.
        [first, ..] if is_status(first) && got.iter().any(|line| is_status(line)) => Rule::C9,
        [first, ..] => about::rule_of_line(&input, first),
    }
}
