//! What came of one seed, as a line of a sweep, and of many together.

use std::{collections::BTreeMap, fmt::Write};

use lastbyte::monitor::Rule;
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

impl Row {
    /// Whether what is said of a break can be: files come from other machines, and what they say is shown
    /// as a command to type.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(in crate::verb) fn check(&self, design: Design) -> Result<(), String> {
        let Some(BrokenRule { rule, token, .. }) = &self.broken else { return Ok(()) };
        let due = Token::Seed { design, seed: self.seed }.to_string();
        if *token != due {
            return Err(format!("the token {token:?} is not that of its seed, {due}"));
        }
        if !Rule::ALL.iter().any(|known| known.to_string() == *rule) {
            return Err(format!("there is no rule {rule:?}"));
        }
        Ok(())
    }
}

/// FNV-1a: it tells different logs apart, and keeps nobody from making like ones.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// So many seeds that break a rule are kept, by number; how many there are is counted.
const SEEDS_MAX: usize = 1000;

/// Seeds together.
#[derive(Clone, Debug, Default)]
pub(in crate::verb) struct Sum {
    pub(in crate::verb) runs: u64,
    pub(in crate::verb) executions: u64,
    pub(in crate::verb) faults: u64,
    pub(in crate::verb) complete: u64,
    pub(in crate::verb) lost: u64,
    virtual_ms: u64,
    /// What is known of each rule that broke.
    pub(in crate::verb) rules: BTreeMap<String, Known>,
    /// The first seeds that break a rule: which, and why.
    pub(in crate::verb) seeds: BTreeMap<u64, (String, String)>,
}

/// A rule that broke: how often, and by the first seed why and by which token.
#[derive(Clone, Debug)]
pub(in crate::verb) struct Known {
    pub(in crate::verb) runs: u64,
    pub(in crate::verb) seed: u64,
    pub(in crate::verb) why: String,
    pub(in crate::verb) token: String,
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
        if let Some(broken) = broken {
            self.add_broken(seed, broken);
        }
    }

    /// The first by number, in whichever order they come.
    fn add_broken(&mut self, seed: u64, broken: BrokenRule) {
        let BrokenRule { rule, why, token } = broken;
        self.seeds.insert(seed, (rule.clone(), why.clone()));
        if self.seeds.len() > SEEDS_MAX {
            self.seeds.pop_last();
        }
        let first = Known { runs: 0, seed, why, token };
        let known = self.rules.entry(rule).or_insert_with(|| first.clone());
        let runs = known.runs + 1;
        if seed < known.seed {
            *known = first;
        }
        known.runs = runs;
    }

    pub(in crate::verb) fn breaks(&self) -> bool {
        !self.rules.is_empty()
    }

    /// Seeds that break a rule.
    pub(in crate::verb) fn broken_runs(&self) -> u64 {
        self.rules.values().map(|known| known.runs).sum()
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
    pub(in crate::verb) fn told_rules(&self) -> String {
        let mut text = String::new();
        for (rule, Known { runs, why, token, .. }) in &self.rules {
            // A string takes everything.
            let _infallible = write!(
                text,
                "{rule} breaks in {runs} runs: {why}\nlastbyte network replay {token}\n"
            );
        }
        text
    }

    /// All of it, as the fields of an object.
    pub(in crate::verb) fn fields(&self) -> Map<String, Value> {
        let broken: Map<String, Value> = self
            .rules
            .iter()
            .map(|(rule, Known { runs, why, token, .. })| {
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
