//! The page of `probe`: cases, faults, rates with their bounds, and how to see each again.

use super::{
    Probe, Row,
    cases::Case as Asked,
    report::{again, is_faulty, once, percent, verdict},
    tally::{Fault, Tally},
};
use crate::report::{
    Block, Case, Cell, Column, Fact, Report, Section, Table, command_line, grouped, id,
};

/// What was found of a command line.
pub(super) fn of_probe(probe: &Probe, rows: &[Row], all: &Tally, is_whole: bool) -> Report {
    let cases: Vec<Case> = rows.iter().filter_map(|row| case(probe, row)).collect();
    let mut sections = vec![table(rows)];
    if !cases.is_empty() {
        sections.push(Section {
            id: "faults",
            title: "Faulty runs".to_owned(),
            intro: "For each case the first run that was faulty.".to_owned(),
            blocks: vec![Block::Cases(cases)],
        });
    }
    let mut facts = vec![
        Fact::new(grouped(all.runs), "runs"),
        Fact::new(percent(all.faulty()), "faulty runs, with 95 % bounds"),
        Fact::new(percent(all.short()), "loss: lost or truncated"),
    ];
    let rest = [Fault::Altered, Fault::Code, Fault::Hung];
    facts.extend(rest.map(|fault| Fact::new(percent(all.of(fault)), fault.name())));
    Report {
        verb: "probe".to_owned(),
        verdict: verdict(all, is_whole),
        is_well: !is_faulty(all) && is_whole,
        command: command_line(),
        facts,
        sections,
    }
}

fn table(rows: &[Row]) -> Section {
    let mut head = vec![Column::words("case"), Column::figures("runs")];
    head.extend(Fault::ALL.map(|fault| Column::figures(fault.name())));
    head.push(Column::figures("faulty runs, 95 % bounds"));
    let row = |row: &Row| {
        let faulty = row.tally.faulty().hits > 0;
        let opens = faulty.then(|| id(row.case.name));
        let stopped = if row.stopped { "; stopped, for it hangs" } else { "" };
        let what = format!("{}{stopped}", row.case.what);
        let mut cells = vec![Cell { small: what, opens, ..Cell::head(row.case.name) }];
        cells.push(Cell::figure(grouped(row.tally.runs)));
        cells.extend(Fault::ALL.map(|fault| Cell::faults(row.tally.of(fault).hits.into())));
        cells.push(Cell::figure(percent(row.tally.faulty())));
        cells
    };
    Section {
        id: "cases",
        title: "Cases".to_owned(),
        intro: "How many runs of each case were faulty, and how. The bounds are exact \
                (Clopper-Pearson): no fault seen is not yet no fault."
            .to_owned(),
        blocks: vec![Block::Table(Table {
            caption: "Cases and faults".to_owned(),
            head,
            groups: vec![(String::new(), rows.iter().map(row).collect())],
        })],
    }
}

fn case(probe: &Probe, row: &Row) -> Option<Case> {
    let (number, seen) = row.tally.first.as_ref()?;
    let Asked { name, what, .. } = row.case;
    Some(Case {
        id: id(name),
        title: format!("{name}: {what}"),
        why: format!("In run {number}: {}", seen.words.join("; ")),
        commands: vec![again(probe, name), once(probe, row.case, *number)],
        ..Case::default()
    })
}
