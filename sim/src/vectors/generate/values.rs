//! Each size, status, signal and byte that a value may have: what exploration has one or two of.

use std::time::Duration;

use lastbyte::{
    machine::{
        BufferPolicy, DrainPolicy, Errno, Full, Input, OutputLimit, Over, PerStream, Policy,
        Signal, Status, StreamId, Streams, Timer,
    },
    monitor::Rule,
};

use crate::vectors::{Case, Topic, words::Text};

const OUT: StreamId = StreamId::Stdout;
const ZERO: Status = Status::Exited { code: 0 };

type Inputs = Vec<Input<Text>>;

fn case(note: &str, rules: &[Rule], policy: Policy, inputs: Inputs) -> Case {
    Case {
        topic: Topic::Values,
        note: note.to_owned(),
        rules: rules.to_vec(),
        streams: Streams::Stdout,
        policy,
        inputs,
        focus: Vec::new(),
    }
}

fn reads(bytes: &[u8]) -> Input<Text> {
    Input::Chunk(OUT, Text(bytes.to_vec()))
}

fn reap(status: Status) -> Input<Text> {
    Input::Reap { status, standing: PerStream::default() }
}

/// The end of an execution whose stream has ended, and so many events before the exit.
fn drained(mut inputs: Inputs, events: usize) -> Inputs {
    inputs.extend([Input::Eof(OUT), reap(ZERO)]);
    inputs.extend(std::iter::repeat_n(Input::Drain, events + 2));
    inputs
}

/// All of them.
pub(super) fn cases() -> Vec<Case> {
    [statuses(), signals(), bytes(), default_bounds(), halves(), limits(), policies()].concat()
}

fn ended(note: &str, status: Status) -> Case {
    let inputs = vec![Input::Started, Input::Eof(OUT), reap(status), Input::Drain, Input::Drain];
    case(note, &[Rule::C9], Policy::default(), inputs)
}

/// No code is special, and none is a signal.
fn statuses() -> Vec<Case> {
    let codes = (0..=255).map(|code| Status::Exited { code });
    let signals = (1..=64).filter_map(Signal::new);
    let signaled =
        signals.flat_map(|signal| [false, true].map(|core| Status::Signaled { signal, core }));
    let unknown = [1, 4, 10, 22].map(|errno| Status::Unknown(Errno(errno)));
    codes.chain(signaled).chain(unknown).map(|status| ended("", status)).collect()
}

/// Each signal, asked for before the start, twice, and after the reap.
fn signals() -> Vec<Case> {
    let asked = |signal| {
        let send = Input::Signal(signal);
        let inputs = vec![
            send.clone(),
            send.clone(),
            Input::Started,
            send.clone(),
            Input::Eof(OUT),
            reap(ZERO),
            send,
            Input::Drain,
            Input::Drain,
        ];
        case("", &[Rule::C16], Policy::default(), inputs)
    };
    let order = vec![Input::Signal(Signal::HUP), Input::Signal(Signal::KILL), Input::Kill];
    let order: Inputs =
        order.into_iter().chain([Input::Signal(Signal::INT), Input::Started, reap(ZERO)]).collect();
    let order = case("the highest signal goes first", &[Rule::C16], Policy::default(), order);
    (1..=64).filter_map(Signal::new).map(asked).chain([order]).collect()
}

/// Bytes are not text.
fn bytes() -> Vec<Case> {
    let every: Vec<u8> = (0..=255).collect();
    let one_by_one = every.iter().map(|&byte| reads(&[byte]));
    let one_by_one = std::iter::once(Input::Started).chain(one_by_one).collect();
    let case =
        |note, inputs, events| case(note, &[Rule::C3], Policy::default(), drained(inputs, events));
    let words = [&b"drain"[..], b"eof stdout", b" ", b"  two spaces ", b"\n", b"\r\n\t\0\\\""];
    let words = std::iter::once(Input::Started).chain(words.map(reads)).collect();
    vec![
        case("every byte, in one chunk", vec![Input::Started, reads(&every)], 1),
        case("every byte, in a chunk of its own", one_by_one, 256),
        case("bytes that look like words", words, 6),
    ]
}

/// The default bounds on what is buffered.
fn default_bounds() -> Vec<Case> {
    let policy = Policy::default();
    let bytes_max = usize::try_from(policy.buffer.bytes_max).unwrap_or_default();
    let chunks_max = usize::try_from(policy.buffer.chunks_max).unwrap_or_default();
    let all = reads(&vec![b'x'; bytes_max]);
    let more = reads(&vec![b'x'; bytes_max + 1]);
    let half = reads(&vec![b'x'; bytes_max / 2]);
    let above_half = reads(&vec![b'x'; bytes_max / 2 + 1]);
    let rest = reads(&vec![b'x'; bytes_max / 2 - 1]);
    let started = |inputs: Inputs| [vec![Input::Started], inputs].concat();
    let ones = std::iter::repeat_n(reads(b"y"), chunks_max).collect();
    let case = |note, inputs| case(note, &[Rule::C12], policy, inputs);
    vec![
        case(
            "the default bound in bytes, in one chunk",
            started(vec![more, all.clone(), reads(b"y"), Input::Drain, reads(b"y")]),
        ),
        case(
            "at half the bound the pump goes on",
            started(vec![half.clone(), half, reads(b"y"), Input::Drain, reads(b"y")]),
        ),
        case(
            "above half the bound it does not",
            started(vec![rest, above_half, reads(b"y"), Input::Drain, reads(b"y"), Input::Drain]),
        ),
        case(
            "the default bound in chunks",
            [started(ones), vec![reads(b"y")], vec![Input::Drain; chunks_max / 2 + 1]].concat(),
        ),
    ]
}

/// Small bounds, odd ones among them, and when the pump goes on.
fn halves() -> Vec<Case> {
    let mut cases = Vec::new();
    for bytes_max in 1..=7 {
        for chunks_max in [1, 2, 3, 100] {
            for full in [Full::Pause, Full::Gap] {
                let buffer = BufferPolicy { bytes_max, chunks_max, full };
                let policy = Policy { buffer, ..Policy::default() };
                let chunks = [&b"ab"[..], b"c", b"def", b"g", b"hi"].map(reads);
                let takes = chunks.clone().into_iter().flat_map(|chunk| [chunk, Input::Drain]);
                let start = [Input::Started].into_iter();
                let inputs = start.clone().chain(chunks.clone()).chain(takes.clone()).collect();
                cases.push(case("", &[Rule::C12], policy, drained(inputs, 3)));
                cases.push(case(
                    "",
                    &[Rule::C12],
                    policy,
                    drained(start.chain(takes).collect(), 3),
                ));
            }
        }
    }
    cases
}

/// Output limits of each size, in the middle of a chunk too.
fn limits() -> Vec<Case> {
    let mut cases = Vec::new();
    let tails = [0, 1, 2, 3, 4, 100].map(|bytes_max| Over::KeepTail { bytes_max });
    for over in [Over::Truncate, Over::Kill].into_iter().chain(tails) {
        for bytes_max in 0..=6 {
            let limit = Some(OutputLimit { bytes_max, over });
            let policy = Policy { limit, ..Policy::default() };
            let chunks = [&b"abc"[..], b"d", b"ef", b"ghi"].map(reads);
            let start = [Input::Started].into_iter();
            let takes = chunks.clone().into_iter().flat_map(|chunk| [chunk, Input::Drain]);
            let at_once = start.clone().chain(chunks.clone()).collect();
            cases.push(case("", &[Rule::C8], policy, drained(at_once, 5)));
            cases.push(case("", &[Rule::C8], policy, drained(start.chain(takes).collect(), 5)));
        }
    }
    cases
}

/// Policies that cannot be carried out, one that just can, and the length of each clock.
fn policies() -> Vec<Case> {
    let ms = Duration::from_millis;
    let usual = Policy::default();
    let buffer = |bytes_max, chunks_max| BufferPolicy { bytes_max, chunks_max, ..usual.buffer };
    let idle = |gap, max| DrainPolicy::Idle { gap: ms(gap), max: ms(max) };
    let started = vec![Input::Started, Input::Kill, Input::Shutdown, reap(ZERO)];
    let closed = vec![Input::Started, Input::Close, Input::Timeout(Timer::Close), Input::Drain];
    let mut clocks = usual;
    clocks.timeout = Some(ms(1));
    clocks.kill.grace = ms(86_400_000);
    clocks.teardown.close_max = Duration::ZERO;
    clocks.teardown.shutdown_max = ms(7);
    vec![
        case("no bytes", &[], Policy { buffer: buffer(0, 1), ..usual }, Vec::new()),
        case("no chunks", &[], Policy { buffer: buffer(1, 0), ..usual }, Vec::new()),
        case("no bytes and no chunks", &[], Policy { buffer: buffer(0, 0), ..usual }, Vec::new()),
        case("a gap above its cap", &[], Policy { drain: idle(6, 5), ..usual }, Vec::new()),
        case(
            "a gap as long as its cap",
            &[Rule::C6],
            Policy { drain: idle(5, 5), ..usual },
            vec![Input::Started, reap(ZERO), Input::Timeout(Timer::Idle(OUT)), Input::Empty(OUT)],
        ),
        case("clocks of their own lengths", &[Rule::C6], clocks, started),
        case("the clock of a close", &[Rule::C11], clocks, closed),
    ]
}
