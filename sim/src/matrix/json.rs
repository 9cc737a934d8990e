//! The matrix for programs.

use lastbyte::monitor::Rule;
use serde_json::{Map, Value, json};

use super::{Explored, Verdict};

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
                }),
            };
            entries.insert(rule.to_string(), entry);
        }
        entries.into()
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
