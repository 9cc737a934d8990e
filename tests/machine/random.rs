//! Anything in any order, under every policy: the monitor finds no broken rule, bytes add up after
//! each step, and in the end there is a terminal.

use std::time::Duration;

use lastbyte::machine::Input;
use lastbyte::machine::{
    BufferPolicy, Descendants, DrainPolicy, Errno, Full, KillPolicy, OutputLimit, Over, Policy,
    Signal, Status, Streams, Target, TeardownPolicy, Until,
};
use proptest::{
    collection::vec, option, prelude::*, sample::select, test_runner::FileFailurePersistence,
};

use crate::{
    watched::STATUS,
    world::{Any, World},
};

pub(crate) fn any_input() -> impl Strategy<Value = Any> {
    let until = || select(&[Until::Exited, Until::Terminal][..]);
    let status = select(
        &[STATUS, STATUS, STATUS, Status::Unknown(Errno(10)), Status::Lost, Status::Forced][..],
    );
    let stream = || 0..9u8;
    prop_oneof![
        3 => Just(Any::Started),
        1 => Just(Any::Refused),
        24 => (stream(), 0..6usize).prop_map(|(stream, len)| Any::Chunk(stream, len)),
        4 => stream().prop_map(Any::Eof),
        2 => stream().prop_map(Any::ReadError),
        8 => stream().prop_map(Any::Empty),
        4 => (status, 0..6u64, 0..6u64).prop_map(|(status, a, b)| Any::Reap(status, a, b)),
        24 => Just(Any::Drain),
        6 => until().prop_map(Any::Wait),
        4 => until().prop_map(Any::CancelWait),
        2 => select(&[Signal::INT, Signal::TERM, Signal::KILL][..]).prop_map(Any::Signal),
        2 => Just(Any::Kill),
        2 => stream().prop_map(Any::Discard),
        1 => Just(Any::Detach),
        1 => Just(Any::Close),
        2 => Just(Any::Shutdown),
        12 => (0..9u8).prop_map(Any::Timeout),
        12 => Just(Any::Obey),
    ]
}

fn any_drain() -> impl Strategy<Value = DrainPolicy> {
    let [zero, one, five] = [0, 1, 5].map(Duration::from_secs);
    select(vec![
        DrainPolicy::UntilEof,
        DrainPolicy::After(zero),
        DrainPolicy::After(one),
        DrainPolicy::Idle { gap: zero, max: zero },
        DrainPolicy::Idle { gap: zero, max: one },
        DrainPolicy::Idle { gap: one, max: five },
    ])
}

fn any_limit() -> impl Strategy<Value = OutputLimit> {
    let over = prop_oneof![
        Just(Over::Truncate),
        (0..4u64).prop_map(|bytes_max| Over::KeepTail { bytes_max }),
        Just(Over::Kill),
    ];
    (0..6u64, over).prop_map(|(bytes_max, over)| OutputLimit { bytes_max, over })
}

pub(crate) fn any_policy() -> impl Strategy<Value = Policy> {
    let seconds = Duration::from_secs;
    let full = select(vec![Full::Pause, Full::Gap, Full::KillAfter(seconds(1))]);
    let buffer = (1..6u64, 1..4u32, full).prop_map(|(bytes_max, chunks_max, full)| BufferPolicy {
        bytes_max,
        chunks_max,
        full,
    });
    let kill = (
        select(vec![Signal::TERM, Signal::INT, Signal::KILL]),
        select(vec![seconds(0), seconds(2)]),
        select(vec![Target::Group, Target::Leader]),
    )
        .prop_map(|(signal, grace, target)| KillPolicy { signal, grace, target });
    let descendants = select(vec![Descendants::Leave, Descendants::Kill]);
    let timeout = option::of(Just(seconds(9)));
    (any_drain(), descendants, kill, buffer, option::of(any_limit()), timeout).prop_map(
        |(drain, descendants, kill, buffer, limit, timeout)| Policy {
            drain,
            descendants,
            kill,
            buffer,
            limit,
            timeout,
            teardown: TeardownPolicy::default(),
        },
    )
}

pub(crate) fn any_streams() -> impl Strategy<Value = Streams> {
    select(vec![
        Streams::Separate,
        Streams::Separate,
        Streams::Separate,
        Streams::Stdout,
        Streams::Stderr,
        Streams::Combined,
        Streams::Pty,
        Streams::None,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/machine/random.proptest-regressions",
        ))),
        ..ProptestConfig::default()
    })]

    /// If this were red, some history nobody has thought of would break the contract.
    #[test]
    fn c06_any_history_under_any_policy_keeps_the_contract_and_ends(
        streams in any_streams(),
        policy in any_policy(),
        starts in prop::bool::weighted(0.8),
        history in vec(any_input(), 0..60),
        root_ends: bool,
    ) {
        let mut world = World::new(streams, policy);
        if starts {
            world.step(Input::Started);
        }
        for any in history {
            world.happens(any);
        }
        world.ends(root_ends);
    }
}
