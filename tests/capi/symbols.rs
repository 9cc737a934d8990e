//! What the shared library exports.

use std::{collections::BTreeSet, fs, process::Command};

use crate::library::{library, manifest, text};

/// Every function of the header.
pub(crate) fn documented() -> BTreeSet<String> {
    let header = fs::read_to_string(manifest("include/lastbyte.h")).expect("the header");
    header
        .lines()
        .filter(|line| !line.starts_with([' ', '/']) && !line.starts_with("typedef"))
        .filter_map(|line| {
            let name = line.split_once('(')?.0.rsplit([' ', '*']).next()?;
            name.starts_with("lastbyte_").then(|| name.to_owned())
        })
        .collect()
}

/// If this were red, a program could come to depend on what nobody promised, or miss what was.
#[test]
fn the_symbols_exported_are_those_documented() {
    let listed = Command::new("nm")
        .args(["--dynamic", "--defined-only", "--format=posix"])
        .arg(library().join("liblastbyte.so"))
        .output()
        .expect("nm is there");
    let exported: BTreeSet<String> = text(&listed.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect();
    assert_eq!(exported, documented());
}
