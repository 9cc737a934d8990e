//! Snapshots of both drawings, of real schedules and of hostile texts.

use std::sync::Arc;

use lastbyte::{
    machine::StreamId::{Stderr, Stdout},
    monitor::Rule,
};

use super::{
    super::{Diagram, Row, svg, terminal},
    HOSTILE,
    matched::produced,
    row,
};
use crate::{
    executor::{
        child::{Do, Script},
        search::{explore, rerun},
        stack::{Call, Scenario},
    },
    zoo::stock::Stock,
};

/// A shortest schedule in which the stock design breaks a rule.
fn caught(scenario: Scenario, rule: Rule) -> Diagram {
    let scenario = Arc::new(scenario);
    let report = explore::<Stock>(&scenario, 1_000_000).expect("it is small");
    let found = report.broken.get(&rule).expect("it breaks this rule");
    let rerun = rerun::<Stock>(&scenario, &found.schedule);
    Diagram {
        title: format!("stock:{rule}"),
        subtitle: format!("scenario {}, a shortest schedule", scenario.name),
        rows: rerun.lines.iter().map(Row::from).collect(),
        broken: rerun.broken.map(|broken| broken.to_string()),
        replay: format!("lastbyte replay stock:{}:AQIDBA", scenario.name),
    }
}

fn plain() -> Diagram {
    let does = &[Do::Write(Stdout, b"a"), Do::Write(Stderr, b"A")];
    caught(Scenario::new("plain", Script::new(does)), Rule::C1)
}

fn waits() -> Diagram {
    let mut scenario = Scenario::new("waits", Script::new(&[Do::Write(Stdout, b"a")]));
    scenario.calls = vec![Call::Wait];
    caught(scenario, Rule::C4)
}

/// The child must wait for its readers: there is no schedule without them.
fn narrow() -> Diagram {
    let does = &[
        Do::Write(Stdout, b"a"),
        Do::Write(Stderr, b"A"),
        Do::Write(Stdout, b"b"),
        Do::Write(Stderr, b"B"),
    ];
    caught(Scenario::new("narrow", Script { pipe: 1, ..Script::new(does) }), Rule::C1)
}

/// A caller kills, and the driver of the production stack sends the signals: arrows to the left.
fn killed() -> Diagram {
    Diagram {
        title: "lastbyte".into(),
        subtitle: "scenario kill, no rule is broken".into(),
        rows: produced(&[0, 1, 1, 0]),
        ..Diagram::default()
    }
}

pub(super) fn hostile() -> Diagram {
    let mut rows: Vec<Row> = HOSTILE.iter().map(|text| row("child", &[text])).collect();
    rows.push(row("\u{1b}[31mpump <&>\n", &["reads \"日\u{1b}[2J\" from stdout"]));
    rows.push(row("consumer", &["first", "", "third"]));
    Diagram {
        title: "\u{1b}[2Jtitle <script>".into(),
        subtitle: "\u{202e}subtitle & more".into(),
        rows,
        broken: Some("C1 \u{7}<broken>".into()),
        replay: "lastbyte replay '\u{1b}]52;c;x\u{7}'".into(),
    }
}

#[test]
fn the_terminal_form_is_as_it_was() {
    insta::assert_snapshot!("plain_terminal", terminal(&plain(), 100, false));
    insta::assert_snapshot!("waits_terminal", terminal(&waits(), 100, false));
    insta::assert_snapshot!("narrow_terminal", terminal(&narrow(), 120, false));
    insta::assert_snapshot!("killed_terminal", terminal(&killed(), 120, false));
    insta::assert_snapshot!("hostile_terminal", terminal(&hostile(), 80, false));
}

#[test]
fn a_small_terminal_gets_narrow_lanes_and_then_a_list() {
    insta::assert_snapshot!("narrow_terminal_80", terminal(&narrow(), 80, false));
    insta::assert_snapshot!("narrow_terminal_40", terminal(&narrow(), 40, false));
    insta::assert_snapshot!("hostile_terminal_20", terminal(&hostile(), 20, false));
}

#[test]
fn the_picture_is_as_it_was() {
    insta::assert_snapshot!("plain_svg", svg(&plain()));
    insta::assert_snapshot!("waits_svg", svg(&waits()));
    insta::assert_snapshot!("narrow_svg", svg(&narrow()));
    insta::assert_snapshot!("killed_svg", svg(&killed()));
    insta::assert_snapshot!("hostile_svg", svg(&hostile()));
}

#[test]
fn colours_are_the_only_escapes_and_change_nothing_else() {
    for diagram in [plain(), waits(), narrow(), hostile()] {
        for width in [20, 60, 120] {
            let mut coloured = terminal(&diagram, width, true);
            for sgr in ["[1m", "[2m", "[36m", "[1;31m", "[0m"] {
                coloured = coloured.replace(&format!("\u{1b}{sgr}"), "");
            }
            assert_eq!(coloured, terminal(&diagram, width, false));
        }
    }
}

#[test]
fn nothing_to_draw_is_drawn() {
    let nothing = Diagram::default();
    assert_eq!(terminal(&nothing, 80, false), "");
    assert!(roxmltree::Document::parse(&svg(&nothing)).is_ok());
    let no_step = Diagram { broken: Some("C3".into()), ..Diagram::default() };
    assert_eq!(terminal(&no_step, 80, false), "\n✗ Before any step: C3\n");
}
