//! The stack has its row, and the row is as strict as those of the zoo.

use std::process::Command;

/// If this were red, a stack of somebody else could not be put under the executor, or what it
/// breaks there would be another thing than its author says.
#[test]
fn it_has_a_row_and_breaks_strictly_what_it_says() {
    let row = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_your-stack"));
        let output = command.arg("check").args(args).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, told) = row(&["--zoo-chunks", "0"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("select-loop") && told.contains("all as expected"), "{told}");
    let (_, told) = row(&["--zoo-chunks", "0", "--design", "select-loop"]);
    assert!(told.contains("your-stack replay select-loop:"), "{told}");
}
