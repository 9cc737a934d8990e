//! The page of `trace check`: recorded executions, and those that break a rule.

use super::{Block, Case, Cell, Column, Fact, Report, Section, Table, grouped, id, quoted};
use crate::{
    diagram::Diagram,
    trace::{Finding, Totals},
};

/// A trace that was read to its end.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What it holds.
    pub totals: Totals,
    /// Executions that are not over where it ends.
    pub running: usize,
    /// What breaks in it.
    pub findings: Vec<Finding>,
}

/// What traces hold, by their names.
pub fn of_trace(files: &[(String, Checked)], command: String) -> Report {
    let sum = |of: fn(&Checked) -> u64| files.iter().map(|(_, checked)| of(checked)).sum::<u64>();
    let executions = sum(|checked| checked.totals.executions);
    let events = sum(|checked| checked.totals.events);
    let broken = sum(|checked| checked.findings.len() as u64);
    let verdict = match broken {
        0 => format!("{} executions, and no rule is broken", grouped(executions)),
        some => {
            format!("{} of {} executions break a rule", grouped(some), grouped(executions))
        }
    };
    let facts = vec![
        Fact::new(grouped(executions), "executions"),
        Fact::new(grouped(events), "events"),
        Fact::new(grouped(broken), "executions that break a rule"),
    ];
    let cases: Vec<Case> = files
        .iter()
        .enumerate()
        .flat_map(|(at, (file, checked))| {
            checked.findings.iter().map(move |finding| case(at, file, finding))
        })
        .collect();
    let mut sections = vec![table(files)];
    if !cases.is_empty() {
        sections.push(Section {
            id: "broken",
            title: "Executions that break a rule".to_owned(),
            intro: "Each up to the line that breaks it.".to_owned(),
            blocks: vec![Block::Cases(cases)],
        });
    }
    Report {
        verb: "trace check".to_owned(),
        verdict,
        is_well: broken == 0,
        command,
        facts,
        sections,
    }
}

fn table(files: &[(String, Checked)]) -> Section {
    let mut head = vec![Column::words("trace")];
    head.extend(["executions", "events", "not over", "broken"].map(Column::figures));
    let row = |(file, checked): &(String, Checked)| {
        let Checked { totals, running, findings } = checked;
        vec![
            Cell::head(file),
            Cell::figure(grouped(totals.executions)),
            Cell::figure(grouped(totals.events)),
            Cell::figure(grouped(running)),
            Cell::faults(findings.len() as u64),
        ]
    };
    Section {
        id: "traces",
        title: "Traces".to_owned(),
        intro: String::new(),
        blocks: vec![Block::Table(Table {
            caption: "Traces".to_owned(),
            head,
            groups: vec![(String::new(), files.iter().map(row).collect())],
        })],
    }
}

fn case(at: usize, file: &str, finding: &Finding) -> Case {
    let Finding { execution, line, broken, rows, rows_left_out } = finding;
    let whose = match execution.as_str() {
        "" => "an execution".to_owned(),
        name => format!("execution {name:?}"),
    };
    let mut facts = vec![("line".to_owned(), format!("{file}:{line}"))];
    if *rows_left_out > 0 {
        facts.push(("earlier steps, not shown".to_owned(), grouped(rows_left_out)));
    }
    Case {
        id: id(&format!("{at}-{line}-{execution}")),
        title: format!("{whose}: {}, {}", broken.rule, broken.rule.name()),
        why: broken.why.to_owned(),
        facts,
        diagram: Diagram {
            title: whose,
            subtitle: String::new(),
            rows: rows.clone(),
            broken: Some(broken.to_string()),
            replay: String::new(),
        },
        log: Vec::new(),
        commands: vec![format!(
            "lastbyte trace check --show {}",
            quoted(std::slice::from_ref(&file.into()))
        )],
    }
}
