//! The checked-in corpus of each target, run without a fuzzer: what was found once stays found, on
//! any compiler.
#![expect(clippy::expect_used, reason = "a test that cannot go on must fail")]

use std::{fs, path::PathBuf};

use lastbyte_fuzzed::{TARGETS, seeds::seeds};
use lastbyte_sim::vectors::store;

/// All that is checked in, in bytes.
const BYTES_MAX: usize = 1_000_000;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files of a target's corpus, by name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = root().join("fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            (path.display().to_string(), fs::read(&path).expect("a file"))
        })
        .collect();
    files.sort();
    files
}

/// If this were red, an input that a fuzzer has made would break a promise.
#[test]
fn every_input_of_the_corpus_keeps_every_promise() {
    let mut bytes = 0;
    for (target, run) in TARGETS {
        let files = corpus(target);
        assert!(files.len() >= 5, "{target} has {} inputs", files.len());
        for (name, input) in files {
            // Told where it fails: the harness shows what a test that fails has printed.
            println!("{name}");
            bytes += input.len();
            run(&input);
        }
    }
    assert!(bytes < BYTES_MAX, "{bytes} bytes; minimise the corpus");
}

/// If this were red, what the generator makes would not be what a target can read.
#[test]
fn every_seed_keeps_every_promise() {
    let vectors = store::read(&root().join("vectors")).expect("the vectors are there");
    let seeds = seeds(&vectors);
    for (target, run) in TARGETS {
        let mine: Vec<_> = seeds.iter().filter(|(of, _)| of == target).collect();
        assert!(mine.len() >= 5, "{target} has {} seeds", mine.len());
        mine.iter().for_each(|(_, bytes)| run(bytes));
    }
}
