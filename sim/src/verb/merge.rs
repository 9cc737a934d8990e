//! `lastbyte merge`: the files of all parts of a sweep as one report.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use serde_json::{Value, json};

use super::{
    network::{as_expected, design},
    sweep::{
        file::{Head, read},
        page::{self, Part, Told},
        row::Sum,
    },
};
use crate::{
    diagram::text::shown,
    out::{refuse, tell},
    report::{self, Fact, Report, Sheet, grouped},
};

/// Fold the files of `lastbyte sweep` into one report.
///
/// Every seed must be there once, from one version of the code, with the same options.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lastbyte merge results
  lastbyte merge --json node1/results node2/results
  lastbyte merge --html sweep.html results

Exit codes: 0 when all is as expected: the client that ships breaks no rule, and a wrong one is caught;
1 when it is not; 125 for files that cannot be read, or are not one whole sweep.")]
pub(crate) struct Merge {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Files of a sweep, or folders with them.
    #[arg(required = true, value_name = "DIR|FILE")]
    files: Vec<PathBuf>,
    /// Write a page for people to this file too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// What is to be given.
const WHAT: &str = "give files or folders that `lastbyte sweep --out` has written";

/// How many ranges of missing seeds are told.
const TOLD: usize = 5;

/// A sweep as a whole.
struct Merged {
    head: Head,
    /// What each file comes to, by its name.
    parts: Vec<Part>,
    sum: Sum,
}

impl Merge {
    pub(crate) fn run(&self) -> ExitCode {
        let opened = Sheet::open("--html", self.html.as_deref());
        let merged = opened.and_then(|sheet| {
            let merged = merge(&self.paths()?)?;
            sheet.write(|| report::page(&merged.page()))?;
            Ok(merged)
        });
        let merged = match merged {
            Ok(merged) => merged,
            Err(why) => return refuse(&why),
        };
        let text = if self.json { object(&merged) } else { text(&merged) };
        tell(&text, merged.is_well())
    }

    /// The files, those of folders by name.
    fn paths(&self) -> Result<Vec<PathBuf>, String> {
        let mut paths = Vec::new();
        for path in &self.files {
            if !path.is_dir() {
                paths.push(path.clone());
                continue;
            }
            let shown = path.display();
            let entries = fs::read_dir(path)
                .map_err(|error| format!("failed to read {shown}: {error}; {WHAT}"))?;
            let mut found = Vec::new();
            for entry in entries {
                let entry = entry.map_err(|error| format!("failed to read {shown}: {error}"))?;
                if entry.path().extension().is_some_and(|extension| extension == "jsonl") {
                    found.push(entry.path());
                }
            }
            if found.is_empty() {
                return Err(format!(
                    "{shown} has no file of a sweep: none of its names ends in .jsonl; {WHAT}"
                ));
            }
            found.sort();
            paths.append(&mut found);
        }
        Ok(paths)
    }
}

impl Merged {
    fn is_well(&self) -> bool {
        as_expected(design(&self.head.design), self.sum.breaks())
    }

    fn page(&self) -> Report {
        let Merged { head, parts, sum } = self;
        let timings = vec![Fact::new(grouped(parts.len()), "files")];
        page::of(Told { verb: "merge", head, parts, sum, is_well: self.is_well(), timings })
    }
}

fn merge(paths: &[PathBuf]) -> Result<Merged, String> {
    let mut first: Option<(Head, &Path)> = None;
    let (mut sum, mut parts) = (Sum::default(), Vec::new());
    // Each seed, and the file that it is in.
    let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
    for (number, path) in paths.iter().enumerate() {
        let shown = path.display();
        let mut file =
            File::open(path).map_err(|error| format!("failed to open {shown}: {error}; {WHAT}"))?;
        let contents = read(path, &mut file)?;
        let Some(head) = contents.head else {
            return Err(format!(
                "{shown} has no first line yet; run its sweep again, or leave it out"
            ));
        };
        match &first {
            None => first = Some((head, path)),
            Some((earlier, at)) => {
                if let Some(difference) = earlier.difference(&head) {
                    return Err(format!(
                        "{} and {shown} are not of one sweep: {difference}; give the files of one",
                        at.display()
                    ));
                }
            }
        }
        let mut part = Sum::default();
        for row in contents.rows {
            if let Some(earlier) = seen.insert(row.seed, number) {
                let earlier = paths.get(earlier).map_or(path.as_path(), PathBuf::as_path).display();
                return Err(format!(
                    "seed {} is in {earlier} and in {shown}; give each part once",
                    row.seed
                ));
            }
            part.add(row.clone());
            sum.add(row);
        }
        parts.push(Part { name: shown.to_string(), sum: part });
    }
    let Some((head, _)) = first else { return Err("no file was given".to_owned()) };
    check_whole(&head, &seen)?;
    Ok(Merged { head, parts, sum })
}

/// Every seed is there.
fn check_whole(head: &Head, seen: &BTreeMap<u64, usize>) -> Result<(), String> {
    let seeds = head.seeds();
    let all = seeds.end.saturating_sub(seeds.start);
    let missing = all.saturating_sub(seen.len() as u64);
    if missing == 0 {
        return Ok(());
    }
    let mut ranges = Vec::new();
    let mut next = seeds.start;
    for seed in seen.keys().copied().chain([seeds.end]) {
        if next < seed {
            ranges.push(format!("{next}..{seed}"));
        }
        next = seed.saturating_add(1);
    }
    let more = match ranges.len().saturating_sub(TOLD) {
        0 => String::new(),
        more => format!(" and {more} more ranges"),
    };
    ranges.truncate(TOLD);
    Err(format!(
        "{missing} of {all} seeds are missing: {}{more}; run the sweep of their parts again, it goes on \
         where it was",
        ranges.join(", ")
    ))
}

fn text(merged: &Merged) -> String {
    let shared: Vec<String> =
        merged.head.shared().into_iter().map(|(name, value)| format!("{name} {value}")).collect();
    let Merged { parts, sum, .. } = merged;
    let files = parts.len();
    // The files are from other machines.
    shown(&format!(
        "{files} files; {}\n{}{:.0} s of virtual time\n{}",
        shared.join(", "),
        sum.head(),
        sum.virtual_seconds(),
        sum.told_rules()
    ))
}

fn object(merged: &Merged) -> String {
    let mut fields = merged.sum.fields();
    fields.insert("files".to_owned(), json!(merged.parts.len()));
    for (name, value) in merged.head.shared() {
        fields.insert(name.replace(' ', "_"), json!(value));
    }
    format!("{}\n", Value::Object(fields))
}
