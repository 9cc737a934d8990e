//! The small values that histories are made of: their names, what they hold and what they say, by
//! tables written by hand.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use lastbyte::{
    BufferPolicy, Cut, DrainPolicy, End, Errno, Full, KillPolicy, Policy, Signal, Status, StreamId,
    StreamReport, Streams, TeardownPolicy, Terminal,
    machine::{
        Action, Actions, Cause, InvalidPolicy, PerStream, PumpAction, Resolved, SignalSet, Timer,
        TimerAction, Until, Why,
    },
    monitor::{Broken, Rule},
};

use crate::watched::{STDERR, STDOUT};

const CUTS: [Cut; 5] = [Cut::After, Cut::Idle, Cut::Max, Cut::Close, Cut::Shutdown];

/// If this were red, reports and error messages would speak of another rule than was broken.
#[test]
fn c08_every_rule_has_its_name() {
    let names = [
        "last byte first",
        "one terminal",
        "faithful bytes",
        "wait follows",
        "no spurious wait",
        "never hangs",
        "root completeness",
        "no silent loss",
        "evidence, not guesses",
        "cause beside status",
        "quiet teardown",
        "bounded and isolated",
        "shutdown wakes everyone",
        "typed refusal",
        "no orphan stream",
        "safe kill",
        "stdin",
        "clean child",
        "attach and retention",
        "children first",
    ];
    assert_eq!(Rule::ALL.map(Rule::name), names);
    for (number, rule) in (1..).zip(Rule::ALL) {
        assert_eq!(rule.to_string(), format!("C{number}"));
        assert_eq!(rule.is_monitored(), number <= 16, "{rule}");
    }
    let broken = Broken { rule: Rule::C3, why: "why" };
    assert_eq!(broken.to_string(), "C3 (faithful bytes): why");
    assert_eq!(broken.at(7).to_string(), "step 7 breaks C3 (faithful bytes): why");
}

/// If this were red, a driver's mistake would be told by a rule that does not forbid it.
#[test]
fn c09_every_refusal_names_the_rule_that_forbids_it() {
    for (why, rule) in [
        (Why::NotStarted, "C14"),
        (Why::AlreadyStarted, "C14"),
        (Why::Refused, "C14"),
        (Why::AlreadyReaped, "C2"),
        (Why::AlreadyDone, "C2"),
        (Why::NoSuchStream, "C15"),
        (Why::StreamEnded, "C1"),
        (Why::PumpPaused, "C12"),
        (Why::NoRoom, "C12"),
        (Why::EmptyChunk, "C9"),
        (Why::StatusIsOurs, "C9"),
        (Why::NobodyWaits, "C4"),
        (Why::TimerNotRunning, "C6"),
        (Why::NoConsumer, "C11"),
    ] {
        assert_eq!(why.rule(), rule, "{why:?}");
    }
}

/// If this were red, a stream or its end would be told by the name of another.
#[test]
fn c08_streams_and_ends_have_their_names() {
    assert_eq!(StreamId::ALL.map(StreamId::name), ["stdout", "stderr", "combined", "pty"]);
    let ends =
        [End::Eof, End::Cut(Cut::Idle), End::ReadError(Errno(5)), End::Discarded, End::Limit];
    let names = ["eof", "cut", "read_error", "discarded", "limit"];
    assert_eq!(ends.map(End::name), names);
    assert_eq!(CUTS.map(Cut::name), ["after", "idle", "max", "close", "shutdown"]);
}

/// If this were red, output with a hole would be called complete, or the other way round.
#[test]
fn c08_a_report_says_whether_all_is_there_and_why_not() {
    let report =
        |end, dropped| StreamReport { stream: STDOUT, end, delivered: 3, dropped, held: false };
    let cuts = CUTS.map(|cut| (report(End::Cut(cut), 0), Some(cut.name())));
    let others = [
        (report(End::Eof, 0), None),
        (report(End::Eof, 1), Some("dropped")),
        (report(End::ReadError(Errno(5)), 0), Some("read_error")),
        (report(End::Discarded, 1), Some("discarded")),
        (report(End::Limit, 1), Some("limit")),
    ];
    for (report, why) in cuts.into_iter().chain(others) {
        assert_eq!(report.incomplete_because(), why);
        assert_eq!(report.is_complete(), why.is_none());
        let whole = StreamReport { stream: STDERR, ..self::whole() };
        for both in [[Some(report), Some(whole)], [Some(whole), Some(report)]] {
            let mut two = both.into_iter();
            let streams = PerStream::from_fn(|_| two.next().flatten());
            let cause = Cause::default();
            let exit = Terminal { status: Status::Exited { code: 1 }, cause, streams };
            assert_eq!(exit.is_complete(), why.is_none(), "{exit:?}");
            let reports: Vec<_> = exit.reports().copied().map(Some).collect();
            assert_eq!(reports, both);
        }
    }
}

fn whole() -> StreamReport {
    StreamReport { stream: STDOUT, end: End::Eof, delivered: 3, dropped: 0, held: false }
}

/// If this were red, an execution would have a stream that it does not, or none of its own.
#[test]
fn c15_who_has_which_streams() {
    let [out, err, both, pty] = StreamId::ALL;
    for (streams, ids) in [
        (Streams::None, &[][..]),
        (Streams::Stdout, &[out]),
        (Streams::Stderr, &[err]),
        (Streams::Separate, &[out, err]),
        (Streams::Combined, &[both]),
        (Streams::Pty, &[pty]),
    ] {
        assert_eq!(streams.ids(), ids);
        for id in StreamId::ALL {
            assert_eq!(streams.contains(id), ids.contains(&id), "{id} of {streams:?}");
        }
        let clocks = ids.iter().flat_map(|&id| [Timer::Idle(id), Timer::Deadline(id)]);
        let mut all =
            vec![Timer::Timeout, Timer::Grace, Timer::Stall, Timer::Close, Timer::Shutdown];
        all.extend(clocks);
        assert_eq!(Timer::all(streams).collect::<Vec<_>>(), all);
    }
}

/// If this were red, what is known of one stream would be said of the other.
#[test]
fn c12_a_value_of_each_stream_is_its_own() {
    let hash = |pair: &PerStream<u64>| {
        let mut hasher = DefaultHasher::new();
        pair.hash(&mut hasher);
        hasher.finish()
    };
    let pair = PerStream::from_fn(|place| 10 + place as u64);
    for (id, value) in StreamId::ALL.into_iter().zip([10, 11, 10, 10]) {
        assert_eq!(pair[id], value, "{id}");
    }
    assert_eq!(pair.iter().copied().collect::<Vec<_>>(), [10, 11]);
    let mut other = PerStream::<u64>::default();
    other.clone_from(&pair);
    assert_eq!((&other, hash(&other)), (&pair, hash(&pair)));
    other.iter_mut().for_each(|value| *value += 1);
    assert_eq!([other[STDOUT], other[STDERR]], [11, 12]);
    other[STDERR] = 13;
    assert_eq!([other[STDOUT], other[STDERR]], [11, 13]);
    let mut turned = PerStream::default();
    (turned[STDOUT], turned[STDERR]) = (13, 11);
    assert_ne!(turned, other);
    assert_ne!(hash(&turned), hash(&other));
}

/// If this were red, another signal would be sent than was asked for, or none.
#[test]
fn c16_signals_are_those_of_the_kernel() {
    for number in [i32::MIN, -1, 0, 65, 256 + 9, i32::MAX] {
        assert_eq!(Signal::new(number), None, "{number}");
    }
    let all: Vec<Signal> = (1..=64).filter_map(Signal::new).collect();
    assert_eq!(all.len(), 64);
    for (number, signal) in (1..).zip(&all) {
        assert_eq!(signal.number(), number);
    }
    let known = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::KILL, Signal::TERM];
    assert_eq!(known.map(Signal::number), [1, 2, 3, 9, 15]);

    let mut set = SignalSet::EMPTY;
    assert!(set.is_empty());
    for &signal in &all {
        assert!(!set.contains(signal), "{signal}");
        set.insert(signal);
        set.insert(signal);
        assert!(set.contains(signal) && !set.is_empty(), "{signal}");
        let mut one = SignalSet::EMPTY;
        one.insert(signal);
        assert_eq!(one.iter().collect::<Vec<_>>(), [signal]);
    }
    let sent: Vec<i32> = set.iter().map(Signal::number).collect();
    let last = (1..=64).filter(|&number| number != 9).chain([9]);
    assert_eq!(sent, last.collect::<Vec<_>>());

    let [mut low, mut high] = [SignalSet::EMPTY; 2];
    low.insert(Signal::HUP);
    low.insert(Signal::KILL);
    high.insert(Signal::KILL);
    high.insert(Signal::TERM);
    low.extend(high);
    assert_eq!(low.iter().collect::<Vec<_>>(), [Signal::HUP, Signal::TERM, Signal::KILL]);
}

fn pumps() -> [PumpAction; 3] {
    [PumpAction::Pause, PumpAction::Resume, PumpAction::Abandon]
}

const TIMES: [TimerAction; 5] = [
    TimerAction::Arm,
    TimerAction::ArmHeld,
    TimerAction::Hold,
    TimerAction::Resume,
    TimerAction::Disarm,
];

/// If this were red, the driver would do something else than it is told, or to something else.
#[test]
fn c12_a_list_of_actions_is_read_as_it_was_written() {
    let streams = Streams::Separate;
    let signals = [Signal::INT, Signal::KILL].map(Action::Signal);
    let each = [STDOUT, STDERR].map(|id| pumps().map(|what| Action::Pump(id, what))).concat();
    let clocks = Timer::all(streams).flat_map(|clock| TIMES.map(|what| Action::Timer(clock, what)));
    let all: Vec<Action> = signals.into_iter().chain(each).chain(clocks).collect();
    assert!(Actions::default().is_empty());
    assert_eq!(Actions::default().list(streams).count(), 0);
    for &one in &all {
        let alone: Actions = [one].into_iter().collect();
        assert!(!alone.is_empty(), "{one:?}");
        assert_eq!(alone.list(streams).collect::<Vec<_>>(), [one]);
        for &other in &all {
            if place(one) < place(other) {
                let both: Actions = [other, one].into_iter().collect();
                assert_eq!(both.list(streams).collect::<Vec<_>>(), [one, other]);
            }
        }
    }
}

/// Where an action stands in a list; those of one place exclude each other.
fn place(action: Action) -> usize {
    match action {
        Action::Signal(signal) => usize::from(signal == Signal::KILL),
        Action::Pump(id, _) => 2 + usize::from(id == STDERR),
        Action::Timer(timer, _) => {
            4 + Timer::all(Streams::Separate).position(|it| it == timer).expect("it is there")
        }
    }
}

/// If this were red, a driver that was told twice before it came to it would do neither.
#[test]
fn c06_two_orders_carried_out_as_one_do_what_both_would() {
    use TimerAction::{Arm, ArmHeld, Disarm, Hold, Resume};
    // By rows the first, by columns the second: Arm, ArmHeld, Hold, Resume, Disarm.
    let sums = [
        [Some(Arm), Some(ArmHeld), Some(ArmHeld), Some(Arm), Some(Disarm)],
        [Some(Arm), Some(ArmHeld), Some(ArmHeld), Some(Arm), Some(Disarm)],
        [Some(Arm), Some(ArmHeld), Some(Hold), None, Some(Disarm)],
        [Some(Arm), Some(ArmHeld), None, Some(Resume), Some(Disarm)],
        [Some(Arm), Some(ArmHeld), Some(Disarm), Some(Disarm), Some(Disarm)],
    ];
    for timer in Timer::all(Streams::Separate) {
        for (first, row) in TIMES.into_iter().zip(sums) {
            for (second, sum) in TIMES.into_iter().zip(row) {
                let mut orders: Actions = [Action::Timer(timer, first)].into_iter().collect();
                orders.merge(&[Action::Timer(timer, second)].into_iter().collect());
                assert_eq!(orders.timer(timer), sum, "{timer:?}: {first:?}, {second:?}");
                assert_eq!(orders.is_empty(), sum.is_none());
            }
        }
    }
    for id in [STDOUT, STDERR] {
        for first in pumps() {
            for second in pumps() {
                let mut orders: Actions = [Action::Pump(id, first)].into_iter().collect();
                orders.merge(&[Action::Pump(id, second)].into_iter().collect());
                // Who has let go of a source cannot read it again.
                let sum = if first == PumpAction::Abandon { first } else { second };
                assert_eq!(orders.pump(id), Some(sum), "{id}: {first:?}, {second:?}");
            }
        }
    }
    let mut orders: Actions = [Action::Signal(Signal::INT)].into_iter().collect();
    let before = orders;
    orders.merge(&Actions::default());
    assert_eq!(orders, before);
    orders.merge(&[Action::Signal(Signal::KILL)].into_iter().collect());
    let signals: Vec<_> = orders.signals().iter().collect();
    assert_eq!(signals, [Signal::INT, Signal::KILL]);
}

/// If this were red, a policy that cannot be carried out would be taken, or one that can be refused.
#[test]
fn c12_a_policy_is_refused_for_what_is_wrong_with_it() {
    let buffer = |bytes_max, chunks_max| Policy {
        buffer: BufferPolicy { bytes_max, chunks_max, full: Full::Pause },
        ..Policy::default()
    };
    let [one, two] = [1, 2].map(Duration::from_secs);
    let idle = |gap, max| Policy { drain: DrainPolicy::Idle { gap, max }, ..Policy::default() };
    for (policy, said) in [
        (Policy::default(), Ok(())),
        (buffer(1, 1), Ok(())),
        (buffer(0, 1), Err(InvalidPolicy::BufferBytes)),
        (buffer(1, 0), Err(InvalidPolicy::BufferChunks)),
        (idle(one, two), Ok(())),
        (idle(one, one), Ok(())),
        (idle(two, one), Err(InvalidPolicy::IdleGapOverMax)),
    ] {
        assert_eq!(policy.check(), said, "{policy:?}");
    }
}

/// If this were red, a clock would run for the length of another.
#[test]
fn c06_each_clock_has_its_length() {
    let [a, b, c, d, e, f] = [1, 2, 3, 4, 5, 6].map(Duration::from_secs);
    let never = Duration::MAX;
    let all = Policy {
        timeout: Some(a),
        kill: KillPolicy { grace: b, ..KillPolicy::default() },
        buffer: BufferPolicy { full: Full::KillAfter(c), ..BufferPolicy::default() },
        teardown: TeardownPolicy { close_max: d, shutdown_max: e },
        drain: DrainPolicy::Idle { gap: a, max: f },
        ..Policy::default()
    };
    let pauses = BufferPolicy { full: Full::Pause, ..BufferPolicy::default() };
    let none = Policy { timeout: None, buffer: pauses, drain: DrainPolicy::UntilEof, ..all };
    let gaps = BufferPolicy { full: Full::Gap, ..BufferPolicy::default() };
    let after = Policy { buffer: gaps, drain: DrainPolicy::After(f), ..none };
    for (policy, lengths) in [
        (all, [a, b, c, d, e, a, f]),
        (none, [never, b, never, d, e, never, never]),
        (after, [never, b, never, d, e, never, f]),
    ] {
        let timers = Timer::all(Streams::Stdout).map(|timer| policy.delay(timer));
        assert_eq!(timers.collect::<Vec<_>>(), lengths);
    }
}

/// If this were red, those who wait for one thing would be counted among those who wait for another.
#[test]
fn c04_who_is_told_is_counted_by_what_he_waits_for() {
    let told = Resolved { exited: 2, terminal: 3 };
    assert_eq!([Until::Exited, Until::Terminal].map(|until| told.of(until)), [2, 3]);
}
