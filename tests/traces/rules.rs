//! One trace for each rule of the contract that a history of one machine can show.

use std::time::Duration;

use lastbyte::{
    BufferPolicy, DrainPolicy, Errno, Full, Policy, Signal, Status, StreamId, Streams,
    machine::{Input, PerStream, Timer, Until},
};

use super::scribe::{Text, Trace};

pub(crate) const OUT: StreamId = StreamId::Stdout;
pub(crate) const ERR: StreamId = StreamId::Stderr;
pub(crate) const ZERO: Status = Status::Exited { code: 0 };

pub(crate) fn reads(stream: StreamId, text: &'static str) -> Input<Text> {
    Input::Chunk(stream, Text(text.as_bytes()))
}

/// The root's end, with nothing unread.
pub(crate) fn reap(status: Status) -> Input<Text> {
    Input::Reap { status, standing: PerStream::default() }
}

/// The root's end, with so much unread in the first stream.
pub(crate) fn reap_with(status: Status, standing: u64) -> Input<Text> {
    let standing = PerStream::from_fn(|place| if place == 0 { standing } else { 0 });
    Input::Reap { status, standing }
}

pub(crate) fn signaled(signal: Signal) -> Status {
    Status::Signaled { signal, core: false }
}

pub(crate) fn drained(drain: DrainPolicy) -> Policy {
    Policy { drain, ..Policy::default() }
}

pub(crate) fn buffered(buffer: BufferPolicy) -> Policy {
    Policy { buffer, ..Policy::default() }
}

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(crate) fn c01_last_byte_first() -> Trace {
    Trace {
        title: "C1: last byte first",
        shows: "The root's end is known before its output is read; every byte still comes before \
                the terminal, and each stream's end after its last byte.",
        streams: Streams::Separate,
        policy: Policy::default(),
        inputs: vec![
            Input::Started,
            reads(OUT, "one"),
            reap_with(ZERO, 3),
            reads(OUT, "two"),
            Input::Eof(OUT),
            Input::Drain,
            reads(ERR, "warning"),
            Input::Eof(ERR),
            Input::Drain,
            Input::Drain,
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    }
}

pub(crate) fn c02_one_terminal() -> Trace {
    Trace {
        title: "C2: one terminal",
        shows: "The first end wins; whatever comes after the terminal changes nothing and yields \
                nothing.",
        streams: Streams::Stdout,
        policy: Policy::default(),
        inputs: vec![
            Input::Started,
            Input::Eof(OUT),
            reap(ZERO),
            reap(Status::Lost),
            Input::Drain,
            Input::Drain,
            Input::Drain,
            reap(Status::Lost),
            reads(OUT, "late"),
            Input::Close,
            Input::Shutdown,
        ],
    }
}

pub(crate) fn c03_faithful_bytes() -> Trace {
    let half = |bytes| Input::Chunk(OUT, Text(bytes));
    Trace {
        title: "C3: faithful bytes",
        shows: "A character cut in two, a zero and a byte that is no text pass as they are, in \
                their order, with the other stream's between them.",
        streams: Streams::Separate,
        policy: Policy::default(),
        inputs: vec![
            Input::Started,
            half(b"caf\xc3"),
            reads(ERR, "beside it"),
            half(b"\xa9\r\n\0\xff"),
            Input::Drain,
            Input::Drain,
            Input::Drain,
            Input::Eof(OUT),
            Input::Eof(ERR),
            reap(ZERO),
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    }
}

pub(crate) fn c04_wait_follows() -> Trace {
    Trace {
        title: "C4: wait follows",
        shows: "A wait for the exit resolves at the reap; a wait for the terminal only when the \
                consumer has it; a late one at once.",
        streams: Streams::Stdout,
        policy: Policy::default(),
        inputs: vec![
            Input::Started,
            Input::Wait(Until::Exited),
            Input::Wait(Until::Terminal),
            Input::Wait(Until::Terminal),
            reads(OUT, "bytes"),
            Input::Eof(OUT),
            reap(ZERO),
            Input::Drain,
            Input::Drain,
            Input::Drain,
            Input::Wait(Until::Terminal),
            Input::Wait(Until::Exited),
        ],
    }
}

pub(crate) fn c04_cancelled_wait() -> Trace {
    Trace {
        title: "C4: a cancelled wait",
        shows: "Who stops waiting affects nobody: the other is resolved, and there is nobody left \
                to cancel.",
        streams: Streams::None,
        policy: Policy::default(),
        inputs: vec![
            Input::Started,
            Input::Wait(Until::Terminal),
            Input::Wait(Until::Terminal),
            Input::CancelWait(Until::Terminal),
            Input::CancelWait(Until::Exited),
            reap(ZERO),
            Input::Drain,
            Input::CancelWait(Until::Terminal),
        ],
    }
}

pub(crate) fn c05_no_spurious_wait() -> Trace {
    Trace {
        title: "C5: no spurious wait",
        shows: "The last end after the reap makes the terminal available in that same step, and \
                stops every clock.",
        streams: Streams::Separate,
        policy: Policy::default(),
        inputs: vec![
            Input::Started,
            Input::Eof(OUT),
            Input::Drain,
            reap(ZERO),
            Input::Eof(ERR),
            Input::Drain,
            Input::Drain,
        ],
    }
}

pub(crate) fn c06_never_hangs() -> Trace {
    Trace {
        title: "C6: never hangs",
        shows: "A descendant holds stdout and is silent: when the idle time is up and a look finds \
                nothing, the stream is cut and reported as held.",
        streams: Streams::Stdout,
        policy: Policy::default(),
        inputs: vec![
            Input::Started,
            reap(ZERO),
            Input::Empty(OUT),
            Input::Timeout(Timer::Idle(OUT)),
            Input::Empty(OUT),
            Input::Drain,
            Input::Drain,
        ],
    }
}

pub(crate) fn c06_readability_wins() -> Trace {
    Trace {
        title: "C6: readability wins",
        shows: "The idle time is up, but bytes stood ready: they are taken, and the silence is \
                counted anew.",
        streams: Streams::Stdout,
        policy: Policy::default(),
        inputs: vec![
            Input::Started,
            reap(ZERO),
            Input::Empty(OUT),
            Input::Timeout(Timer::Idle(OUT)),
            reads(OUT, "in time"),
            Input::Empty(OUT),
            Input::Timeout(Timer::Idle(OUT)),
            Input::Empty(OUT),
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    }
}

pub(crate) fn c06_clock_stands_still() -> Trace {
    let bounded = BufferPolicy { bytes_max: 4, ..BufferPolicy::default() };
    Trace {
        title: "C6: the clock stands still",
        shows: "While a pump is paused for a slow consumer its clocks are held, and go on when it \
                reads again: silence is the source's, never the consumer's.",
        streams: Streams::Stdout,
        policy: buffered(bounded),
        inputs: vec![
            Input::Started,
            reap_with(ZERO, 6),
            reads(OUT, "0123"),
            Input::Timeout(Timer::Idle(OUT)),
            Input::Drain,
            reads(OUT, "45"),
            Input::Empty(OUT),
            Input::Timeout(Timer::Idle(OUT)),
            Input::Empty(OUT),
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    }
}

pub(crate) fn c07_root_completeness() -> Trace {
    Trace {
        title: "C7: root completeness",
        shows: "Under a bound of zero what stood in the pipe at the reap is read before the cut; \
                one more look then tells a holder from an end.",
        streams: Streams::Stdout,
        policy: drained(DrainPolicy::After(Duration::ZERO)),
        inputs: vec![
            Input::Started,
            reap_with(ZERO, 6),
            reads(OUT, "root"),
            reads(OUT, ", "),
            Input::Empty(OUT),
            reads(OUT, "descendant"),
            Input::Drain,
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    }
}

pub(crate) fn c08_no_silent_loss() -> Trace {
    let bounded = BufferPolicy { bytes_max: 4, full: Full::Gap, ..BufferPolicy::default() };
    Trace {
        title: "C8: no silent loss",
        shows: "What does not fit is dropped, a gap of its length stands in its place, and the \
                report counts both, whatever the status.",
        streams: Streams::Stdout,
        policy: buffered(bounded),
        inputs: vec![
            Input::Started,
            reads(OUT, "kept"),
            reads(OUT, "lost"),
            reads(OUT, "too"),
            Input::Drain,
            reads(OUT, "end"),
            Input::Eof(OUT),
            reap(Status::Exited { code: 3 }),
            Input::Drain,
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    }
}

pub(crate) fn c09_read_error_is_no_eof() -> Trace {
    Trace {
        title: "C9: a read error is no EOF",
        shows: "A stream whose read failed says so, and is not complete although the root exited \
                with 0.",
        streams: Streams::Stdout,
        policy: Policy::default(),
        inputs: vec![
            Input::Started,
            reads(OUT, "half"),
            Input::ReadError(OUT, Errno(104)),
            reap(ZERO),
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    }
}

pub(crate) fn c09_stolen_status() -> Trace {
    Trace {
        title: "C9: a stolen status",
        shows: "Somebody else reaped the root: its status is unknown, with the reason, and no \
                number is made up. That an end was forced is not the reaper's to say.",
        streams: Streams::None,
        policy: Policy::default(),
        inputs: vec![
            Input::Started,
            reap(Status::Forced),
            reap(Status::Unknown(Errno(10))),
            Input::Drain,
        ],
    }
}

pub(crate) fn c09_lost_runner() -> Trace {
    Trace {
        title: "C9: a lost runner",
        shows: "Whoever ran the root has vanished: that is lost, and never success.",
        streams: Streams::Stdout,
        policy: Policy::default(),
        inputs: vec![
            Input::Started,
            Input::ReadError(OUT, Errno(104)),
            reap(Status::Lost),
            Input::Drain,
            Input::Drain,
        ],
    }
}

pub(crate) fn c10_cause_beside_status() -> Trace {
    Trace {
        title: "C10: cause beside status",
        shows: "A timeout killed it: the status says how it ended, the cause says why.",
        streams: Streams::Stdout,
        policy: Policy { timeout: Some(ms(100)), ..Policy::default() },
        inputs: vec![
            Input::Started,
            Input::Timeout(Timer::Timeout),
            reap(signaled(Signal::TERM)),
            Input::Eof(OUT),
            Input::Drain,
            Input::Drain,
        ],
    }
}

pub(crate) fn c10_clean_exit() -> Trace {
    Trace {
        title: "C10: an exit that beats the timer",
        shows: "The root ends before its timeout: the clock is stopped and nothing is said of it; \
                a kill that comes too late is no cause either.",
        streams: Streams::Stdout,
        policy: Policy { timeout: Some(ms(100)), ..Policy::default() },
        inputs: vec![
            Input::Started,
            reap(ZERO),
            Input::Timeout(Timer::Timeout),
            Input::Kill,
            Input::Eof(OUT),
            Input::Drain,
            Input::Drain,
        ],
    }
}

pub(crate) fn c11_quiet_teardown() -> Trace {
    Trace {
        title: "C11: quiet teardown",
        shows: "A close kills, lets go of the stream and needs no consumer: what was not taken is \
                dropped and counted, and the reap alone makes it over.",
        streams: Streams::Stdout,
        policy: Policy::default(),
        inputs: vec![
            Input::Started,
            Input::Wait(Until::Terminal),
            reads(OUT, "not taken"),
            Input::Close,
            Input::Drain,
            reads(OUT, "late"),
            Input::Close,
            reap(signaled(Signal::KILL)),
        ],
    }
}

pub(crate) fn c12_bounded_and_isolated() -> Trace {
    let bounded = BufferPolicy { bytes_max: 4, ..BufferPolicy::default() };
    Trace {
        title: "C12: bounded and isolated",
        shows: "A full buffer pauses its own pump and nothing else: the sibling reads on, the \
                exit is told, and at half the bound the pump goes on.",
        streams: Streams::Separate,
        policy: buffered(bounded),
        inputs: vec![
            Input::Started,
            Input::Wait(Until::Exited),
            reads(OUT, "01234"),
            reads(OUT, "01"),
            reads(OUT, "23"),
            reads(OUT, "4"),
            reads(ERR, "err"),
            Input::Eof(ERR),
            reap_with(ZERO, 1),
            Input::Drain,
            reads(OUT, "4"),
            Input::Eof(OUT),
            Input::Drain,
            Input::Drain,
            Input::Drain,
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    }
}

pub(crate) fn c13_shutdown_delivers() -> Trace {
    Trace {
        title: "C13: shutdown wakes everyone",
        shows: "A shutdown kills by policy, and what was accepted is still delivered; the stream \
                of a silent holder is cut at the reap.",
        streams: Streams::Stdout,
        policy: drained(DrainPolicy::UntilEof),
        inputs: vec![
            Input::Started,
            Input::Wait(Until::Terminal),
            reads(OUT, "accepted"),
            Input::Shutdown,
            Input::Shutdown,
            reap(signaled(Signal::TERM)),
            Input::Empty(OUT),
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    }
}

pub(crate) fn c14_typed_refusal() -> Trace {
    Trace {
        title: "C14: typed refusal",
        shows: "A start that failed resolves whoever waits; no event, no action and no terminal \
                follow.",
        streams: Streams::Stdout,
        policy: Policy { timeout: Some(ms(100)), ..Policy::default() },
        inputs: vec![
            Input::Wait(Until::Exited),
            Input::Wait(Until::Terminal),
            Input::Kill,
            Input::Refused,
            Input::Wait(Until::Terminal),
            Input::Drain,
            Input::Started,
            reads(OUT, "x"),
            Input::Kill,
            Input::Close,
        ],
    }
}

pub(crate) fn c15_no_orphan_stream() -> Trace {
    let bounded = BufferPolicy { bytes_max: 4, ..BufferPolicy::default() };
    Trace {
        title: "C15: no orphan stream",
        shows: "A stream that nobody takes is thrown away: it blocks the child no longer, and \
                after the reap it is not waited for.",
        streams: Streams::Separate,
        policy: buffered(bounded),
        inputs: vec![
            Input::Started,
            reads(ERR, "full"),
            Input::Discard(ERR),
            Input::Discard(StreamId::Pty),
            reads(ERR, "more than ever fitted"),
            reads(OUT, "kept"),
            Input::Eof(OUT),
            reap(ZERO),
            Input::Drain,
            Input::Drain,
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    }
}

pub(crate) fn c16_safe_kill() -> Trace {
    Trace {
        title: "C16: safe kill",
        shows: "TERM, what the root writes in answer, grace, KILL; after the reap a kill or a \
                signal is a typed no-op.",
        streams: Streams::Stdout,
        policy: Policy::default(),
        inputs: vec![
            Input::Started,
            Input::Signal(Signal::HUP),
            Input::Kill,
            Input::Kill,
            reads(OUT, "tidying up"),
            Input::Timeout(Timer::Grace),
            reap(signaled(Signal::KILL)),
            Input::Kill,
            Input::Signal(Signal::KILL),
            Input::Eof(OUT),
            Input::Drain,
            Input::Drain,
            Input::Drain,
        ],
    }
}

pub(crate) fn c16_latched_before_the_pid() -> Trace {
    Trace {
        title: "C16: asked for before there is a pid",
        shows: "A signal and a kill that come before the start is known are latched, and sent \
                when it is.",
        streams: Streams::Stdout,
        policy: Policy::default(),
        inputs: vec![
            Input::Signal(Signal::HUP),
            Input::Kill,
            reap(ZERO),
            Input::Started,
            reap(signaled(Signal::TERM)),
            Input::Eof(OUT),
            Input::Drain,
            Input::Drain,
        ],
    }
}
