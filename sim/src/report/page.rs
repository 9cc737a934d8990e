//! A report as HTML: the template, and each part as markup. The one place that escapes.

use std::fmt::{Arguments, Write};

use super::{Block, Case, Cell, Column, Kind, Report, Section, Table};
use crate::diagram::{escaped, inline};

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// Its hash stands in the template, so that no other script runs in the page.
const SCRIPT: &str = include_str!("page.js");

/// The page of a report.
pub fn page(report: &Report) -> String {
    let mut page = String::new();
    let mut rest = TEMPLATE;
    // Each place once, in order: what is put in is not looked at again.
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else { break };
        page.push_str(before);
        page.push_str(&part(report, name));
        rest = after;
    }
    page + rest
}

/// What stands in a place of the template.
fn part(report: &Report, name: &str) -> String {
    match name {
        "style" => STYLE.to_owned(),
        "script" => SCRIPT.to_owned(),
        "version" => escaped(env!("CARGO_PKG_VERSION")),
        "verb" => escaped(&report.verb),
        "verdict" => escaped(&report.verdict),
        "state" => if report.is_well { "well" } else { "unwell" }.to_owned(),
        "sign" => if report.is_well { "✓" } else { "✗" }.to_owned(),
        "command" => commands(std::slice::from_ref(&report.command)),
        "facts" => facts(report),
        "contents" => contents(report),
        "sections" => sections(report),
        unknown => unreachable!("the template names {unknown}"),
    }
}

/// Markup that grows.
#[derive(Default)]
struct Markup(String);

impl Markup {
    fn put(&mut self, markup: Arguments<'_>) {
        // Writing to a string does not fail.
        let _never = self.0.write_fmt(markup);
        self.0.push('\n');
    }
}

fn facts(report: &Report) -> String {
    let mut to = Markup::default();
    for fact in &report.facts {
        let (name, value) = (escaped(&fact.name), escaped(&fact.value));
        to.put(format_args!("<div><dt>{name}</dt><dd>{value}</dd></div>"));
    }
    to.0
}

fn contents(report: &Report) -> String {
    let mut to = Markup::default();
    for Section { id, title, .. } in &report.sections {
        to.put(format_args!(r##"<li><a href="#{id}">{}</a></li>"##, escaped(title)));
    }
    to.0
}

fn sections(report: &Report) -> String {
    let mut to = Markup::default();
    for Section { id, title, intro, blocks } in &report.sections {
        let title = escaped(title);
        to.put(format_args!(r#"<section id="{id}" aria-labelledby="{id}-title">"#));
        to.put(format_args!(r#"<h2 id="{id}-title">{title}</h2>"#));
        if !intro.is_empty() {
            to.put(format_args!("<p>{}</p>", escaped(intro)));
        }
        for part in blocks {
            block(&mut to, part);
        }
        to.put(format_args!("</section>"));
    }
    to.0
}

fn block(to: &mut Markup, block: &Block) {
    match block {
        Block::Table(shown) => table(to, shown),
        Block::Folded(line, shown) => {
            to.put(format_args!(r#"<details class="folded"><summary>{}</summary>"#, escaped(line)));
            table(to, shown);
            to.put(format_args!("</details>"));
        }
        Block::Legend(signs) => {
            to.put(format_args!(r#"<ul class="legend">"#));
            for (sign, meaning) in signs {
                let (class, text) = (class(sign.kind), escaped(&sign.text));
                let meaning = escaped(meaning);
                to.put(format_args!(
                    r#"<li><span class="{class}" aria-hidden="true"><b>{text}</b></span> {meaning}</li>"#
                ));
            }
            to.put(format_args!("</ul>"));
        }
        Block::Cases(cases) => {
            to.put(format_args!(r#"<div class="cases">"#));
            cases.iter().for_each(|shown| case(to, shown));
            to.put(format_args!("</div>"));
        }
        Block::Picture { svg, caption } => {
            let caption = escaped(caption);
            to.put(format_args!(
                r#"<figure><div class="scroll" role="group" tabindex="0" aria-label="{caption}">{svg}</div><figcaption>{caption}</figcaption></figure>"#
            ));
        }
    }
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Head => "head",
        Kind::Figure => "figure",
        Kind::Holds => "holds",
        Kind::Broken => "broken",
        Kind::Wrong => "wrong",
        Kind::Nothing => "nothing",
    }
}

fn table(to: &mut Markup, table: &Table) {
    let Table { caption, head, groups } = table;
    let caption = escaped(caption);
    to.put(format_args!(
        r#"<div class="scroll" role="group" tabindex="0" aria-label="{caption}"><table><caption class="unseen">{caption}</caption>"#
    ));
    to.put(format_args!("<thead><tr>"));
    for Column { name, hint, is_figures } in head {
        let class = if *is_figures { "figure" } else { "text" };
        let name = escaped(name);
        let shown = match hint.is_empty() {
            true => name,
            false => {
                format!(
                    r#"<abbr title="{0}">{name}</abbr><span class="unseen"> {0}</span>"#,
                    escaped(hint)
                )
            }
        };
        to.put(format_args!(r#"<th scope="col" class="{class}">{shown}</th>"#));
    }
    to.put(format_args!("</tr></thead>"));
    for (title, rows) in groups {
        to.put(format_args!("<tbody>"));
        if !title.is_empty() {
            let (span, title) = (head.len(), escaped(title));
            to.put(format_args!(
                r#"<tr class="group"><th colspan="{span}" scope="rowgroup"><span>{title}</span></th></tr>"#
            ));
        }
        for row in rows {
            to.put(format_args!("<tr>"));
            row.iter().for_each(|shown| cell(to, shown));
            to.put(format_args!("</tr>"));
        }
        to.put(format_args!("</tbody>"));
    }
    to.put(format_args!("</table></div>"));
}

fn cell(to: &mut Markup, cell: &Cell) {
    let Cell { text, small, says, kind, opens } = cell;
    let (class, text, says) = (class(*kind), escaped(text), escaped(says));
    let shown = match (opens, says.is_empty()) {
        (Some(case), true) => format!(r##"<a href="#{case}">{text}</a>"##),
        (Some(case), false) => {
            format!(r##"<a href="#{case}" aria-label="{says}" title="{says}">{text}</a>"##)
        }
        (None, true) => text,
        (None, false) => {
            format!(
                r#"<b aria-hidden="true" title="{says}">{text}</b><span class="unseen">{says}</span>"#
            )
        }
    };
    let small = match small.is_empty() {
        true => String::new(),
        false => format!("<small>{}</small>", escaped(small)),
    };
    match kind {
        Kind::Head => {
            to.put(format_args!(r#"<th scope="row" class="head">{shown}{small}</th>"#));
        }
        Kind::Text | Kind::Figure | Kind::Holds | Kind::Broken | Kind::Wrong | Kind::Nothing => {
            to.put(format_args!(r#"<td class="{class}">{shown}{small}</td>"#));
        }
    }
}

/// A line that opens. The address leads to what is inside, so that going there opens it.
fn case(to: &mut Markup, case: &Case) {
    let Case { id, title, why, facts, diagram, log, commands: known } = case;
    let (name, said) = (escaped(title), escaped(why));
    to.put(format_args!(
        r#"<details class="case"><summary><b>{name}</b> <span>{said}</span></summary>"#
    ));
    to.put(format_args!(r#"<article id="{id}" aria-labelledby="{id}-title">"#));
    to.put(format_args!(r#"<h3 id="{id}-title">{name}</h3><p class="why">{said}</p>"#));
    if !diagram.rows.is_empty() {
        let drawn = inline(diagram, id);
        to.put(format_args!(
            r#"<div class="scroll drawn" role="group" tabindex="0" aria-label="{name} as a sequence diagram">{drawn}</div>"#
        ));
        steps(to, case);
    }
    if !log.is_empty() {
        let lines: Vec<String> = log.iter().map(|line| escaped(line)).collect();
        let lines = lines.join("\n");
        to.put(format_args!(
            r#"<pre class="log scroll" role="group" tabindex="0" aria-label="what was seen">{lines}</pre>"#
        ));
    }
    if !facts.is_empty() {
        to.put(format_args!(r#"<dl class="about">"#));
        for (name, value) in facts {
            let (name, value) = (escaped(name), escaped(value));
            to.put(format_args!("<div><dt>{name}</dt><dd>{value}</dd></div>"));
        }
        to.put(format_args!("</dl>"));
    }
    if !known.is_empty() {
        to.put(format_args!("<h4>To see it again</h4>{}", commands(known)));
    }
    to.put(format_args!("</article></details>"));
}

/// The same steps in words.
fn steps(to: &mut Markup, case: &Case) {
    let rows = &case.diagram.rows;
    to.put(format_args!(r#"<ol class="steps" aria-label="the steps">"#));
    for (place, row) in rows.iter().enumerate() {
        let breaks = case.diagram.broken.is_some() && place + 1 == rows.len();
        let class = if breaks { r#" class="breaks""# } else { "" };
        let (lane, number) = (escaped(&row.lane), place + 1);
        let texts: Vec<String> = row.text.iter().map(|text| escaped(text)).collect();
        let texts = match texts.is_empty() {
            true => "does nothing that is seen".to_owned(),
            false => texts.join("; "),
        };
        to.put(format_args!(
            r#"<li{class} data-step="{number}"><b>{lane}</b> <span>{texts}</span></li>"#
        ));
    }
    if case.diagram.broken.is_some() && rows.is_empty() {
        to.put(format_args!("<li>nothing has happened</li>"));
    }
    to.put(format_args!("</ol>"));
}

fn commands(commands: &[String]) -> String {
    let mut to = Markup::default();
    for command in commands {
        let command = escaped(command);
        to.put(format_args!(r#"<div class="command"><code>{command}</code></div>"#));
    }
    to.0
}
