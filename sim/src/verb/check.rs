//! `lastbyte check`: every interleaving within bounds, every rule.

use std::{collections::BTreeSet, process::ExitCode, time::Instant};

use clap::Args;
use lastbyte::monitor::Rule;
use lastbyte_sim::{
    catalogue::{Named, REFERENCE, Specimen, ZOO, worlds},
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
    worlds: Vec<(Named, Report, f64)>,
}

impl Check {
    /// Exit code 0: the reference holds every rule and every other design breaks just what it is
    /// known to break. 1: not so. 125: the check could not be made.
    pub(crate) fn run(&self) -> ExitCode {
        let designs: Vec<Specimen> = [REFERENCE]
            .into_iter()
            .chain(ZOO.iter().copied())
            .filter(|specimen| self.design.as_deref().is_none_or(|name| name == specimen.name))
            .collect();
        if designs.is_empty() {
            let name = self.design.as_deref().unwrap_or_default();
            let known: Vec<&str> =
                [REFERENCE].iter().chain(ZOO).map(|specimen| specimen.name).collect();
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
            let designs: Vec<Value> =
                verdicts.iter().map(|verdict| self.to_json(verdict)).collect();
            println!("{}", json!({ "designs": designs }));
        } else {
            verdicts.iter().for_each(|verdict| self.print(verdict));
        }
        let expected = verdicts.iter().all(Verdict::is_expected);
        if expected { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn explore(&self, specimen: Specimen) -> Result<Verdict, (&'static str, Incomplete)> {
        let mut explored = Vec::new();
        for named in worlds(self.chunks, self.waiters) {
            if specimen.world.is_some_and(|only| only != named.name) {
                continue;
            }
            let started = Instant::now();
            let report = (specimen.explore)(&named.bounds, self.states_max)
                .map_err(|incomplete| (named.name, incomplete))?;
            explored.push((named, report, started.elapsed().as_secs_f64()));
        }
        Ok(Verdict { specimen, worlds: explored })
    }

    fn token(&self, verdict: &Verdict, named: Named, schedule: &[u8]) -> Token {
        Token::new(verdict.specimen, named, (self.chunks, self.waiters), schedule)
    }

    fn to_json(&self, verdict: &Verdict) -> Value {
        let mut rules = Map::new();
        for rule in Rule::ALL.into_iter().filter(|rule| rule.is_monitored()) {
            let entry = match verdict.shortest(rule) {
                None => json!({ "holds": true }),
                Some((named, found)) => json!({
                    "holds": false,
                    "steps": found.schedule.len(),
                    "token": self.token(verdict, named, &found.schedule).to_string(),
                    "why": found.broken.why,
                }),
            };
            rules.insert(rule.to_string(), entry);
        }
        let worlds: Vec<Value> = verdict
            .worlds
            .iter()
            .map(|(named, report, seconds)| {
                json!({
                    "world": named.name,
                    "states": report.states,
                    "transitions": report.transitions,
                    "interleavings": report.interleavings.to_string(),
                    "longest": report.longest,
                    "seconds": seconds,
                })
            })
            .collect();
        json!({
            "design": verdict.specimen.name,
            "states": verdict.states(),
            "interleavings": verdict.interleavings().to_string(),
            "rules": rules,
            "expected": verdict.is_expected(),
            "worlds": worlds,
        })
    }

    fn print(&self, verdict: &Verdict) {
        let Specimen { name, what, .. } = verdict.specimen;
        println!("{name}: {what}");
        println!("  {:<18}{:>12}{:>14}{:>9}  interleavings", "world", "states", "transitions", "s");
        for (named, report, seconds) in &verdict.worlds {
            println!(
                "  {:<18}{:>12}{:>14}{seconds:>9.2}  {}",
                named.name, report.states, report.transitions, report.interleavings
            );
        }
        let seconds: f64 = verdict.worlds.iter().map(|(_, _, seconds)| seconds).sum();
        println!(
            "  exhaustive within {} chunks a stream and {} waits of each kind: {} states, {} \
             interleavings, {seconds:.2} s",
            self.chunks,
            self.waiters,
            verdict.states(),
            verdict.interleavings()
        );
        self.print_rules(verdict);
        println!();
    }

    fn print_rules(&self, verdict: &Verdict) {
        for rule in Rule::ALL {
            let id = rule.to_string();
            if !rule.is_monitored() {
                println!("  {id:<4}-      {:<24} not shown by one machine", rule.name());
                continue;
            }
            let Some((named, found)) = verdict.shortest(rule) else {
                match verdict.specimen.world {
                    None => println!("  {id:<4}holds  {}", rule.name()),
                    // A design that is followed in one world, and only until it breaks.
                    Some(world) => {
                        println!("  {id:<4}-      {:<24} not broken in {world}", rule.name());
                    }
                }
                continue;
            };
            let Counterexample { broken, schedule } = found;
            let steps = schedule.len();
            println!("  {id:<4}BROKEN {:<24} in {steps} steps: {}", rule.name(), broken.why);
            print_steps(&(verdict.specimen.replay)(&named.bounds, schedule));
            println!("        lastbyte replay {}", self.token(verdict, named, schedule));
        }
        if !verdict.is_expected() {
            println!("  UNEXPECTED: known to break {:?}", verdict.specimen.breaks);
        }
    }
}

impl Verdict {
    fn states(&self) -> u64 {
        self.worlds.iter().map(|(_, report, _)| report.states).sum()
    }

    fn interleavings(&self) -> BigUint {
        self.worlds.iter().map(|(_, report, _)| &report.interleavings).sum()
    }

    fn shortest(&self, rule: Rule) -> Option<(Named, &Counterexample)> {
        self.worlds
            .iter()
            .filter_map(|(named, report, _)| Some((*named, report.broken.get(&rule)?)))
            .min_by_key(|(_, found)| found.schedule.len())
    }

    /// Whether it breaks strictly the rules that it is known to break.
    fn is_expected(&self) -> bool {
        let broken: BTreeSet<Rule> =
            self.worlds.iter().flat_map(|(_, report, _)| report.broken.keys().copied()).collect();
        broken == self.specimen.breaks.iter().copied().collect()
    }
}
