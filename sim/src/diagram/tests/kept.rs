//! Nothing of a text is lost, and nothing of it is obeyed.

use proptest::{collection::vec, prelude::*, sample::select};
use roxmltree::{Document, Node};

use super::{
    super::{
        Diagram, Row, lanes, svg, terminal,
        terminal::INDENT,
        text::{neutral, width, wrap},
    },
    HOSTILE,
    drawn::hostile,
};

const FRAME: &str = "│●✗├┤┼─▶◀";

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        vec(any::<char>(), 0..40).prop_map(String::from_iter),
        "[ a-z\"]{0,80}",
        "[\u{0}-\u{ff} 日本\u{300}-\u{303}👩\u{200d}]{0,40}",
        select(&HOSTILE[..]).prop_map(str::to_owned),
        select(
            &[
                "writes \"a\" to stdout",
                "reads \"a\" from stdout",
                "is handed \"a\" of stdout",
                "queues the exit",
                "is handed the exit: exited with code 0",
                "sends SIGTERM",
            ][..]
        )
        .prop_map(str::to_owned),
    ]
    .prop_map(|text| text.replace(|c| FRAME.contains(c), ""))
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let lane = select(&["child", "exit pump", "consumer", "waiter 1", "driver", "time"][..]);
    let row = (lane, vec(text(), 0..4)).prop_map(|(lane, text)| Row { lane: lane.into(), text });
    vec(row, 1..8)
}

fn diagram(rows: Vec<Row>) -> Diagram {
    Diagram { title: "T".into(), rows, ..Diagram::default() }
}

/// Without what stands between two lines, or fills them.
fn dense(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn all_texts(rows: &[Row]) -> String {
    rows.iter().flat_map(|row| &row.text).map(|text| dense(&neutral(text))).collect()
}

/// The texts of the steps, out of a drawing in lanes or as a list.
fn drawn_texts(drawn: &str) -> String {
    let legend = dense("The number on an arrow is the step that sent it.");
    let lines = drawn.lines().skip(2);
    let texts = if drawn.contains('│') {
        let steps = lines.skip_while(|line| !line.contains('│'));
        let mut texts = String::new();
        for line in steps.filter(|line| line.contains(|c| FRAME.contains(c))) {
            let mut in_arrow = false;
            // One digit: there are fewer than ten steps.
            for c in line.chars().skip(2 + 1 + 2) {
                match c {
                    '├' | '◀' => in_arrow = true,
                    '▶' | '┤' => in_arrow = false,
                    c if !in_arrow && !FRAME.contains(c) => texts.push(c),
                    _ => {}
                }
            }
        }
        texts
    } else {
        let indent = " ".repeat(INDENT);
        let texts = lines.filter_map(|line| line.strip_prefix(&indent));
        texts.filter(|text| !text.starts_with('◀')).collect()
    };
    let texts = dense(&texts);
    texts.strip_suffix(&legend).map_or(texts.clone(), str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig {
        // A failure prints its rows; a file of them would tell no more.
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_character_is_lost_in_a_terminal(rows in rows(), width in 20usize..=200) {
        let drawn = terminal(&diagram(rows.clone()), width, false);
        prop_assert_eq!(drawn_texts(&drawn), all_texts(&rows), "{}", drawn);
    }

    #[test]
    fn a_terminal_obeys_nothing_and_no_line_is_too_long(rows in rows(), room in 20usize..=200) {
        let drawn = terminal(&diagram(rows), room, false);
        for line in drawn.lines() {
            prop_assert!(width(line) <= room, "{}", drawn);
            prop_assert_eq!(neutral(line), line);
        }
    }

    #[test]
    fn no_character_is_lost_in_a_picture(rows in rows()) {
        let picture = svg(&diagram(rows.clone()));
        let document = Document::parse(&picture);
        prop_assert!(document.is_ok(), "{:?}: {}", document, picture);
        if let Ok(document) = document {
            compare(&document, &rows);
        }
    }

    #[test]
    fn wrapping_takes_one_space_for_a_line(text in "[ a日]{0,60}", room in 2usize..30) {
        let mut rest = text.as_str();
        let lines = wrap(&text, room);
        for (at, line) in lines.iter().enumerate() {
            prop_assert!(width(line) <= room);
            rest = rest.strip_prefix(line.as_str()).expect("lines follow each other");
            if at + 1 < lines.len() {
                rest = rest.strip_prefix(' ').unwrap_or(rest);
            }
        }
        prop_assert_eq!(rest, "");
    }

    #[test]
    fn what_is_neutral_is_as_wide_as_its_characters(text in any::<String>()) {
        let neutral = neutral(&text);
        prop_assert!(neutral.chars().all(|c| width(c.encode_utf8(&mut [0; 4])) > 0));
    }
}

/// Told apart by number, without asking how wide a character is.
#[test]
fn what_is_obeyed_or_not_seen_is_escaped_and_the_rest_is_not() {
    let formats = [
        0xAD..=0xAD,
        0x300..=0x36F,
        0x61C..=0x61C,
        0x180B..=0x180F,
        0x200B..=0x200F,
        0x2028..=0x202E,
        0x2060..=0x206F,
        0xFDD0..=0xFDEF,
        0xFE00..=0xFE0F,
        0xFEFF..=0xFEFF,
        0xFFF9..=0xFFFB,
        0xFFFE..=0xFFFF,
        0x1_FFFE..=0x1_FFFF,
        0xE_0000..=0xE_0FFF,
        0x10_FFFE..=0x10_FFFF,
    ];
    let formats = formats.into_iter().flatten().filter_map(char::from_u32);
    for c in ('\0'..'\u{ff}').filter(|c| c.is_control()).chain(formats) {
        let escape = neutral(&c.to_string());
        assert!(escape.starts_with('\\') && escape.is_ascii(), "{c:?}: {escape}");
    }
    for shown in
        ["a ~|\\\"'<>&", "äöüßéñ", "日本語のカナ", "Ωλ Жя", "→✓│", "👩🎉", "\u{a0}\u{3000}"]
    {
        assert_eq!(neutral(shown), shown);
    }
}

fn classed<'a>(node: Node<'a, 'a>, class: &str) -> Vec<&'a str> {
    node.descendants()
        .filter(|node| node.attribute("class") == Some(class))
        .map(|node| node.text().unwrap_or_default())
        .collect()
}

/// The steps of a picture are these rows.
fn compare(document: &Document<'_>, rows: &[Row]) {
    let steps: Vec<_> =
        document.descendants().filter(|node| node.has_attribute("data-step")).collect();
    assert_eq!(steps.len(), rows.len());
    for (at, (step, row)) in steps.iter().zip(rows).enumerate() {
        assert_eq!(step.attribute("data-step"), Some((at + 1).to_string().as_str()));
        let texts = step.descendants().filter(|node| node.attribute("class") == Some("did"));
        let shown: String = texts.filter_map(|node| node.text()).map(dense).collect();
        assert_eq!(shown, all_texts(std::slice::from_ref(row)));
    }
}

#[test]
fn a_picture_shows_the_rows_and_runs_nothing() {
    let diagram = hostile();
    let picture = svg(&diagram);
    let document = Document::parse(&picture).expect("it is XML");
    compare(&document, &diagram.rows);
    let root = document.root();
    let names: Vec<String> = lanes(&diagram.rows).iter().map(|lane| neutral(lane)).collect();
    assert_eq!(classed(root, "lane middle"), names);
    assert_eq!(classed(root, "replay").concat(), neutral(&diagram.replay));
    assert_eq!(classed(root, "title").concat(), neutral(&diagram.title));
    let allowed = [
        "svg", "title", "desc", "style", "defs", "marker", "path", "rect", "g", "line", "circle",
        "text",
    ];
    for node in document.descendants().filter(Node::is_element) {
        assert!(allowed.contains(&node.tag_name().name()), "{node:?}");
        let refers = |name: &str| name.contains("href") || name.starts_with("on");
        assert!(!node.attributes().any(|attribute| refers(attribute.name())), "{node:?}");
    }
    let broken: Vec<_> = document
        .descendants()
        .filter(|node| node.attribute("class") == Some("step broken"))
        .filter_map(|node| node.attribute("data-step"))
        .collect();
    assert_eq!(broken, [diagram.rows.len().to_string()]);
    assert!(!picture.contains("url(http") && !picture.contains("@import"));
}

#[test]
fn the_command_is_not_broken_into_lines() {
    let replay = format!("lastbyte replay {}", "A".repeat(300));
    let diagram = Diagram { replay: replay.clone(), ..Diagram::default() };
    assert!(terminal(&diagram, 40, false).lines().any(|line| line.trim() == replay));
}
