//! What several tests of the command ask of it.

use std::{collections::BTreeSet, process::Command};

/// The verbs that a user is shown.
pub(crate) fn verbs() -> BTreeSet<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_lastbyte")).arg("--help").output();
    let help = String::from_utf8_lossy(&help.expect("lastbyte starts").stdout).into_owned();
    help.lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .map(str::to_owned)
        .collect()
}
