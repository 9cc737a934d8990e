//! Every order of a small command between the production runner and client, and of a client that
//! lines up output and exit by hand.

use lastbyte::monitor::Rule;
use lastbyte_sim::network::{
    orders::{Choice, Merge, Run, every_order, first_break},
    reader::Design,
    small::{HOSTS, Small, SmallRun},
    token,
};
use num_bigint::BigUint;

fn orders(small: Small, merge: Merge) -> (BigUint, u64) {
    let found = every_order(|| SmallRun::start(small, Design::Lastbyte), HOSTS, merge);
    let found = found.unwrap_or_else(|error| panic!("{error}"));
    assert!(found.broken.is_empty(), "{:?}", found.broken);
    (found.orders, found.places)
}

/// If this were red, there would be an order of deliveries, writes, ends and wake-ups in which a
/// client of the production runner is told the exit before the last byte, or hangs.
#[test]
fn c01_in_every_order_of_a_small_command_the_client_has_all_before_the_exit() {
    for (small, count, places) in [
        (Small::Silent, 557_u32, 209),
        (Small::Short, 4334, 710),
        (Small::Twice, 33_614, 2165),
        (Small::Both, 333_817, 13_784),
    ] {
        let found = orders(small, Merge::Alike);
        assert_eq!(found, (BigUint::from(count), places), "{small:?}");
    }
}

/// If this were red, prefixes would be merged that lead to different places, and "every order" would
/// not be every order.
#[test]
fn as_many_orders_are_run_one_by_one_as_the_graph_says() {
    for (small, count) in [(Small::Silent, 557_u32), (Small::Short, 4334)] {
        assert_eq!(orders(small, Merge::Nothing).0, BigUint::from(count), "{small:?}");
    }
}

/// If this were red, the harness would not see the race that all of this is about.
#[test]
fn c01_a_client_that_exits_when_the_wait_is_answered_is_caught() {
    let make = || SmallRun::start(Small::Short, Design::ExitOnWait);
    let found = first_break(make, HOSTS).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found.broken.keys().collect::<Vec<_>>(), [&Rule::C1]);
    let choices = &found.broken[&Rule::C1].choices;
    let again = token::replay(Small::Short, Design::ExitOnWait, choices).expect("it is the code");
    assert_eq!(again.broken.map(|broken| broken.rule), Some(Rule::C1), "{}", again.log);
}

/// Runs an order in which of what can happen always comes first what stands first among these.
fn in_order(small: Small, first: &[&str]) -> String {
    let mut run = SmallRun::start(small, Design::Lastbyte);
    loop {
        let choices = run.choices();
        let rank = |choice: &&Choice| {
            first.iter().position(|what| choice.what.contains(what)).unwrap_or(first.len())
        };
        let Some(choice) = choices.iter().min_by_key(rank) else { return run.text() };
        run.take(choice);
        if let Err(broken) = run.judge() {
            panic!("{broken:?}: {}", run.text());
        }
    }
}

/// Where the first line stands that has all of these words.
fn line(log: &str, words: &[&str]) -> usize {
    let found = log.lines().position(|line| words.iter().all(|word| line.contains(word)));
    found.unwrap_or_else(|| panic!("no line with {words:?} in {log}"))
}

/// If this were red, a root that is reaped before its output is pumped would lose it at the runner.
#[test]
fn c01_runner_exit_before_pump() {
    let order = ["child: ", "reactor: Exited", "reactor: ", ">"];
    let log = in_order(Small::Short, &order);
    let (reaped, read) = (line(&log, &["Stood", "Stdout"]), line(&log, &["Read {", "Stdout"]));
    assert!(reaped < read, "{log}");
    assert!(log.contains("Stood { stream: Stdout, bytes: 3 }"), "{log}");
}

/// If this were red, output that is pumped before the root is reaped would not be there.
#[test]
fn c01_runner_pump_before_exit() {
    let log = in_order(Small::Short, &["reactor: ", "child: ", ">"]);
    let (read, ended) = (line(&log, &["Read {", "Stdout"]), line(&log, &["child", "Ended"]));
    assert!(read < ended, "{log}");
}

/// The connection of the start is used again, for the output; the wait has one of its own.
const OUTPUT: &str = ">client:49153";
const WAIT: &str = ">client:49154";

/// If this were red, a client would tell the exit when the wait's answer overtakes the output.
#[test]
fn c01_client_exit_before_output() {
    let log = in_order(Small::Short, &["child: ", "reactor: ", ">runner", WAIT, OUTPUT]);
    let exited = line(&log, &["reader", "Resolved { until: Exited"]);
    let (chunk, exit) = (line(&log, &["reader", "Chunk"]), line(&log, &["reader", "Exit("]));
    assert!(exited < chunk && chunk < exit, "{log}");
}

/// If this were red, a client that has all output would not learn of the exit.
#[test]
fn c01_client_output_before_exit() {
    let log = in_order(Small::Short, &["child: ", "reactor: ", ">runner", OUTPUT, WAIT]);
    let exited = line(&log, &["reader", "Resolved { until: Exited"]);
    let chunk = line(&log, &["reader", "Chunk"]);
    assert!(chunk < exited, "{log}");
}
