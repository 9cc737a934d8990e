//! The page of `conform`: a port against the vectors.

use lastbyte::monitor::Rule;

use super::{Block, Case, Cell, Column, Fact, Report, Section, Table, grouped, id};
use crate::{
    conform::{Outcomes, Verdict, drawn::drawn, report::Count},
    vectors::Vector,
};

/// More vectors that fail than anybody would go through.
const CASES_MAX: usize = 60;

/// What a port answered.
pub fn of_conform(outcomes: &Outcomes, command: String) -> Report {
    let (all, failed) = (outcomes.all.len(), outcomes.failed().count());
    let verdict = match (failed, outcomes.endings.is_empty()) {
        (0, true) => format!("all {} vectors pass", grouped(all)),
        (0, false) => {
            format!("all {} vectors pass, and the shim does not end well", grouped(all))
        }
        _ => format!("{} of {} vectors fail", grouped(failed), grouped(all)),
    };
    let facts =
        vec![Fact::new(grouped(all), "vectors"), Fact::new(grouped(failed), "vectors that fail")];
    let mut sections = vec![rules(outcomes), topics(outcomes)];
    sections.extend(failures(outcomes, &command));
    Report {
        verb: "conform".to_owned(),
        verdict,
        is_well: outcomes.is_passed(),
        command,
        facts,
        sections,
    }
}

fn head(name: &str) -> Vec<Column> {
    let mut head = vec![Column::words(name)];
    head.extend(["vectors", "failed"].map(Column::figures));
    head
}

fn counts(first: Cell, count: Count, opens: Option<String>) -> Vec<Cell> {
    let faults = Cell { opens, ..Cell::faults(count.failed) };
    vec![first, Cell::figure(grouped(count.vectors)), faults]
}

fn rules(outcomes: &Outcomes) -> Section {
    let shortest = outcomes.shortest();
    let row = |(rule, count): (Rule, Count)| {
        let opens = shortest.get(&rule).map(|(vector, _)| id(&vector.id));
        let first = Cell { small: rule.name().to_owned(), ..Cell::head(rule.to_string()) };
        counts(first, count, opens)
    };
    let rows = outcomes.by_rule().into_iter().map(row).collect();
    Section {
        id: "by-rule",
        title: "By rule".to_owned(),
        intro: "How many vectors are about each rule, and how many broke it. A figure opens the \
                vector that breaks it in the fewest steps."
            .to_owned(),
        blocks: vec![Block::Table(Table {
            caption: "Vectors by rule".to_owned(),
            head: head("rule"),
            groups: vec![(String::new(), rows)],
        })],
    }
}

fn topics(outcomes: &Outcomes) -> Section {
    let topics = outcomes.by_topic().into_iter();
    let rows = topics.map(|(topic, count)| counts(Cell::head(topic), count, None)).collect();
    Section {
        id: "by-topic",
        title: "By topic".to_owned(),
        intro: String::new(),
        blocks: vec![Block::Table(Table {
            caption: "Vectors by topic".to_owned(),
            head: head("topic"),
            groups: vec![(String::new(), rows)],
        })],
    }
}

/// The vectors that fail: the shortest of each rule first.
fn failures(outcomes: &Outcomes, command: &str) -> Option<Section> {
    let shortest = outcomes.shortest();
    let first: Vec<&str> = shortest.values().map(|(vector, _)| vector.id.as_str()).collect();
    let mut failed: Vec<&(Vector, Verdict)> = outcomes.failed().collect();
    failed.sort_by_key(|(vector, _)| !first.contains(&vector.id.as_str()));
    let left_out = failed.len().saturating_sub(CASES_MAX);
    let cases: Vec<Case> =
        failed.into_iter().take(CASES_MAX).map(|failed| case(failed, command)).collect();
    let mut intro = String::new();
    if left_out > 0 {
        intro = format!("The first {CASES_MAX}; {} more are not shown.", grouped(left_out));
    }
    for ending in &outcomes.endings {
        intro += &format!(" {ending}.");
    }
    (!cases.is_empty() || !intro.is_empty()).then(|| Section {
        id: "failures",
        title: "Vectors that fail".to_owned(),
        intro,
        blocks: if cases.is_empty() { Vec::new() } else { vec![Block::Cases(cases)] },
    })
}

fn case((vector, verdict): &(Vector, Verdict), command: &str) -> Case {
    let diagram = drawn(vector, Some(verdict));
    let mut facts = vec![("streams".to_owned(), vector.streams.to_string())];
    let mut why = diagram.broken.clone().unwrap_or_default();
    match verdict {
        Verdict::Differs(difference) => {
            let lines = |lines: &[String]| crate::conform::report::lines(lines);
            facts.push(("expected".to_owned(), lines(&difference.expected)));
            facts.push(("got".to_owned(), lines(&difference.got)));
        }
        Verdict::NotAsked => "not asked: the shim failed to answer too often".clone_into(&mut why),
        Verdict::Trouble(_) | Verdict::Passed => {}
    }
    Case {
        id: id(&vector.id),
        title: vector.id.clone(),
        why,
        facts,
        diagram,
        log: Vec::new(),
        commands: vec![show(command, &vector.id)],
    }
}

/// The same command line for one vector.
fn show(command: &str, vector: &str) -> String {
    match command.split_once(" -- ") {
        Some((before, shim)) => format!("{before} --show {vector} -- {shim}"),
        None => format!("{command} --show {vector}"),
    }
}
