//! C programs, each of which says what it expected and did not get.

use std::process::Command;

use crate::library::{program, run, valgrind};

/// If this were red, a C program could not run a command.
#[test]
fn c01_a_c_program_gets_every_byte_before_the_exit() {
    run(&mut Command::new(program("happy.c", &[])));
}

/// If this were red, a C program that runs a command would leak, or touch what is not its own.
#[test]
fn c11_valgrind_finds_nothing_in_a_command_from_start_to_end() {
    run(valgrind().arg(program("happy.c", &["-O1"])));
}

/// If this were red, a C program would not learn why a command did not start, or would leak it.
#[test]
fn c14_a_refused_start_is_one_error_with_stage_and_errno() {
    run(&mut Command::new(program("refused.c", &[])));
}

/// If this were red, an SDK with its own I/O would get other answers from the machine than ours.
#[test]
fn c01_the_bare_machine_is_driven_step_by_step() {
    run(&mut Command::new(program("machine.c", &[])));
    run(valgrind().arg(program("machine.c", &["-O1"])));
}
