//! `lastbyte check`, `show` and `replay` as a user calls them.

use std::process::{Command, Output};

use serde_json::Value;

fn lastbyte(args: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_lastbyte")).args(args).output();
    output.unwrap_or_else(|error| panic!("lastbyte {args:?}: {error}"))
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// If this were red, the token that `check` prints would not be one that `replay` takes.
#[test]
fn check_tells_what_replay_runs_again() {
    let checked = lastbyte(&["check", "--design", "stock", "--json"]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let told: Value = serde_json::from_slice(&checked.stdout).expect("one JSON object");
    let stock = &told["designs"][0];
    assert_eq!(stock["design"], "stock");
    assert_eq!(stock["rules"]["C2"]["holds"], true);
    let broken = &stock["rules"]["C4"];
    assert_eq!(broken["holds"], false);
    let token = broken["token"].as_str().expect("a token");
    let replayed = lastbyte(&["replay", token]);
    assert_eq!(replayed.status.code(), Some(0));
    assert!(out(&replayed).contains("breaks C4"), "{}", out(&replayed));
    let steps = broken["steps"].as_u64().expect("a count");
    assert!(out(&replayed).contains(&format!("  {steps}. ")), "{}", out(&replayed));
}

/// If this were red, the page about the harness would show a token that is none.
#[test]
fn the_token_of_the_page_runs_again() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/check.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let token = page.split('`').find(|word| word.matches(':').count() == 5).expect("a token");
    let replayed = lastbyte(&["replay", token]);
    assert_eq!(replayed.status.code(), Some(0), "{replayed:?}");
    assert!(!out(&replayed).contains("changed"), "{}", out(&replayed));
}

/// If this were red, a counterexample could not be looked at.
#[test]
fn show_draws_the_shortest_schedule() {
    let shown = lastbyte(&["show", "stock:C4"]);
    assert_eq!(shown.status.code(), Some(0), "{shown:?}");
    for part in ["stock:C4", "waiter 1", "C4 (wait follows)", "lastbyte replay stock:"] {
        assert!(out(&shown).contains(part), "{part} is not in {}", out(&shown));
    }
    let file = std::env::temp_dir().join(format!("lastbyte-show-{}.svg", std::process::id()));
    let path = file.to_str().expect("a path in UTF-8");
    let drawn = lastbyte(&["show", "stock:C4", "--svg", path]);
    assert_eq!(drawn.status.code(), Some(0), "{drawn:?}");
    let picture = std::fs::read_to_string(&file).expect("the picture was written");
    std::fs::remove_file(&file).expect("it was ours");
    assert!(picture.starts_with("<svg") && picture.contains("C4 (wait follows)"));
}

/// If this were red, the matrix would not say who breaks a rule, or would ask those who do not.
#[test]
fn check_of_one_rule_asks_those_whom_it_tells_apart() {
    let checked = lastbyte(&["check", "--rule", "c3", "--chunks", "1", "--waiters", "1"]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let told = out(&checked);
    let row = |name: &str| {
        let row = told.lines().find(|line| line.split_whitespace().next() == Some(name));
        row.map(|line| line.split_whitespace().last().unwrap_or_default().to_owned())
    };
    assert_eq!(row("lastbyte").as_deref(), Some("."), "{told}");
    assert_eq!(row("text-per-chunk").as_deref(), Some("5"), "{told}");
    assert_eq!(row("stock"), None, "{told}");
    assert!(checked.stderr.is_empty(), "no progress where nobody looks: {checked:?}");
}

/// If this were red, a failure that was found by chance could not be run again.
#[test]
fn sample_tells_what_replay_runs_again() {
    let args = ["sample", "--design", "stock", "--in", "plain", "--seeds", "0..20", "--json"];
    let sampled = lastbyte(&args);
    assert_eq!(sampled.status.code(), Some(0), "{sampled:?}");
    assert_eq!(sampled.stdout, lastbyte(&args).stdout, "the same seeds make the same schedules");
    let told: Value = serde_json::from_slice(&sampled.stdout).expect("one JSON object");
    let broken = &told["sampled"][0]["rules"]["C4"];
    let token = broken["token"].as_str().expect("a token");
    let replayed = lastbyte(&["replay", token]);
    assert_eq!(replayed.status.code(), Some(0));
    assert!(out(&replayed).contains("breaks C4"), "{}", out(&replayed));
    let sound = lastbyte(&["sample", "--design", "lastbyte-driver", "--seeds", "0..50"]);
    assert_eq!(sound.status.code(), Some(0), "{sound:?}");
    assert!(out(&sound).contains("schedules, sampled: not exhaustive"), "{}", out(&sound));
}

/// If this were red, a slip of the pen would look like a rule that holds.
#[test]
fn bad_arguments_are_told_apart_from_rules_that_hold() {
    assert_eq!(lastbyte(&["show", "stock:C2"]).status.code(), Some(1));
    for (bad, part) in [
        (&["show", "stock"][..], "DESIGN:RULE"),
        (&["show", "stock:C21"], "C1 to C20"),
        (&["show", "stick:C1"], "there are lastbyte, "),
        (&["check", "--design", "stick"], "there are lastbyte, "),
        (&["check", "--rule", "C21"], "C1 to C20"),
        (&["replay", "stock:plain"], "not a token"),
        (&["sample", "--seeds", "5"], "A..B"),
        (&["sample", "--seeds", "5..5"], "no seed"),
        (&["sample", "--in", "nowhere"], "check --design NAME"),
    ] {
        let refused = lastbyte(bad);
        assert_eq!(refused.status.code(), Some(125), "{bad:?}");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains(part), "{bad:?}: {said}");
    }
}
