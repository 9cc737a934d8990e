//! `lastbyte network`: the production runner and client on a simulated network.

mod page;

use std::{ops::Range, path::PathBuf, process::ExitCode, time::Instant};

use clap::{Args, Subcommand};
use lastbyte_sim::{
    network::{
        faults,
        orders::{Merge, Orders as Found, every_order, first_break},
        reader::Design,
        small::{HOSTS, Small, SmallRun},
        token::{self, Token},
    },
    report::{self, Sheet},
};
use serde_json::{Value, json};

use crate::{
    out::{refuse, tell},
    progress::counted,
};

/// The production runner and client on a simulated network: every order of small commands, and
/// faults by seed.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lastbyte network orders --small short
  lastbyte network seeds 0..1000
  lastbyte network seeds 0..1000 --design exit-on-wait
  lastbyte network replay seed:lastbyte:17

Exit codes: 0 when all is as expected: the client that ships breaks no rule, and a wrong one is caught;
1 when it is not; 125 for a token or range that cannot be read.")]
pub(crate) struct Network {
    #[command(subcommand)]
    verb: NetworkVerb,
}

#[derive(Subcommand, Debug)]
enum NetworkVerb {
    Orders(Orders),
    Seeds(Seeds),
    Replay(Replay),
}

/// Run every order of deliveries, of what the child does and of what the reactor tells.
#[derive(Args, Debug)]
struct Orders {
    /// Which small command [default: all].
    #[arg(long, value_parser = name_of(Small::ALL, Small::name))]
    small: Option<String>,
    /// Who reads.
    #[arg(long, default_value = "lastbyte", value_parser = name_of(Design::ALL, Design::name))]
    design: String,
    /// Merge nothing: run each order to its end.
    #[arg(long)]
    plain: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Write a page for people to this file too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Run seeds with faults: latency, partitions, holds, crashes, second readers, slow readers.
#[derive(Args, Debug)]
struct Seeds {
    /// From where up to where: `A..B`, or the first `N`.
    #[arg(default_value = "0..1000", value_parser = range)]
    seeds: Range<u64>,
    /// Who reads.
    #[arg(long, default_value = "lastbyte", value_parser = name_of(Design::ALL, Design::name))]
    design: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Show no progress. There is none either where stderr is no terminal.
    #[arg(long, short)]
    quiet: bool,
    /// Write a page for people to this file too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Run one again, and print all that was seen.
#[derive(Args, Debug)]
struct Replay {
    /// What a failure has printed.
    token: Token,
}

/// One of these names.
pub(super) fn name_of<T, const N: usize>(
    all: [T; N],
    name: fn(T) -> &'static str,
) -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(all.map(name))
}

pub(super) fn range(text: &str) -> Result<Range<u64>, String> {
    let form = "write A..B with A below B, such as 0..1000, or how many from 0";
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("no seeds; {form}"));
    let range = match text.split_once("..") {
        Some((from, to)) => number(from)?..number(to)?,
        None => 0..number(text)?,
    };
    if range.is_empty() { Err(format!("no seed is in it; {form}")) } else { Ok(range) }
}

pub(super) fn design(name: &str) -> Design {
    Design::ALL.into_iter().find(|it| it.name() == name).unwrap_or(Design::Lastbyte)
}

impl Network {
    pub(crate) fn run(&self) -> ExitCode {
        let told = match &self.verb {
            NetworkVerb::Orders(orders) => orders.run(),
            NetworkVerb::Seeds(seeds) => seeds.run(),
            NetworkVerb::Replay(replay) => replay.run(),
        };
        match told {
            Ok((text, as_expected)) => tell(&text, as_expected),
            Err(why) => refuse(&why),
        }
    }
}

/// What to print, and whether it is as expected.
type Told = (String, bool);

pub(super) fn as_expected(design: Design, breaks: bool) -> bool {
    breaks == (design != Design::Lastbyte)
}

impl Orders {
    fn run(&self) -> Result<Told, String> {
        let sheet = Sheet::open("--html", self.html.as_deref())?;
        let design = design(&self.design);
        let chosen = |small: &Small| self.small.as_ref().is_none_or(|name| small.name() == name);
        let merge = if self.plain { Merge::Nothing } else { Merge::Alike };
        let (mut text, mut objects, mut breaks) = (String::new(), Vec::new(), false);
        let mut all = Vec::new();
        for small in Small::ALL.into_iter().filter(chosen) {
            let start = Instant::now();
            let make = || SmallRun::start(small, design);
            // Of a wrong one it is enough to know that it is caught.
            let found = match design {
                Design::Lastbyte => every_order(make, HOSTS, merge),
                Design::ExitOnWait
                | Design::ResumeFromStart
                | Design::ResumeFromEnd
                | Design::LostIsExit => first_break(make, HOSTS),
            };
            let found = found.map_err(|error| {
                format!("the runs of `{}` do not repeat: {error}", small.name())
            })?;
            breaks |= !found.broken.is_empty();
            let seconds = start.elapsed().as_secs_f64();
            let (text_of, object) = told(small, design, &found, seconds);
            text += &text_of;
            objects.push(object);
            all.push((small, found, seconds));
        }
        sheet
            .write(|| report::page(&page::of_orders(design, &all, as_expected(design, breaks))))?;
        let text = if self.json { line(&json!({ "orders": objects })) } else { text };
        Ok((text, as_expected(design, breaks)))
    }
}

/// What was found in the orders of one command, in words and as an object.
fn told(small: Small, design: Design, found: &Found, seconds: f64) -> (String, Value) {
    let (name, longest, runs) = (small.name(), found.longest, found.runs);
    let mut text = format!(
        "{name:<7} {:>9} orders, {:>7} places, {runs:>7} runs, {longest:>2} choices at most, \
         {seconds:.1} s\n",
        found.orders, found.places
    );
    let mut rules = serde_json::Map::new();
    for (rule, counterexample) in &found.broken {
        let (token, _) = order(small, design, &counterexample.choices);
        let why = counterexample.broken.why;
        text += &format!("        {rule} breaks: {why}\n        lastbyte network replay {token}\n");
        rules.insert(rule.to_string(), json!({ "why": why, "token": token }));
    }
    let object = json!({
        "command": name, "design": design.name(), "orders": found.orders.to_string(),
        "places": found.places, "runs": runs, "longest": longest, "seconds": seconds,
        "broken": rules,
    });
    (text, object)
}

/// The token of an order, and what happens in it.
fn order(small: Small, design: Design, choices: &[u8]) -> (String, Option<token::Replayed>) {
    let choices = choices.to_vec();
    let told = token::replay(small, design, &choices).ok();
    let check = told.as_ref().map_or(0, |told| token::check(&told.choices));
    (Token::Order { small, design, choices, check }.to_string(), told)
}

fn line(object: &Value) -> String {
    format!("{object}\n")
}

impl Seeds {
    fn run(&self) -> Result<Told, String> {
        let sheet = Sheet::open("--html", self.html.as_deref())?;
        let design = design(&self.design);
        let seeds = self.seeds.clone();
        let bar = counted("seeds", seeds.end - seeds.start, self.quiet);
        let start = Instant::now();
        let mut sum = Sum::default();
        for seed in seeds.clone() {
            sum.add(&faults::run(seed, design), design);
            bar.inc(1);
        }
        bar.finish_and_clear();
        let took = start.elapsed().as_secs_f64();
        let expected = as_expected(design, !sum.broken.is_empty());
        sheet.write(|| report::page(&page::of_seeds(design, &seeds, &sum, took, expected)))?;
        Ok((if self.json { sum.json(took) } else { sum.text(took) }, expected))
    }
}

/// Runs together.
#[derive(Default)]
struct Sum {
    runs: u64,
    executions: u64,
    faults: u64,
    complete: u64,
    lost: u64,
    virtual_seconds: f64,
    /// For each rule: how often it broke, why and by which token first.
    broken: std::collections::BTreeMap<String, (u64, &'static str, String)>,
}

impl Sum {
    fn add(&mut self, outcome: &faults::Outcome, design: Design) {
        self.runs += 1;
        self.executions += outcome.executions;
        self.faults += outcome.faults;
        self.complete += outcome.endings.complete;
        self.lost += outcome.endings.lost;
        self.virtual_seconds += outcome.took.as_secs_f64();
        if let Some(broken) = outcome.broken {
            let token = Token::Seed { design, seed: outcome.seed }.to_string();
            let entry = self.broken.entry(broken.rule.to_string());
            entry.or_insert((0, broken.why, token)).0 += 1;
        }
    }

    fn text(&self, took: f64) -> String {
        let Sum { runs, executions, faults, complete, lost, virtual_seconds, .. } = self;
        let rate = *executions as f64 / took;
        let mut text = format!(
            "{runs} runs, {executions} executions, {faults} faults: {complete} readers had all, {lost} \
             were told that the runner is lost\n{virtual_seconds:.0} s of virtual time in {took:.1} s, \
             {rate:.0} executions a second\n"
        );
        for (rule, (times, why, token)) in &self.broken {
            text +=
                &format!("{rule} breaks in {times} runs: {why}\nlastbyte network replay {token}\n");
        }
        text
    }

    fn json(&self, took: f64) -> String {
        let broken: serde_json::Map<String, Value> = self
            .broken
            .iter()
            .map(|(rule, (runs, why, token))| {
                (rule.clone(), json!({ "runs": runs, "why": why, "token": token }))
            })
            .collect();
        line(&json!({
            "runs": self.runs, "executions": self.executions, "faults": self.faults,
            "complete": self.complete, "lost": self.lost,
            "virtual_seconds": self.virtual_seconds, "seconds": took, "broken": broken,
        }))
    }
}

impl Replay {
    fn run(&self) -> Result<Told, String> {
        let (log, broken) = match &self.token {
            Token::Seed { design, seed } => {
                let outcome = faults::run(*seed, *design);
                (outcome.log, outcome.broken)
            }
            Token::Order { small, design, choices, check } => {
                let changed = |what: &str| {
                    format!(
                        "failed to replay {}: {what}: the code is not the one that the token was made \
                         with, or it was not copied whole; `lastbyte network orders` makes new ones",
                        self.token
                    )
                };
                let replayed = token::replay(*small, *design, choices)
                    .map_err(|at| changed(&format!("choice {} is not there", at + 1)))?;
                if token::check(&replayed.choices) != *check {
                    return Err(changed("its choices are called otherwise now"));
                }
                let choices = replayed.choices.iter().enumerate();
                let choices: String =
                    choices.map(|(at, what)| format!("{:>3}  {what}\n", at + 1)).collect();
                (choices + "\n" + &replayed.log, replayed.broken)
            }
        };
        let told = match broken {
            Some(broken) => format!("\n{} breaks: {}\n", broken.rule, broken.why),
            None => "\nno rule is broken\n".to_owned(),
        };
        Ok((log + &told, true))
    }
}
