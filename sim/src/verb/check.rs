//! `lastbyte check`: every interleaving within bounds, every rule.

use std::process::ExitCode;

use clap::Args;
use lastbyte::monitor::Rule;
use lastbyte_sim::{catalogue::Specimen, explorer::Counterexample};
use serde_json::{Map, Value, json};

use super::{
    replay::print_steps,
    verdict::{Explored, Extent, Verdict, designs},
};

/// Explore every interleaving of bounded executions, and check every rule.
#[derive(Args, Debug)]
pub(crate) struct Check {
    #[command(flatten)]
    extent: Extent,
    /// Only this design.
    #[arg(long)]
    design: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Exit code 0: the reference holds every rule and every other design breaks just what it is
    /// known to break. 1: not so. 125: the check could not be made.
    pub(crate) fn run(&self) -> ExitCode {
        let explored =
            designs(self.design.as_deref()).and_then(|designs| self.extent.explore_all(&designs));
        let verdicts: Vec<Verdict> = match explored {
            Ok(verdicts) => verdicts,
            Err(why) => {
                eprintln!("lastbyte: {why}");
                return ExitCode::from(crate::OWN_ERROR);
            }
        };
        if self.json {
            let designs: Vec<Value> = verdicts.iter().map(Verdict::to_json).collect();
            println!("{}", json!({ "designs": designs }));
        } else {
            verdicts.iter().for_each(Verdict::print);
        }
        let expected = verdicts.iter().all(Verdict::is_expected);
        if expected { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl Verdict {
    fn to_json(&self) -> Value {
        let mut rules = Map::new();
        for rule in Rule::ALL
            .into_iter()
            .filter(|&rule| rule.is_monitored() || self.shortest(rule).is_some())
        {
            let entry = match self.shortest(rule) {
                None => json!({ "holds": true }),
                Some((place, found)) => json!({
                    "holds": false,
                    "steps": found.schedule.len(),
                    "token": self.token(place, &found.schedule).to_string(),
                    "why": found.broken.why,
                }),
            };
            rules.insert(rule.to_string(), entry);
        }
        let worlds: Vec<Value> = self
            .explored
            .iter()
            .map(|Explored { place, report, seconds }| {
                json!({
                    "world": place.name,
                    "states": report.states,
                    "transitions": report.transitions,
                    "interleavings": report.interleavings.to_string(),
                    "longest": report.longest,
                    "seconds": seconds,
                })
            })
            .collect();
        json!({
            "design": self.specimen.name,
            "states": self.states(),
            "interleavings": self.interleavings().to_string(),
            "rules": rules,
            "expected": self.is_expected(),
            "worlds": worlds,
        })
    }

    fn print(&self) {
        let Specimen { name: design, what, .. } = self.specimen;
        println!("{design}: {what}");
        println!("  {:<18}{:>12}{:>14}{:>9}  interleavings", "world", "states", "transitions", "s");
        for Explored { place, report, seconds } in &self.explored {
            println!(
                "  {:<18}{:>12}{:>14}{seconds:>9.2}  {}",
                place.name, report.states, report.transitions, report.interleavings
            );
        }
        println!(
            "  exhaustive within {} chunks a stream and {} waits of each kind: {} states, {} \
             interleavings, {:.2} s",
            self.size.0,
            self.size.1,
            self.states(),
            self.interleavings(),
            self.seconds()
        );
        self.print_rules();
        println!();
    }

    fn print_rules(&self) {
        for rule in Rule::ALL {
            let id = rule.to_string();
            if !rule.is_monitored() && self.shortest(rule).is_none() {
                println!("  {id:<4}-      {:<24} not shown by one machine", rule.name());
                continue;
            }
            let Some((place, found)) = self.shortest(rule) else {
                if self.specimen.breaks.is_empty() {
                    println!("  {id:<4}holds  {}", rule.name());
                } else {
                    // A design that is followed in some worlds, and only until it breaks.
                    println!("  {id:<4}-      {:<24} not broken there", rule.name());
                }
                continue;
            };
            let Counterexample { broken, schedule } = found;
            let steps = schedule.len();
            println!("  {id:<4}BROKEN {:<24} in {steps} steps: {}", rule.name(), broken.why);
            print_steps(&place.replay(schedule));
            println!("        lastbyte replay {}", self.token(place, schedule));
        }
        if !self.is_expected() {
            println!("  UNEXPECTED: known to break {:?}", self.specimen.breaks);
        }
    }
}
