//! The matrix for programs.

use std::collections::BTreeSet;

use lastbyte::monitor::Rule;
use serde_json::{Map, Value, json};

use super::{Explored, Sampling, Verdict};

impl Verdict {
    /// One object: the design, its counts, each of these rules with its shortest counterexample,
    /// and each place.
    pub fn to_json(&self, rules: &[Rule]) -> Value {
        json!({
            "design": self.specimen.name,
            "states": self.states(),
            "interleavings": self.interleavings().to_string(),
            "rules": self.rules_to_json(rules),
            "expected": self.is_expected(rules),
            "worlds": self.explored.iter().map(Explored::to_json).collect::<Vec<_>>(),
            "exhaustive": { "chunks": self.size.0, "waiters": self.size.1 },
            "sampled": self.sampled.as_ref().map(Sampling::to_json),
        })
    }

    fn rules_to_json(&self, rules: &[Rule]) -> Value {
        let mut entries = Map::new();
        for &rule in rules {
            let shortest = self.shortest(rule);
            if !rule.is_monitored() && shortest.is_none() {
                continue;
            }
            let entry = match shortest {
                None => json!({ "holds": true }),
                Some((place, found)) => json!({
                    "holds": false,
                    "steps": found.schedule.len(),
                    "token": self.token(place, &found.schedule).to_string(),
                    "why": found.broken.why,
                    "found_in_ms": self.found_in(rule).map(|found_in| found_in.as_secs_f64() * 1e3),
                }),
            };
            entries.insert(rule.to_string(), entry);
        }
        entries.into()
    }
}

impl Sampling {
    fn to_json(&self) -> Value {
        let rules: BTreeSet<String> =
            self.found.iter().map(|(_, found)| found.broken.rule.to_string()).collect();
        json!({
            "chunks": self.size.0,
            "waiters": self.size.1,
            "seeds": format!("0..{}", self.seeds),
            "strategies": ["random", "pct"],
            "schedules": self.schedules,
            "broken": rules,
        })
    }
}

impl Explored {
    fn to_json(&self) -> Value {
        let Explored { place, report, seconds } = self;
        json!({
            "world": place.name,
            "states": report.states,
            "transitions": report.transitions,
            "interleavings": report.interleavings.to_string(),
            "longest": report.longest,
            "seconds": seconds,
        })
    }
}
