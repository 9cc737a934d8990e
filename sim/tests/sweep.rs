//! Policies in combination: every drain with every buffer, limit and holder, under each teardown.
#![expect(clippy::expect_used, reason = "a world that cannot be explored is a failure")]

use std::time::Duration;

use lastbyte::machine::{
    BufferPolicy, Descendants, DrainPolicy, Full, KillPolicy, Machine, OutputLimit, Over, Policy,
    Streams, Target,
};
use lastbyte_sim::{
    bytes::Bytes,
    catalogue::base,
    explorer::explore,
    world::{Bounds, Happening, Holder, Once},
};

const STATES_MAX: u64 = 200_000;
const BOUND: Duration = Duration::from_millis(200);

fn drains() -> [DrainPolicy; 6] {
    let idle = |gap, max| DrainPolicy::Idle { gap, max };
    [
        DrainPolicy::UntilEof,
        DrainPolicy::After(Duration::ZERO),
        DrainPolicy::After(BOUND),
        idle(BOUND, BOUND),
        idle(Duration::ZERO, BOUND),
        idle(Duration::ZERO, Duration::ZERO),
    ]
}

fn buffers() -> Vec<BufferPolicy> {
    let of = |bytes_max, chunks_max, full| BufferPolicy { bytes_max, chunks_max, full };
    vec![
        BufferPolicy::default(),
        of(2, 1, Full::Pause),
        of(1, 8, Full::Pause),
        of(2, 8, Full::Gap),
        of(1, 1, Full::Gap),
        of(2, 2, Full::KillAfter(BOUND)),
    ]
}

fn limits() -> Vec<Option<OutputLimit>> {
    let of = |bytes_max, over| Some(OutputLimit { bytes_max, over });
    vec![
        None,
        of(0, Over::Truncate),
        of(2, Over::Truncate),
        of(1, Over::KeepTail { bytes_max: 1 }),
        of(0, Over::KeepTail { bytes_max: 2 }),
        of(1, Over::KeepTail { bytes_max: 0 }),
        of(1, Over::Kill),
    ]
}

fn onces() -> Vec<Once> {
    use Happening::{Close, Detach, Discard, Kill, ReadError, Shutdown, Signal};
    [
        &[][..],
        &[Discard],
        &[Close, Kill],
        &[Shutdown, Discard],
        &[Shutdown, Close],
        &[Detach, ReadError],
        &[Shutdown, Kill, Signal],
        &[Shutdown, Detach],
    ]
    .map(Once::of)
    .to_vec()
}

/// One execution with one stream: three bytes of the root, read one or two at a time.
fn worlds() -> Vec<Bounds> {
    let mut worlds = Vec::new();
    for drain in drains() {
        for buffer in buffers() {
            for limit in limits() {
                for once in onces() {
                    for holder in [Holder::Nobody, Holder::Descendant(1), Holder::Closes(1)] {
                        let mut bounds = base(3, 0);
                        bounds.streams = Streams::Stdout;
                        bounds.read_max = 2;
                        (bounds.holder, bounds.once) = (holder, once);
                        bounds.policy = Policy { drain, buffer, limit, ..policy_of(worlds.len()) };
                        worlds.push(bounds);
                    }
                }
            }
        }
    }
    worlds
}

/// The policies that are not multiplied, each in some of the worlds.
fn policy_of(world: usize) -> Policy {
    let hard =
        KillPolicy { target: Target::Leader, grace: Duration::ZERO, ..KillPolicy::default() };
    Policy {
        descendants: if world.is_multiple_of(3) { Descendants::Kill } else { Descendants::Leave },
        kill: if world.is_multiple_of(4) { hard } else { KillPolicy::default() },
        timeout: world.is_multiple_of(5).then_some(BOUND),
        ..Policy::default()
    }
}

/// How many worlds and states there were; the first rule that breaks is a panic.
fn sweep(worlds: impl Iterator<Item = Bounds>) -> (usize, u64) {
    let mut swept = (0, 0);
    for bounds in worlds {
        let report = explore::<Machine<Bytes>>(&bounds, STATES_MAX).expect("exhaustive");
        assert!(report.broken.is_empty(), "{:#?} in {bounds:#?}", report.broken);
        assert!(report.hopeless == 0 || !bounds.must_end(), "no way to the end in {bounds:#?}");
        swept = (swept.0 + 1, swept.1 + report.states);
    }
    swept
}

/// If this were red, two policies that are sound alone would break a rule together.
#[test]
fn no_rule_breaks_where_policies_meet() {
    // No list has a length that 11 divides, so each value meets each other's values.
    let (worlds, states) = sweep(worlds().into_iter().step_by(11));
    assert_eq!((worlds, states), (550, 1_154_221));
}

/// If this were red, the same, in a combination that the test above leaves out.
#[test]
#[ignore = "half a minute with optimisation; the test above takes one world in eleven"]
fn no_rule_breaks_wherever_policies_meet() {
    assert_eq!(sweep(worlds().into_iter()), (6048, 12_895_676));
}
