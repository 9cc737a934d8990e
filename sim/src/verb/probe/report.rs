//! What is printed: a table that grows case by case, or one JSON object.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::{
    Probe,
    cases::Case,
    interval::Interval,
    tally::{Fault, Rate, Tally},
    trial::fill,
};
use crate::{diagram::text::shown, report::quoted};

/// A case and its runs.
pub(super) struct Row {
    pub(super) case: &'static Case,
    pub(super) tally: Tally,
    /// Runs that were left out after so many that hung.
    pub(super) stopped: bool,
}

pub(super) fn head() -> String {
    let mut line = format!("{:<13}{:>7}", "case", "runs");
    for fault in Fault::ALL {
        let _infallible = write!(line, "{:>12}", fault.name());
    }
    line + "   faulty runs, 95 % bounds"
}

pub(super) fn row(row: &Row) -> String {
    let mut line = format!("{:<13}{:>7}", row.case.name, row.tally.runs);
    for fault in Fault::ALL {
        let _infallible = write!(line, "{:>12}", row.tally.of(fault).hits);
    }
    let stopped = if row.stopped { "; stopped: it hangs" } else { "" };
    format!("{line}   {}{stopped}", percent(row.tally.faulty()))
}

/// A rate and its bounds, in percent.
pub(super) fn percent(rate: Rate) -> String {
    let Interval { low, high } = rate.bounds();
    let shown = |share: f64| 100.0 * share;
    format!("{:5.1} % ({:.1} to {:.1})", shown(rate.value()), shown(low), shown(high))
}

/// What follows the table: the rates of all runs, and for each case that fails how to see it again.
pub(super) fn rest(probe: &Probe, rows: &[Row], all: &Tally, is_whole: bool) -> String {
    let mut text = String::from("\n");
    let mut line = |words: String| {
        text.push_str(&words);
        text.push('\n');
    };
    let rates = [("loss (lost or truncated)", all.short())].into_iter().chain(
        [Fault::Altered, Fault::Code, Fault::Hung].map(|fault| (fault.name(), all.of(fault))),
    );
    for (name, rate) in rates {
        line(format!("{name:<25}{} in {} runs", percent(rate), rate.runs));
    }
    for row in rows {
        let Some((number, seen)) = &row.tally.first else { continue };
        let Case { name, what, .. } = row.case;
        line(format!("\n{name} ({what}): in run {number}: {}", seen.words.join("; ")));
        line(format!("  again: {}", again(probe, name)));
        line(format!("  once:  {}", once(probe, row.case, *number)));
    }
    line(format!("\n{}", verdict(all, is_whole)));
    // What a command said is shown, and not obeyed by a terminal.
    shown(&text)
}

/// The sentence at the end.
pub(super) fn verdict(all: &Tally, is_whole: bool) -> String {
    let name = verdict_name(all, is_whole);
    let faulty = all.faulty();
    match faulty.hits {
        0 => format!(
            "{name}: no fault in {} runs, so with 95 % confidence in fewer than {:.2} % of such runs",
            faulty.runs,
            100.0 * faulty.bounds().high
        ),
        hits => format!("{name}: {hits} of {} runs", faulty.runs),
    }
}

fn verdict_name(all: &Tally, is_whole: bool) -> &'static str {
    match (is_faulty(all), is_whole) {
        (true, _) => "faulty",
        (false, true) => "clear",
        (false, false) => "unfinished",
    }
}

pub(super) fn is_faulty(all: &Tally) -> bool {
    all.faulty().hits > 0
}

/// The command line that makes the runs of a case again.
pub(super) fn again(probe: &Probe, case: &str) -> String {
    let Probe { runs, jobs, .. } = probe;
    let jobs = jobs.get();
    let timeout = humantime::format_duration(probe.timeout).to_string().replace(' ', "");
    let command = quoted(&probe.command);
    format!("lastbyte probe -n {runs} -j {jobs} --timeout {timeout} --case {case} -- {command}")
}

/// The command line of one run.
pub(super) fn once(probe: &Probe, case: &Case, number: u32) -> String {
    let scripts = case.scripts(probe.timeout);
    let script = &scripts[(number as usize - 1) % scripts.len()];
    quoted(&fill(&probe.command, &script.text))
}

pub(super) fn json(probe: &Probe, rows: &[Row], all: &Tally, is_whole: bool) -> Value {
    let cases: Vec<Value> = rows
        .iter()
        .map(|row| {
            let mut case = rates(&row.tally);
            case.insert("stopped".to_owned(), json!(row.stopped));
            if let Some((number, seen)) = &row.tally.first {
                let first = json!({
                    "run": number,
                    "faults": seen.words,
                    "again": again(probe, row.case.name),
                    "once": once(probe, row.case, *number),
                });
                case.insert("first".to_owned(), first);
            }
            let mut named = Map::new();
            named.insert("case".to_owned(), json!(row.case.name));
            named.append(&mut case);
            Value::Object(named)
        })
        .collect();
    let words: Vec<_> = probe.command.iter().map(|word| word.to_string_lossy()).collect();
    json!({
        "command": words,
        "confidence": 0.95,
        "bounds": "clopper-pearson",
        "cases": cases,
        "all": rates(all),
        "verdict": verdict_name(all, is_whole),
    })
}

fn rates(tally: &Tally) -> Map<String, Value> {
    let rate = |rate: Rate| {
        let Interval { low, high } = rate.bounds();
        json!({ "runs": rate.hits, "rate": rate.value(), "low": low, "high": high })
    };
    let mut rates = Map::new();
    rates.insert("runs".to_owned(), json!(tally.runs));
    rates.insert("faulty".to_owned(), rate(tally.faulty()));
    rates.insert("loss".to_owned(), rate(tally.short()));
    for fault in Fault::ALL {
        rates.insert(fault.name().replace(' ', "_"), rate(tally.of(fault)));
    }
    rates
}
