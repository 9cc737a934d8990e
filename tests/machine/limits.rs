//! Output limits: what is kept, byte by byte, and what is said of the rest.

use lastbyte::machine::{
    BufferPolicy, Cut, DrainPolicy, End, Full, Input, OutputLimit, Over, Policy, Signal,
    StreamReport,
};
use std::time::Duration;

use crate::watched::{STDOUT, Text, Watched, bytes, chunk, cut, end, gap, reap};

fn limited(bytes_max: u64, over: Over) -> Watched {
    let policy = Policy { limit: Some(OutputLimit { bytes_max, over }), ..Policy::default() };
    Watched::running(policy)
}

fn report(end: End, delivered: u64, dropped: u64) -> Option<StreamReport> {
    Some(StreamReport { stream: STDOUT, end, delivered, dropped, held: false })
}

fn ends(mut at: Watched) -> (Vec<lastbyte::machine::Event<Text>>, Option<StreamReport>) {
    at.steps([Input::Eof(STDOUT), reap()]);
    let (events, terminal) = at.rest();
    (events, terminal.streams[STDOUT])
}

/// If this were red, a limit would cut in the wrong place, or hide that it did.
#[test]
fn c08_truncate_keeps_exactly_the_first_bytes_and_reports_the_rest() {
    let mut at = limited(5, Over::Truncate);
    at.steps([chunk(STDOUT, "abc"), chunk(STDOUT, "defg"), chunk(STDOUT, "hij")]);
    let (events, said) = ends(at);
    assert_eq!(events, [bytes("abc"), bytes("de"), gap(5), end(End::Limit)]);
    assert_eq!(said, report(End::Limit, 5, 5));
}

/// If this were red, output that just fits would be reported as truncated.
#[test]
fn c08_output_of_exactly_the_limit_is_complete() {
    let mut at = limited(5, Over::Truncate);
    at.steps([chunk(STDOUT, "abcde")]);
    let (events, said) = ends(at);
    assert_eq!(events, [bytes("abcde"), end(End::Eof)]);
    assert_eq!(said, report(End::Eof, 5, 0));
}

/// If this were red, the end of a long log, where the error stands, would be lost or misplaced.
#[test]
fn c08_keep_tail_keeps_head_and_tail_with_the_gap_between() {
    let mut at = limited(3, Over::KeepTail { bytes_max: 4 });
    at.steps([chunk(STDOUT, "ab"), chunk(STDOUT, "cdef"), chunk(STDOUT, "ghi")]);
    at.steps([chunk(STDOUT, "jk")]);
    assert_eq!(at.next(), Some(bytes("ab")));
    assert_eq!(at.next(), Some(bytes("c")));
    assert_eq!(at.next(), None, "the tail is not known before the end");
    let (events, said) = ends(at);
    assert_eq!(events, [gap(4), bytes("hi"), bytes("jk"), end(End::Limit)]);
    assert_eq!(said, report(End::Limit, 7, 4));
}

/// If this were red, output that fits into head and tail together would be reported as dropped.
#[test]
fn c08_keep_tail_drops_nothing_of_what_fits_into_head_and_tail() {
    let mut at = limited(3, Over::KeepTail { bytes_max: 4 });
    at.steps([chunk(STDOUT, "abcdefg")]);
    let (events, said) = ends(at);
    assert_eq!(events, [bytes("abc"), bytes("defg"), end(End::Eof)]);
    assert_eq!(said, report(End::Eof, 7, 0));
}

/// If this were red, a tail would be lost where a descendant holds the pipe and it is cut.
#[test]
fn c08_the_tail_of_a_stream_that_is_cut_is_delivered() {
    let policy = Policy {
        limit: Some(OutputLimit { bytes_max: 1, over: Over::KeepTail { bytes_max: 2 } }),
        drain: DrainPolicy::After(Duration::ZERO),
        ..Policy::default()
    };
    let mut at = Watched::running(policy);
    at.steps([chunk(STDOUT, "abcdef"), reap(), Input::Empty(STDOUT)]);
    let (events, _) = at.rest();
    assert_eq!(events, [bytes("a"), gap(3), bytes("ef"), cut(Cut::After)]);
}

/// If this were red, a runaway command would fill the disk of whoever keeps its output.
#[test]
fn c10_over_the_limit_kill_kills_once_and_says_why() {
    let mut at = limited(2, Over::Kill);
    let over = at.step(chunk(STDOUT, "abc"));
    assert_eq!(over.actions.signals().iter().collect::<Vec<_>>(), [Signal::TERM]);
    let more = at.step(chunk(STDOUT, "def"));
    assert!(more.actions.signals().is_empty());
    at.steps([Input::Eof(STDOUT), reap()]);
    let (events, terminal) = at.rest();
    assert_eq!(events, [bytes("ab"), gap(4), end(End::Limit)]);
    assert!(terminal.cause.output_limit);
    assert!(!terminal.cause.cancelled && !terminal.cause.timed_out);
}

/// If this were red, a consumer who is slow would be given output with holes and not be told.
#[test]
fn c08_what_a_full_buffer_drops_is_a_gap_in_its_place() {
    let buffer = BufferPolicy { bytes_max: 3, chunks_max: 8, full: Full::Gap };
    let mut at = Watched::running(Policy { buffer, ..Policy::default() });
    at.steps([chunk(STDOUT, "ab"), chunk(STDOUT, "cd"), chunk(STDOUT, "e")]);
    at.steps([chunk(STDOUT, "f")]);
    let (events, said) = ends(at);
    assert_eq!(events, [bytes("ab"), gap(2), bytes("e"), gap(1), end(End::Eof)]);
    assert_eq!(said, report(End::Eof, 3, 3));
}
