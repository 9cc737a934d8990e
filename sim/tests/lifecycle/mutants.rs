//! The harness is only as good as what it catches: the production registry with one mistake each.
//!
//! Each mistake is an edit of the production text (`edits.rs`), explored in a few races that touch
//! everything; the set of promises that break is asserted whole, so a mistake that is caught less,
//! more or elsewhere turns this red.

use std::{
    any::Any,
    collections::BTreeSet,
    fmt::Debug,
    hash::{Hash, Hasher},
};

use lastbyte::remote::lifecycle::{
    Action, BoxId, BoxState, Illegal, Input, Lifecycle, Limits, Resources,
};
use lastbyte_sim::lifecycle::{
    promise::Promise,
    race::{Chance, Child, ONE, Race, What, Which, share},
    search::explore,
    world::{Raced, Registry},
};

use crate::explored::STATES_MAX;

/// Races that together come through every line of the registry.
fn races() -> Vec<Race> {
    let there = Which::There(0);
    let asleep = |name| Race::new(name, 2).with_box(&[Child::Sleeps]);
    let (run, create) = (What::Exec(there, Child::Ends), What::Create(ONE));
    vec![
        Race::new("creates", 2).ask(create).ask(create).ask(create).chance(Chance::SetUpFails),
        Race::new("create, delete", 2)
            .ask(create)
            .ask(What::ForceDelete(there))
            .then(create)
            .chance(Chance::SetUpFails),
        Race::new("too much", 3).ask(create).ask(What::Create(share(3))).ask(What::Shutdown),
        asleep("execs, stop").ask(run).ask(run).ask(What::Stop(there)),
        asleep("refused exec, stop")
            .ask(What::Exec(there, Child::Sleeps))
            .ask(What::Stop(there))
            .chance(Chance::LaunchFails),
        asleep("stops").ask(What::Stop(there)).ask(What::Stop(there)).chance(Chance::Dies),
        asleep("up and down")
            .ask(What::Stop(there))
            .ask(What::Start(there))
            .ask(What::Rebuild(there))
            .ask(run)
            .chance(Chance::SetUpFails),
        asleep("down for good")
            .ask(What::Stop(there))
            .ask(What::Rebuild(there))
            .ask(What::ForceDelete(there))
            .ask(What::Delete(there)),
        Race::new("expiry", 2)
            .with_box(&[Child::Ends])
            .ask(What::Stop(there))
            .then(What::Start(there))
            .then(What::ForceDelete(there))
            .chance(Chance::Expires),
        asleep("shutdown")
            .ask(What::Rebuild(there))
            .ask(run)
            .ask(What::Shutdown)
            .ask(What::Shutdown),
        asleep("no force").ask(What::Delete(there)),
        asleep("create, shutdown").ask(create).ask(What::Shutdown),
        asleep("death").chance(Chance::Dies),
        Race::new("shutdown of nothing", 1).ask(What::Shutdown).ask(create),
    ]
}

/// A registry behind a pointer, so that the search is compiled once for all of them.
trait Mistaken: Debug {
    fn step(&mut self, input: Input) -> Result<Vec<Action>, Illegal>;
    fn used(&self) -> Resources;
    fn states(&self) -> Vec<(BoxId, BoxState)>;
    fn copy(&self) -> Box<dyn Mistaken>;
    fn is(&self, other: &dyn Any) -> bool;
    fn any(&self) -> &dyn Any;
    fn hash_to(&self, state: &mut dyn Hasher);
}

#[derive(Debug)]
struct Mutant(Box<dyn Mistaken>);

impl Clone for Mutant {
    fn clone(&self) -> Self {
        Mutant(self.0.copy())
    }
}

impl PartialEq for Mutant {
    fn eq(&self, other: &Self) -> bool {
        self.0.is(other.0.any())
    }
}

impl Eq for Mutant {}

impl Hash for Mutant {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash_to(state);
    }
}

impl Registry for Mutant {
    fn step(&mut self, input: Input) -> Result<Vec<Action>, Illegal> {
        self.0.step(input)
    }

    fn used(&self) -> Resources {
        self.0.used()
    }

    fn states(&self) -> Vec<(BoxId, BoxState)> {
        self.0.states()
    }
}

/// Every promise that a registry breaks in one of the races.
fn broken<R: Registry>(make: fn(Limits) -> R) -> BTreeSet<Promise> {
    let mut broken = BTreeSet::new();
    for race in races() {
        let found = explore(&Raced::of(&race, make), STATES_MAX);
        let found = found.unwrap_or_else(|incomplete| panic!("{}: {incomplete}", race.name));
        broken.extend(found.broken.into_keys());
    }
    broken
}

/// If this were red, what the mutants are caught by would be found in what is right as well.
#[test]
fn the_production_registry_breaks_no_promise() {
    assert_eq!(broken(Lifecycle::new), BTreeSet::new());
}

/// The registry of a copy, behind a pointer.
macro_rules! behind_a_pointer {
    ($lifecycle:ty) => {
        impl Mistaken for $lifecycle {
            fn step(&mut self, input: Input) -> Result<Vec<Action>, Illegal> {
                <$lifecycle>::step(self, input)
            }

            fn used(&self) -> Resources {
                <$lifecycle>::used(self)
            }

            fn states(&self) -> Vec<(BoxId, BoxState)> {
                self.boxes().map(|(id, state, _)| (id, state)).collect()
            }

            fn copy(&self) -> Box<dyn Mistaken> {
                Box::new(self.clone())
            }

            fn is(&self, other: &dyn Any) -> bool {
                other.downcast_ref() == Some(self)
            }

            fn any(&self) -> &dyn Any {
                self
            }

            fn hash_to(&self, mut state: &mut dyn Hasher) {
                self.hash(&mut state);
            }
        }
    };
}

/// A copy with a mistake in it: `build.rs` says which and where.
macro_rules! mistaken {
    ($name:ident, $file:literal) => {
        #[path = $file]
        mod $name;

        behind_a_pointer!($name::Lifecycle);
    };
}

include!(concat!(env!("OUT_DIR"), "/mistaken.rs"));

/// If this were red, a mistake in the registry would pass, or the explorer would find what is not
/// there.
#[test]
fn every_mistake_breaks_strictly_what_it_is_known_to_break() {
    let caught = caught();
    assert_eq!(caught.len(), 33);
    let wrong: Vec<String> = caught
        .into_iter()
        .map(|(name, known, broken)| (name, known, told(&broken)))
        .filter(|(_, known, broken)| *known != broken.join(" "))
        .map(|(name, known, broken)| format!("{name}: {broken:?}, and not {known}"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn told(broken: &BTreeSet<Promise>) -> Vec<String> {
    broken.iter().map(|promise| format!("{promise:?}")).collect()
}
