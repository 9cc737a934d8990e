//! The page of `soak`: cases, faults with the command that runs each again, and what the soak had of the
//! system, over time too.

use super::{
    census::Census,
    eyes::FaultKind,
    report::{rate, reproduce, verdict},
    run::{Found, Of},
    series::Look,
};
use crate::report::{
    Block, Case, Cell, Column, Curve, Fact, Report, Section, Table, command_line, grouped, id,
};

const MIB: f64 = 1024.0 * 1024.0;

/// What was found.
pub(super) fn of_soak(found: &Found) -> Report {
    let mut sections = vec![cases(found)];
    sections.extend(faults(found));
    sections.push(resources(found));
    sections.extend(over_time(found));
    Report {
        verb: "soak".to_owned(),
        verdict: sentence(found),
        is_well: found.is_clear(),
        command: command_line(),
        facts: facts(found),
        sections,
    }
}

fn sentence(found: &Found) -> String {
    let (name, executions) = (verdict(found), grouped(found.executions));
    let faults: u64 = found.faults.values().sum();
    match (found.executions, faults, found.leaks().len()) {
        (0, ..) => format!("{name}: nothing was run"),
        (_, 0, 0) => format!("{name}: {executions} executions, nothing lost, hung, broken or left"),
        (_, faults, leaks) => {
            format!(
                "{name}: {} faults and {leaks} leaks in {executions} executions",
                grouped(faults)
            )
        }
    }
}

fn facts(found: &Found) -> Vec<Fact> {
    let Found { counts, seed, jobs, took, .. } = found;
    let mut facts = vec![
        Fact::new(grouped(found.executions), format!("executions, {jobs} at once, seed {seed}")),
        Fact::new(grouped(counts.seen), "bytes seen"),
        Fact::new(grouped(counts.lost), "bytes lost"),
        Fact::new(grouped(counts.gapped), "bytes in gaps, by policy"),
    ];
    let count = |kind| grouped(found.faults.get(&kind).copied().unwrap_or_default());
    facts.extend(FaultKind::ALL.map(|kind| Fact::new(count(kind), what(kind))));
    facts.push(Fact::new(grouped(found.leaks().len()), "leaks"));
    facts.push(Fact::new(format!("{:.1} s", took.as_secs_f64()), "in all"));
    facts.push(Fact::new(format!("{:.0}", rate(found)), "executions a second"));
    facts
}

/// A kind of fault in words.
const fn what(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Lost => "executions that lost bytes",
        FaultKind::Altered => "executions with altered bytes",
        FaultKind::Broken => "executions that broke a rule",
        FaultKind::End => "executions with a wrong end",
        FaultKind::Hung => "executions that hung",
        FaultKind::Start => "executions with a wrong start",
    }
}

fn cases(found: &Found) -> Section {
    let mut head = vec![Column::words("case")];
    head.extend(["executions", "bytes seen", "faulty", "longest, s"].map(Column::figures));
    let row = |(name, of): (&&'static str, &Of)| {
        vec![
            Cell::head(*name),
            Cell::figure(grouped(of.runs)),
            Cell::figure(grouped(of.seen)),
            Cell::faults(of.faulty),
            Cell::figure(format!("{:.2}", of.longest.as_secs_f64())),
        ]
    };
    Section {
        id: "cases",
        title: "Cases".to_owned(),
        intro: "What was run: each case, how often, and how long the longest took.".to_owned(),
        blocks: vec![Block::Table(Table {
            caption: "Cases of the mix".to_owned(),
            head,
            groups: vec![(String::new(), found.cases.iter().map(row).collect())],
        })],
    }
}

fn faults(found: &Found) -> Option<Section> {
    let mut cases: Vec<Case> = found
        .told
        .iter()
        .map(|(number, case, fault)| Case {
            id: id(&format!("{number}-{}", fault.kind.name())),
            title: format!("{}: {case} {number}", fault.kind.name()),
            why: fault.why.clone(),
            commands: vec![reproduce(found.seed, *number)],
            ..Case::default()
        })
        .collect();
    cases.extend(found.leaks().into_iter().enumerate().map(|(at, leak)| Case {
        id: id(&format!("leak-{at}")),
        title: "leak".to_owned(),
        why: leak,
        commands: vec![command_line()],
        ..Case::default()
    }));
    let faults: u64 = found.faults.values().sum();
    let left_out = faults.saturating_sub(found.told.len() as u64);
    let intro = match left_out {
        0 => "Each with the command that runs it again, many times.".to_owned(),
        some => format!("The first {}; {} more were counted.", found.told.len(), grouped(some)),
    };
    (!cases.is_empty()).then(|| Section {
        id: "faults",
        title: "Faults".to_owned(),
        intro,
        blocks: vec![Block::Cases(cases)],
    })
}

fn resources(found: &Found) -> Section {
    let mut head = vec![Column::words("")];
    head.extend(["descriptors", "threads", "memory, MiB", "zombies"].map(Column::figures));
    let row = |name: &str, census: Census| {
        let Census { descriptors, threads, resident, zombies } = census;
        vec![
            Cell::head(name),
            Cell::figure(grouped(descriptors)),
            Cell::figure(grouped(threads)),
            Cell::figure(format!("{:.1}", resident as f64 / MIB)),
            Cell::figure(grouped(zombies)),
        ]
    };
    let mut rows = vec![row("before", found.before)];
    rows.extend(found.settled.map(|settled| row("settled", settled)));
    rows.push(row("at most", found.peak));
    rows.push(row("after", found.after));
    Section {
        id: "resources",
        title: "Resources".to_owned(),
        intro:
            "What the soak itself had of the system. Settled: when the first executions were over; \
                memory is compared with that."
                .to_owned(),
        blocks: vec![Block::Table(Table {
            caption: "Resources of the soak".to_owned(),
            head,
            groups: vec![(String::new(), rows)],
        })],
    }
}

/// Where there was time to look more than once.
fn over_time(found: &Found) -> Option<Section> {
    let looks = found.series.looks();
    if looks.len() < 2 {
        return None;
    }
    let curve = |name: &str, of: fn(&Look) -> f64| Curve {
        name: name.to_owned(),
        points: looks.iter().map(|look| (look.seconds, of(look))).collect(),
    };
    let curves = [
        curve("descriptors", |look| look.census.descriptors as f64),
        curve("threads", |look| look.census.threads as f64),
        curve("memory, MiB", |look| look.census.resident as f64 / MIB),
        Curve { name: "executions a second".to_owned(), points: rates(looks) },
    ];
    let blocks = curves.map(|curve| Block::Picture { svg: curve.svg(), caption: curve.name });
    Some(Section {
        id: "over-time",
        title: "Over time".to_owned(),
        intro: "A line that goes on rising is a leak.".to_owned(),
        blocks: blocks.into(),
    })
}

/// Executions a second, from each look to the next.
fn rates(looks: &[Look]) -> Vec<(f64, f64)> {
    let rate = |two: &[Look]| {
        let [one, other] = two else { return None };
        let seconds = other.seconds - one.seconds;
        let made = other.executions.saturating_sub(one.executions) as f64;
        (seconds > 0.0).then(|| (other.seconds, made / seconds))
    };
    looks.windows(2).filter_map(rate).collect()
}
