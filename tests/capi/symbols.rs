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

/// If this were red, a panic in one function would unwind into C.
#[test]
fn every_function_stands_behind_the_boundary() {
    // They read a table, and return what is in it.
    let tables = ["_version", "_name", "_summary", "_rule"];
    let mut functions = 0;
    for entry in fs::read_dir(manifest("src/capi")).expect("the sources") {
        let source = fs::read_to_string(entry.expect("an entry").path()).expect("a source");
        for function in source.split("#[unsafe(no_mangle)]").skip(1) {
            let name = function.split_once(" fn ").expect("a function").1;
            let name = name.split_once('(').expect("its parameters").0;
            let body = function.split_once("{\n").expect("its body").1.trim_start();
            let is_table = tables.iter().any(|table| name.ends_with(table));
            assert!(is_table || body.starts_with("boundary(|| "), "{name}");
            functions += 1;
        }
    }
    assert_eq!(functions, documented().len());
}
