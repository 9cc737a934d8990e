//! `lastbyte merge`: the files of all parts of a sweep as one report.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use lastbyte_sim::OWN_ERROR;
use serde_json::{Value, json};

use super::{
    network::{as_expected, design},
    run::{cannot_write, out::say},
    sweep::{
        file::{Head, read},
        row::Sum,
    },
};

/// Fold the files of `lastbyte sweep` into one report.
///
/// Every seed must be there once, from one version of the code, with the same options.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lastbyte merge results
  lastbyte merge --json node1/results node2/results

Exit codes: 0 when all is as expected: the client that ships breaks no rule, and a wrong one is caught;
1 when it is not; 125 for files that cannot be read, or are not one whole sweep.")]
pub(crate) struct Merge {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Files of a sweep, or folders with them.
    #[arg(required = true, value_name = "DIR|FILE")]
    files: Vec<PathBuf>,
}

/// How many ranges of missing seeds are told.
const TOLD: usize = 5;

/// A sweep as a whole.
struct Merged {
    head: Head,
    files: usize,
    sum: Sum,
}

impl Merge {
    pub(crate) fn run(&self) -> ExitCode {
        let merged = match self.paths().and_then(|paths| merge(&paths)) {
            Ok(merged) => merged,
            Err(why) => {
                say(&why);
                return ExitCode::from(OWN_ERROR);
            }
        };
        let text = if self.json { object(&merged) } else { text(&merged) };
        match io::stdout().write_all(text.as_bytes()) {
            Ok(()) if as_expected(design(&merged.head.design), merged.sum.breaks()) => {
                ExitCode::SUCCESS
            }
            Ok(()) => ExitCode::FAILURE,
            Err(error) => ExitCode::from(cannot_write(&error)),
        }
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
            let entries =
                fs::read_dir(path).map_err(|error| format!("failed to read {shown}: {error}"))?;
            let mut found = Vec::new();
            for entry in entries {
                let entry = entry.map_err(|error| format!("failed to read {shown}: {error}"))?;
                if entry.path().extension().is_some_and(|extension| extension == "jsonl") {
                    found.push(entry.path());
                }
            }
            if found.is_empty() {
                return Err(format!(
                    "{shown} has no file of a sweep: none of its names ends in .jsonl"
                ));
            }
            found.sort();
            paths.append(&mut found);
        }
        Ok(paths)
    }
}

fn merge(paths: &[PathBuf]) -> Result<Merged, String> {
    let mut first: Option<(Head, &Path)> = None;
    let mut sum = Sum::default();
    // Each seed, and the file that it is in.
    let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
    for (number, path) in paths.iter().enumerate() {
        let shown = path.display();
        let mut file =
            File::open(path).map_err(|error| format!("failed to open {shown}: {error}"))?;
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
        for row in contents.rows {
            if let Some(earlier) = seen.insert(row.seed, number) {
                let earlier = paths.get(earlier).map_or(path.as_path(), PathBuf::as_path).display();
                return Err(format!(
                    "seed {} is in {earlier} and in {shown}; give each part once",
                    row.seed
                ));
            }
            sum.add(row);
        }
    }
    let Some((head, _)) = first else { return Err("no file was given".to_owned()) };
    check_whole(&head, &seen)?;
    Ok(Merged { head, files: paths.len(), sum })
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
    let Merged { files, sum, .. } = merged;
    format!(
        "{files} files; {}\n{}{:.0} s of virtual time\n{}",
        shared.join(", "),
        sum.head(),
        sum.virtual_seconds(),
        sum.rules()
    )
}

fn object(merged: &Merged) -> String {
    let mut fields = merged.sum.fields();
    fields.insert("files".to_owned(), json!(merged.files));
    for (name, value) in merged.head.shared() {
        fields.insert(name.replace(' ', "_"), json!(value));
    }
    format!("{}\n", Value::Object(fields))
}
