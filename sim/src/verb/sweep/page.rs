//! The page of `sweep` and `merge`: what was run, part by part, and each seed that breaks a rule with the
//! command that shows it.

use super::{
    file::Head,
    row::{Known, Sum},
};
use crate::{
    network::{faults, token::Token},
    report::{Block, Case, Cell, Column, Fact, Report, Section, Table, command_line, grouped, id},
    verb::network::design,
};

/// A part of a sweep, or what it comes to so far.
pub(in crate::verb) struct Part {
    /// Which part, or its file.
    pub(in crate::verb) name: String,
    pub(in crate::verb) sum: Sum,
}

/// What is to be told.
pub(in crate::verb) struct Told<'a> {
    pub(in crate::verb) verb: &'static str,
    pub(in crate::verb) head: &'a Head,
    pub(in crate::verb) parts: &'a [Part],
    pub(in crate::verb) sum: &'a Sum,
    pub(in crate::verb) is_well: bool,
    /// How long it took, where that is known.
    pub(in crate::verb) timings: Vec<Fact>,
}

/// The page of it.
pub(in crate::verb) fn of(told: Told<'_>) -> Report {
    let Told { verb, head, parts, sum, is_well, timings } = told;
    let mut facts = vec![
        Fact::new(grouped(sum.runs), "seeds, a run of the network each"),
        Fact::new(grouped(sum.executions), "executions"),
        Fact::new(grouped(sum.faults), "faults"),
        Fact::new(grouped(sum.complete), "readers that had all"),
        Fact::new(grouped(sum.lost), "readers told that the runner is lost"),
        Fact::new(grouped(sum.broken_runs()), "seeds that break a rule"),
        Fact::new(format!("{:.0} s", sum.virtual_seconds()), "of virtual time"),
    ];
    facts.extend(timings);
    let mut sections = vec![parts_table(parts)];
    sections.extend(rules(head, sum));
    sections.extend(seeds(head, sum));
    sections.push(what(head));
    Report {
        verb: verb.to_owned(),
        verdict: verdict(head, sum, is_well),
        is_well,
        command: command_line(),
        facts,
        sections,
    }
}

fn verdict(head: &Head, sum: &Sum, is_well: bool) -> String {
    let (design, runs) = (&head.design, grouped(sum.runs));
    match (sum.broken_runs(), is_well) {
        (0, true) => format!("{design} breaks no rule in {runs} seeds"),
        (0, false) => format!("{design} is wrong, and is not caught in {runs} seeds"),
        (some, true) => {
            let some = grouped(some);
            format!(
                "{design} is wrong, and is caught: it breaks the contract in {some} of {runs} seeds"
            )
        }
        (some, false) => {
            format!("{design} breaks the contract in {} of {runs} seeds", grouped(some))
        }
    }
}

fn parts_table(parts: &[Part]) -> Section {
    let mut head = vec![Column::words("part")];
    let counts = ["seeds", "executions", "faults", "had all", "told lost", "broken", "virtual s"];
    head.extend(counts.map(Column::figures));
    let row = |Part { name, sum }: &Part| {
        vec![
            Cell::head(name),
            Cell::figure(grouped(sum.runs)),
            Cell::figure(grouped(sum.executions)),
            Cell::figure(grouped(sum.faults)),
            Cell::figure(grouped(sum.complete)),
            Cell::figure(grouped(sum.lost)),
            Cell::faults(sum.broken_runs()),
            Cell::figure(format!("{:.0}", sum.virtual_seconds())),
        ]
    };
    Section {
        id: "parts",
        title: "Parts".to_owned(),
        intro: "What was run of each part. Readers had all, or were told that the runner is lost; \
                nobody else may be."
            .to_owned(),
        blocks: vec![Block::Table(Table {
            caption: "Parts of the sweep".to_owned(),
            head,
            groups: vec![(String::new(), parts.iter().map(row).collect())],
        })],
    }
}

/// The command that shows a seed.
fn replay(head: &Head, seed: u64) -> String {
    let design = design(&head.design);
    format!("lastbyte network replay {}", Token::Seed { design, seed })
}

/// Each rule that broke, by its first seed.
fn rules(head: &Head, sum: &Sum) -> Option<Section> {
    let case = |(rule, known): (&String, &Known)| {
        let Known { runs, seed, why, .. } = known;
        let log = match head.is_of_this_code() {
            true => {
                faults::run(*seed, design(&head.design)).log.lines().map(str::to_owned).collect()
            }
            // It would be the log of something else.
            false => vec!["the seeds were run by another version of the code".to_owned()],
        };
        Case {
            id: id(rule),
            title: rule.clone(),
            why: why.clone(),
            facts: vec![
                ("breaks in".to_owned(), format!("{} seeds", grouped(runs))),
                ("first in".to_owned(), format!("seed {seed}")),
            ],
            log,
            commands: vec![replay(head, *seed)],
            ..Case::default()
        }
    };
    let cases: Vec<Case> = sum.rules.iter().map(case).collect();
    (!cases.is_empty()).then(|| Section {
        id: "broken",
        title: "Broken rules".to_owned(),
        intro: "Each by the first seed that breaks it, with all that was seen.".to_owned(),
        blocks: vec![Block::Cases(cases)],
    })
}

/// Each seed that broke one.
fn seeds(head: &Head, sum: &Sum) -> Option<Section> {
    let row = |(&seed, (rule, why)): (&u64, &(String, String))| {
        vec![
            Cell::head(seed.to_string()),
            Cell { small: why.clone(), ..Cell::text(rule) },
            Cell::text(replay(head, seed)),
        ]
    };
    let rows: Vec<_> = sum.seeds.iter().map(row).collect();
    let left_out = sum.broken_runs().saturating_sub(rows.len() as u64);
    let intro = match left_out {
        0 => "Every one, with the command that shows all that was seen.".to_owned(),
        some => format!("The first {}; {} more are in the files.", rows.len(), grouped(some)),
    };
    (!rows.is_empty()).then(|| Section {
        id: "seeds",
        title: "Seeds that break a rule".to_owned(),
        intro,
        blocks: vec![Block::Table(Table {
            caption: "Seeds that break a rule".to_owned(),
            head: ["seed", "rule", "to see it again"].map(Column::words).into(),
            groups: vec![(String::new(), rows)],
        })],
    })
}

fn what(head: &Head) -> Section {
    let rows =
        head.shared().into_iter().map(|(name, value)| vec![Cell::head(name), Cell::text(value)]);
    Section {
        id: "run-of",
        title: "What was run".to_owned(),
        intro: "The same in every part.".to_owned(),
        blocks: vec![Block::Table(Table {
            caption: "What was run".to_owned(),
            head: ["", "value"].map(Column::words).into(),
            groups: vec![(String::new(), rows.collect())],
        })],
    }
}
