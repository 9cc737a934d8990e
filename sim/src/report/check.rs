//! The page of `check`: designs against rules, with a schedule for each that is broken.

use lastbyte::{
    machine::{Machine, StreamId, Streams},
    monitor::Rule,
};
use num_bigint::BigUint;

use super::{
    Block, Case, Cell, Column, Fact, Kind, Report, Section, Table, chart::Chart, grouped, id,
};
use crate::{
    bytes::Bytes,
    catalogue::{Place, REFERENCE, base, each},
    diagram::Diagram,
    explorer::Counterexample,
    matrix::{Explored, Verdict, replay_command, table::about},
    schedule::Token,
    world::Bounds,
    zoo::stock_steps::Stock,
};

/// What an exploration found.
pub fn of_check(verdicts: &[Verdict], rules: &[Rule], command: String) -> Report {
    let unexpected = verdicts.iter().filter(|verdict| !verdict.is_expected(rules)).count();
    let verdict = match unexpected {
        0 => format!("{} designs, all as expected", verdicts.len()),
        some => format!("{some} of {} designs are not as expected", verdicts.len()),
    };
    let mut sections = vec![matrix(verdicts, rules)];
    sections.extend(cases(verdicts, rules));
    if verdicts.iter().any(|verdict| verdict.specimen.name == REFERENCE.name) {
        sections.extend(states());
    }
    sections.push(certificates(verdicts));
    sections.push(rule_list(verdicts, rules));
    Report {
        verb: "check".to_owned(),
        verdict,
        is_well: unexpected == 0,
        command,
        facts: facts(verdicts, rules),
        sections,
    }
}

fn facts(verdicts: &[Verdict], rules: &[Rule]) -> Vec<Fact> {
    let states: u64 = verdicts.iter().map(Verdict::states).sum();
    let interleavings: BigUint = verdicts.iter().map(Verdict::interleavings).sum();
    let seconds: f64 = verdicts.iter().map(Verdict::seconds).sum();
    let schedules: u64 =
        verdicts.iter().filter_map(|verdict| verdict.sampled.as_ref()).map(|it| it.schedules).sum();
    let broken: usize = verdicts.iter().map(|verdict| found(verdict, rules).count()).sum();
    let mut facts = vec![
        Fact::new(grouped(states), "states: every one within the bounds"),
        Fact::new(powers(&interleavings), "interleavings, counted"),
        Fact::new(grouped(broken), "broken rules, each with a shortest schedule"),
    ];
    if schedules > 0 {
        facts.push(Fact::new(grouped(schedules), "schedules sampled beyond"));
    }
    facts.push(Fact::new(format!("{seconds:.2} s"), "of processor time, exploring"));
    facts
}

/// A number in full, or its leading digits and the power of ten.
fn powers(number: &BigUint) -> String {
    let about = about(number);
    let Some((digits, power)) = about.split_once('e') else { return grouped(about) };
    let raised = |digit: char| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(digit.to_digit(10)? as usize);
    format!("{digits} × 10{}", power.chars().filter_map(raised).collect::<String>())
}

/// The rules that a design breaks, each with where and how.
fn found<'a>(
    verdict: &'a Verdict,
    rules: &'a [Rule],
) -> impl Iterator<Item = (Rule, &'a Place, &'a Counterexample)> {
    rules.iter().filter_map(|&rule| {
        let (place, found) = verdict.shortest(rule)?;
        Some((rule, place, found))
    })
}

fn case_id(verdict: &Verdict, rule: Rule) -> String {
    id(&format!("{}-{rule}", verdict.specimen.name))
}

fn matrix(verdicts: &[Verdict], rules: &[Rule]) -> Section {
    let mut head = vec![Column::words("design")];
    head.extend(rules.iter().map(|rule| Column {
        name: rule.to_string(),
        hint: rule.name().to_owned(),
        is_figures: false,
    }));
    head.extend(["states", "interleavings", "s"].map(Column::figures));
    let group = |title: &str, is_meant: fn(&Verdict) -> bool| {
        let rows = verdicts.iter().filter(|verdict| is_meant(verdict));
        (title.to_owned(), rows.map(|verdict| row(verdict, rules)).collect::<Vec<_>>())
    };
    let mut groups = vec![
        group("Must break no rule", |verdict| verdict.specimen.breaks.is_empty()),
        group("Must be caught, at just these rules", |verdict| !verdict.specimen.breaks.is_empty()),
    ];
    groups.retain(|(_, rows)| !rows.is_empty());
    Section {
        id: "matrix",
        title: "Designs and rules".to_owned(),
        intro: "A row for each design, a column for each rule of the contract. A number opens the \
                shortest schedule that breaks the rule."
            .to_owned(),
        blocks: vec![
            Block::Table(Table { caption: "Designs and rules".to_owned(), head, groups }),
            Block::Legend(legend()),
        ],
    }
}

fn sign(kind: Kind, text: &str) -> Cell {
    Cell { text: text.to_owned(), kind, ..Cell::default() }
}

fn legend() -> Vec<(Cell, String)> {
    vec![
        (sign(Kind::Holds, "✓"), "holds in every interleaving within the bounds".to_owned()),
        (sign(Kind::Broken, "7"), "broken, by a shortest schedule of 7 steps".to_owned()),
        (
            sign(Kind::Nothing, "–"),
            "neither: a wrong design is followed only until it breaks, and C17 to C20 are not shown \
             by one machine"
                .to_owned(),
        ),
        (sign(Kind::Wrong, "!"), "not as it is known to be".to_owned()),
    ]
}

fn row(verdict: &Verdict, rules: &[Rule]) -> Vec<Cell> {
    let specimen = &verdict.specimen;
    let mut row = vec![Cell { small: specimen.what.to_owned(), ..Cell::head(specimen.name) }];
    row.extend(rules.iter().map(|&rule| rule_cell(verdict, rule)));
    row.push(Cell::figure(grouped(verdict.states())));
    row.push(Cell::figure(powers(&verdict.interleavings())));
    row.push(Cell::figure(format!("{:.2}", verdict.seconds())));
    row
}

fn rule_cell(verdict: &Verdict, rule: Rule) -> Cell {
    let is_known = verdict.specimen.breaks.contains(&rule);
    let (name, what) = (verdict.specimen.name, rule.name());
    if let Some((_, found)) = verdict.shortest(rule) {
        let steps = found.schedule.len();
        return Cell {
            text: steps.to_string(),
            says: format!("{name} breaks {rule}, {what}, in {steps} steps"),
            kind: if is_known { Kind::Broken } else { Kind::Wrong },
            opens: Some(case_id(verdict, rule)),
            ..Cell::default()
        };
    }
    let (kind, text, says) = match (is_known, verdict.holds(rule)) {
        (true, _) => (Kind::Wrong, "!", format!("{rule} is known to break, and does not")),
        (false, true) => (Kind::Holds, "✓", format!("{rule} holds")),
        (false, false) => (Kind::Nothing, "–", format!("{rule}: nothing is said")),
    };
    Cell { says, ..sign(kind, text) }
}

/// A section of schedules, where there are any.
fn cases(verdicts: &[Verdict], rules: &[Rule]) -> Option<Section> {
    let mut cases = Vec::new();
    for verdict in verdicts {
        cases.extend(found(verdict, rules).map(|(rule, place, found)| {
            let mut facts =
                vec![("found".to_owned(), "by exploring: no schedule is shorter".to_owned())];
            if let Some(took) = verdict.found_in(rule) {
                let after = format!("{:.1} ms after the search began", took.as_secs_f64() * 1e3);
                facts.push(("after".to_owned(), after));
            }
            let token = verdict.token(place, &found.schedule);
            case(verdict, case_id(verdict, rule), place, found, &token, facts)
        }));
        for (number, (place, found)) in verdict.unknown().enumerate() {
            let size = verdict.sampled.as_ref().map_or(verdict.size, |sampling| sampling.size);
            let token = Token::new(verdict.specimen, place, size, &found.schedule);
            let facts = vec![("found".to_owned(), "by sampling, and shrunk".to_owned())];
            let id = id(&format!("{}-sampled-{number}", verdict.specimen.name));
            cases.push(case(verdict, id, place, found, &token, facts));
        }
    }
    (!cases.is_empty()).then(|| Section {
        id: "schedules",
        title: "Broken rules".to_owned(),
        intro: "Each as a sequence diagram: who did what, in which order, and what went from whom \
                to whom. The last step breaks the rule."
            .to_owned(),
        blocks: vec![Block::Cases(cases)],
    })
}

fn case(
    verdict: &Verdict,
    id: String,
    place: &Place,
    found: &Counterexample,
    token: &Token,
    mut facts: Vec<(String, String)>,
) -> Case {
    let specimen = &verdict.specimen;
    let (rule, steps) = (found.broken.rule, found.schedule.len());
    facts.insert(0, ("design".to_owned(), specimen.what.to_owned()));
    facts.insert(1, ("in".to_owned(), place.name.to_owned()));
    facts.insert(2, ("steps".to_owned(), steps.to_string()));
    facts.push(("token".to_owned(), token.to_string()));
    Case {
        id,
        title: format!("{}: {rule}, {}", specimen.name, rule.name()),
        why: format!("After step {steps}: {}", found.broken.why),
        facts,
        diagram: Diagram {
            title: format!("{}:{rule}", specimen.name),
            subtitle: String::new(),
            rows: place.rows(&found.schedule),
            broken: Some(found.broken.to_string()),
            replay: String::new(),
        },
        log: Vec::new(),
        commands: vec![replay_command(token)],
    }
}

/// The smallest execution: one stream of one chunk, and nobody waits.
pub(super) fn smallest() -> Bounds {
    let mut chunks = each(0);
    chunks[StreamId::Stdout] = 1;
    Bounds { streams: Streams::Stdout, chunks, ..base(1, 0) }
}

fn states() -> Option<Section> {
    let bounds = smallest();
    let charts = [
        ("The production machine", Chart::of::<Machine<Bytes>>(&bounds)?),
        ("The design stock-steps, in the same world", Chart::of::<Stock>(&bounds)?),
    ];
    let picture = |(name, chart): &(&str, Chart)| Block::Picture {
        svg: chart.svg(),
        caption: format!(
            "{name}: {} states, {} transitions, {} interleavings.",
            chart.states.len(),
            chart.edges.len(),
            chart.interleavings()
        ),
    };
    Some(Section {
        id: "states",
        title: "All states".to_owned(),
        intro: "Of the smallest execution: one stream with one chunk, from left to right. A circle is a state, and its number \
                is how many ways lead to it: those of the states before it, added up. At the ends \
                they add up to the interleavings, which is how all of them are counted. In green \
                states the exit has been delivered; ✗ breaks a rule."
            .to_owned(),
        blocks: charts.iter().map(picture).collect(),
    })
}

fn certificates(verdicts: &[Verdict]) -> Section {
    let fold = |verdict: &Verdict| {
        let (chunks, waiters) = verdict.size;
        let mut line = format!(
            "{}: {} states and {} interleavings, exhaustive within {chunks} chunks on each stream \
             and {waiters} waits of each kind, {:.2} s",
            verdict.specimen.name,
            grouped(verdict.states()),
            powers(&verdict.interleavings()),
            verdict.seconds(),
        );
        if let Some(sampling) = &verdict.sampled {
            line += &format!(
                "; beyond that, {} schedules sampled with {} chunks and {} waits, seeds 0..{} in \
                 each place, random and PCT",
                grouped(sampling.schedules),
                sampling.size.0,
                sampling.size.1,
                sampling.seeds
            );
        }
        Block::Folded(line, places(verdict))
    };
    Section {
        id: "certificates",
        title: "Certificates".to_owned(),
        intro: "What “every interleaving” means, as numbers: distinct states, distinct complete \
                interleavings (exact), the longest of them, for each design and place."
            .to_owned(),
        blocks: verdicts.iter().map(fold).collect(),
    }
}

fn places(verdict: &Verdict) -> Table {
    let head = ["states", "transitions", "interleavings", "longest", "s"];
    let row = |explored: &Explored| {
        let Explored { place, report, seconds } = explored;
        vec![
            Cell::head(place.name),
            Cell::figure(grouped(report.states)),
            Cell::figure(grouped(report.transitions)),
            Cell::figure(grouped(&report.interleavings)),
            Cell::figure(report.longest.to_string()),
            Cell::figure(format!("{seconds:.3}")),
        ]
    };
    Table {
        caption: format!("{} by place", verdict.specimen.name),
        head: [Column::words("place")].into_iter().chain(head.map(Column::figures)).collect(),
        groups: vec![(String::new(), verdict.explored.iter().map(row).collect())],
    }
}

fn rule_list(verdicts: &[Verdict], rules: &[Rule]) -> Section {
    let row = |&rule: &Rule| {
        let names = |is_meant: &dyn Fn(&Verdict) -> bool| {
            let named = verdicts.iter().filter(|verdict| is_meant(verdict));
            named.map(|verdict| verdict.specimen.name).collect::<Vec<_>>().join(", ")
        };
        let broken = names(&|verdict| verdict.shortest(rule).is_some());
        let held = names(&|verdict| verdict.holds(rule));
        vec![
            Cell::head(rule.to_string()),
            Cell::text(rule.name()),
            Cell::text(held),
            Cell::text(broken),
        ]
    };
    Section {
        id: "rules",
        title: "The rules".to_owned(),
        intro: String::new(),
        blocks: vec![Block::Table(Table {
            caption: "The rules".to_owned(),
            head: ["rule", "name", "holds for", "broken by"].map(Column::words).into(),
            groups: vec![(String::new(), rules.iter().map(row).collect())],
        })],
    }
}
