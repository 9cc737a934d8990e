//! Recorded histories held against the contract: JSON lines, from any program that runs commands.
//!
//! A [`Checker`] takes the lines of a trace one by one, of many executions interleaved, and names
//! the first rule that each execution breaks. It keeps what it needs of executions that run, and of
//! the latest that are over. `docs/traces.md` has the schema.

mod fields;
mod history;
mod line;
mod seen;
mod steps;
mod values;
mod words;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use lastbyte::monitor::Broken;
use rustc_hash::FxHashMap;

use crate::diagram::Row;
use history::History;
use line::{Line, Says, What};

/// Executions that are over and still known, so that what follows their terminal is seen.
pub const REMEMBERED: usize = 4096;

/// The latest steps of an execution that are kept to be drawn.
pub const ROWS_MAX: usize = 60;

/// A broken rule in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whose; empty where the trace names none.
    pub execution: String,
    /// The line that breaks it, counted from 1. For what is missing at the end: the last one of
    /// that execution.
    pub line: u64,
    /// The rule, and why.
    pub broken: Broken,
    /// The steps up to there, if they were to be kept.
    pub rows: Vec<Row>,
    /// Steps before those, which were not kept.
    pub rows_left_out: u64,
}

/// A line that is not of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The line, counted from 1.
    pub line: u64,
    /// The byte in it, counted from 1.
    pub column: usize,
    /// What is wrong, and what to do.
    pub why: String,
}

/// What a trace holds so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Lines that say something.
    pub events: u64,
    /// Executions.
    pub executions: u64,
    /// Executions that broke a rule.
    pub broken: u64,
}

/// Holds a trace against the contract.
#[derive(Debug)]
pub struct Checker {
    known: FxHashMap<Box<str>, Known>,
    /// Those that are over, the oldest first.
    over: VecDeque<Box<str>>,
    totals: Totals,
    keeps_rows: bool,
}

/// An execution that was named.
#[derive(Debug)]
struct Known {
    history: History,
    last_line: u64,
    /// It is in the list of those that are over.
    listed: bool,
    /// A rule is broken: the rest of its lines says nothing.
    broken: bool,
    rows: VecDeque<Row>,
    rows_left_out: u64,
}

impl Checker {
    /// A checker of one trace; `keeps_rows` where findings are to be drawn.
    pub fn new(keeps_rows: bool) -> Self {
        Checker {
            known: FxHashMap::default(),
            over: VecDeque::new(),
            totals: Totals::default(),
            keeps_rows,
        }
    }

    /// What the trace holds so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Executions that are not over.
    pub fn running(&self) -> usize {
        self.known.values().filter(|known| !known.broken && !known.history.is_over()).count()
    }

    /// Takes one line, without its end. An empty one says nothing.
    ///
    /// # Errors
    ///
    /// [`Malformed`]: the line is not of the schema. Nothing has changed, but what follows in the
    /// trace cannot be relied on.
    pub fn take(&mut self, number: u64, text: &[u8]) -> Result<Option<Finding>, Malformed> {
        if text.trim_ascii().is_empty() {
            return Ok(None);
        }
        let line = Line::parse(text).map_err(|wrong| wrong.at(number))?;
        let id = line.execution.as_ref();
        if self.begins_anew(id, &line.says) {
            self.begin(id, &line.says);
        }
        let Some(known) = self.known.get_mut(id) else {
            let why = format!(
                "execution {id:?} has no `spawn`, `start`, `machine` or `refused` line before this \
                 one, or ended more than {REMEMBERED} executions ago"
            );
            return Err(Malformed { line: number, column: line.column, why });
        };
        if !known.broken {
            known.history.check_form(&line.says).map_err(|why| Malformed {
                line: number,
                column: line.column,
                why,
            })?;
        }
        self.totals.events += 1;
        known.last_line = number;
        if known.broken {
            return Ok(None);
        }
        if self.keeps_rows {
            known.keep(words::row(&line.says));
        }
        let finding = match known.history.see(&line.says) {
            Ok(()) => None,
            Err(broken) => {
                self.totals.broken += 1;
                Some(known.find(id, broken))
            }
        };
        if known.is_settled() && !known.listed {
            known.listed = true;
            self.over.push_back(id.into());
            self.forget_oldest();
        }
        Ok(finding)
    }

    /// Whether a line begins an execution: also one of a name that an earlier one had.
    fn begins_anew(&self, id: &str, says: &Says<'_>) -> bool {
        let begins = match says {
            Says::Machine(_) => true,
            Says::Step(_) => false,
            Says::Happened(what) => {
                matches!(what, What::Spawn { .. } | What::Start | What::Refused)
            }
        };
        begins && self.known.get(id).is_none_or(Known::is_settled)
    }

    fn begin(&mut self, id: &str, says: &Says<'_>) {
        self.totals.executions += 1;
        let fresh = Known {
            history: History::of(says),
            last_line: 0,
            // One of the same name is in the list already, and stays where it is.
            listed: false,
            broken: false,
            rows: VecDeque::new(),
            rows_left_out: 0,
        };
        if let Some(known) = self.known.get_mut(id) {
            if known.listed {
                self.over.retain(|over| **over != *id);
            }
            *known = fresh;
            return;
        }
        self.known.insert(id.into(), fresh);
    }

    fn forget_oldest(&mut self) {
        if self.over.len() > REMEMBERED
            && let Some(oldest) = self.over.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// Nothing more can happen to any execution: whatever does not stand now never will. For a
    /// trace that was written to the end of its program.
    pub fn finish(&mut self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self
            .known
            .iter_mut()
            .filter(|(_, known)| !known.broken)
            .filter_map(|(id, known)| {
                let broken = known.history.finish().err()?;
                Some(known.find(id, broken))
            })
            .collect();
        findings.sort_by_key(|finding| finding.line);
        self.totals.broken += findings.len() as u64;
        findings
    }
}

impl Known {
    /// Whether nothing has to follow any more.
    fn is_settled(&self) -> bool {
        self.broken || self.history.is_settled()
    }

    fn keep(&mut self, row: Row) {
        if self.rows.len() == ROWS_MAX {
            self.rows.pop_front();
            self.rows_left_out += 1;
        }
        self.rows.push_back(row);
    }

    fn find(&mut self, id: &str, broken: Broken) -> Finding {
        self.broken = true;
        Finding {
            execution: id.to_owned(),
            line: self.last_line,
            broken,
            rows: std::mem::take(&mut self.rows).into(),
            rows_left_out: self.rows_left_out,
        }
    }
}
