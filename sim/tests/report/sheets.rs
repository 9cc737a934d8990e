//! Where a page goes: a path that cannot be written is told before anything is run.

use std::{fs, path::PathBuf};

use super::lastbyte;

/// A folder of the test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("sheets-{name}"));
    let _old = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Refused for its page, and whatever the words would have done was not done.
#[track_caller]
fn assert_refused(words: &[&str], option: &str) {
    let page = "/dev/null/page.html";
    let (words, rest) = match words.iter().position(|&word| word == "--") {
        Some(at) => words.split_at(at),
        None => (words, &[][..]),
    };
    let output = lastbyte(&[words, &[option, page], rest].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(125), 0), "{words:?}: {said}");
    for part in [page, option, "Not a directory", "give a file that can be written"] {
        assert!(said.contains(part), "{words:?}: no {part:?} in {said}");
    }
}

/// If this were red, an hour of a soak would be thrown away for a slip of the pen.
#[test]
fn a_page_that_cannot_be_written_costs_no_run() {
    let folder = folder("refused");
    let made = folder.join("made");
    let path = made.to_str().expect("a path in UTF-8");
    let touch = format!("touch {path}");
    // Each would do something that is seen, or fail otherwise, were it run.
    assert_refused(&["check", "--states-max", "1"], "--html");
    assert_refused(&["show", "stock:C1", "--states-max", "1"], "--svg");
    assert_refused(&["sweep", "--seeds", "0..2", "--out", path], "--html");
    assert_refused(&["merge", path], "--html");
    assert_refused(&["trace", "check", path], "--html");
    assert_refused(&["conform", "--", "sh", "-c", &touch], "--html");
    assert_refused(&["conform", "--", "sh", "-c", &touch], "--junit");
    let probed = format!("{touch}; {{}}");
    assert_refused(&["probe", "-n", "1", "--case", "short", "--", "sh", "-c", &probed], "--html");
    assert_refused(&["soak", "--executions", "1000000"], "--html");
    assert_refused(&["network", "seeds", "0..1000000"], "--html");
    assert_refused(&["network", "orders"], "--html");
    assert!(!made.exists(), "something was run");
}

/// If this were red, a run that fails would cost the page of the one before, or leave an empty one.
#[test]
fn a_run_that_fails_leaves_the_page_as_it_was() {
    let folder = folder("kept");
    let (old, new) = (folder.join("old.html"), folder.join("new.html"));
    fs::write(&old, "yesterday's, which is longer than what is written over it").expect("a file");
    for page in [&old, &new] {
        let page = page.to_str().expect("a path in UTF-8");
        let output = lastbyte(&["check", "--states-max", "1", "--html", page]);
        assert_eq!(output.status.code(), Some(125), "{output:?}");
    }
    assert!(fs::read_to_string(&old).expect("it is there").starts_with("yesterday's"));
    assert!(!new.exists());
    let page = old.to_str().expect("a path in UTF-8");
    let output = lastbyte(&["trace", "check", "/dev/null", "--html", page]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let written = fs::read_to_string(&old).expect("it is there");
    assert!(written.starts_with("<!doctype html>") && written.ends_with("</html>\n"));
}
