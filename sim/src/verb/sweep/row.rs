//! What came of one seed, as a line of a sweep, and of many together.

use std::{collections::BTreeMap, fmt::Write};

use lastbyte_sim::network::{faults::Outcome, reader::Design, token::Token};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// One seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::verb) struct Row {
    pub(in crate::verb) seed: u64,
    executions: u64,
    faults: u64,
    complete: u64,
    lost: u64,
    virtual_ms: u64,
    /// Of all that was seen: the same seed and code have the same.
    log: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    broken: Option<BrokenRule>,
}

/// The rule that broke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BrokenRule {
    rule: String,
    why: String,
    token: String,
}

impl Row {
    pub(in crate::verb) fn of(outcome: &Outcome, design: Design) -> Self {
        Row {
            seed: outcome.seed,
            executions: outcome.executions,
            faults: outcome.faults,
            complete: outcome.endings.complete,
            lost: outcome.endings.lost,
            virtual_ms: u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
            log: format!("{:016x}", digest(outcome.log.as_bytes())),
            broken: outcome.broken.map(|broken| BrokenRule {
                rule: broken.rule.to_string(),
                why: broken.why.to_owned(),
                token: Token::Seed { design, seed: outcome.seed }.to_string(),
            }),
        }
    }
}

/// FNV-1a: it tells different logs apart, and keeps nobody from making like ones.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Seeds together.
#[derive(Debug, Default)]
pub(in crate::verb) struct Sum {
    runs: u64,
    executions: u64,
    faults: u64,
    complete: u64,
    lost: u64,
    virtual_ms: u64,
    /// For each rule: how often it broke, and by the first seed why and by which token.
    broken: BTreeMap<String, (u64, u64, String, String)>,
}

impl Sum {
    pub(in crate::verb) fn add(&mut self, row: Row) {
        self.runs += 1;
        self.executions = self.executions.saturating_add(row.executions);
        self.faults = self.faults.saturating_add(row.faults);
        self.complete = self.complete.saturating_add(row.complete);
        self.lost = self.lost.saturating_add(row.lost);
        self.virtual_ms = self.virtual_ms.saturating_add(row.virtual_ms);
        let Row { seed, broken, .. } = row;
        let Some(BrokenRule { rule, why, token }) = broken else { return };
        let entry = self.broken.entry(rule).or_insert((0, u64::MAX, String::new(), String::new()));
        entry.0 += 1;
        // The first by number, in whichever order they come.
        if seed < entry.1 {
            (entry.1, entry.2, entry.3) = (seed, why, token);
        }
    }

    pub(in crate::verb) fn runs(&self) -> u64 {
        self.runs
    }

    pub(in crate::verb) fn breaks(&self) -> bool {
        !self.broken.is_empty()
    }

    pub(in crate::verb) fn virtual_seconds(&self) -> f64 {
        self.virtual_ms as f64 / 1000.0
    }

    /// What was run, in one line.
    pub(in crate::verb) fn head(&self) -> String {
        let Sum { runs, executions, faults, complete, lost, .. } = self;
        format!(
            "{runs} runs, {executions} executions, {faults} faults: {complete} readers had all, {lost} \
             were told that the runner is lost\n"
        )
    }

    /// The rules that broke, and how to see it.
    pub(in crate::verb) fn rules(&self) -> String {
        let mut text = String::new();
        for (rule, (times, _, why, token)) in &self.broken {
            // A string takes everything.
            let _infallible = write!(
                text,
                "{rule} breaks in {times} runs: {why}\nlastbyte network replay {token}\n"
            );
        }
        text
    }

    /// All of it, as the fields of an object.
    pub(in crate::verb) fn fields(&self) -> Map<String, Value> {
        let broken: Map<String, Value> = self
            .broken
            .iter()
            .map(|(rule, (runs, _, why, token))| {
                (rule.clone(), json!({ "runs": runs, "why": why, "token": token }))
            })
            .collect();
        let mut fields = Map::new();
        for (name, value) in [
            ("runs", json!(self.runs)),
            ("executions", json!(self.executions)),
            ("faults", json!(self.faults)),
            ("complete", json!(self.complete)),
            ("lost", json!(self.lost)),
            ("virtual_seconds", json!(self.virtual_seconds())),
            ("broken", Value::Object(broken)),
        ] {
            fields.insert(name.to_owned(), value);
        }
        fields
    }
}
