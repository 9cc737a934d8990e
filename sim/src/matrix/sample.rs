//! `lastbyte sample`: schedules by seed, where there are too many to make them all.

use std::{ops::Range, process::ExitCode};

use clap::{Args, ValueEnum};
use lastbyte::monitor::Rule;
use serde_json::{Value, json};

use super::{named, replay_command, table::Steps};
use crate::{
    catalogue::{Place, Specimen},
    diagram::text::shown,
    executor::sample::{Sampled, Samples, Strategy},
    out::{refuse, tell},
    progress::counted,
    schedule::Token,
};

/// Make schedules by seed, and cut those that break a rule down to what is needed for it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Sample {
    /// Only this design.
    #[arg(long)]
    design: Option<String>,
    /// Only in this scenario.
    #[arg(long = "in", value_name = "SCENARIO")]
    place: Option<String>,
    /// Chunks that the child writes to each stream in `plain`.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(0..=3))]
    chunks: u8,
    /// Waiters in `plain`.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=4))]
    waiters: u8,
    /// One schedule for each of these.
    #[arg(long, value_name = "A..B", default_value = "0..1000", value_parser = seeds)]
    seeds: Range<u64>,
    /// How choices are drawn.
    #[arg(long, value_enum, default_value_t = How::Random)]
    strategy: How,
    /// Changes of priority in a schedule, for `pct`.
    #[arg(long, default_value_t = 3)]
    changes: u32,
    /// Show no progress. There is none either where stderr is no terminal.
    #[arg(long, short)]
    quiet: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum How {
    /// Each choice by chance.
    Random,
    /// Tasks have priorities by chance, which change a few times.
    Pct,
}

const EXAMPLES: &str = "\
Examples:
  lastbyte sample                                   1,000 schedules of each design and scenario
  lastbyte sample --design stock --seeds 0..50      the designs that break, from which seed
  lastbyte sample --design lastbyte-driver --strategy pct --seeds 0..100000

The same seed makes the same schedule. Exit codes: 0, nothing broke but what is known to break; 1,
something else did; 125, nothing could be made.";

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let form = || "no seeds; write A..B with A below B, such as 0..1000".to_owned();
    let (from, to) = text.split_once("..").ok_or_else(form)?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| form());
    let range = number(from)?..number(to)?;
    match range.is_empty() {
        true => Err("no seed is in it; write A..B with A below B, such as 0..1000".to_owned()),
        false => Ok(range),
    }
}

/// What was found of a design in a place.
struct Found {
    specimen: Specimen,
    place: Place,
    broken: Samples,
}

impl Sample {
    /// Exit code 0: nothing broke but what is known to break. 1: something else did. 125: nothing
    /// could be made.
    pub fn run(&self, known: &[Specimen]) -> ExitCode {
        let found = match self.make(known) {
            Ok(found) => found,
            Err(why) => return refuse(&why),
        };
        let text = if self.json {
            let sampled: Vec<Value> = found.iter().map(|found| self.to_json(found)).collect();
            format!("{}\n", json!({ "sampled": sampled }))
        } else {
            let told: String = found.iter().map(|found| self.told(found)).collect();
            let schedules = self.schedules(found.len());
            // A design of somebody else's may say anything.
            shown(&format!("{told}{schedules} schedules, sampled: not exhaustive\n"))
        };
        tell(&text, found.iter().all(Found::is_known))
    }

    /// How many schedules there are in so many places.
    fn schedules(&self, places: usize) -> u64 {
        places as u64 * (self.seeds.end - self.seeds.start)
    }

    /// The designs that are meant, each in the places where it is sampled.
    fn places(&self, known: &[Specimen]) -> Result<Vec<(Specimen, Place)>, String> {
        let is_meant = |place: &Place| {
            place.is_sampled() && self.place.as_deref().is_none_or(|wanted| wanted == place.name)
        };
        let designs = named(known, self.design.as_deref())?;
        let places = designs.into_iter().flat_map(|specimen| {
            let places = specimen.places(self.chunks, self.waiters).into_iter();
            places.map(move |place| (specimen, place))
        });
        Ok(places.filter(|(_, place)| is_meant(place)).collect())
    }

    fn make(&self, known: &[Specimen]) -> Result<Vec<Found>, String> {
        let strategy = match self.strategy {
            How::Random => Strategy::Random,
            How::Pct => Strategy::Pct { changes: self.changes },
        };
        let places = self.places(known)?;
        let bar = counted("schedules", self.schedules(places.len()), self.quiet);
        let mut found = Vec::new();
        for (specimen, place) in places {
            bar.set_message(format!("{} in {}", specimen.name, place.name));
            let seeds = self.seeds.clone().inspect(|_| bar.inc(1));
            if let Some(broken) = place.sample(strategy, seeds) {
                found.push(Found { specimen, place, broken });
            }
        }
        bar.finish_and_clear();
        if found.is_empty() {
            let wanted = match (&self.design, &self.place) {
                (Some(design), Some(place)) => format!("{design:?} in {place:?}"),
                (Some(design), None) => format!("{design:?}"),
                (None, Some(place)) => format!("any design in {place:?}"),
                (None, None) => "any design".to_owned(),
            };
            return Err(format!(
                "nothing to sample of {wanted}: machines are explored, by `check`, and stacks are \
                 asked in the scenarios that `check --design NAME` lists"
            ));
        }
        Ok(found)
    }

    fn token(&self, found: &Found, sampled: &Sampled) -> Token {
        let size = (self.chunks, self.waiters);
        Token::new(found.specimen, &found.place, size, &sampled.found.schedule)
    }

    fn told(&self, found: &Found) -> String {
        let mut text = String::new();
        for (rule, sampled) in &found.broken {
            let Sampled { seed, steps, found: cut } = sampled;
            let known = if found.specimen.breaks.contains(rule) { "" } else { "UNEXPECTED: " };
            let (name, place) = (found.specimen.name, found.place.name);
            text += &format!(
                "{known}{name} in {place} breaks {}\n  from seed {seed}, {} of its {steps} steps:\n{}\
                 \x20       {}\n\n",
                cut.broken,
                cut.schedule.len(),
                Steps(&found.place.replay(&cut.schedule)),
                replay_command(&self.token(found, sampled))
            );
        }
        text
    }

    fn to_json(&self, found: &Found) -> Value {
        let rule = |(rule, sampled): (&Rule, &Sampled)| {
            let entry = json!({
                "seed": sampled.seed,
                "steps_made": sampled.steps,
                "steps": sampled.found.schedule.len(),
                "token": self.token(found, sampled).to_string(),
                "why": sampled.found.broken.why,
            });
            (rule.to_string(), entry)
        };
        json!({
            "design": found.specimen.name,
            "world": found.place.name,
            "schedules": self.seeds.end - self.seeds.start,
            "rules": found.broken.iter().map(rule).collect::<serde_json::Map<_, _>>(),
            "expected": found.is_known(),
        })
    }
}

impl Found {
    fn is_known(&self) -> bool {
        self.broken.keys().all(|rule| self.specimen.breaks.contains(rule))
    }
}
