//! The counts of the races, against closed forms and an explorer that somebody else wrote; and what
//! no input may change, in every state.

use lastbyte::{
    ErrorKind,
    remote::lifecycle::{BoxId, ExecId, Input, Lifecycle, Report},
};
use lastbyte_sim::lifecycle::{
    race::{Chance, Child, ONE, Race, What, Which},
    search::Model as _,
    world::{Choice, Raced, World},
};
use num_bigint::BigUint;
use stateright::{Checker, Model, Property};

use crate::explored::found;

fn factorial(n: u32) -> BigUint {
    (1..=n).map(BigUint::from).product()
}

/// If this were red, the number of interleavings would not be the number there are.
#[test]
fn interleavings_of_independent_callers_are_the_multinomial() {
    for n in 1..=5u32 {
        let mut creates = Race::new("creates", 8);
        let mut execs = Race::new("execs", 8).with_box(&[]);
        for _ in 0..n {
            creates = creates.ask(What::Create(ONE));
            execs = execs.ask(What::Exec(Which::There(0), Child::Ends));
        }
        // Asked for, up: two steps of each. Asked for, started, ended: three.
        let pairs = factorial(2 * n) / BigUint::from(2u8).pow(n);
        assert_eq!(found(&creates).interleavings, pairs, "{n} creates");
        if n <= 4 {
            let threes = factorial(3 * n) / BigUint::from(6u8).pow(n);
            assert_eq!(found(&execs).interleavings, threes, "{n} execs");
        }
    }
}

struct Rights(Raced<Lifecycle>);

impl Model for Rights {
    type State = World<Lifecycle>;
    type Action = Choice;

    fn init_states(&self) -> Vec<Self::State> {
        vec![self.0.start()]
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>) {
        actions.extend(self.0.choices(state));
    }

    fn next_state(&self, state: &Self::State, choice: Self::Action) -> Option<Self::State> {
        let mut after = state.clone();
        self.0.take(&mut after, &choice).is_ok().then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let unchanged = |_: &Self, state: &World<Lifecycle>| {
            reports().into_iter().all(|report| {
                let mut after = state.registry().clone();
                after.step(Input::Report(report)).is_ok() || after == *state.registry()
            })
        };
        vec![Property::always("an illegal report changes nothing", unchanged)]
    }
}

/// One of each report that there is, of what may be there and what is not.
fn reports() -> Vec<Report> {
    let mut reports = Vec::new();
    for id in [BoxId(0), BoxId(1), BoxId(9)] {
        reports.extend([Report::Up(id), Report::SetUpFailed(id, ErrorKind::Internal)]);
        reports.extend([Report::Died(id), Report::TornDown(id), Report::Removed(id)]);
        for number in [0, 1, 9] {
            let id = ExecId { home: id, number };
            let refused = Report::LaunchRefused(id, ErrorKind::Internal);
            reports.extend([Report::Launched(id), refused, Report::Ended(id), Report::Expired(id)]);
        }
    }
    reports
}

/// If this were red, "every reachable state" would be a claim of one program about itself; or a
/// report of what cannot be would have changed the books.
#[test]
fn stateright_finds_as_many_states_and_no_illegal_report_that_changes_one() {
    let there = Which::There(0);
    let asleep = |name| Race::new(name, 4).with_box(&[Child::Sleeps]);
    let races = [
        asleep("stop, exec").ask(What::Stop(there)).ask(What::Exec(there, Child::Ends)),
        asleep("stop, start, delete, refusals")
            .ask(What::Stop(there))
            .ask(What::Start(there))
            .ask(What::ForceDelete(there))
            .chance(Chance::SetUpFails)
            .chance(Chance::Dies),
        asleep("rebuild, exec, shutdown")
            .ask(What::Rebuild(there))
            .ask(What::Exec(there, Child::Ends))
            .ask(What::Shutdown)
            .chance(Chance::LaunchFails)
            .chance(Chance::Expires),
        Race::new("creates", 2).ask(What::Create(ONE)).ask(What::Create(ONE)).ask(What::Shutdown),
    ];
    for race in &races {
        let checker = Rights(Raced::new(race)).checker().threads(1).spawn_bfs().join();
        let unique = checker.unique_state_count() as u64;
        assert_eq!(unique, found(race).states, "{}", race.name);
        assert!(unique > 10, "{}", race.name);
        checker.assert_properties();
    }
}
