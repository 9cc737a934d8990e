//! One trace for each value of each policy, and for each set of streams.

use std::time::Duration;

use lastbyte::{
    BufferPolicy, Descendants, DrainPolicy, Full, KillPolicy, OutputLimit, Over, Policy, Signal,
    StreamId, Streams, Target, TeardownPolicy,
    machine::{Input, Timer, Until},
};

use super::{
    rules::{ERR, OUT, ZERO, buffered, drained, ms, reads, reap, reap_with, signaled},
    scribe::{Text, Trace},
};

/// With stdout alone.
fn trace(
    title: &'static str,
    shows: &'static str,
    policy: Policy,
    inputs: Vec<Input<Text>>,
) -> Trace {
    Trace { title, shows, streams: Streams::Stdout, policy, inputs }
}

fn kills(kill: KillPolicy) -> Policy {
    Policy { kill, ..Policy::default() }
}

fn limits(bytes_max: u64, over: Over) -> Policy {
    Policy { limit: Some(OutputLimit { bytes_max, over }), ..Policy::default() }
}

pub(crate) fn drain_until_eof() -> Trace {
    trace(
        "drain: until EOF",
        "No clock runs after the reap: the stream ends when its last holder lets go.",
        drained(DrainPolicy::UntilEof),
        vec![
            Input::Started,
            reap(ZERO),
            Input::Empty(OUT),
            reads(OUT, "an hour later"),
            Input::Empty(OUT),
            Input::Eof(OUT),
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn drain_after() -> Trace {
    trace(
        "drain: after a deadline",
        "One deadline from the reap on; a descendant's chunks do not move it.",
        drained(DrainPolicy::After(ms(100))),
        vec![
            Input::Started,
            reap(ZERO),
            Input::Empty(OUT),
            reads(OUT, "chatter"),
            Input::Empty(OUT),
            Input::Timeout(Timer::Deadline(OUT)),
            Input::Empty(OUT),
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn drain_after_zero() -> Trace {
    trace(
        "drain: after nothing",
        "No clock is armed, and an ordinary command still ends with its EOF: the look behind the \
         root's last byte finds it.",
        drained(DrainPolicy::After(Duration::ZERO)),
        vec![
            Input::Started,
            reap_with(ZERO, 4),
            reads(OUT, "last"),
            Input::Eof(OUT),
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn drain_idle() -> Trace {
    trace(
        "drain: idle",
        "Each chunk counts the silence anew; the first full silence cuts.",
        drained(DrainPolicy::Idle { gap: ms(50), max: ms(1000) }),
        vec![
            Input::Started,
            reap(ZERO),
            Input::Empty(OUT),
            reads(OUT, "."),
            Input::Empty(OUT),
            Input::Timeout(Timer::Idle(OUT)),
            Input::Empty(OUT),
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn drain_idle_max() -> Trace {
    trace(
        "drain: the cap of idle",
        "A descendant that never falls silent is cut at the cap, behind the chunk that was read.",
        drained(DrainPolicy::Idle { gap: ms(50), max: ms(1000) }),
        vec![
            Input::Started,
            reap(ZERO),
            Input::Empty(OUT),
            reads(OUT, "."),
            Input::Empty(OUT),
            Input::Timeout(Timer::Deadline(OUT)),
            reads(OUT, "."),
            Input::Drain,
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn drain_idle_gap_zero() -> Trace {
    trace(
        "drain: idle with a gap of zero",
        "The shortest silence: what is read last sets a clock of no length, and the look after it \
         cuts.",
        drained(DrainPolicy::Idle { gap: Duration::ZERO, max: ms(1000) }),
        vec![
            Input::Started,
            reap_with(ZERO, 4),
            reads(OUT, "last"),
            reads(OUT, "descendant"),
            Input::Empty(OUT),
            Input::Timeout(Timer::Idle(OUT)),
            Input::Empty(OUT),
            Input::Drain,
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn drain_idle_max_zero() -> Trace {
    trace(
        "drain: idle with a cap of zero",
        "As a deadline of zero: the root's own bytes, then the cut, by its own name.",
        drained(DrainPolicy::Idle { gap: Duration::ZERO, max: Duration::ZERO }),
        vec![
            Input::Started,
            reap_with(ZERO, 4),
            reads(OUT, "last"),
            Input::Empty(OUT),
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn descendants_leave() -> Trace {
    trace(
        "descendants: leave",
        "Whoever outlives the root is not signalled; that it still holds the stream is reported.",
        drained(DrainPolicy::After(Duration::ZERO)),
        vec![Input::Started, reap(ZERO), Input::Empty(OUT), Input::Drain, Input::Drain],
    )
}

pub(crate) fn descendants_kill() -> Trace {
    trace(
        "descendants: kill",
        "The group is sent SIGKILL at the reap, so that the stream ends by itself; no cause of the \
         root's end.",
        Policy { descendants: Descendants::Kill, ..Policy::default() },
        vec![
            Input::Started,
            reap(ZERO),
            Input::Empty(OUT),
            Input::Eof(OUT),
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn descendants_kill_with_target_leader() -> Trace {
    let kill = KillPolicy { target: Target::Leader, ..KillPolicy::default() };
    trace(
        "descendants: kill, where only the leader is a target",
        "Who is to be signalled alone is gone at the reap: nobody is.",
        Policy { descendants: Descendants::Kill, ..kills(kill) },
        vec![Input::Started, reap(ZERO), Input::Eof(OUT), Input::Drain, Input::Drain],
    )
}

pub(crate) fn kill_term_grace_kill() -> Trace {
    trace(
        "kill: SIGTERM, grace, SIGKILL",
        "A root that ignores SIGTERM gets SIGKILL when the grace is up, and the cause says both.",
        Policy::default(),
        vec![
            Input::Started,
            Input::Kill,
            Input::Timeout(Timer::Grace),
            Input::Eof(OUT),
            reap(signaled(Signal::KILL)),
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn kill_answered_in_time() -> Trace {
    trace(
        "kill: answered in time",
        "A root that ends within the grace is not escalated, and its own code stands beside the \
         cause.",
        Policy::default(),
        vec![
            Input::Started,
            Input::Kill,
            reads(OUT, "bye"),
            Input::Eof(OUT),
            reap(ZERO),
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn kill_first_signal_int() -> Trace {
    trace(
        "kill: another first signal",
        "The first signal and the grace are the policy's.",
        kills(KillPolicy { signal: Signal::INT, grace: ms(30), ..KillPolicy::default() }),
        vec![
            Input::Started,
            Input::Kill,
            Input::Eof(OUT),
            reap(signaled(Signal::INT)),
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn kill_grace_zero() -> Trace {
    trace(
        "kill: no grace",
        "SIGKILL at once, as the first signal: that is no escalation.",
        kills(KillPolicy { grace: Duration::ZERO, ..KillPolicy::default() }),
        vec![
            Input::Started,
            Input::Kill,
            Input::Eof(OUT),
            reap(signaled(Signal::KILL)),
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn kill_target_group() -> Trace {
    trace(
        "kill target: the group",
        "A close after the reap reaches what is left of the group; the stream that it held is cut.",
        Policy::default(),
        vec![Input::Started, reap(ZERO), Input::Empty(OUT), Input::Close],
    )
}

pub(crate) fn kill_target_leader() -> Trace {
    trace(
        "kill target: the leader",
        "A close after the reap signals nobody.",
        kills(KillPolicy { target: Target::Leader, ..KillPolicy::default() }),
        vec![Input::Started, reap(ZERO), Input::Empty(OUT), Input::Close],
    )
}

pub(crate) fn buffer_full_pause() -> Trace {
    trace(
        "buffer: pause when it is full",
        "At the bound the pump pauses and the child blocks on its pipe; at half of it the pump goes \
         on. Nothing is lost.",
        buffered(BufferPolicy { bytes_max: 4, ..BufferPolicy::default() }),
        vec![
            Input::Started,
            reads(OUT, "0"),
            reads(OUT, "123"),
            Input::Drain,
            Input::Drain,
            reads(OUT, "4567"),
            Input::Drain,
            Input::Eof(OUT),
            reap(ZERO),
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn buffer_full_pause_by_chunks() -> Trace {
    trace(
        "buffer: full of small chunks",
        "The number of chunks is a bound as well: one-byte writes cannot cost more than they weigh.",
        buffered(BufferPolicy { chunks_max: 2, ..BufferPolicy::default() }),
        vec![
            Input::Started,
            reads(OUT, "0"),
            reads(OUT, "1"),
            Input::Drain,
            Input::Drain,
            Input::Eof(OUT),
            reap(ZERO),
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn buffer_full_gap() -> Trace {
    trace(
        "buffer: a gap when it is full",
        "The pump never pauses; a chunk that does not fit is dropped whole, and its gap stands \
         before what comes next.",
        buffered(BufferPolicy { bytes_max: 4, full: Full::Gap, ..BufferPolicy::default() }),
        vec![
            Input::Started,
            reads(OUT, "012"),
            reads(OUT, "34"),
            reads(OUT, "5"),
            Input::Drain,
            Input::Drain,
            Input::Drain,
            reads(OUT, "678901"),
            Input::Drain,
            Input::Eof(OUT),
            reap(ZERO),
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn buffer_full_kill_after() -> Trace {
    let full = Full::KillAfter(ms(500));
    trace(
        "buffer: kill a consumer's stall",
        "The clock runs only while output stands and is not taken; each chunk taken starts it anew.",
        buffered(BufferPolicy { bytes_max: 4, full, ..BufferPolicy::default() }),
        vec![
            Input::Started,
            reads(OUT, "0"),
            reads(OUT, "1"),
            Input::Drain,
            Input::Drain,
            reads(OUT, "2345"),
            Input::Timeout(Timer::Stall),
            reap(signaled(Signal::TERM)),
            Input::Drain,
            Input::Eof(OUT),
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn limit_truncate() -> Trace {
    trace(
        "output limit: truncate",
        "The rest is read on and dropped; a gap and the report tell how much.",
        limits(4, Over::Truncate),
        vec![
            Input::Started,
            reads(OUT, "012345"),
            reads(OUT, "6789"),
            Input::Eof(OUT),
            reap(ZERO),
            Input::Drain,
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn limit_keep_tail() -> Trace {
    trace(
        "output limit: keep the tail",
        "The first bytes at once, the last when the stream has ended, and the gap between them.",
        limits(4, Over::KeepTail { bytes_max: 3 }),
        vec![
            Input::Started,
            reads(OUT, "012345"),
            reads(OUT, "67"),
            reads(OUT, "89"),
            Input::Drain,
            Input::Eof(OUT),
            reap(ZERO),
            Input::Drain,
            Input::Drain,
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn limit_kill() -> Trace {
    trace(
        "output limit: kill",
        "The byte behind the limit kills; exactly the limit is delivered.",
        limits(4, Over::Kill),
        vec![
            Input::Started,
            reads(OUT, "0123"),
            reads(OUT, "4"),
            reads(OUT, "5"),
            Input::Eof(OUT),
            reap(signaled(Signal::TERM)),
            Input::Drain,
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn timeout() -> Trace {
    trace(
        "timeout",
        "The run time is counted from the start; a root that outlives it is killed by policy.",
        Policy { timeout: Some(ms(100)), ..Policy::default() },
        vec![
            Input::Started,
            Input::Timeout(Timer::Timeout),
            Input::Timeout(Timer::Grace),
            reap(signaled(Signal::KILL)),
            Input::Eof(OUT),
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn teardown_close_max() -> Trace {
    let teardown = TeardownPolicy { close_max: ms(30), ..TeardownPolicy::default() };
    trace(
        "teardown: the bound of a close",
        "A root that the kernel cannot end is given up: the end is forced, and every wait told so.",
        Policy { teardown, ..Policy::default() },
        vec![
            Input::Started,
            Input::Wait(Until::Exited),
            Input::Wait(Until::Terminal),
            Input::Close,
            Input::Timeout(Timer::Close),
            reap(signaled(Signal::KILL)),
        ],
    )
}

pub(crate) fn teardown_shutdown_max() -> Trace {
    let teardown = TeardownPolicy { shutdown_max: ms(30), ..TeardownPolicy::default() };
    trace(
        "teardown: the bound of a shutdown",
        "At the bound nobody is waited for, neither the root nor the consumer; who comes late finds \
         the gap, the end and the terminal.",
        Policy { teardown, ..Policy::default() },
        vec![
            Input::Started,
            Input::Wait(Until::Terminal),
            reads(OUT, "not taken"),
            Input::Shutdown,
            Input::Timeout(Timer::Shutdown),
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn teardown_shutdown_after_the_reap() -> Trace {
    trace(
        "teardown: a shutdown after the reap",
        "What is left of the group is killed, and a look that finds nothing cuts, with what was \
         accepted still delivered.",
        drained(DrainPolicy::UntilEof),
        vec![
            Input::Started,
            reads(OUT, "accepted"),
            reap(ZERO),
            Input::Empty(OUT),
            Input::Shutdown,
            Input::Empty(OUT),
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    )
}

pub(crate) fn teardown_drop() -> Trace {
    trace(
        "teardown: an execution that is dropped",
        "Dropping it is a close: before the start is known it is latched, and kills at once.",
        Policy::default(),
        vec![
            Input::Close,
            Input::Wait(Until::Terminal),
            Input::Started,
            reap(signaled(Signal::KILL)),
        ],
    )
}

pub(crate) fn teardown_detach() -> Trace {
    trace(
        "teardown: an execution that is detached",
        "It lives on without a consumer: its output is thrown away, and its waits are resolved at \
         the reap.",
        Policy::default(),
        vec![
            Input::Started,
            reads(OUT, "not taken"),
            Input::Detach,
            Input::Wait(Until::Terminal),
            reads(OUT, "thrown away"),
            Input::Drain,
            reap(ZERO),
        ],
    )
}

pub(crate) fn streams_none() -> Trace {
    Trace {
        streams: Streams::None,
        ..trace(
            "streams: none",
            "With no stream of ours the reap is all that the terminal waits for.",
            Policy::default(),
            vec![Input::Started, reads(OUT, "?"), Input::Drain, reap(ZERO), Input::Drain],
        )
    }
}

pub(crate) fn streams_stderr() -> Trace {
    Trace {
        streams: Streams::Stderr,
        ..trace(
            "streams: stderr alone",
            "The other stream is not ours, and no pump can speak for it.",
            Policy::default(),
            vec![
                Input::Started,
                reads(OUT, "?"),
                reads(ERR, "warning"),
                Input::Eof(ERR),
                reap(ZERO),
                Input::Drain,
                Input::Drain,
                Input::Drain,
            ],
        )
    }
}

pub(crate) fn streams_separate() -> Trace {
    Trace {
        streams: Streams::Separate,
        ..trace(
            "streams: stdout and stderr",
            "Each has its own bound after the reap and its own report; an end overtakes the \
             sibling's chunks, but never its own.",
            Policy::default(),
            vec![
                Input::Started,
                reads(OUT, "out"),
                Input::Eof(ERR),
                reap(ZERO),
                Input::Empty(OUT),
                Input::Timeout(Timer::Idle(OUT)),
                Input::Empty(OUT),
                Input::Drain,
                Input::Drain,
                Input::Drain,
                Input::Drain,
            ],
        )
    }
}

pub(crate) fn streams_combined() -> Trace {
    Trace {
        streams: Streams::Combined,
        ..trace(
            "streams: combined",
            "Stdout and stderr through one pipe are one stream, in the kernel's order.",
            Policy::default(),
            vec![
                Input::Started,
                reads(StreamId::Combined, "out, err, out"),
                Input::Eof(StreamId::Combined),
                reap(ZERO),
                Input::Drain,
                Input::Drain,
                Input::Drain,
            ],
        )
    }
}

pub(crate) fn streams_pty() -> Trace {
    Trace {
        streams: Streams::Pty,
        ..trace(
            "streams: pty",
            "What may stand in a terminal is only a bound: a look that finds nothing before it is \
             used up is the end of what the root left.",
            drained(DrainPolicy::After(Duration::ZERO)),
            vec![
                Input::Started,
                reap_with(ZERO, 4096),
                reads(StreamId::Pty, "prompt$ "),
                Input::Empty(StreamId::Pty),
                Input::Drain,
                Input::Drain,
                Input::Drain,
            ],
        )
    }
}
