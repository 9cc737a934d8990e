//! What a conformance run found: tables by topic and by rule, and how each rule first fails.

use std::{collections::BTreeMap, fmt::Write};

use lastbyte::monitor::Rule;
use serde_json::{Map, Value, json};

use super::{Difference, Outcomes, Verdict};
use crate::{
    diagram::text::shown,
    vectors::{Outcome, Vector},
};

/// How many vectors there are, and how many of them failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Vectors.
    pub vectors: u64,
    /// Those that did not pass.
    pub failed: u64,
}

impl Count {
    fn add(&mut self, verdict: &Verdict) {
        self.vectors += 1;
        self.failed += u64::from(*verdict != Verdict::Passed);
    }
}

impl Outcomes {
    /// By topic, in the order in which they were asked.
    pub fn by_topic(&self) -> Vec<(&str, Count)> {
        let mut topics: Vec<(&str, Count)> = Vec::new();
        for (vector, verdict) in &self.all {
            if topics.last().is_none_or(|(topic, _)| *topic != vector.topic()) {
                topics.push((vector.topic(), Count::default()));
            }
            if let Some((_, count)) = topics.last_mut() {
                count.add(verdict);
            }
        }
        topics
    }

    /// By the rules that vectors are about: how many there are; and how many failed at that rule.
    pub fn by_rule(&self) -> BTreeMap<Rule, Count> {
        let mut rules: BTreeMap<Rule, Count> = BTreeMap::new();
        for (vector, verdict) in &self.all {
            vector.rules.iter().for_each(|&rule| rules.entry(rule).or_default().vectors += 1);
            if let Some(rule) = verdict.rule() {
                rules.entry(rule).or_default().failed += 1;
            }
        }
        rules
    }

    /// For each rule that is broken, the vector that breaks it in the fewest steps.
    pub fn shortest(&self) -> BTreeMap<Rule, (&Vector, &Difference)> {
        let mut shortest: BTreeMap<Rule, (&Vector, &Difference)> = BTreeMap::new();
        let steps = |difference: &Difference| difference.step.unwrap_or(usize::MAX);
        for (vector, verdict) in &self.all {
            let Verdict::Differs(difference) = verdict else { continue };
            let found = shortest.entry(difference.rule).or_insert((vector, difference));
            if steps(difference) < steps(found.1) {
                *found = (vector, difference);
            }
        }
        shortest
    }

    /// The tables, and an example for each rule that fails.
    pub fn told(&self) -> String {
        let mut text = String::new();
        // A string takes it all.
        let _written = self.tell(&mut text);
        // What a shim has said is shown, and not obeyed by a terminal.
        shown(&text)
    }

    fn tell(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "{:<14}{:>9}{:>9}", "topic", "vectors", "failed")?;
        for (topic, count) in self.by_topic() {
            writeln!(text, "{topic:<14}{:>9}{:>9}", count.vectors, count.failed)?;
        }
        writeln!(text, "\n{:<4}{:<24}{:>9}{:>9}", "rule", "", "vectors", "failed")?;
        for (rule, count) in self.by_rule() {
            let (id, name) = (rule.to_string(), rule.name());
            writeln!(text, "{id:<4}{name:<24}{:>9}{:>9}", count.vectors, count.failed)?;
        }
        for (rule, (vector, difference)) in self.shortest() {
            writeln!(text, "\n{rule} ({}), its shortest failure: {}", rule.name(), vector.id)?;
            tell_difference(text, vector, difference)?;
        }
        for (vector, trouble) in self.troubles().take(TOLD_MAX) {
            writeln!(text, "\n{}: {}", vector.id, trouble.told())?;
        }
        for ending in &self.endings {
            writeln!(text, "\n{ending}")?;
        }
        let unasked = self.all.iter().filter(|(_, verdict)| *verdict == Verdict::NotAsked).count();
        if unasked > 0 {
            writeln!(
                text,
                "\n{unasked} vectors were not asked: the shim failed to answer too often"
            )?;
        }
        let failed = self.failed().count();
        let all = self.all.len();
        match (failed, self.endings.is_empty()) {
            (0, true) => writeln!(text, "\nall {all} vectors pass"),
            (0, false) => {
                writeln!(text, "\nall {all} vectors pass, and the shim does not end well")
            }
            _ => writeln!(text, "\n{failed} of {all} vectors fail"),
        }
    }

    /// All of it as one JSON object.
    pub fn to_json(&self) -> Value {
        let count = |count: Count| json!({ "vectors": count.vectors, "failed": count.failed });
        let topics: Map<String, Value> =
            self.by_topic().into_iter().map(|(topic, it)| (topic.to_owned(), count(it))).collect();
        let rules: Map<String, Value> =
            self.by_rule().into_iter().map(|(rule, it)| (rule.to_string(), count(it))).collect();
        let failures: Vec<Value> =
            self.failed().map(|(vector, verdict)| failure(vector, verdict)).collect();
        json!({
            "passed": self.is_passed(),
            "vectors": self.all.len(),
            "failed": failures.len(),
            "topics": topics,
            "rules": rules,
            "failures": failures,
            "endings": self.endings,
        })
    }
}

/// So many vectors without an answer are told.
const TOLD_MAX: usize = 5;

fn failure(vector: &Vector, verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Passed => json!({ "id": vector.id }),
        Verdict::NotAsked => json!({ "id": vector.id, "kind": "not asked" }),
        Verdict::Trouble(trouble) => {
            json!({ "id": vector.id, "kind": trouble.name(), "why": trouble.told() })
        }
        Verdict::Differs(Difference { step, expected, got, rule, broken }) => json!({
            "id": vector.id,
            "kind": "differs",
            "rule": rule.to_string(),
            "step": step,
            "expected": expected,
            "got": got,
            "broken": broken,
        }),
    }
}

/// The inputs up to the first difference, each with what followed, and the difference.
fn tell_difference(
    text: &mut String,
    vector: &Vector,
    difference: &Difference,
) -> std::fmt::Result {
    let policy = if vector.policy.is_empty() { "default".into() } else { vector.policy.join("; ") };
    writeln!(text, "  streams {}; policy {policy}", vector.streams)?;
    if let Outcome::Steps { steps, .. } = &vector.expected {
        let last = difference.step.unwrap_or(steps.len());
        let before = vector.inputs.iter().zip(steps).take(last).enumerate();
        for (place, (input, step)) in before {
            let number = place + 1;
            if difference.step == Some(number) {
                writeln!(text, "  {number:>3}. {input}")?;
            } else {
                writeln!(text, "  {number:>3}. {input} -> {}", lines(step))?;
            }
        }
    }
    writeln!(text, "       expected: {}", lines(&difference.expected))?;
    writeln!(text, "       got:      {}", lines(&difference.got))?;
    if let Some(broken) = &difference.broken {
        writeln!(text, "       as told by the port, {broken}")?;
    }
    Ok(())
}

/// Lines in one; nothing is a word.
pub(crate) fn lines(lines: &[String]) -> String {
    if lines.is_empty() {
        return "nothing".to_owned();
    }
    let lines: Vec<String> = lines.iter().map(|line| line.escape_debug().to_string()).collect();
    lines.join("; ")
}
