//! The classes of bugs that stacks have had: each as a line or a few of a naive stack, found over every
//! schedule of a small scenario, at the rules that it breaks and no others.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use lastbyte::monitor::Rule;
use lastbyte_sim::{
    catalogue::ZOO,
    executor::{
        child::Script,
        search::{Trust, count_plainly, explore, explore_trusting, rerun},
        stack::{Call, Consumer, Scenario},
    },
    explorer::Report,
    scenarios::scenarios,
    zoo::{
        classes::{CLASSES, Class, Covered, SCENARIOS, Variant, plain, table},
        naive::Naive,
    },
};

const STATES_MAX: u64 = 100_000;
const SCHEDULES_MAX: u64 = 1_000_000;

fn variants() -> impl Iterator<Item = (&'static Class, Variant)> {
    CLASSES.iter().filter_map(|class| match class.covered {
        Covered::Variant(variant) => Some((class, variant)),
        Covered::Kernel(_) => None,
    })
}

fn rules(report: &Report) -> Vec<Rule> {
    report.broken.keys().copied().collect()
}

/// If this were red, the harness would miss a bug that somebody has shipped, or find it only by
/// another way than it is known to come.
#[test]
fn every_class_breaks_strictly_its_rules_in_as_many_steps_as_the_table_says() {
    for (class, variant) in variants() {
        let scenario = variant.seeded((variant.scenario)());
        let name = format!("{} in {}", class.name(), scenario.name);
        let report = explore::<Naive>(&scenario, STATES_MAX)
            .unwrap_or_else(|incomplete| panic!("{name}: {incomplete}"));
        let found: Vec<(Rule, u32)> = report
            .broken
            .iter()
            .map(|(&rule, found)| (rule, found.schedule.len() as u32))
            .collect();
        assert!(!found.is_empty(), "{name}: the bug is not found");
        assert_eq!(found, variant.breaks, "{name}");
        for (&rule, found) in &report.broken {
            let rerun = rerun::<Naive>(&scenario, &found.schedule);
            assert_eq!(rerun.diverged_at, None, "{name}, {rule}");
            assert_eq!(rerun.broken, Some(found.broken), "{name}, {rule}");
        }
    }
}

/// If this were red, a step would depend on something of which nobody tells, and a bug could hide
/// where it was taken for one that had been made before.
#[test]
fn a_step_of_a_variant_depends_on_nothing_but_what_it_touches() {
    for (class, variant) in variants() {
        let scenario = variant.seeded((variant.scenario)());
        let distrusting = explore_trusting::<Naive>(&scenario, STATES_MAX, Trust::Nothing);
        let distrusting = distrusting.map(|report| (report.states, report.interleavings));
        let trusting = explore::<Naive>(&scenario, STATES_MAX);
        let trusting = trusting.map(|report| (report.states, report.interleavings));
        assert_eq!(distrusting, trusting, "{}", class.name());
    }
}

/// If this were red, a variant would be wrong in more than the one thing that it is there for.
#[test]
fn where_nothing_asks_for_a_bug_its_variant_keeps_the_rules() {
    for (class, variant) in variants() {
        let scenario = variant.seeded(plain());
        let report = explore::<Naive>(&scenario, STATES_MAX)
            .unwrap_or_else(|incomplete| panic!("{}: {incomplete}", class.name()));
        assert_eq!(rules(&report), variant.plainly, "{} in plain", class.name());
    }
}

/// If this were red, the oracle would find fault with what is right, or a bug would hide in the
/// stack that the variants are made from.
#[test]
fn without_a_bug_nothing_breaks_in_any_scenario() {
    for scenario in SCENARIOS {
        let scenario = Arc::new(scenario());
        let report = explore::<Naive>(&scenario, STATES_MAX)
            .unwrap_or_else(|incomplete| panic!("{}: {incomplete}", scenario.name));
        assert_eq!(rules(&report), [], "{}", scenario.name);
        let fair = scenario.children.iter().all(|(_, who)| !matches!(who, Consumer::Stops(_)));
        let closes = scenario.calls.contains(&Call::Close);
        assert!(report.hopeless == 0 || closes || !fair, "{}: hopeless states", scenario.name);
    }
}

fn agrees(bug: u8, calls: &[Call]) {
    let mut scenario = Scenario::new("tiny", Script { has_stderr: false, ..Script::new(&[]) });
    scenario.late = 0;
    scenario.policy = plain().policy;
    scenario.calls = calls.to_vec();
    scenario.bug = bug;
    let scenario = Arc::new(scenario);
    let plainly = count_plainly::<Naive>(&scenario, SCHEDULES_MAX)
        .unwrap_or_else(|incomplete| panic!("B{bug}: {incomplete}"));
    let report = explore::<Naive>(&scenario, STATES_MAX)
        .unwrap_or_else(|incomplete| panic!("B{bug}: {incomplete}"));
    assert_eq!(report.interleavings, plainly.schedules.into(), "B{bug}");
    let shortest: Vec<(Rule, u32)> =
        report.broken.iter().map(|(&rule, found)| (rule, found.schedule.len() as u32)).collect();
    assert_eq!(shortest, plainly.broken.into_iter().collect::<Vec<_>>(), "B{bug}");
}

/// If this were red, the naive stack would be right only where its bugs are looked for.
#[test]
fn without_a_bug_nothing_breaks_where_every_stack_is_asked() {
    for scenario in scenarios(0, 1) {
        // It has more tasks than most: every loop is in time, and of two, neither has a stderr.
        let mut scenario = Scenario { late: 0, ..Scenario::clone(&scenario) };
        let two = scenario.children.len() > 1;
        scenario.children.iter_mut().for_each(|(script, _)| script.has_stderr &= !two);
        let scenario = Arc::new(scenario);
        let report = explore::<Naive>(&scenario, STATES_MAX)
            .unwrap_or_else(|incomplete| panic!("{}: {incomplete}", scenario.name));
        assert_eq!(rules(&report), [], "{}", scenario.name);
    }
}

/// If this were red, two schedules would be taken for one that are not: a bug could hide in the
/// second.
#[test]
fn one_by_one_there_are_as_many_schedules_and_breaks() {
    agrees(0, &[]);
    agrees(1, &[]);
    agrees(8, &[]);
    agrees(36, &[]);
    agrees(40, &[]);
    agrees(56, &[]);
    agrees(0, &[Call::Wait]);
    agrees(2, &[Call::Wait]);
    agrees(37, &[Call::Kill]);
    agrees(59, &[Call::Close]);
}

/// If this were red, a class would be missing from the table, or stand there twice.
#[test]
fn every_class_of_the_survey_is_in_the_table() {
    let numbers: Vec<u8> = CLASSES.iter().map(|class| class.number).collect();
    assert_eq!(numbers, (1..=64).collect::<Vec<u8>>());
    let designs: BTreeSet<&str> = CLASSES.iter().flat_map(Class::designs).collect();
    for design in designs {
        assert!(ZOO.iter().any(|specimen| specimen.name == design), "{design} is not in the zoo");
    }
}

/// If this were red, a class would be left to a test that does not exist.
#[test]
fn what_is_left_to_the_kernel_has_a_test_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests");
    let tests: String = fs::read_dir(&folder)
        .expect("the tests are there")
        .filter_map(|entry| fs::read_to_string(entry.expect("it can be listed").path()).ok())
        .collect();
    for class in CLASSES {
        let named = match class.covered {
            Covered::Kernel(named) => named,
            Covered::Variant(_) => &[],
        };
        for test in named {
            assert!(tests.contains(&format!("fn {test}(")), "{}: no {test}", class.name());
        }
    }
}

/// If this were red, the page would say other steps and rules than were found.
#[test]
fn the_docs_show_the_table_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/bugs.md");
    let mut page = fs::read_to_string(&path).expect("the page is there");
    let (begin, end) = ("<!-- begin: classes -->\n", "<!-- end: classes -->");
    let from = page.find(begin).expect("the page has its begin marker") + begin.len();
    let to = page.find(end).expect("the page has its end marker");
    let table = table();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        page.replace_range(from..to, &table);
        fs::write(path, page).expect("the page can be written");
        return;
    }
    assert!(page[from..to] == table, "docs/bugs.md does not show this:\n{table}");
}
