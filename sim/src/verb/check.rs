//! `lastbyte check`: every interleaving within bounds, every rule.

use std::{collections::BTreeSet, process::ExitCode, time::Instant};

use clap::Args;
use lastbyte::monitor::Rule;
use lastbyte_sim::{
    catalogue::{Place, Specimen, specimens},
    explorer::{Counterexample, Incomplete, Report},
    schedule::Token,
};
use num_bigint::BigUint;
use serde_json::{Map, Value, json};

use super::replay::print_steps;

/// Explore every interleaving of bounded executions, and check every rule.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// Chunks that the child writes to each stream.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(0..=6))]
    chunks: u8,
    /// Waits of each kind, at any moment.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=4))]
    waiters: u8,
    /// Chunks where designs of the zoo are explored that consist of many tasks.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=3))]
    zoo_chunks: u8,
    /// Only this design.
    #[arg(long)]
    design: Option<String>,
    /// Give up, and say so, beyond so many states of one world.
    #[arg(long, default_value_t = 20_000_000)]
    states_max: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// A design in all worlds it was explored in.
struct Verdict {
    specimen: Specimen,
    size: (u8, u8),
    worlds: Vec<(&'static str, Place, Report, f64)>,
}

impl Check {
    /// Exit code 0: the reference holds every rule and every other design breaks just what it is
    /// known to break. 1: not so. 125: the check could not be made.
    pub(crate) fn run(&self) -> ExitCode {
        let designs: Vec<Specimen> = specimens()
            .filter(|specimen| self.design.as_deref().is_none_or(|name| name == specimen.name))
            .collect();
        if designs.is_empty() {
            let name = self.design.as_deref().unwrap_or_default();
            let known: Vec<&str> = specimens().map(|specimen| specimen.name).collect();
            eprintln!("lastbyte: no design {name:?}; there are {}", known.join(", "));
            return ExitCode::from(crate::OWN_ERROR);
        }
        let mut verdicts = Vec::new();
        for specimen in designs {
            match self.explore(specimen) {
                Ok(verdict) => verdicts.push(verdict),
                Err((world, incomplete)) => {
                    eprintln!("lastbyte: {} in {world}: {incomplete}", specimen.name);
                    return ExitCode::from(crate::OWN_ERROR);
                }
            }
        }
        if self.json {
            let designs: Vec<Value> = verdicts.iter().map(Verdict::to_json).collect();
            println!("{}", json!({ "designs": designs }));
        } else {
            verdicts.iter().for_each(Verdict::print);
        }
        let expected = verdicts.iter().all(Verdict::is_expected);
        if expected { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Chunks and waiters for a design: many tasks make many more schedules than one machine has
    /// states, and the zoo shows what it breaks with few.
    fn size(&self, specimen: Specimen) -> (u8, u8) {
        if specimen.is_stack() && !specimen.breaks.is_empty() || specimen.name == "os-exec" {
            (self.chunks.min(self.zoo_chunks), self.waiters.min(1))
        } else {
            (self.chunks, self.waiters)
        }
    }

    fn explore(&self, specimen: Specimen) -> Result<Verdict, (&'static str, Incomplete)> {
        let mut explored = Vec::new();
        let size = self.size(specimen);
        for (name, place) in specimen.places(size.0, size.1) {
            let started = Instant::now();
            let report = specimen
                .explore(&place, self.states_max)
                .map_err(|incomplete| (name, incomplete))?;
            explored.push((name, place, report, started.elapsed().as_secs_f64()));
        }
        Ok(Verdict { specimen, size, worlds: explored })
    }

    fn token(verdict: &Verdict, (name, place): (&str, &Place), schedule: &[u8]) -> Token {
        Token::new(verdict.specimen, (name, place), verdict.size, schedule)
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
                Some((named, found)) => json!({
                    "holds": false,
                    "steps": found.schedule.len(),
                    "token": Check::token(self, named, &found.schedule).to_string(),
                    "why": found.broken.why,
                }),
            };
            rules.insert(rule.to_string(), entry);
        }
        let worlds: Vec<Value> = self
            .worlds
            .iter()
            .map(|(name, _, report, seconds)| {
                json!({
                    "world": name,
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
        for (name, _, report, seconds) in &self.worlds {
            println!(
                "  {:<18}{:>12}{:>14}{seconds:>9.2}  {}",
                name, report.states, report.transitions, report.interleavings
            );
        }
        let seconds: f64 = self.worlds.iter().map(|(_, _, _, seconds)| seconds).sum();
        println!(
            "  exhaustive within {} chunks a stream and {} waits of each kind: {} states, {} \
             interleavings, {seconds:.2} s",
            self.size.0,
            self.size.1,
            self.states(),
            self.interleavings()
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
            let Some((named, found)) = self.shortest(rule) else {
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
            print_steps(&self.specimen.replay(named.1, schedule));
            println!("        lastbyte replay {}", Check::token(self, named, schedule));
        }
        if !self.is_expected() {
            println!("  UNEXPECTED: known to break {:?}", self.specimen.breaks);
        }
    }

    fn states(&self) -> u64 {
        self.worlds.iter().map(|(_, _, report, _)| report.states).sum()
    }

    fn interleavings(&self) -> BigUint {
        self.worlds.iter().map(|(_, _, report, _)| &report.interleavings).sum()
    }

    fn shortest(&self, rule: Rule) -> Option<((&'static str, &Place), &Counterexample)> {
        self.worlds
            .iter()
            .filter_map(|(name, place, report, _)| {
                Some(((*name, place), report.broken.get(&rule)?))
            })
            .min_by_key(|(_, found)| found.schedule.len())
    }

    /// Whether it breaks strictly the rules that it is known to break.
    fn is_expected(&self) -> bool {
        let broken: BTreeSet<Rule> = self
            .worlds
            .iter()
            .flat_map(|(_, _, report, _)| report.broken.keys().copied())
            .collect();
        broken == self.specimen.breaks.iter().copied().collect()
    }
}
