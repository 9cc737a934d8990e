//! Canonical traces, told in `tests/snapshots`: one for each rule that a history of one machine
//! can show, and one for each value of each policy.
//!
//! They are documentation that cannot go stale. After a wanted change of meaning, read the
//! difference, then `INSTA_UPDATE=always cargo test --test traces`; without that nothing is ever
//! written (`.config/insta.yaml`).
#![expect(clippy::expect_used, reason = "a test that cannot go on must fail")]

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

traces! {
    rules:
        c01_last_byte_first
        c02_one_terminal
        c03_faithful_bytes
        c04_wait_follows
        c04_cancelled_wait
        c05_no_spurious_wait
        c06_never_hangs
        c06_readability_wins
        c06_clock_stands_still
        c07_root_completeness
        c08_no_silent_loss
        c09_read_error_is_no_eof
        c09_stolen_status
        c09_lost_runner
        c10_cause_beside_status
        c10_clean_exit
        c11_quiet_teardown
        c12_bounded_and_isolated
        c13_shutdown_delivers
        c14_typed_refusal
        c15_no_orphan_stream
        c16_safe_kill
        c16_latched_before_the_pid;
    policies:
        drain_until_eof
        drain_after
        drain_after_zero
        drain_idle
        drain_idle_max
        drain_idle_gap_zero
        drain_idle_max_zero
        descendants_leave
        descendants_kill
        descendants_kill_with_target_leader
        kill_term_grace_kill
        kill_answered_in_time
        kill_first_signal_int
        kill_grace_zero
        kill_target_group
        kill_target_leader
        buffer_full_pause
        buffer_full_pause_by_chunks
        buffer_full_gap
        buffer_full_kill_after
        limit_truncate
        limit_keep_tail
        limit_kill
        timeout
        teardown_close_max
        teardown_shutdown_max
        teardown_shutdown_after_the_reap
        teardown_drop
        teardown_detach
        streams_none
        streams_stderr
        streams_separate
        streams_combined
        streams_pty;
}

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
