//! The pages of `network`: orders of small commands, and seeds with faults.

use std::ops::Range;

use lastbyte_sim::{
    network::{
        faults,
        orders::{Counterexample, Orders},
        reader::Design,
        small::Small,
        token::Token,
    },
    report::{Block, Case, Cell, Column, Fact, Report, Section, Table, command_line, grouped, id},
};

use super::{Sum, order};

/// The orders of each command.
pub(super) fn of_orders(design: Design, all: &[(Small, Orders, f64)], is_well: bool) -> Report {
    let runs: u64 = all.iter().map(|(_, found, _)| found.runs).sum();
    let broken: usize = all.iter().map(|(_, found, _)| found.broken.len()).sum();
    let seconds: f64 = all.iter().map(|(_, _, seconds)| seconds).sum();
    let facts = vec![
        Fact::new(grouped(all.len()), "small commands"),
        Fact::new(grouped(runs), "runs of the network"),
        Fact::new(grouped(broken), "broken rules"),
        Fact::new(format!("{seconds:.1} s"), "in all"),
    ];
    let cases: Vec<Case> = all
        .iter()
        .flat_map(|(small, found, _)| {
            let broken = found.broken.iter();
            broken.map(move |(rule, broken)| order_case(*small, design, &rule.to_string(), broken))
        })
        .collect();
    let head = ["orders", "places", "runs", "choices at most", "broken", "s"];
    let row = |(small, found, seconds): &(Small, Orders, f64)| {
        vec![
            Cell::head(small.name()),
            Cell::figure(grouped(&found.orders)),
            Cell::figure(grouped(found.places)),
            Cell::figure(grouped(found.runs)),
            Cell::figure(grouped(found.longest)),
            Cell::faults(found.broken.len() as u64),
            Cell::figure(format!("{seconds:.1}")),
        ]
    };
    let table = Table {
        caption: "Orders of each command".to_owned(),
        head: [Column::words("command")].into_iter().chain(head.map(Column::figures)).collect(),
        groups: vec![(String::new(), all.iter().map(row).collect())],
    };
    let mut sections = vec![Section {
        id: "orders",
        title: "Orders".to_owned(),
        intro: "Every order of deliveries, of what the child does and of what the reactor tells, \
                counted; places that are alike are run once."
            .to_owned(),
        blocks: vec![Block::Table(table)],
    }];
    sections.extend(broken_section(cases));
    report("network orders", verdict(design, broken as u64), is_well, facts, sections)
}

fn verdict(design: Design, broken: u64) -> String {
    match broken {
        0 => format!("{} breaks no rule", design.name()),
        _ => format!("{} breaks the contract", design.name()),
    }
}

fn report(
    verb: &str,
    verdict: String,
    is_well: bool,
    facts: Vec<Fact>,
    sections: Vec<Section>,
) -> Report {
    Report { verb: verb.to_owned(), verdict, is_well, command: command_line(), facts, sections }
}

fn broken_section(cases: Vec<Case>) -> Option<Section> {
    (!cases.is_empty()).then(|| Section {
        id: "broken",
        title: "Broken rules".to_owned(),
        intro: String::new(),
        blocks: vec![Block::Cases(cases)],
    })
}

fn order_case(small: Small, design: Design, rule: &str, found: &Counterexample) -> Case {
    let (token, told) = order(small, design, &found.choices);
    let mut log: Vec<String> = Vec::new();
    if let Some(told) = told {
        let choices = told.choices.iter().enumerate();
        log.extend(choices.map(|(at, what)| format!("{:>3}  {what}", at + 1)));
        log.push(String::new());
        log.extend(told.log.lines().map(str::to_owned));
    }
    Case {
        id: id(&format!("{}-{rule}", small.name())),
        title: format!("{}: {rule}", small.name()),
        why: found.broken.why.to_owned(),
        facts: vec![("choices".to_owned(), found.choices.len().to_string())],
        log,
        commands: vec![format!("lastbyte network replay {token}")],
        ..Case::default()
    }
}

/// Runs by seed.
pub(super) fn of_seeds(
    design: Design,
    seeds: &Range<u64>,
    sum: &Sum,
    took: f64,
    is_well: bool,
) -> Report {
    let facts = vec![
        Fact::new(grouped(sum.runs), format!("runs, seeds {}..{}", seeds.start, seeds.end)),
        Fact::new(grouped(sum.executions), "executions"),
        Fact::new(grouped(sum.faults), "faults"),
        Fact::new(grouped(sum.complete), "readers that had all"),
        Fact::new(grouped(sum.lost), "readers told that the runner is lost"),
        Fact::new(format!("{:.0} s", sum.virtual_seconds), "of virtual time"),
        Fact::new(format!("{took:.1} s"), "in all"),
    ];
    let cases: Vec<Case> = sum
        .broken
        .iter()
        .map(|(rule, (times, why, token))| seed_case(rule, *times, why, token))
        .collect();
    let broken = sum.broken.values().map(|(times, ..)| times).sum();
    let sections = broken_section(cases).into_iter().collect();
    report("network seeds", verdict(design, broken), is_well, facts, sections)
}

fn seed_case(rule: &str, times: u64, why: &str, token: &str) -> Case {
    let log = match token.parse() {
        Ok(Token::Seed { design, seed }) => {
            faults::run(seed, design).log.lines().map(str::to_owned).collect()
        }
        Ok(Token::Order { .. }) | Err(_) => Vec::new(),
    };
    Case {
        id: id(rule),
        title: rule.to_owned(),
        why: why.to_owned(),
        facts: vec![("in".to_owned(), format!("{} runs", grouped(times)))],
        log,
        commands: vec![format!("lastbyte network replay {token}")],
        ..Case::default()
    }
}
