//! The specification shows the tables of the code.
#![expect(clippy::expect_used, reason = "a test that cannot go on must fail")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use lastbyte::machine::{Input, Machine, Policy};
use lastbyte_sim::{
    conform::port,
    vectors::{
        Outcome, about, store,
        words::{self, Text},
    },
};
use serde_json::{Value, json};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn policies() -> String {
    let rows = words::policy::all(&Policy::default()).map(|(key, value)| {
        let value = if value.is_empty() { "none".to_owned() } else { format!("`{value}`") };
        format!("| `{key}` | {value} |\n")
    });
    format!(
        "| key | default (bytes, chunks, milliseconds, signal numbers) |\n|---|---|\n{}",
        rows.concat()
    )
}

/// What the reference answers to the last input of a history.
fn last(inputs: &[&str]) -> String {
    let question = json!({ "id": "", "streams": "stdout", "policy": [], "inputs": inputs });
    let answer = port::answer(&question.to_string(), None).expect("a question of ours");
    let answer: Value = serde_json::from_str(&answer).expect("an answer of ours");
    let steps = answer["steps"].as_array().expect("steps");
    let lines = steps.last().and_then(Value::as_array).expect("the last step");
    let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
    if lines.is_empty() { "-".to_owned() } else { lines.join("; ") }
}

fn phases() -> String {
    let ways: [(&str, &[&str]); 6] = [
        ("starting", &[]),
        ("refused", &["refused"]),
        ("running", &["started"]),
        ("reaped", &["started", "reap exited 0"]),
        ("ended", &["started", "eof stdout", "reap exited 0"]),
        ("done", &["started", "eof stdout", "reap exited 0", "drain", "drain"]),
    ];
    let inputs = [
        "started",
        "refused",
        "chunk stdout a",
        "eof stdout",
        "read_error stdout 5",
        "empty stdout",
        "reap exited 0",
        "drain",
        "wait exited",
        "wait terminal",
        "cancel_wait terminal",
        "signal 2",
        "kill",
        "discard stdout",
        "detach",
        "close",
        "shutdown",
        "timeout idle stdout",
    ];
    let names: String = ways.iter().map(|(name, _)| format!(" {name} |")).collect();
    let mut table = format!("| input |{names}\n|---|{}\n", "---|".repeat(ways.len()));
    for input in inputs {
        let cells: String = ways
            .iter()
            .map(|(_, way)| format!(" {} |", last(&[way, &[input][..]].concat())))
            .collect();
        table.push_str(&format!("| `{input}` |{cells}\n"));
    }
    table
}

/// The phase of a machine, by what can be asked of it: reaped with no stream open is ended.
fn phase(machine: &Machine<Text>) -> &'static str {
    let is_open = machine.streams().ids().iter().any(|&id| machine.is_open(id));
    match machine.status() {
        _ if machine.is_refused() => "refused",
        _ if machine.is_done() => "done",
        Some(_) if is_open => "reaped",
        Some(_) => "ended",
        None if machine.clone().step(Input::Started).is_ok() => "starting",
        None => "running",
    }
}

/// Each change of phase that a vector makes, and the inputs that make it.
fn diagram() -> String {
    let vectors = store::read(&root().join("vectors")).expect("the vectors are there");
    let mut changes: BTreeMap<(usize, usize), BTreeSet<String>> = BTreeMap::new();
    let phases = ["starting", "refused", "running", "reaped", "ended", "done"];
    let place = |machine: &Machine<Text>| {
        let phase = phase(machine);
        phases.iter().position(|&name| name == phase).expect("a phase of ours")
    };
    for vector in &vectors {
        let streams = words::read::streams(&vector.streams).expect("streams of ours");
        let policy = words::policy::read(&vector.policy).expect("a policy of ours");
        let Ok(mut machine) = Machine::new(streams, policy) else { continue };
        for told in &vector.inputs {
            let input = words::read::input(told).expect("an input of ours");
            // A stream, a status or bytes do not matter to the phase; which timer it is does.
            let count = if told.starts_with("timeout") { 2 } else { 1 };
            let name = told.split(' ').take(count).collect::<Vec<_>>().join(" ");
            let before = place(&machine);
            let _refused = machine.step(input);
            let after = place(&machine);
            if before != after {
                changes.entry((before, after)).or_default().insert(name);
            }
        }
    }
    let lines = changes.iter().map(|((from, to), inputs)| {
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        format!("    {} --> {}: {}\n", phases[*from], phases[*to], inputs.join(", "))
    });
    let lines: String = lines.collect();
    format!("```mermaid\nstateDiagram-v2\n    [*] --> starting\n{lines}```\n")
}

fn refusals() -> String {
    let vectors = store::read(&root().join("vectors")).expect("the vectors are there");
    let mut inputs: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for vector in &vectors {
        let Outcome::Steps { steps, .. } = &vector.expected else { continue };
        for (input, step) in vector.inputs.iter().zip(steps) {
            let Some(why) = step.first().and_then(|line| line.strip_prefix("illegal ")) else {
                continue;
            };
            let read = words::read::input(input).expect("an input of ours");
            let rule = about::rule_of_line(&read, &format!("illegal {why}")).to_string();
            let name = input.split(' ').next().unwrap_or_default().to_owned();
            let entry = inputs.entry(why.to_owned()).or_insert_with(|| (rule, Vec::new()));
            if !entry.1.contains(&name) {
                entry.1.push(name);
                entry.1.sort();
            }
        }
    }
    let rows = inputs
        .iter()
        .map(|(why, (rule, inputs))| format!("| `{why}` | {rule} | {} |\n", inputs.join(", ")));
    format!("| why | rule | inputs |\n|---|---|---|\n{}", rows.collect::<String>())
}

fn trace() -> String {
    let path = root().join("tests/snapshots/c07_root_completeness.snap");
    let snapshot = fs::read_to_string(path).expect("the trace is told");
    let told = snapshot.splitn(3, "---\n").nth(2).expect("it has a head").to_owned();
    format!("```text\n{told}```\n")
}

/// If this were red, somebody would write a port of another machine than the one that ships.
#[test]
fn the_specification_shows_the_tables_of_the_code() {
    let path = root().join("docs/specification.md");
    let mut page = fs::read_to_string(&path).expect("the page is there");
    let tables = [
        ("diagram", diagram()),
        ("policies", policies()),
        ("phases", phases()),
        ("refusals", refusals()),
        ("trace", trace()),
    ];
    for (name, table) in tables {
        let (begin, end) = (format!("<!-- begin: {name} -->\n"), format!("<!-- end: {name} -->"));
        let from = page.find(&begin).expect("the page has its begin marker") + begin.len();
        let to = page.find(&end).expect("the page has its end marker");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            page.replace_range(from..to, &table);
        } else {
            assert!(page[from..to] == table, "docs/specification.md does not show this:\n{table}");
        }
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, page).expect("the page can be written");
    }
}
