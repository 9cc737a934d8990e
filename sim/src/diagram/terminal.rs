//! A diagram in characters.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

use super::{
    Arrival, Diagram, Placed, lanes, place,
    text::{neutral, width as width_of, wrap},
    verdict,
};

/// Narrower than this is drawn as wide as this.
const WIDTH_MIN: usize = 20;

/// The least room of a lane: an arrow over one lane has place for the number of any step.
const LANE_MIN: usize = 12;

/// A lane that wants more has this at least, or there are no lanes.
const LANE_SQUEEZED: usize = 14;

/// Left of the texts of a lane: its life line and a space.
const LIFE: usize = 2;

/// Between the text of a lane and the next lane.
const GAP: usize = 2;

/// Where a step's texts begin when there are no lanes.
pub(super) const INDENT: usize = 6;

/// Draws a diagram `width` columns wide: a lane for each who acts, or a numbered list where the
/// lanes have no room. Whatever is too long is wrapped, except the command at the end, which alone
/// may go past the width: it is there to be copied. With `colour` there are escape sequences for
/// colours, and no other ones.
pub fn terminal(diagram: &Diagram, width: usize, colour: bool) -> String {
    let width = width.max(WIDTH_MIN);
    let lanes = lanes(&diagram.rows);
    let placed = place(diagram, &lanes);
    let mut page = Page { text: String::new(), width, colour };
    page.paragraph(&diagram.title, Style::Bold);
    page.paragraph(&diagram.subtitle, Style::Plain);
    if !placed.is_empty() {
        page.line(&Strip::default());
        match Columns::fit(&lanes, &placed, width) {
            Some(columns) => columns.draw(&mut page, &placed),
            None => list(&mut page, &lanes, &placed),
        }
    }
    finish(&mut page, diagram, &placed);
    page.text
}

fn finish(page: &mut Page, diagram: &Diagram, placed: &[Placed<'_>]) {
    if placed.iter().any(|step| !step.arrivals.is_empty()) {
        page.line(&Strip::default());
        page.paragraph("The number on an arrow is the step that sent it.", Style::Dim);
    }
    if let Some(verdict) = verdict(diagram) {
        page.line(&Strip::default());
        page.paragraph(&format!("✗ {verdict}"), Style::Broken);
    }
    if !diagram.replay.is_empty() {
        page.line(&Strip::default());
        page.paragraph("To run it again:", Style::Plain);
        let mut strip = Strip::default();
        strip.put(2, &neutral(&diagram.replay), Style::Bold);
        page.line(&strip);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Plain,
    Bold,
    Dim,
    Arrow,
    Broken,
}

impl Style {
    fn sgr(self) -> &'static str {
        match self {
            Style::Plain => "",
            Style::Bold => "\u{1b}[1m",
            Style::Dim => "\u{1b}[2m",
            Style::Arrow => "\u{1b}[36m",
            Style::Broken => "\u{1b}[1;31m",
        }
    }
}

/// What is drawn so far.
struct Page {
    text: String,
    width: usize,
    colour: bool,
}

impl Page {
    fn line(&mut self, strip: &Strip) {
        let end = strip.cells.iter().rposition(|&(c, _)| c != Some(' ')).map_or(0, |last| last + 1);
        for run in strip.cells[..end].chunk_by(|one, next| one.1 == next.1) {
            let text: String = run.iter().filter_map(|&(c, _)| c).collect();
            let sgr = run[0].1.sgr();
            if self.colour && !sgr.is_empty() {
                // Writing to a string does not fail.
                let _never = write!(self.text, "{sgr}{text}\u{1b}[0m");
            } else {
                self.text.push_str(&text);
            }
        }
        self.text.push('\n');
    }

    fn paragraph(&mut self, text: &str, style: Style) {
        if text.is_empty() {
            return;
        }
        for line in wrap(&neutral(text), self.width) {
            let mut strip = Strip::default();
            strip.put(0, &line, style);
            self.line(&strip);
        }
    }
}

/// One line, by columns. The second column of a wide character holds nothing.
#[derive(Clone, Default)]
struct Strip {
    cells: Vec<(Option<char>, Style)>,
}

impl Strip {
    fn put(&mut self, at: usize, text: &str, style: Style) {
        let end = at + width_of(text);
        if self.cells.len() < end {
            self.cells.resize(end, (Some(' '), Style::Plain));
        }
        let mut at = at;
        for c in text.chars() {
            self.cells[at] = (Some(c), style);
            let width = c.width().unwrap_or_default();
            for beside in 1..width {
                self.cells[at + beside] = (None, style);
            }
            at += width;
        }
    }
}

/// The number of a step, and a mark before it if it is the one that breaks a rule.
fn number(strip: &mut Strip, number: usize, digits: usize, breaks: bool) {
    let style = if breaks { Style::Broken } else { Style::Dim };
    strip.put(0, if breaks { "✗" } else { " " }, style);
    strip.put(2, &format!("{:>digits$}", number + 1), style);
}

fn digits(steps: usize) -> usize {
    steps.to_string().len()
}

/// Where the lanes stand.
struct Columns {
    /// Where each begins, which is where its life line is.
    starts: Vec<usize>,
    /// How much text each takes.
    texts: Vec<usize>,
    headings: Vec<Vec<String>>,
    digits: usize,
}

impl Columns {
    /// `None`: there is no room for them.
    fn fit(lanes: &[&str], placed: &[Placed<'_>], width: usize) -> Option<Columns> {
        let digits = digits(placed.len());
        let gutter = 2 + digits + 2;
        let names: Vec<String> = lanes.iter().map(|lane| neutral(lane)).collect();
        let mut wanted: Vec<usize> = names.iter().map(|name| width_of(name) + GAP).collect();
        for step in placed {
            let texts = step.row.text.iter().map(|text| LIFE + width_of(&neutral(text)) + GAP);
            let most = texts.max().unwrap_or_default().max(LANE_MIN);
            wanted[step.lane] = wanted[step.lane].max(most);
        }
        let widths = share(&wanted, width.checked_sub(gutter)?)?;
        let mut starts = Vec::new();
        let mut start = gutter;
        for width in &widths {
            starts.push(start);
            start += width;
        }
        let texts = widths.iter().map(|width| width - LIFE - GAP).collect();
        let headings =
            names.iter().zip(&widths).map(|(name, width)| wrap(name, width - GAP)).collect();
        Some(Columns { starts, texts, headings, digits })
    }

    fn draw(&self, page: &mut Page, placed: &[Placed<'_>]) {
        let tallest = self.headings.iter().map(Vec::len).max().unwrap_or_default();
        for line in 0..tallest {
            let mut strip = Strip::default();
            for (&start, heading) in self.starts.iter().zip(&self.headings) {
                if let Some(part) = heading.get(line) {
                    strip.put(start, part, Style::Bold);
                }
            }
            page.line(&strip);
        }
        page.line(&self.lives());
        for (step, at) in placed.iter().zip(0..) {
            self.step(page, step, at);
        }
    }

    /// The life lines, and nothing else.
    fn lives(&self) -> Strip {
        let mut strip = Strip::default();
        for &start in &self.starts {
            strip.put(start, "│", Style::Dim);
        }
        strip
    }

    fn step(&self, page: &mut Page, step: &Placed<'_>, at: usize) {
        let start = self.starts[step.lane];
        let mut first = self.lives();
        for (place, arrival) in step.arrivals.iter().enumerate() {
            let mut strip = self.lives();
            self.arrow(&mut strip, arrival, step.lane);
            // The last one from the left ends in the step itself: the text is on its other side.
            let is_last = place + 1 == step.arrivals.len();
            if is_last && arrival.from_lane < step.lane {
                first = strip;
            } else {
                page.line(&strip);
            }
        }
        number(&mut first, at, self.digits, step.breaks);
        let (mark, style) =
            if step.breaks { ("✗", Style::Broken) } else { ("●", Style::Plain) };
        first.put(start, mark, style);
        let mut strip = first;
        for text in &step.row.text {
            for line in wrap(&neutral(text), self.texts[step.lane]) {
                strip.put(start + LIFE, &line, style);
                page.line(&std::mem::replace(&mut strip, self.lives()));
            }
        }
        if step.row.text.is_empty() {
            page.line(&strip);
        }
    }

    /// An arrow over whatever lanes are between, with the number of the step that sent it.
    fn arrow(&self, strip: &mut Strip, arrival: &Arrival, to_lane: usize) {
        let (from, to) = (self.starts[arrival.from_lane], self.starts[to_lane]);
        for at in from.min(to) + 1..from.max(to) {
            let crosses = self.starts.contains(&at);
            strip.put(at, if crosses { "┼" } else { "─" }, Style::Arrow);
        }
        let label = format!(" {} ", arrival.from_row + 1);
        let rightwards = from < to;
        let (begin, head, label_at) = if rightwards {
            ("├", (to - 1, "▶"), from + 2)
        } else {
            ("┤", (to + 1, "◀"), from - 1 - label.len())
        };
        strip.put(from, begin, Style::Arrow);
        strip.put(label_at, &label, Style::Arrow);
        strip.put(head.0, head.1, Style::Arrow);
    }
}

/// Gives each lane what it wants, or all who want much the same. `None`: that would be too little.
fn share(wanted: &[usize], room: usize) -> Option<Vec<usize>> {
    let capped = |cap: usize| wanted.iter().map(move |&wanted| wanted.min(cap));
    let most = wanted.iter().copied().max().unwrap_or_default().max(LANE_SQUEEZED);
    let cap = (LANE_SQUEEZED..=most).rev().find(|&cap| capped(cap).sum::<usize>() <= room)?;
    let mut widths: Vec<usize> = capped(cap).collect();
    let mut left = room - widths.iter().sum::<usize>();
    for (width, &wanted) in widths.iter_mut().zip(wanted) {
        if left > 0 && *width < wanted {
            *width += 1;
            left -= 1;
        }
    }
    Some(widths)
}

/// The steps below each other, each with the name of its lane.
fn list(page: &mut Page, lanes: &[&str], placed: &[Placed<'_>]) {
    let digits = digits(placed.len());
    let name_at = 2 + digits + 2;
    for (at, step) in placed.iter().enumerate() {
        let style = if step.breaks { Style::Broken } else { Style::Plain };
        let mut strip = Strip::default();
        number(&mut strip, at, digits, step.breaks);
        for line in wrap(&neutral(&step.row.lane), page.width - name_at) {
            strip.put(name_at, &line, Style::Bold);
            page.line(&std::mem::take(&mut strip));
        }
        for arrival in &step.arrivals {
            let from = format!("◀─ {} {}", arrival.from_row + 1, neutral(lanes[arrival.from_lane]));
            block(page, &from, Style::Arrow);
        }
        for text in &step.row.text {
            block(page, &neutral(text), style);
        }
    }
}

fn block(page: &mut Page, text: &str, style: Style) {
    for line in wrap(text, page.width - INDENT) {
        let mut strip = Strip::default();
        strip.put(INDENT, &line, style);
        page.line(&strip);
    }
}
