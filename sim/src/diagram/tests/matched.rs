//! Arrows are drawn where the words say who sent, and nowhere else.

use std::sync::Arc;

use lastbyte::machine::StreamId::{Stderr, Stdout};

use super::{
    super::{Row, messages},
    row,
};
use crate::executor::{
    child::{Do, Script},
    production::Lastbyte,
    search::rerun,
    stack::{Call, Scenario},
};

/// From, to, and what, with steps from 0.
fn matched(rows: &[Row]) -> Vec<(usize, usize, String)> {
    messages(rows).into_iter().map(|it| (it.from_row, it.to_row, it.label)).collect()
}

fn expect(rows: &[Row], expected: &[(usize, usize, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|&(from, to, label)| (from, to, label.to_owned())).collect();
    assert_eq!(matched(rows), expected);
}

#[test]
fn bytes_go_from_the_child_to_the_pump_to_the_consumer() {
    let rows = [
        row("child", &["writes \"a\" to stdout"]),
        row("child", &["writes \"a\" to stderr"]),
        row("stdout pump", &["reads \"a\" from stdout"]),
        row("stdout pump", &["queues a chunk"]),
        row("consumer", &["is handed \"a\" of stdout"]),
        row("stdout pump", &["reads the end of stdout"]),
    ];
    expect(&rows, &[(0, 2, "\"a\""), (3, 4, "\"a\"")]);
}

#[test]
fn one_read_may_take_several_writes_and_part_of_one() {
    let rows = [
        row("child", &["writes \"ab\" to stdout"]),
        row("child's descendant", &["writes \"c\\n\" to stdout"]),
        row("driver", &["reads \"a\" from stdout"]),
        row("driver", &["reads \"bc\\n\" from stdout"]),
        row("consumer", &["is handed \"bc\\n\" of stdout"]),
    ];
    expect(&rows, &[(0, 2, "\"a\""), (0, 3, "\"b\""), (1, 3, "\"c\\n\""), (3, 4, "\"bc\\n\"")]);
}

#[test]
fn two_children_who_wrote_the_same_send_no_arrow() {
    let rows = [
        row("child A", &["writes \"a\" to stdout"]),
        row("child B", &["writes \"a\" to stdout"]),
        row("stdout pump", &["reads \"a\" from stdout"]),
        row("child B", &["writes \"b\" to stdout"]),
        row("stdout pump", &["reads \"b\" from stdout"]),
    ];
    expect(&rows, &[]);
    let mut told_apart = rows.to_vec();
    told_apart[0] = row("child A", &["writes \"x\" to stdout"]);
    expect(&told_apart, &[(1, 2, "\"a\""), (3, 4, "\"b\"")]);
}

#[test]
fn how_much_was_read_is_not_known_where_it_is_not_text() {
    let rows = [
        row("child", &["writes \"�\" to stdout"]),
        row("pump", &["reads \"�\" from stdout"]),
        row("child", &["writes \"a\" to stdout"]),
        row("pump", &["reads \"a\" from stdout"]),
    ];
    expect(&rows, &[(0, 1, "\"�\"")]);
    let rows = [
        row("child", &["writes \"�\" to stdout"]),
        row("child", &["writes \"�\" to stdout"]),
        row("pump", &["reads \"�\" from stdout"]),
        row("pump", &["reads \"�\" from stdout"]),
    ];
    expect(&rows, &[]);
}

#[test]
fn a_chunk_that_two_reads_could_be_has_no_arrow() {
    let rows = [
        row("driver", &["reads \"a\" from stdout"]),
        row("driver", &["reads \"a\" from stdout"]),
        row("consumer", &["is handed \"a\" of stdout"]),
    ];
    expect(&rows, &[]);
    // And one that is handed over twice was sent once.
    let rows = [
        row("driver", &["reads \"a\" from stdout"]),
        row("consumer", &["is handed \"a\" of stdout"]),
        row("consumer", &["is handed \"a\" of stdout"]),
    ];
    expect(&rows, &[(0, 1, "\"a\"")]);
}

#[test]
fn an_exit_goes_from_whoever_queued_it_or_else_reaped() {
    let ends = "exited with code 0";
    let queued = [
        row("child", &["ends: exited with code 0"]),
        row("waiter 1", &["reaps the root", "is told: exited with code 0"]),
        row("exit pump", &["queues the exit"]),
        row("consumer", &["is handed the exit: exited with code 0"]),
        row("consumer", &["is handed the exit: exited with code 0"]),
    ];
    expect(&queued, &[(0, 1, ends), (2, 3, "the exit")]);
    let not_queued = [
        row("child", &["ends: exited with code 0"]),
        row("driver", &["reaps the root"]),
        row("consumer", &["is handed the exit: exited with code 0"]),
    ];
    expect(&not_queued, &[(0, 1, ends), (1, 2, "the exit")]);
    // A waiter who reaps gives nothing to the consumer; nor does a driver who reaped another exit.
    let mut by_another = not_queued.to_vec();
    by_another[1].lane = "waiter 1".into();
    expect(&by_another, &[(0, 1, ends)]);
    let mut another = not_queued.to_vec();
    another[2] = row("consumer", &["is handed the exit: lost: its runner has vanished"]);
    expect(&another, &[(0, 1, ends)]);
}

#[test]
fn one_of_two_ends_that_is_reaped_is_not_known() {
    let rows = [
        row("child A", &["ends: exited with code 0"]),
        row("child B", &["ends: exited with code 0"]),
        row("exit pump", &["reaps the root"]),
    ];
    expect(&rows, &[]);
}

#[test]
fn a_signal_reaches_the_next_step_of_the_only_child() {
    let rows = [
        row("killer", &["asks for a kill", "sends SIGTERM"]),
        row("driver", &["sends SIGKILL to what is left"]),
        row("child", &["ends: ended by SIGTERM"]),
        row("driver", &["sends SIGKILL to what is left"]),
    ];
    expect(&rows, &[(0, 2, "SIGTERM"), (1, 2, "SIGKILL")]);
    let of_two = [
        row("killer", &["sends SIGTERM"]),
        row("child A", &["ends: ended by SIGTERM"]),
        row("child B", &[]),
    ];
    expect(&of_two, &[]);
}

#[test]
fn output_that_looks_like_a_trace_is_output() {
    let rows = [
        row("child", &["writes \"x\\\" to stderr\" to stdout"]),
        row("pump", &["reads \"x\\\" to stderr\" from stdout"]),
        row("child", &["writes \"\\u{1b}\\\\u{7}'\\t\\0\" to stdout"]),
        row("pump", &["reads \"\\u{1b}\\\\u{7}\" from stdout"]),
        row("pump", &["reads \"'\\t\\0\" from stdout"]),
        row("pump", &["reads \"not closed from stdout", "reads \"\\q\" from stdout", "reads "]),
    ];
    let rest = [(2, 3, "\"\\u{1b}\\\\u{7}\""), (2, 4, "\"'\\t\\0\"")];
    expect(&rows, &[&[(0, 1, "\"x\\\" to stderr\"")][..], &rest].concat());
}

/// A schedule of the production stack: the choice at each step by its place, or the first.
pub(super) fn produced(places: &[u8]) -> Vec<Row> {
    let does =
        &[Do::Write(Stdout, b"a"), Do::Write(Stderr, b"A"), Do::Write(Stdout, b"b"), Do::Sleep(9)];
    let mut scenario = Scenario::new("kill", Script::new(does));
    scenario.calls = vec![Call::Kill, Call::Wait];
    let scenario = Arc::new(scenario);
    // Where there are fewer choices the first is made.
    let mut schedule: Vec<u8> = Vec::new();
    for step in 0..60 {
        schedule.push(places[step % places.len()]);
        if rerun::<Lastbyte>(&scenario, &schedule).diverged_at.is_some() {
            *schedule.last_mut().expect("one was pushed") = 0;
        }
        if rerun::<Lastbyte>(&scenario, &schedule).diverged_at.is_some() {
            schedule.pop();
            break;
        }
    }
    rerun::<Lastbyte>(&scenario, &schedule).lines.iter().map(Row::from).collect()
}

#[test]
fn messages_of_real_runs_go_forward_and_all_that_is_handed_over_was_sent() {
    for places in [&[0][..], &[1], &[0, 1], &[2, 0, 1], &[1, 1, 0], &[3, 2, 1, 0]] {
        let rows = produced(places);
        let messages = messages(&rows);
        for message in &messages {
            assert!(message.from_row < message.to_row);
            assert_ne!(rows[message.from_row].lane, rows[message.to_row].lane);
        }
        let handed = |text: &&String| text.starts_with("is handed \"") || text.contains("the exit");
        let handed = rows.iter().flat_map(|row| &row.text).filter(handed).count();
        let to_consumer =
            messages.iter().filter(|message| rows[message.to_row].lane == "consumer").count();
        assert!(handed > 0);
        assert_eq!(handed, to_consumer, "{rows:#?}");
    }
}
