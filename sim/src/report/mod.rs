//! What a command found as one page: a file that needs nothing else, no network and no font.
//!
//! A verb opens a [`Sheet`] before its run and fills a [`Report`] after it; [`page()`] makes the page of
//! it. Everything stands in the page as
//! text, tables and drawings, so that it can be read, searched and printed without scripts; the
//! script adds the viewer that goes through a schedule step by step. Every text may hold what a
//! child or a file said: it is escaped here, in one place, and nowhere else.

mod chart;
mod check;
mod command;
mod conform;
mod curve;
mod page;
mod sheet;
#[cfg(test)]
mod tests;
mod trace;

pub use check::of_check;
pub use command::{command_line, quoted};
pub use conform::of_conform;
pub use curve::Curve;
pub use page::page;
pub use sheet::Sheet;
pub use trace::{Checked, of_trace};

use crate::diagram::Diagram;

/// All that a page says.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The verb that found it, such as `check`.
    pub verb: String,
    /// What was found, in a sentence.
    pub verdict: String,
    /// Whether that is as it should be.
    pub is_well: bool,
    /// The command that makes it again.
    pub command: String,
    /// The figures that matter most.
    pub facts: Vec<Fact>,
    /// The rest, in order.
    pub sections: Vec<Section>,
}

/// A figure.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Such as `976,941`.
    pub value: String,
    /// Of what, such as `states`.
    pub name: String,
}

/// A part of the page with a title of its own.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Its name in the address; letters and dashes.
    pub id: &'static str,
    /// Its title.
    pub title: String,
    /// What it shows, in a sentence or two. Empty: nothing.
    pub intro: String,
    /// What it holds.
    pub blocks: Vec<Block>,
}

/// What a section can hold.
#[derive(Clone, Debug)]
pub enum Block {
    /// A table.
    Table(Table),
    /// A table that is folded away under a line.
    Folded(String, Table),
    /// What each sign means, with the sign.
    Legend(Vec<(Cell, String)>),
    /// Schedules, each of which can be gone through.
    Cases(Vec<Case>),
    /// A drawing as SVG, which is markup already, and what it shows.
    Picture {
        /// The drawing.
        svg: String,
        /// What it shows.
        caption: String,
    },
}

/// A table with a head.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// What it shows, for whoever does not see it.
    pub caption: String,
    /// The columns.
    pub head: Vec<Column>,
    /// Its rows, in groups that may have a title.
    pub groups: Vec<(String, Vec<Vec<Cell>>)>,
}

/// The head of a column.
#[derive(Clone, Debug, Default)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it stands for. Empty: its name says it.
    pub hint: String,
    /// Whether it holds figures, which stand to the right.
    pub is_figures: bool,
}

/// A place in a table.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// What it shows.
    pub text: String,
    /// Something more, in small letters below. Empty: nothing.
    pub small: String,
    /// What it says in full, where it shows a sign. Empty: the text says it.
    pub says: String,
    /// What kind it is.
    pub kind: Kind,
    /// The case that it opens.
    pub opens: Option<String>,
}

/// What a cell is, and so how it looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    #[default]
    Text,
    /// What the row is about.
    Head,
    /// A figure.
    Figure,
    /// A rule that holds.
    Holds,
    /// A rule that is broken, and is known to be.
    Broken,
    /// Something that should not be.
    Wrong,
    /// Nothing is known, or nothing is there.
    Nothing,
}

/// A schedule, a vector or a run in which something breaks.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// Its name in the address. See [`id()`].
    pub id: String,
    /// Its name.
    pub title: String,
    /// What breaks.
    pub why: String,
    /// What is known of it: names and values.
    pub facts: Vec<(String, String)>,
    /// Its steps; without rows there is nothing to go through.
    pub diagram: Diagram,
    /// What was written down, line by line.
    pub log: Vec<String>,
    /// The commands that show it again.
    pub commands: Vec<String>,
}

impl Cell {
    /// What the row is about.
    pub fn head(text: impl Into<String>) -> Self {
        Cell { text: text.into(), kind: Kind::Head, ..Cell::default() }
    }

    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Cell { text: text.into(), ..Cell::default() }
    }

    /// A figure.
    pub fn figure(text: impl Into<String>) -> Self {
        Cell { text: text.into(), kind: Kind::Figure, ..Cell::default() }
    }

    /// A count of what should not be: loud where there is any.
    pub fn faults(count: u64) -> Self {
        let kind = if count == 0 { Kind::Figure } else { Kind::Wrong };
        Cell { text: grouped(count), kind, ..Cell::default() }
    }
}

impl Column {
    /// A column of words.
    pub fn words(name: impl Into<String>) -> Self {
        Column { name: name.into(), ..Column::default() }
    }

    /// A column of figures.
    pub fn figures(name: impl Into<String>) -> Self {
        Column { name: name.into(), is_figures: true, ..Column::default() }
    }
}

impl Fact {
    /// A figure of something.
    pub fn new(value: impl Into<String>, name: impl Into<String>) -> Self {
        Fact { value: value.into(), name: name.into() }
    }
}

/// A name as part of an address: what is no letter, digit or dash becomes a dash.
pub fn id(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let mut id: String = name.chars().map(plain).collect();
    // An empty name, or one that begins with a digit, is no good everywhere.
    id.insert_str(0, "case-");
    id
}

/// A number with a comma after each three digits.
pub fn grouped(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
