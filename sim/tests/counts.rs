//! The counts, against a closed form and against an explorer that somebody else wrote.

use lastbyte::machine::{
    DrainPolicy, Errno, Input, Machine, PerStream, Signal, Status, StreamId, Streams, Timer, Until,
};
use lastbyte_sim::{
    bytes::Bytes,
    catalogue::{base, worlds},
    explorer::{Incomplete, explore},
    world::{Bounds, Choice, World},
};
use num_bigint::BigUint;
use stateright::{Checker, Model, Property};

const STATES_MAX: u64 = 1_000_000;

fn pumps_and_reap(stdout: u8, stderr: u8) -> Bounds {
    let mut left = [stdout, stderr].into_iter();
    let mut bounds = base(0, 0);
    bounds.chunks = PerStream::from_fn(|_| left.next().unwrap_or(0));
    bounds.consumer = false;
    bounds.policy.drain = DrainPolicy::UntilEof;
    bounds
}

fn factorial(n: u32) -> BigUint {
    (1..=n).map(BigUint::from).product()
}

/// If this were red, the number of interleavings would not be the number there are.
#[test]
fn interleavings_of_two_pumps_and_a_reap_are_the_multinomial() {
    for stdout in 0..=4 {
        for stderr in 0..=4 {
            let report = explore::<Machine<Bytes>>(&pumps_and_reap(stdout, stderr), STATES_MAX)
                .expect("exhaustive");
            let (n, m) = (u32::from(stdout), u32::from(stderr));
            let closed_form = factorial(n + m + 3) / (factorial(n + 1) * factorial(m + 1));
            assert_eq!(report.interleavings, closed_form, "{stdout} and {stderr} chunks");
            assert!(report.broken.is_empty());
            // The start, each chunk, two ends, the reap.
            assert_eq!(report.longest, n + m + 4);
        }
    }
}

struct Rights(Bounds);

impl Model for Rights {
    type State = World<Machine<Bytes>>;
    type Action = Choice;

    fn init_states(&self) -> Vec<Self::State> {
        vec![World::new(&self.0)]
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>) {
        actions.extend(state.choices(&self.0));
    }

    fn next_state(&self, state: &Self::State, choice: Self::Action) -> Option<Self::State> {
        let mut after = state.clone();
        after.take(&self.0, choice).is_ok().then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let unchanged = |_: &Self, state: &World<Machine<Bytes>>| {
            inputs().into_iter().all(|input| {
                let mut after = state.design().clone();
                after.step(input).is_ok() || after == *state.design()
            })
        };
        vec![Property::always("an illegal input changes nothing", unchanged)]
    }
}

/// One of each input that there is, some of them illegal in every state.
fn inputs() -> Vec<Input<Bytes>> {
    let standing = PerStream::default();
    let mut inputs = vec![
        Input::Started,
        Input::Refused,
        Input::Reap { status: Status::Exited { code: 0 }, standing },
        Input::Reap { status: Status::Forced, standing },
        Input::Drain,
        Input::Wait(Until::Exited),
        Input::Wait(Until::Terminal),
        Input::CancelWait(Until::Exited),
        Input::CancelWait(Until::Terminal),
        Input::Signal(Signal::INT),
        Input::Kill,
        Input::Detach,
        Input::Close,
        Input::Shutdown,
    ];
    for id in [StreamId::Stdout, StreamId::Stderr, StreamId::Pty] {
        inputs.extend([
            Input::Chunk(id, Bytes::nth(9)),
            Input::Eof(id),
            Input::ReadError(id, Errno(5)),
            Input::Empty(id),
            Input::Discard(id),
        ]);
    }
    inputs.extend(Timer::all(Streams::Separate).map(Input::Timeout));
    inputs
}

/// Worlds up to this size get the second opinion, which is much slower than the first.
const SECOND_OPINION_STATES_MAX: u64 = 10_000;

/// If this were red, "every reachable state" would be a claim of one program about itself; or an
/// input that came too late would have changed what it must not.
#[test]
fn stateright_finds_as_many_states_and_no_illegal_input_that_changes_one() {
    let mut compared = Vec::new();
    for named in worlds(1, 1) {
        let Ok(report) = explore::<Machine<Bytes>>(&named.bounds, SECOND_OPINION_STATES_MAX) else {
            continue;
        };
        let checker = Rights(named.bounds).checker().threads(1).spawn_bfs().join();
        assert_eq!(checker.unique_state_count() as u64, report.states, "{}", named.name);
        checker.assert_properties();
        compared.push(named.name);
    }
    // Both policies of the drain, a held pipe, a full buffer, a limit, every kind of teardown.
    assert_eq!(compared, COMPARED);
}

const COMPARED: &[&str] = &[
    "plain",
    "until-eof",
    "held-until-eof",
    "closes-until-eof",
    "held-zero",
    "held-after",
    "held-killed",
    "held-paused",
    "paused",
    "gaps",
    "stalled",
    "limit-truncate",
    "limit-tail",
    "limit-kill",
    "waits-cancelled",
    "timeout",
    "closed",
    "closed-held",
    "shut-down-held",
    "read-error",
];

/// If this were red, a rule of the contract would break in a world that `check` shows, or the
/// terminal would be out of reach where nobody chose to wait for ever.
#[test]
fn the_machine_holds_every_rule_in_every_world() {
    for named in worlds(2, 1) {
        let report = explore::<Machine<Bytes>>(&named.bounds, STATES_MAX).expect("exhaustive");
        assert!(report.broken.is_empty(), "{}: {:?}", named.name, report.broken);
        assert_eq!(report.hopeless == 0, named.name != "held-until-eof", "{}", named.name);
    }
}

/// If this were red, an error that says what was not done would say nothing.
#[test]
fn an_incomplete_search_says_that_it_is() {
    let capped = Incomplete::TooManyStates { max: 5 }.to_string();
    assert_eq!(
        capped,
        "not exhaustive: more than 5 states; lower the bounds, or raise --states-max"
    );
    let cycle = Incomplete::Cycle.to_string();
    assert_eq!(cycle, "not countable: a history comes back to a state it was in");
}
