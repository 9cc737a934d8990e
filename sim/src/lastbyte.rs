//! The command `lastbyte`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    lastbyte_sim::command_line::main()
}
