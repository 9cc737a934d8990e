//! The file of one part of a sweep: a head that says what is run, then a line for each seed.
//!
//! A line is one write and ends with a newline, so a program that is killed leaves at most its last
//! line torn, and whoever goes on does that one again.

use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions, TryLockError},
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
};

use lastbyte_sim::network::reader::Design;
use serde::{Deserialize, Serialize};

use super::{
    row::Row,
    shard::{By, Shard},
};

/// No line is longer: of a file that has such a one nobody knows what it is.
const LINE_MAX: u64 = 64 * 1024;

/// The schema of this file.
const FORMAT: u32 = 1;

/// The source that simulates: the machine, the runner, its client, the simulation.
const CODE: &str = env!("LASTBYTE_CODE");

/// The first line: all that must be the same in each part, and which part it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::verb) struct Head {
    sweep: u32,
    version: String,
    code: String,
    pub(in crate::verb) design: String,
    from: u64,
    to: u64,
    part: u64,
    parts: u64,
    by: String,
}

impl Head {
    pub(super) fn new(design: &str, seeds: &Range<u64>, shard: Shard) -> Self {
        Head {
            sweep: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            code: CODE.to_owned(),
            design: design.to_owned(),
            from: seeds.start,
            to: seeds.end,
            part: shard.index,
            parts: shard.of,
            by: shard.by.name().to_owned(),
        }
    }

    pub(in crate::verb) fn seeds(&self) -> Range<u64> {
        self.from..self.to
    }

    /// Which part it is; `None` where there is no such part.
    fn shard(&self) -> Option<Shard> {
        format!("{}:{}/{}", By::named(&self.by)?.name(), self.part, self.parts).parse().ok()
    }

    /// Whether this very code has run it.
    pub(super) fn is_of_this_code(&self) -> bool {
        self.code == CODE
    }

    /// Whose seeds they are; `None` where there is no such design.
    fn design(&self) -> Option<Design> {
        Design::ALL.into_iter().find(|design| design.name() == self.design)
    }

    /// Which part it is, in words.
    pub(in crate::verb) fn part(&self) -> String {
        format!("{}:{}/{}", self.by, self.part, self.parts)
    }

    /// The file of this part.
    pub(super) fn name(&self) -> String {
        let Head { design, from, to, part, parts, by, .. } = self;
        format!("{design}-{from}-{to}-{by}-{part}-of-{parts}.jsonl")
    }

    /// What is the same in all parts of a sweep, by name.
    pub(in crate::verb) fn shared(&self) -> [(&'static str, String); 7] {
        [
            ("schema", self.sweep.to_string()),
            ("version", self.version.clone()),
            ("code", self.code.clone()),
            ("design", self.design.clone()),
            ("seeds", format!("{}..{}", self.from, self.to)),
            ("number of parts", self.parts.to_string()),
            ("way to deal out", self.by.clone()),
        ]
    }

    /// In what this differs from another part of the same sweep, in words.
    pub(in crate::verb) fn difference(&self, other: &Head) -> Option<String> {
        let both = self.shared().into_iter().zip(other.shared());
        both.into_iter()
            .find(|(one, two)| one != two)
            .map(|((name, one), (_, two))| format!("their {name} is {one} and {two}"))
    }
}

/// What stands in a file.
#[derive(Debug)]
pub(in crate::verb) struct Contents {
    /// `None`: not even the head had been written.
    pub(in crate::verb) head: Option<Head>,
    pub(in crate::verb) rows: Vec<Row>,
    /// Where the last whole line ends.
    whole: u64,
    pub(in crate::verb) is_torn: bool,
}

/// Reads a file, without a torn last line.
///
/// # Errors
///
/// What is wrong, and in which line.
pub(in crate::verb) fn read(path: &Path, from: &mut impl Read) -> Result<Contents, String> {
    let shown = path.display();
    let mut from = BufReader::new(from);
    let mut contents = Contents { head: None, rows: Vec::new(), whole: 0, is_torn: false };
    let mut line = Vec::new();
    let mut seen = BTreeSet::new();
    for number in 1.. {
        line.clear();
        let read = from.by_ref().take(LINE_MAX).read_until(b'\n', &mut line);
        let len = read.map_err(|error| format!("failed to read {shown}: {error}"))? as u64;
        if line.last() != Some(&b'\n') {
            if len == LINE_MAX {
                return Err(format!(
                    "{shown}:{number}: a line of a sweep has at most {LINE_MAX} bytes"
                ));
            }
            contents.is_torn = len > 0;
            break;
        }
        let bad =
            |why: String| format!("{shown}:{number}: {why}; is it a file of `lastbyte sweep`?");
        match &contents.head {
            None => {
                let head: Head =
                    serde_json::from_slice(&line).map_err(|error| bad(error.to_string()))?;
                if head.design().is_none() {
                    return Err(bad(format!("there is no design {:?}", head.design)));
                }
                contents.head = Some(head);
            }
            Some(head) => {
                let row: Row =
                    serde_json::from_slice(&line).map_err(|error| bad(error.to_string()))?;
                let is_ours = head.shard().is_some_and(|shard| shard.has(&head.seeds(), row.seed));
                if !is_ours {
                    return Err(bad(format!("seed {} is not of this part", row.seed)));
                }
                head.design().map_or(Ok(()), |design| row.check(design)).map_err(&bad)?;
                if !seen.insert(row.seed) {
                    return Err(bad(format!("seed {} is in it twice", row.seed)));
                }
                contents.rows.push(row);
            }
        }
        contents.whole += len;
    }
    Ok(contents)
}

/// The file that one part is written to.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Opens the file of a part, or begins it, and says what stands in it already.
    ///
    /// # Errors
    ///
    /// In words: it cannot be opened or read, somebody else writes to it, or it is of another sweep.
    pub(super) fn open(folder: &Path, head: &Head) -> Result<(Log, Contents), String> {
        let path = folder.join(head.name());
        let failed = |what: &str, error: std::io::Error| {
            format!("failed to {what} {}: {error}", path.display())
        };
        std::fs::create_dir_all(folder).map_err(|error| {
            format!("failed to make the folder {}: {error}; give another --out", folder.display())
        })?;
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(|error| failed("open", error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let path = path.display();
                return Err(format!(
                    "another program writes to {path}; let it end, or give another --out"
                ));
            }
            // Not every file system of a cluster has locks.
            Err(TryLockError::Error(_)) => {}
        }
        let contents = read(&path, &mut file)?;
        if let Some(found) = &contents.head
            && let Some(difference) = found.difference(head)
        {
            let path = path.display();
            return Err(format!(
                "{path} is of another sweep: {difference}; give another --out, or delete it"
            ));
        }
        file.set_len(contents.whole).map_err(|error| failed("cut the torn line of", error))?;
        file.seek(SeekFrom::End(0)).map_err(|error| failed("go on in", error))?;
        let mut log = Log { path, file };
        if contents.head.is_none() {
            log.write(head)?;
        }
        Ok((log, contents))
    }

    /// Writes a line, whole.
    ///
    /// # Errors
    ///
    /// In words. A part of it may have been written: whoever goes on does it again.
    pub(super) fn write(&mut self, line: &impl Serialize) -> Result<(), String> {
        let text = serde_json::to_string(line).map(|text| text + "\n");
        let written = text
            .map_err(std::io::Error::from)
            .and_then(|text| self.file.write_all(text.as_bytes()));
        written.map_err(|error| {
            let path = self.path.display();
            format!(
                "failed to write {path}: {error}; what stands in it stays: run it again to go on"
            )
        })
    }
}
