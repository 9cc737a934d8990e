//! Canonical traces, told in `tests/snapshots`: one for each rule that a history of one machine
//! can show, and one for each value of each policy.
//!
//! They are documentation that cannot go stale. After a wanted change of meaning, read the
//! difference, then `INSTA_UPDATE=always cargo test --test traces`; without that nothing is ever
//! written (`.config/insta.yaml`).
#![expect(clippy::expect_used, reason = "a test that cannot go on must fail")]

#[macro_use]
mod list;
mod policies;
mod rules;
mod scribe;

use std::{fs, path::Path};

use scribe::Trace;

/// Makes each trace a test of its name, and their list.
macro_rules! traces {
    ($($module:ident: $($name:ident)*;)*) => {
        const NAMES: &[&str] = &[$($(stringify!($name),)*)*];

        $($(
            /// If this were red, the meaning of a history that users rely on would have changed.
            #[test]
            fn $name() {
                is_as_told(stringify!($name), $module::$name());
            }
        )*)*
    };
}

every_trace!(traces);

fn is_as_told(name: &str, trace: Trace) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, trace.told()));
}

/// If this were red, a snapshot would tell of a trace that nobody checks any more, or one that was
/// never accepted would lie about.
#[test]
fn every_snapshot_has_its_trace_and_every_trace_its_snapshot() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let mut files: Vec<String> = fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be listed").file_name().display().to_string())
        .collect();
    files.sort();
    let mut expected: Vec<String> = NAMES.iter().map(|name| format!("{name}.snap")).collect();
    expected.sort();
    assert_eq!(files, expected);
}

/// If this were red, a test run could rewrite what it is to be held to.
#[test]
fn a_test_run_writes_no_snapshot() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join(".config/insta.yaml");
    let config = fs::read_to_string(config).expect("insta's configuration is there");
    assert!(config.lines().any(|line| line.trim() == "update: \"no\""), "{config}");
}
