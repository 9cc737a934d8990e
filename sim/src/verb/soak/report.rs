//! What a soak has found, as text and as JSON.

use std::{collections::BTreeMap, fmt::Write};

use serde_json::{Value, json};

use super::{census::Census, eyes::FaultKind, run::Found};

/// In words, the verdict last.
pub(super) fn text(found: &Found) -> String {
    let mut text = String::new();
    // A string takes everything.
    let _infallible = write(found, &mut text);
    text
}

fn write(found: &Found, text: &mut String) -> std::fmt::Result {
    let Found { seed, jobs, executions, counts, .. } = found;
    let (seconds, rate) = (found.took.as_secs_f64(), rate(found));
    writeln!(
        text,
        "{executions} executions, seed {seed}, {jobs} at once, in {seconds:.1} s: {rate:.0} a second"
    )?;
    let cases: Vec<String> =
        found.cases.iter().map(|(case, of)| format!("{case} {}", of.runs)).collect();
    writeln!(text, "cases: {}", cases.join(", "))?;
    writeln!(
        text,
        "bytes: {} due, {} seen, {} in gaps by policy, {} lost",
        counts.expected, counts.seen, counts.gapped, counts.lost
    )?;
    writeln!(
        text,
        "{:<12} {:>11} {:>8} {:>10} {:>8}",
        "", "descriptors", "threads", "memory", "zombies"
    )?;
    row(text, "before", found.before)?;
    if let Some(settled) = found.settled {
        row(text, "settled", settled)?;
    }
    row(text, "at most", found.peak)?;
    row(text, "after", found.after)?;
    for (number, case, fault) in &found.told {
        let kind = fault.kind.name();
        writeln!(
            text,
            "{kind}: {case} {number}: {}\n    {}",
            fault.why,
            reproduce(*seed, *number)
        )?;
    }
    for leak in found.leaks() {
        writeln!(text, "leak: {leak}")?;
    }
    let count = |kind| found.faults.get(&kind).copied().unwrap_or_default();
    let told: Vec<String> =
        FaultKind::ALL.map(|kind| format!("{} {}", count(kind), kind.name())).into();
    let verdict = verdict(found);
    writeln!(text, "{verdict}: {}, {} leaks", told.join(", "), found.leaks().len())
}

fn row(text: &mut String, name: &str, census: Census) -> std::fmt::Result {
    let Census { descriptors, threads, resident, zombies } = census;
    let memory = format!("{:.1} MiB", resident as f64 / (1024.0 * 1024.0));
    writeln!(text, "{name:<12} {descriptors:>11} {threads:>8} {memory:>10} {zombies:>8}")
}

pub(super) fn rate(found: &Found) -> f64 {
    found.executions as f64 / found.took.as_secs_f64().max(f64::EPSILON)
}

pub(super) fn verdict(found: &Found) -> &'static str {
    if found.is_clear() { "clear" } else { "faulty" }
}

/// The line that runs one again.
pub(super) fn reproduce(seed: u64, number: u64) -> String {
    format!("lastbyte soak --seed {seed} --only {number} --executions 1000")
}

/// As one object.
pub(super) fn json(found: &Found) -> String {
    let census = |census: Census| {
        let Census { descriptors, threads, resident, zombies } = census;
        json!({ "descriptors": descriptors, "threads": threads, "resident_bytes": resident,
                "zombies": zombies })
    };
    let told: Vec<Value> = found
        .told
        .iter()
        .map(|(number, case, fault)| {
            json!({ "number": number, "case": case, "fault": fault.kind.name(), "why": fault.why,
                    "reproduce": reproduce(found.seed, *number) })
        })
        .collect();
    let faults: serde_json::Map<String, Value> = FaultKind::ALL
        .into_iter()
        .map(|kind| {
            let count = found.faults.get(&kind).copied().unwrap_or_default();
            (kind.name().to_owned(), json!(count))
        })
        .collect();
    let cases: BTreeMap<_, _> = found.cases.iter().map(|(case, of)| (case, of.runs)).collect();
    let object = json!({
        "verdict": verdict(found),
        "seed": found.seed,
        "executions": found.executions,
        "seconds": found.took.as_secs_f64(),
        "jobs": found.jobs,
        "cases": cases,
        "bytes": { "due": found.counts.expected, "seen": found.counts.seen,
                   "gaps": found.counts.gapped, "lost": found.counts.lost },
        "faults": faults,
        "told": told,
        "leaks": found.leaks(),
        "resources": { "before": census(found.before), "settled": found.settled.map(census),
                       "at_most": census(found.peak), "after": census(found.after) },
    });
    format!("{object}\n")
}
