//! The scenarios in which every stack is explored that offers what they ask for.
//!
//! Each asks about something else; what multiplies states is kept small where it is not the
//! subject. The first, `plain`, has all the chunks and waiters that were asked for.

use std::{sync::Arc, time::Duration};

use lastbyte::{
    Policy,
    machine::{
        BufferPolicy, DrainPolicy, Errno, Full,
        StreamId::{Stderr, Stdout},
    },
};

use crate::executor::{
    child::{Do, Script},
    stack::{
        Call::{Boxes, Close, Exited, Kill, Shutdown, Wait, WaitAndGo},
        Consumer, Scenario,
    },
};

const fn out(bytes: &'static [u8]) -> Do {
    Do::Write(Stdout, bytes)
}

const fn err(bytes: &'static [u8]) -> Do {
    Do::Write(Stderr, bytes)
}

/// Beyond every horizon: it ends only if it is ended.
const RUNS_ON: Do = Do::Sleep(3_600_000);

/// A script's steps, as a constant.
macro_rules! does {
    ($($step:expr),* $(,)?) => {
        const { &[$($step),*] as &[Do] }
    };
}

/// Chunks on each stream, in turn.
const PLAIN: [&[Do]; 4] = [
    &[],
    &[out(b"a"), err(b"A")],
    &[out(b"a"), err(b"A"), out(b"b"), err(b"B")],
    &[out(b"a"), err(b"A"), out(b"b"), err(b"B"), out(b"c"), err(b"C")],
];

/// Chunks on each stream, at most.
pub const CHUNKS_MAX: u8 = 3;

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A drain that is bounded by both: the default's shape, with times that fit the scripts.
const IDLE: DrainPolicy = DrainPolicy::Idle { gap: ms(100), max: ms(400) };

fn policy(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = Policy { drain: IDLE, ..Policy::default() };
    change(&mut policy);
    policy
}

/// The scenarios, with so many chunks on each stream and so many waiters where these are the
/// subject.
pub fn scenarios(chunks: u8, waiters: u8) -> Vec<Arc<Scenario>> {
    let does = PLAIN[usize::from(chunks.min(CHUNKS_MAX))];
    let mut plain = Scenario::new("plain", Script::new(does));
    plain.calls = vec![Wait; usize::from(waiters)];
    let mut all = vec![plain];
    all.extend(waited());
    all.extend(held());
    all.extend(ended());
    all.extend(failing());
    all.extend(slow());
    for scenario in &mut all {
        if scenario.policy == Policy::default() {
            scenario.policy = policy(|_| {});
        }
    }
    all.into_iter().map(Arc::new).collect()
}

/// Somebody waits for the root alone, or goes away; and output comes late or in odd pieces.
fn waited() -> Vec<Scenario> {
    let one = Script::new(does![out(b"a")]);
    let mut exited = Scenario::new("exited", one);
    exited.calls = vec![Exited];
    let mut goes = Scenario::new("waiter-goes", one);
    goes.calls = vec![Wait, WaitAndGo];
    // One character of two bytes, in two writes.
    let text = Scenario::new("text", Script::new(does![out(b"\xc3"), out(b"\xa9")]));
    let mut late = Scenario::new("late-consumer", Script::new(does![out(b"a"), out(b"b")]));
    late.children[0].1 = Consumer::Late;
    let closes = does![out(b"a"), Do::Close(Stdout), Do::Close(Stderr), Do::Sleep(50)];
    let closes = Scenario::new("closes-early", Script::new(closes));
    vec![exited, goes, text, late, closes]
}

/// A descendant keeps the pipes.
fn held() -> Vec<Scenario> {
    let mut silent = Scenario::new("held", Script::new(does![Do::Fork(does![]), out(b"a")]));
    silent.bound = Some(Duration::from_secs(10));
    const CHATS: &[Do] = &[
        Do::Sleep(60),
        out(b"1"),
        Do::Sleep(60),
        out(b"2"),
        Do::Sleep(60),
        out(b"3"),
        Do::Sleep(60),
        out(b"4"),
        Do::Sleep(60),
        out(b"5"),
        Do::Sleep(60),
        out(b"6"),
        Do::Sleep(60),
        out(b"7"),
        Do::Sleep(60),
        out(b"8"),
    ];
    let mut chatty =
        Scenario::new("chatty", Script::new(does![Do::Close(Stderr), Do::Fork(CHATS)]));
    chatty.late = 0;
    chatty.bound = Some(ms(400));
    let mut leaves = Scenario::new(
        "held-a-while",
        Script::new(does![
            Do::Close(Stderr),
            Do::Fork(does![Do::Sleep(50), out(b"x"), Do::Exit(0)])
        ]),
    );
    leaves.late = 1;
    vec![silent, chatty, leaves]
}

/// Somebody ends it.
fn ended() -> Vec<Scenario> {
    const RUNS: &[Do] = &[out(b"a"), RUNS_ON];
    let mut killed = Scenario::new("killed", Script::new(RUNS));
    killed.calls = vec![Kill];
    killed.children[0].0.on_term = Some(does![out(b"!"), Do::Exit(3)]);
    let mut late = Scenario::new("killed-late", Script::new(does![out(b"a")]));
    late.calls = vec![Kill];
    let mut closed = Scenario::new("closed", Script::new(does![out(b"a")]));
    closed.calls = vec![Close];
    let mut closed_running = Scenario::new("closed-running", Script::new(RUNS));
    closed_running.calls = vec![Close];
    let mut shut_down = Scenario::new("shut-down", Script::new(RUNS));
    shut_down.calls = vec![Wait, Shutdown];
    let mut timeout = Scenario::new("timeout", Script::new(does![Do::Sleep(100), out(b"a")]));
    timeout.policy = policy(|policy| policy.timeout = Some(ms(100)));
    vec![killed, late, closed, closed_running, shut_down, timeout]
}

/// Something fails.
fn failing() -> Vec<Scenario> {
    let eio = Script { read_error: Some((Stdout, 1, Errno(5))), ..Script::new(does![out(b"a")]) };
    let stolen = Script { wait_error: Some(Errno(10)), ..Script::new(does![out(b"a")]) };
    vec![Scenario::new("read-error", eio), Scenario::new("wait-error", stolen)]
}

/// Somebody is slow, or a pipe is small.
fn slow() -> Vec<Scenario> {
    let bare = |does| Script { has_stderr: false, ..Script::new(does) };
    let mut neighbour = Scenario::new("slow-neighbour", bare(does![out(b"a")]));
    neighbour.children[0].1 = Consumer::Stops(0);
    neighbour.children.push((bare(does![]), Consumer::Fair));
    neighbour.late = 0;
    let small = Script { pipe: 1, ..Script::new(does![err(b"A"), err(b"B"), out(b"a")]) };
    let full = Scenario::new("full-pipe", small);
    let mut bounded = Scenario::new(
        "bounded",
        Script { pipe: 1, ..Script::new(does![out(b"a"), out(b"b"), out(b"c"), out(b"d")]) },
    );
    bounded.children[0].1 = Consumer::Stops(0);
    bounded.buffer_max = Some(2);
    bounded.policy = policy(|policy| {
        policy.buffer = BufferPolicy { bytes_max: 2, chunks_max: 2, full: Full::Pause };
    });
    let mut deaf = bounded.clone();
    deaf.name = "killed-unread";
    deaf.calls = vec![Kill];
    deaf.buffer_max = None;
    deaf.children[0].0.does = does![out(b"a"), out(b"b"), out(b"c"), RUNS_ON];
    // What was dropped between two chunks is seen by those who get the second.
    let three = does![out(b"a"), out(b"b"), out(b"c")];
    let overflowing = Scenario::new("overflowing", Script { pipe: 1, ..bare(three) });
    let mut boxed = Scenario::new("boxed", bare(does![]));
    boxed.children.push((bare(does![RUNS_ON]), Consumer::Fair));
    boxed.calls = vec![Boxes];
    boxed.boxed = true;
    boxed.late = 0;
    vec![neighbour, full, bounded, deaf, overflowing, boxed]
}
