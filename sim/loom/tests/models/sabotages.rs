//! The models are only as good as what they catch: each is tried on copies of the production text
//! with one mistake in them (`edits.rs`), and must end as its row here says.
//!
//! A row is a model, the run in which loom finds the mistake, and how it shows. The numbers are
//! those of this version of loom, as with the honest models.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    driver,
    harness::{Byte, explore},
    larger, orderings, subject,
    subject::{SABOTAGES, Subject},
    teardown, waits,
};

/// How a mistake shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// A thread sleeps, or wants the lock, and nobody is left to help it.
    Deadlock,
    /// A thread was woken and found nothing.
    WokenForNothing,
    /// A thread goes round for ever.
    NeverRests,
    /// Events, bytes, replies or outcomes are not those that they must be.
    WrongOutcome,
    /// The monitor names a rule of the contract.
    BrokenRule,
    /// The core itself panics.
    Panic,
}

impl Found {
    fn of(said: &str) -> Self {
        const SAID: [(&str, Found); 8] = [
            ("deadlock", Found::Deadlock),
            ("woken, and nothing was there", Found::WokenForNothing),
            ("Model exceeded maximum number of branches", Found::NeverRests),
            ("assertion `left == right` failed: a rule of the contract", Found::BrokenRule),
            ("assertion `left == right` failed", Found::WrongOutcome),
            ("no end without a terminal", Found::WrongOutcome),
            ("the execution is over", Found::WrongOutcome),
            ("swap_remove index", Found::Panic),
        ];
        let found = SAID.into_iter().find(|(start, _)| said.starts_with(start));
        found.unwrap_or_else(|| panic!("a new kind of failure: {said}")).1
    }
}

fn said(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(said), _) => said,
        (None, Some(said)) => said,
        (None, None) => panic!("a panic says something"),
    }
}

/// Explores the model until the mistake shows.
fn assert_caught<K: Subject>(
    name: &str,
    bound: Option<usize>,
    model: fn(),
    expected: (usize, Found),
) {
    let counted = Arc::new(AtomicUsize::new(0));
    let explored = catch_unwind(AssertUnwindSafe(|| explore(bound, &counted, model)));
    let runs = counted.load(Ordering::Relaxed);
    let Err(panic) = explored else {
        panic!("{name} passes, in {runs} runs, although {}", K::WRONG);
    };
    let said = said(&*panic);
    println!("{name}: {} | run {runs} | {:?}", K::WRONG, Found::of(said));
    assert_eq!((runs, Found::of(said)), expected, "{name}: {said}");
}

/// One test for each mistake, and a table of them all.
macro_rules! sabotages {
    ($($mistake:ident {
        $($file:ident::$model:ident $(within $bound:literal)?: $runs:literal, $found:ident;)+
    })+) => {
        $(
            #[test]
            fn $mistake() {
                type Sabotaged = subject::$mistake::Core<Byte>;
                $(assert_caught::<Sabotaged>(
                    stringify!($model),
                    [$($bound)?].first().copied(),
                    $file::$model::<Sabotaged>,
                    ($runs, Found::$found),
                );)+
            }
        )+

        /// Mistake, model, and the row in the docs.
        const TABLE: &[(&str, &str, &str)] = &[$($((
            stringify!($mistake),
            stringify!($model),
            concat!(
                "| `", stringify!($mistake), "` | `", stringify!($file), "::", stringify!($model),
                "` | ", $runs, " | ", stringify!($found), " |",
            ),
        ),)+)+];
    };
}

sabotages! {
    wait_checks_then_registers {
        waits::registers_during_reap: 81, Deadlock;
        teardown::close_against_reap: 3, Deadlock;
        teardown::shutdown_at_its_bound: 82, Deadlock;
        orderings::pump_before_exit: 3, Deadlock;
        larger::shutdown_among_all within 2: 26, Deadlock;
    }
    consumer_checks_then_registers {
        orderings::stdout_only: 3, Deadlock;
        orderings::stdout_and_stderr: 5, Deadlock;
        orderings::last_end_against_reap: 3, Deadlock;
        waits::refused_start: 36, Deadlock;
        larger::everybody within 2: 32, Deadlock;
    }
    driver_looks_then_registers {
        driver::paused_then_resumed: 151, Deadlock;
        driver::asleep_until_close_and_end: 3, Deadlock;
    }
    cancel_finds_then_removes {
        waits::cancelled_wait: 63, Panic;
    }
    cancel_removes_another {
        waits::cancelled_wait: 233, Deadlock;
    }
    waker_taken_before_the_step {
        orderings::stdout_only: 5, Deadlock;
        orderings::last_end_against_reap: 5, Deadlock;
    }
    consumer_not_woken_for_an_event {
        orderings::exit_before_pump: 1, Deadlock;
    }
    consumer_not_woken_at_the_end {
        teardown::close_at_its_bound: 1, Deadlock;
        larger::close_among_all within 2: 278, Deadlock;
    }
    driver_not_woken_for_actions {
        driver::discard_resumes: 1, Deadlock;
    }
    driver_not_woken_at_the_end {
        driver::asleep_until_delivery: 1, Deadlock;
    }
    drain_asks_nobody {
        driver::paused_then_resumed: 1, Deadlock;
    }
    first_waker_kept {
        driver::paused_then_resumed: 1, Deadlock;
    }
    wait_keeps_its_first_waker {
        waits::moving_wait: 1, Deadlock;
    }
    wait_not_counted {
        waits::two_waiters: 28, Deadlock;
        orderings::exit_before_pump: 2, Deadlock;
    }
    waiters_dropped_unwoken {
        waits::detach_during_reap: 1, Deadlock;
    }
    first_waiter_woken_alone {
        waits::two_waiters: 55, Deadlock;
        waits::cancelled_wait: 90, Deadlock;
    }
    every_waiter_woken {
        waits::exit_and_end: 44, WokenForNothing;
    }
    step_is_torn {
        orderings::stdout_only: 11, WrongOutcome;
        orderings::two_pumps_and_reap: 4, Deadlock;
        waits::registers_during_reap: 41, BrokenRule;
        teardown::close_against_pump: 8, WrongOutcome;
        teardown::shutdown_against_pump: 13, BrokenRule;
        larger::close_among_all within 2: 259, Deadlock;
    }
    driver_forgets_what_others_asked {
        teardown::kill_against_reap: 1, WrongOutcome;
        larger::slow_consumer_and_kill within 3: 1343, WrongOutcome;
    }
    actions_are_given_twice {
        teardown::kill_against_start: 10, WrongOutcome;
        driver::paused_then_resumed: 1, NeverRests;
    }
    wakes_under_the_lock {
        waits::asking_waker: 5, Deadlock;
    }
    drops_under_the_lock {
        waits::asking_waker: 1, Deadlock;
    }
    register_drops_under_the_lock {
        waits::replaced_wakers: 1, Deadlock;
    }
    wait_moves_under_the_lock {
        waits::replaced_wakers: 1, Deadlock;
    }
}

/// If this were red, a mistake would be there that no model is tried on.
#[test]
fn every_mistake_is_caught_by_a_model() {
    for mistake in SABOTAGES {
        assert!(TABLE.iter().any(|row| row.0 == mistake), "nothing is tried on {mistake}");
    }
}

/// If this were red, a model's green would mean nothing: nobody has seen it red.
#[test]
fn every_model_catches_a_mistake() {
    let files = [
        include_str!("driver.rs"),
        include_str!("larger.rs"),
        include_str!("orderings.rs"),
        include_str!("teardown.rs"),
        include_str!("waits.rs"),
    ];
    let mut models = 0;
    for line in files.iter().flat_map(|file| file.lines()) {
        let Some((_, rest)) = line.split_once("::<Honest>").and_then(|_| line.split_once(", "))
        else {
            continue;
        };
        let model = rest.trim_end_matches("::<Honest>);");
        assert!(TABLE.iter().any(|row| row.1 == model), "{model} has caught nothing");
        models += 1;
    }
    println!("{models} models, {} mistakes, {} rows", SABOTAGES.len(), TABLE.len());
}

/// If this were red, the docs would tell of a table that is not this one.
#[test]
fn the_docs_have_this_table() {
    let docs = include_str!("../../../../docs/loom.md");
    let rows: Vec<&str> = docs.lines().filter(|line| line.starts_with("| `")).collect();
    let table: Vec<&str> = TABLE.iter().map(|row| row.2).collect();
    assert_eq!(rows, table);
}
