//! A diagram as a picture: one file that needs nothing else.
//!
//! An arrow changes its height only between two lanes, where no text is, so that it crosses none;
//! and where one message overtakes another, their arrows cross.

use std::fmt::Write;

use super::{
    Arrival, Diagram, Placed, lanes, place,
    text::{neutral, width, wrap},
    verdict,
};

/// How wide a character is at most, at 13 pixels: monospaced fonts have 0.6 of their height.
const CELL: usize = 8;
const LINE: usize = 18;
/// Around the text in a box.
const PAD: usize = 8;
/// Between two lanes: the arrows need it.
const GAP: usize = 64;
/// How much of the gap an arrow goes level, on either side: its tip points at the box.
const LEVEL: usize = 12;
const MARGIN: usize = 24;
/// Left of the first lane, for the numbers.
const GUTTER: usize = 44;
/// Characters in a line of a box.
const TEXT_MAX: usize = 30;
/// Between two steps.
const SPACE: usize = 12;
/// The least that the title and the end have room for.
const WIDTH_MIN: usize = 560;

/// Light by default, dark where the reader's system is. No variables: some renderers have none.
const STYLE: &str = r#"
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace; fill: #1f2328; white-space: pre; }
.page { fill: #ffffff; }
.title { font-size: 16px; font-weight: bold; }
.quiet { fill: #59636e; }
.lane { font-weight: bold; }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
.life { stroke: #c4ccd5; stroke-width: 1.5; stroke-dasharray: 4 4; }
.head, .box { fill: #f6f8fa; stroke: #8c959f; }
.dot { fill: #8c959f; }
.arrow { fill: none; stroke: #0969da; stroke-width: 1.5; }
.tip { fill: #0969da; }
.broken .box { fill: #ffebe9; stroke: #cf222e; stroke-width: 2; }
.broken .dot { fill: #cf222e; }
.broken text { fill: #a40e26; font-weight: bold; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.page { fill: #0d1117; }
.quiet { fill: #9198a1; }
.life { stroke: #3d444d; }
.head, .box { fill: #161b22; stroke: #656c76; }
.dot { fill: #9198a1; }
.arrow { stroke: #4493f8; }
.tip { fill: #4493f8; }
.broken .box { fill: #2d1214; stroke: #f85149; }
.broken .dot { fill: #f85149; }
.broken text { fill: #ff8f88; }
}
"#;

/// Draws a diagram as SVG, as large as its content. It has no script, and needs no font and
/// nothing else from elsewhere.
pub fn svg(diagram: &Diagram) -> String {
    let lanes = lanes(&diagram.rows);
    let placed = place(diagram, &lanes);
    let layout = Layout::of(diagram, &lanes, &placed);
    let mut picture = Picture { body: String::new(), tip: "lastbyte-tip".to_owned() };
    let end = layout.draw(&mut picture, diagram, &lanes, &placed);
    let (width, height) = (layout.width, end + MARGIN);
    let title = escaped(&diagram.title);
    let described = escaped(&description(diagram, &placed));
    let body = picture.body;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="lastbyte-title lastbyte-desc" xml:space="preserve">
<title id="lastbyte-title">{title}</title>
<desc id="lastbyte-desc">{described}</desc>
<style>{STYLE}</style>
<defs><marker id="lastbyte-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>
<rect class="page" width="{width}" height="{height}"/>
{body}</svg>
"##
    )
}

/// Draws the steps of a diagram as SVG that stands in a page: its looks are those of the page's
/// class `diagram`, and title, verdict and command have their own places there. `id` is of the page
/// alone. What belongs to a step has its number in
/// `data-step`, an arrow that arrives with it in `data-arrives`.
pub fn inline(diagram: &Diagram, id: &str) -> String {
    let bare = Diagram {
        title: String::new(),
        subtitle: String::new(),
        replay: String::new(),
        ..diagram.clone()
    };
    let lanes = lanes(&bare.rows);
    let placed = place(&bare, &lanes);
    let layout = Layout::of(&bare, &lanes, &placed);
    let mut picture = Picture { body: String::new(), tip: format!("{id}-tip") };
    layout.draw_steps(&mut picture, &lanes, &placed);
    let (width, height) = (layout.width, layout.bottom);
    let (title, tip, body) = (escaped(&diagram.title), picture.tip, picture.body);
    format!(
        r##"<svg class="diagram" style="--width:{width}px" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-label="{title}: the steps below, drawn" xml:space="preserve">
<defs><marker id="{tip}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>
{body}</svg>
"##
    )
}

/// All of it in words, for whoever does not see it.
fn description(diagram: &Diagram, placed: &[Placed<'_>]) -> String {
    let mut lines = vec![diagram.subtitle.clone()];
    for (at, step) in placed.iter().enumerate() {
        let mut line = format!("Step {}, {}", at + 1, step.row.lane);
        for (place, text) in step.row.text.iter().enumerate() {
            line += if place == 0 { ": " } else { "; " };
            line += text;
        }
        lines.push(line + ".");
    }
    lines.extend(verdict(diagram));
    lines.retain(|line| !line.is_empty());
    // Each line by itself: what breaks a line in a text must not do so here.
    lines.iter().map(|line| neutral(line)).collect::<Vec<_>>().join("\n")
}

/// A text as it may stand in markup, between tags and between double quotes: drawn, never obeyed.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let lines = text.split('\n').map(neutral).collect::<Vec<_>>();
    for c in lines.join("\n").chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

struct Picture {
    body: String,
    /// The name of an arrow's tip.
    tip: String,
}

impl Picture {
    fn put(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _never = self.body.write_fmt(element);
        self.body.push('\n');
    }

    /// Lines below each other, of which the first stands in this line.
    fn lines(&mut self, lines: &[String], class: &str, x: usize, top: usize) {
        for (at, line) in lines.iter().enumerate() {
            let y = top + at * LINE + 13;
            let line = escaped(line);
            self.put(format_args!(r#"<text class="{class}" x="{x}" y="{y}">{line}</text>"#));
        }
    }
}

/// The box of a step.
struct Boxed {
    lines: Vec<String>,
    top: usize,
    height: usize,
    width: usize,
}

impl Boxed {
    fn middle(&self) -> usize {
        self.top + self.height / 2
    }

    /// Half of what it takes of its lane, from the life line.
    fn reach(&self) -> usize {
        if self.lines.is_empty() { 5 } else { self.width / 2 }
    }
}

struct Layout {
    /// For each lane, where it begins and how wide it is.
    lanes: Vec<(usize, usize)>,
    boxes: Vec<Boxed>,
    names: Vec<Vec<String>>,
    title: Vec<String>,
    subtitle: Vec<String>,
    /// Where the names of the lanes stand.
    head: usize,
    head_height: usize,
    bottom: usize,
    width: usize,
}

fn box_width(lines: &[String]) -> usize {
    let widest = lines.iter().map(|line| width(line)).max().unwrap_or_default();
    widest * CELL + 2 * PAD
}

fn paragraph(text: &str, room: usize) -> Vec<String> {
    if text.is_empty() { Vec::new() } else { wrap(&neutral(text), room) }
}

impl Layout {
    fn of(diagram: &Diagram, lanes: &[&str], placed: &[Placed<'_>]) -> Self {
        let names: Vec<Vec<String>> = lanes.iter().map(|lane| paragraph(lane, TEXT_MAX)).collect();
        let mut widths: Vec<usize> = names.iter().map(|name| box_width(name)).collect();
        let mut boxes = Vec::new();
        for step in placed {
            let texts = step.row.text.iter();
            let lines: Vec<String> =
                texts.flat_map(|text| wrap(&neutral(text), TEXT_MAX)).collect();
            let width = box_width(&lines);
            widths[step.lane] = widths[step.lane].max(width);
            let height = if lines.is_empty() { LINE } else { lines.len() * LINE + PAD };
            boxes.push(Boxed { lines, top: 0, height, width });
        }
        let mut at = MARGIN + GUTTER;
        let mut columns = Vec::new();
        for width in widths {
            columns.push((at, width));
            at += width + GAP;
        }
        let end = columns.last().map_or(0, |&(start, width)| start + width);
        let width = (end + MARGIN).max(WIDTH_MIN);
        // The title is larger than the rest.
        let room = (width - 2 * MARGIN) / CELL;
        let title = paragraph(&diagram.title, room * 4 / 5);
        let subtitle = paragraph(&diagram.subtitle, room);
        let head = MARGIN + (title.len() + subtitle.len()) * LINE + 2 * SPACE;
        let name_lines = names.iter().map(Vec::len).max().unwrap_or_default();
        let head_height = name_lines * LINE + PAD;
        let mut bottom = head + head_height + 2 * SPACE;
        for step in &mut boxes {
            step.top = bottom;
            bottom += step.height + SPACE;
        }
        Layout { lanes: columns, boxes, names, title, subtitle, head, head_height, bottom, width }
    }

    fn life(&self, lane: usize) -> usize {
        let (start, width) = self.lanes[lane];
        start + width / 2
    }

    /// Draws all of it, and returns where it ends.
    fn draw(
        &self,
        picture: &mut Picture,
        diagram: &Diagram,
        lanes: &[&str],
        placed: &[Placed<'_>],
    ) -> usize {
        picture.lines(&self.title, "title", MARGIN, MARGIN);
        let below = MARGIN + self.title.len() * LINE + 4;
        picture.lines(&self.subtitle, "quiet", MARGIN, below);
        self.draw_steps(picture, lanes, placed);
        self.finish(picture, diagram)
    }

    /// The lanes, and what happens in them.
    fn draw_steps(&self, picture: &mut Picture, lanes: &[&str], placed: &[Placed<'_>]) {
        for lane in 0..lanes.len() {
            self.lane(picture, lane);
        }
        for (at, step) in placed.iter().enumerate() {
            for arrival in &step.arrivals {
                self.arrow(picture, arrival, at, step.lane);
            }
        }
        for (at, step) in placed.iter().enumerate() {
            self.step(picture, step, at);
        }
    }

    fn lane(&self, picture: &mut Picture, lane: usize) {
        let (start, width) = self.lanes[lane];
        let (x, top, height) = (self.life(lane), self.head, self.head_height);
        let (from, to) = (top + height, self.bottom);
        picture.put(format_args!(
            r#"<line class="life" x1="{x}" y1="{from}" x2="{x}" y2="{to}"/>
<rect class="head" x="{start}" y="{top}" width="{width}" height="{height}" rx="4"/>"#
        ));
        let name = &self.names[lane];
        let above = (height - name.len() * LINE) / 2;
        picture.lines(name, "lane middle", x, top + above);
    }

    fn step(&self, picture: &mut Picture, step: &Placed<'_>, at: usize) {
        let Boxed { lines, top, height, width } = &self.boxes[at];
        let (x, middle, number) = (self.life(step.lane), self.boxes[at].middle(), at + 1);
        let (class, mark) = if step.breaks { ("step broken", "✗ ") } else { ("step", "") };
        picture.put(format_args!(r#"<g class="{class}" data-step="{number}">"#));
        let (right, base) = (MARGIN + GUTTER - 14, middle + 4);
        picture.put(format_args!(
            r#"<text class="quiet end" x="{right}" y="{base}">{mark}{number}</text>"#
        ));
        if lines.is_empty() {
            picture.put(format_args!(r#"<circle class="dot" cx="{x}" cy="{middle}" r="5"/>"#));
        } else {
            let left = x - width / 2;
            picture.put(format_args!(
                r#"<rect class="box" x="{left}" y="{top}" width="{width}" height="{height}" rx="4"/>"#
            ));
            picture.lines(lines, "did", left + PAD, top + PAD / 2);
        }
        picture.put(format_args!("</g>"));
    }

    /// From the sender's box to the side of his lane, over to the next lane at the height of the
    /// receiver, and on to the receiver's box.
    fn arrow(&self, picture: &mut Picture, arrival: &Arrival, to: usize, to_lane: usize) {
        let from = arrival.from_row;
        let (start, width) = self.lanes[arrival.from_lane];
        let (y1, y2) = (self.boxes[from].middle(), self.boxes[to].middle());
        let (from_life, to_life) = (self.life(arrival.from_lane), self.life(to_lane));
        let (from_reach, to_reach) = (self.boxes[from].reach(), self.boxes[to].reach());
        let [x1, side, beyond, x2] = if from_life < to_life {
            let side = start + width;
            [from_life + from_reach, side + LEVEL, side + GAP - LEVEL, to_life - to_reach]
        } else {
            [from_life - from_reach, start - LEVEL, start - GAP + LEVEL, to_life + to_reach]
        };
        let label = escaped(&neutral(&arrival.label));
        let (one, other, tip) = (from + 1, to + 1, picture.tip.clone());
        picture.put(format_args!(
            r#"<path class="arrow" data-arrives="{other}" marker-end="url(#{tip})" d="M{x1} {y1}H{side}L{beyond} {y2}H{x2}"><title>From step {one} to step {other}: {label}</title></path>"#
        ));
    }

    fn finish(&self, picture: &mut Picture, diagram: &Diagram) -> usize {
        let room = (self.width - 2 * MARGIN - 2 * PAD) / CELL;
        let mut top = self.bottom + SPACE;
        if let Some(verdict) = verdict(diagram) {
            let lines = wrap(&neutral(&format!("✗ {verdict}")), room);
            let (height, width) = (lines.len() * LINE + 2 * PAD, self.width - 2 * MARGIN);
            picture.put(format_args!(
                r#"<g class="verdict broken"><rect class="box" x="{MARGIN}" y="{top}" width="{width}" height="{height}" rx="4"/>"#
            ));
            picture.lines(&lines, "did", MARGIN + PAD, top + PAD);
            picture.put(format_args!("</g>"));
            top += height + SPACE;
        }
        if !diagram.replay.is_empty() {
            let lines = wrap(&neutral(&diagram.replay), room);
            picture.lines(&["To run it again:".to_owned()], "quiet", MARGIN, top);
            picture.lines(&lines, "replay", MARGIN, top + LINE);
            top += (lines.len() + 1) * LINE;
        }
        top
    }
}
