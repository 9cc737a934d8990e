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

/// If this were red, a short command would lose its output now and then: the race that this library
/// is about.
#[test]
fn c01_ten_thousand_short_executions_lose_no_byte() {
    run(Command::new(program("race.c", &[])).arg("10000"));
}

/// If this were red, a free would leave something behind, be called after, or have two ends. A
/// failure prints its seed, which is the program's second argument.
#[test]
fn c11_free_races_the_exit_at_any_moment() {
    for seed in ["1", "2", "3"] {
        run(Command::new(program("free.c", &["-pthread"])).args(["40", seed]));
    }
}

/// If this were red, two runtimes could hang each other for ever.
#[test]
fn c11_callbacks_that_free_each_other_do_not_wait_for_each_other() {
    run(Command::new(program("mutual.c", &["-pthread"])).arg("100"));
    run(valgrind().arg(program("mutual.c", &["-pthread", "-O1"])).arg("3"));
}

/// If this were red, a free would touch what is gone.
#[test]
fn c11_valgrind_finds_nothing_in_frees_that_race() {
    run(valgrind().arg(program("free.c", &["-pthread", "-O1"])).args(["3", "4"]));
}

/// If this were red, who registers late would miss what came before, or who never does would hold up
/// the rest.
#[test]
fn c15_late_registration_gets_every_byte_from_the_first() {
    run(&mut Command::new(program("late.c", &[])));
}

/// If this were red, one execution could hold up the others, or the thread that drains.
#[test]
fn c12_a_flood_holds_up_nobody() {
    run(&mut Command::new(program("fair.c", &[])));
}

/// If this were red, a mistake of a C program would be undefined behaviour.
#[test]
fn misuse_is_an_error_code() {
    run(&mut Command::new(program("misuse.c", &[])));
    run(valgrind().arg(program("misuse.c", &["-O1"])));
}

/// If this were red, a program would read or write outside of what is its own.
#[test]
fn the_address_sanitizer_finds_nothing() {
    for (source, args) in
        [("happy.c", &[][..]), ("machine.c", &[]), ("free.c", &["5", "5"]), ("late.c", &[])]
    {
        let sanitized = program(source, &["-fsanitize=address,undefined", "-pthread"]);
        run(Command::new(sanitized).args(args));
    }
}
