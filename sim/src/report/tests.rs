//! What a page is, without looking at it. `sim/tests/report.rs` clicks through it.

use std::{
    collections::BTreeSet,
    io::Write,
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use lastbyte::{machine::Machine, monitor::Rule};

use super::{
    Block, Case, Cell, Column, Fact, Kind, Report, Section, Table, chart::Chart, check,
    command_line, id, page, quoted,
};
use crate::{
    bytes::Bytes,
    catalogue::specimens,
    diagram::{Diagram, Row},
    explorer::explore,
    matrix::{Extent, unwatched},
    zoo::stock_steps::Stock,
};

/// A page with this text wherever one can stand.
fn says(text: &str) -> Report {
    let t = || text.to_owned();
    let cell = |kind| Cell { text: t(), small: t(), says: t(), kind, opens: None };
    let table = || Table {
        caption: t(),
        head: vec![Column { name: t(), hint: t(), is_figures: true }],
        groups: vec![(t(), vec![vec![cell(Kind::Head), cell(Kind::Wrong)]])],
    };
    let case = Case {
        id: id(text),
        title: t(),
        why: t(),
        facts: vec![(t(), t())],
        diagram: Diagram {
            title: t(),
            subtitle: t(),
            rows: vec![Row { lane: t(), text: vec![t()] }],
            broken: Some(t()),
            replay: t(),
        },
        log: vec![t()],
        commands: vec![t()],
    };
    let blocks = vec![
        Block::Table(table()),
        Block::Folded(t(), table()),
        Block::Legend(vec![(cell(Kind::Holds), t())]),
        Block::Cases(vec![case]),
        Block::Picture { svg: String::new(), caption: t() },
    ];
    Report {
        verb: t(),
        verdict: t(),
        is_well: true,
        command: t(),
        facts: vec![Fact { value: t(), name: t() }],
        sections: vec![Section { id: "all", title: t(), intro: t(), blocks }],
    }
}

/// The tags of a page with the names of their attributes: all that a browser would do. A text that
/// is longer is drawn in more lines.
fn shape(page: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in page.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        let outside = tag.split('"').step_by(2).collect::<Vec<_>>().join("");
        if !outside.starts_with("text ") && !outside.starts_with("/text") {
            tags.push(outside);
        }
    }
    tags
}

/// If this were red, what a child prints would be obeyed by the browser of whoever reads about it.
#[test]
fn what_a_child_says_is_never_markup() {
    let plain = page(&says("x"));
    for hostile in [
        "</title></style></script><script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "--></svg><svg onload=alert(1)>",
        "{{script}}{{style}}",
        "\u{1b}[31m\u{202e}\0\u{fffe}&amp;<",
        "' onmouseover='alert(1)",
    ] {
        let hurt = page(&says(hostile));
        assert_eq!(shape(&plain), shape(&hurt), "{hostile:?}");
        for raw in ['\0', '\u{1b}', '\u{202e}', '\u{fffe}'] {
            assert!(!hurt.contains(raw), "{raw:?} stands in the page as it is");
        }
    }
}

/// If this were red, the page's own script would be kept from running, or another would not.
#[test]
fn the_page_allows_the_script_that_stands_in_it_and_no_other() {
    let page = page(&Report::default());
    let (_, script) = page.split_once("<script>").expect("there is a script");
    let (script, _) = script.split_once("</script>").expect("it ends");
    let mut sum = Command::new("sha256sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("coreutils are there");
    sum.stdin.take().expect("it is piped").write_all(script.as_bytes()).expect("it is taken");
    let said = sum.wait_with_output().expect("it ends").stdout;
    let hex = std::str::from_utf8(&said[..64]).expect("hexadecimal");
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    let hash = STANDARD.encode((0..64).step_by(2).map(byte).collect::<Vec<u8>>());
    assert!(
        page.contains(&format!("script-src 'sha256-{hash}'")),
        "page.js has changed: in page.html, write 'sha256-{hash}'"
    );
}

/// If this were red, the page would fetch something, and say nothing where there is no network.
#[test]
fn a_page_names_nothing_that_would_be_fetched() {
    let page = page(&says("x"));
    for reference in page.split("href=\"").skip(1) {
        assert!(reference.starts_with('#') || reference.starts_with("data:"), "{:.60}", reference);
    }
    for fetched in ["src=\"", "@import", "url(http", "fetch(", "XMLHttpRequest", "srcset"] {
        assert!(!page.contains(fetched), "{fetched}");
    }
}

/// If this were red, the figures on the drawing would not be those that are claimed.
#[test]
fn the_drawn_graph_counts_what_the_explorer_counts() {
    let bounds = check::smallest();
    let drawn = Chart::of::<Machine<Bytes>>(&bounds).expect("it is small");
    let found = explore::<Machine<Bytes>>(&bounds, 1_000).expect("it is small");
    assert_eq!(drawn.states.len() as u64, found.states);
    assert_eq!(drawn.edges.len() as u64, found.transitions);
    assert_eq!(drawn.interleavings().to_string(), found.interleavings.to_string());
    let drawn = Chart::of::<Stock>(&bounds).expect("it is small");
    let found = explore::<Stock>(&bounds, 1_000).expect("it is small");
    assert_eq!(drawn.edges.len() as u64, found.transitions);
    assert_eq!(drawn.interleavings().to_string(), found.interleavings.to_string());
}

/// If this were red, a cell would open another schedule than its own, or none.
#[test]
fn every_cell_opens_a_case_of_its_own() {
    let extent = Extent { chunks: 1, waiters: 1, samples: 0, ..Extent::default() };
    let known: Vec<_> = specimens().filter(|known| known.name.starts_with('s')).collect();
    let verdicts = extent.explore_all(&known, &unwatched).expect("they are small");
    let page = page(&super::of_check(&verdicts, &Rule::ALL, command_line()));
    let mut ids = BTreeSet::new();
    for id in page.split(" id=\"").skip(1) {
        let id = id.split('"').next().unwrap_or_default();
        assert!(ids.insert(id), "{id} stands twice");
    }
    let opened: Vec<&str> =
        page.split("href=\"#").skip(1).filter_map(|link| link.split('"').next()).collect();
    let broken: usize = verdicts.iter().map(|verdict| verdict.broken().len()).sum();
    assert_eq!(opened.iter().filter(|id| id.starts_with("case-")).count(), broken);
    for id in opened {
        assert!(ids.contains(id), "{id} is not in the page");
    }
}

/// If this were red, the command on a page would do something else when it is pasted.
#[test]
fn words_are_quoted_as_a_shell_takes_them() {
    let words = ["lastbyte", "a b", "it's", "$x", "", "{}"].map(Into::into);
    assert_eq!(quoted(&words), r"lastbyte 'a b' 'it'\''s' '$x' '' {}");
}
