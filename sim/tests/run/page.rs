//! `--help` and docs/run.md: that they say what the command does.

use std::process::Command;

use super::{LASTBYTE, events, run};

const PAGE: &str = include_str!("../../../docs/run.md");

fn help(flag: &str) -> String {
    let output = run(&[flag]);
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).expect("text")
}

/// If this were red, an option could not be learned from the command or from its page.
#[test]
fn c08_help_and_page_name_every_option() {
    let long = help("--help");
    let options: Vec<&str> = long
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("--")?.split(' ').next())
        .collect();
    assert_eq!(
        options,
        [
            "json",
            "drain",
            "timeout",
            "grace",
            "max-output",
            "buffer",
            "pty",
            "cwd",
            "env",
            "runner",
            "box",
            "token-file",
            "monitor"
        ]
    );
    for option in options {
        assert!(PAGE.contains(&format!("`--{option}")), "docs/run.md lacks --{option}");
    }
    assert!(long.contains("Examples:\n") && long.contains("Exit codes:"), "{long}");
    assert!(help("-h").contains("Exit codes:"));
    let version = Command::new(LASTBYTE).arg("--version").output().expect("it starts");
    assert!(version.status.success());
}

/// If this were red, the page would show events that the command does not print.
#[test]
fn c08_the_page_shows_what_is_printed() {
    let (events, code) = events(&["--drain", "after=0"], "echo hi; sleep 1 & exit 3");
    assert_eq!((events.len(), code), (5, 3));
    for event in events.iter().filter(|event| event["event"] != "start") {
        assert!(PAGE.contains(&format!("{event}\n")), "docs/run.md lacks {event}");
    }
    let refused = run(&["--json", "--", "no-such-program"]);
    let line = String::from_utf8(refused.stdout).expect("text");
    assert!(PAGE.contains(&line), "docs/run.md lacks {line}");
}
