//! A system that has run out of descriptors or processes: typed refusals, nothing left, and it
//! works again afterwards.
//!
//! Limits are of a whole process, so each test runs itself again in a process of its own.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::process::Command as StdCommand;

use lastbyte::{Command, Errno, ErrorKind, blocking, error::Stage};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const INSIDE: &str = "LASTBYTE_TEST_INSIDE";

/// Runs this test alone in a process of its own; says whether we are there.
fn inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let status = StdCommand::new(std::env::current_exe().expect("a test has a path"))
        .args([test, "--exact", "--test-threads=1", "--nocapture"])
        .env(INSIDE, "1")
        .status();
    assert!(status.expect("it starts").success(), "it failed inside");
    false
}

fn descriptors() -> u64 {
    std::fs::read_dir("/proc/self/fd").expect("proc is mounted").count() as u64
}

fn set_limit(resource: Resource, limit: u64) {
    let Rlimit { maximum, .. } = getrlimit(resource);
    setrlimit(resource, Rlimit { current: Some(limit), maximum })
        .expect("a lower limit is allowed");
}

/// If this were red, a busy server that runs out of descriptors would leak the last of them, leave
/// processes, panic or hang.
#[test]
fn c14_running_out_of_descriptors_is_a_typed_refusal() {
    if !inside("c14_running_out_of_descriptors_is_a_typed_refusal") {
        return;
    }
    let Rlimit { current: usual, .. } = getrlimit(Resource::Nofile);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(Command::new("true").output()).expect("true starts").terminal.is_complete();
    let used = descriptors();
    let (mut refused, mut started) = (0, 0);
    for spare in 0..24 {
        for blocking in [false, true] {
            // One of those counted is of the count itself.
            set_limit(Resource::Nofile, used - 1 + spare);
            let command = Command::new("true");
            let output = if blocking {
                blocking::output(&command)
            } else {
                runtime.block_on(command.output())
            };
            set_limit(Resource::Nofile, usual.unwrap_or(1024));
            match output {
                Ok(output) => {
                    assert!(output.is_success(), "{output:?}");
                    started += 1;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::OverQuota, "{error:?}");
                    assert_eq!(error.stage(), Some(Stage::Pipes), "{error:?}");
                    assert_eq!(error.errno(), Some(Errno(24)), "{error:?}");
                    refused += 1;
                }
            }
            assert_eq!(descriptors(), used, "with {spare} to spare, blocking: {blocking}");
        }
    }
    println!("refused {refused}, started {started}");
    assert!(refused >= 8 && started >= 8, "both were tried: {refused} and {started}");
    let children = rustix::process::waitid(
        rustix::process::WaitId::All,
        rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOHANG,
    );
    assert!(children.is_err(), "a refused start left a process");
}

/// If this were red, a system full of processes would be taken for a missing program.
#[test]
fn c14_running_out_of_processes_is_a_typed_refusal() {
    if !inside("c14_running_out_of_processes_is_a_typed_refusal") {
        return;
    }
    // The limit does not bind root: this thread becomes nobody, and so do its children.
    if rustix::process::getuid().is_root() {
        let nobody = rustix::process::Uid::from_raw(65_534);
        rustix::thread::set_thread_uid(nobody).expect("root may become nobody");
    }
    let Rlimit { current: usual, maximum } = getrlimit(Resource::Nproc);
    let used = descriptors();
    let limited = Rlimit { current: Some(0), maximum };
    setrlimit(Resource::Nproc, limited).expect("a lower limit is allowed");
    let error = blocking::output(&Command::new("true")).expect_err("no process is allowed");
    assert_eq!(error.kind(), ErrorKind::OverQuota, "{error:?}");
    assert_eq!((error.stage(), error.errno()), (Some(Stage::Fork), Some(Errno(11))));
    assert_eq!(error.exit_code(), 126);
    assert_eq!(descriptors(), used);
    setrlimit(Resource::Nproc, Rlimit { current: usual, maximum }).expect("up to the maximum");
    let output = blocking::output(&Command::new("true")).expect("it works again");
    assert!(output.is_success());
}
