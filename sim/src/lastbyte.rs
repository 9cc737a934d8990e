//! The command `lastbyte`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lastbyte_sim::command_line::main()
}
