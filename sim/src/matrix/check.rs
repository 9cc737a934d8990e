//! `lastbyte check`: every interleaving within bounds, every rule.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use lastbyte::monitor::Rule;
use serde_json::{Value, json};

use super::{
    Extent, Verdict, named,
    options::Bounds,
    progress::Bar,
    rule,
    table::{Details, Matrix, Unexpected},
};
use crate::{
    catalogue::Specimen,
    diagram::text::shown,
    out::{refuse, tell},
    report::{Sheet, command_line, of_check, page},
};

/// Explore every interleaving of bounded executions, and check every rule.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Check {
    #[command(flatten)]
    bounds: Bounds,
    /// Only this design, with all there is to say of it.
    #[arg(long)]
    design: Option<String>,
    /// Only this rule, such as C6, and the designs that it tells apart.
    #[arg(long)]
    rule: Option<String>,
    /// All there is to say of each design: its worlds, and a shortest schedule of each break.
    #[arg(long)]
    details: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Write a page for people to this file too: the matrix, and each schedule step by step.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Show no progress. There is none either where stderr is no terminal.
    #[arg(long, short)]
    quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  lastbyte check                          the matrix of designs and rules
  lastbyte check --design stock           one design, with the schedules that break it
  lastbyte check --rule C6                who hangs
  lastbyte check --html report.html       the same as a page, each schedule step by step
  lastbyte check --design lastbyte --chunks 5 --waiters 3

Exit codes: 0, the reference holds every rule and every other design breaks just what it is known
to break; 1, not so; 125, the check could not be made.";

impl Check {
    /// Exit code 0: the reference holds every rule and every other design breaks just what it is
    /// known to break. 1: not so. 125: the check could not be made.
    pub fn run(&self, known: &[Specimen]) -> ExitCode {
        match self.check(known) {
            Ok((text, is_well)) => tell(&text, is_well),
            Err(why) => refuse(&why),
        }
    }

    /// Explores; what to print, and whether all is as expected.
    fn check(&self, known: &[Specimen]) -> Result<(String, bool), String> {
        let rules = match &self.rule {
            Some(name) => vec![rule(name)?],
            None => Rule::ALL.to_vec(),
        };
        let mut designs = named(known, self.design.as_deref())?;
        if self.rule.is_some() && self.design.is_none() {
            designs.retain(|design| {
                design.breaks.is_empty() || rules.iter().any(|rule| design.breaks.contains(rule))
            });
        }
        let sheet = Sheet::open("--html", self.html.as_deref())?;
        let extent = Extent::from(self.bounds);
        let bar = Bar::new(&designs, &extent, self.quiet);
        let verdicts = extent.explore_all(&designs, &|progress| bar.tell(progress))?;
        drop(bar);
        sheet.write(|| page(&of_check(&verdicts, &rules, command_line())))?;
        let is_well = verdicts.iter().all(|verdict| verdict.is_expected(&rules));
        Ok((self.text(&verdicts, &rules), is_well))
    }

    fn text(&self, verdicts: &[Verdict], rules: &[Rule]) -> String {
        if self.json {
            let designs: Vec<Value> =
                verdicts.iter().map(|verdict| verdict.to_json(rules)).collect();
            return format!("{}\n", json!({ "designs": designs }));
        }
        let mut text = String::new();
        if self.details || self.design.is_some() {
            for verdict in verdicts {
                text += &format!("{}\n", Details { verdict, rules });
            }
        }
        if self.design.is_none() {
            text += &Matrix { verdicts, rules }.to_string();
            let unexpected = verdicts.iter().filter(|verdict| !verdict.is_expected(rules)).count();
            text += &match unexpected {
                0 => format!("{} designs, all as expected\n", verdicts.len()),
                some => format!("{some} of {} designs UNEXPECTED\n", verdicts.len()),
            };
            for verdict in verdicts {
                text += &Unexpected(verdict, rules).to_string();
            }
        }
        // A design of somebody else's may say anything.
        shown(&text)
    }
}
