//! What a port's author could read otherwise: histories in which the two readings differ.

use std::time::Duration;

use lastbyte::{
    machine::{Full, Input, OutputLimit, Over, PerStream, Policy, Status, StreamId, Streams},
    monitor::Rule,
};

use super::settings::buffer;
use crate::vectors::{Case, Topic, words::Text};

const OUT: StreamId = StreamId::Stdout;
const ERR: StreamId = StreamId::Stderr;

type Inputs = Vec<Input<Text>>;

/// All of them.
pub(super) fn cases() -> Vec<Case> {
    [stalls().to_vec(), vec![limit_and_gap()], discards().to_vec()].concat()
}

fn case(note: &str, rules: &[Rule], policy: Policy, inputs: Inputs) -> Case {
    Case {
        topic: Topic::Policies,
        note: note.to_owned(),
        rules: rules.to_vec(),
        streams: Streams::Separate,
        policy,
        inputs: [vec![Input::Started], inputs, ended()].concat(),
        focus: Vec::new(),
    }
}

fn reads(id: StreamId, bytes: &[u8]) -> Input<Text> {
    Input::Chunk(id, Text(bytes.to_vec()))
}

/// The root's end, the end of whatever still flows, and every event.
fn ended() -> Inputs {
    let reap = Input::Reap { status: Status::Exited { code: 0 }, standing: PerStream::default() };
    let mut inputs = vec![reap, Input::Eof(OUT), Input::Eof(ERR)];
    inputs.extend(std::iter::repeat_n(Input::Drain, 7));
    inputs
}

/// The clock of a consumer who takes nothing starts anew with each event that he takes.
fn stalls() -> [Case; 2] {
    let policy = buffer(4, Full::KillAfter(Duration::from_millis(300)));
    let end = vec![reads(OUT, b"a"), Input::Eof(ERR), Input::Drain, Input::Drain];
    let gap = vec![
        reads(ERR, b"A"),
        reads(OUT, b"a"),
        Input::Discard(OUT),
        Input::Eof(OUT),
        Input::Drain,
        Input::Drain,
        Input::Drain,
    ];
    [
        case("an end that is taken starts the clock anew", &[Rule::C12], policy, end),
        case("a gap that is taken starts the clock anew", &[Rule::C12], policy, gap),
    ]
}

/// The limit is on what the consumer gets.
fn limit_and_gap() -> Case {
    let limit = Some(OutputLimit { bytes_max: 2, over: Over::Truncate });
    let policy = Policy { limit, ..buffer(1, Full::Gap) };
    let inputs = vec![
        reads(OUT, b"a"),
        reads(OUT, b"b"),
        Input::Drain,
        reads(OUT, b"c"),
        Input::Drain,
        Input::Drain,
        reads(OUT, b"d"),
        Input::Drain,
    ];
    case("what was dropped does not count toward the limit", &[Rule::C8, Rule::C12], policy, inputs)
}

/// What was lost before a discard is told after it.
fn discards() -> [Case; 2] {
    let gapped = vec![
        reads(OUT, b"a"),
        reads(OUT, b"b"),
        reads(OUT, b"c"),
        Input::Drain,
        reads(OUT, b"d"),
        Input::Discard(OUT),
    ];
    let over = Over::KeepTail { bytes_max: 1 };
    let tailed =
        Policy { limit: Some(OutputLimit { bytes_max: 1, over }), ..buffer(4, Full::Pause) };
    let tail = vec![reads(OUT, b"abc"), Input::Eof(OUT), Input::Discard(OUT)];
    [
        case(
            "a gap that is queued outlives a discard",
            &[Rule::C12, Rule::C15],
            buffer(2, Full::Gap),
            gapped,
        ),
        case("a gap before a tail outlives a discard", &[Rule::C8, Rule::C15], tailed, tail),
    ]
}
