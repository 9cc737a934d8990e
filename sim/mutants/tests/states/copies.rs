//! Copies and hashes. The explorer keeps one copy of each state and looks it up by its hash; a state
//! that is copied in part, or that hashes as another does, is a state that it never sees.
//!
//! How a state prints itself names every field, so it says which are alike.

use std::{
    collections::BTreeSet,
    fmt::Debug,
    hash::{DefaultHasher, Hash, Hasher},
};

use lastbyte::machine::Input;

use crate::{
    places::{after, all, machine},
    watched::{STDERR, STDOUT, chunk},
};

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn text(value: &impl Debug) -> String {
    format!("{value:?}")
}

/// Holds copies, equality and hashes of these values against how they print themselves.
fn hold<T: Clone + Debug + Eq + Hash>(values: &[T]) {
    for value in values {
        let copy = value.clone();
        assert_eq!(text(&copy), text(value), "a copy is another");
        for other in values {
            // Over whatever was there before.
            let mut copy = other.clone();
            copy.clone_from(value);
            assert_eq!(text(&copy), text(value), "a copy over {other:?} is another");
            let alike = text(other) == text(value);
            assert_eq!(other == value, alike, "{other:?} and {value:?}");
            assert_eq!(hash(other) == hash(value), alike, "hashes of {other:?} and {value:?}");
        }
    }
}

/// If this were red, the explorer would take two states for one, and what follows from the second
/// would never be looked at.
#[test]
fn c01_every_state_of_a_machine_has_copies_like_it_and_a_hash_of_its_own() {
    let states: Vec<_> = all().iter().map(|history| machine(history)).collect();
    let printed: BTreeSet<_> = states.iter().map(text).collect();
    assert_eq!(printed.len(), states.len(), "a history ends where another does");
    hold(&states);
}

/// If this were red, the explorer would judge a state by what it remembers of another history.
#[test]
fn c01_what_a_monitor_remembers_has_copies_like_it_and_a_hash_of_its_own() {
    let monitors: Vec<_> = all().iter().map(|history| after(history).monitor).collect();
    let histories: Vec<_> = monitors.iter().map(|monitor| monitor.history().clone()).collect();
    let printed: BTreeSet<_> = histories.iter().map(text).collect();
    assert!(printed.len() > 50, "only {} histories", printed.len());
    hold(&histories);
    for (monitor, history) in monitors.iter().zip(all()) {
        assert_eq!(monitor.steps(), history.len() as u64);
    }
}

/// If this were red, a step of a copy would change what it was copied from, and every branch of the
/// explorer from there on.
#[test]
fn c01_a_copy_goes_its_own_way() {
    for history in all() {
        let before = after(&history);
        let (printed, remembered) = (text(&before.machine), text(&before.monitor));
        let mut machine = before.machine.clone();
        let mut monitor = before.monitor.clone();
        for input in [Input::Started, chunk(STDOUT, "z"), chunk(STDERR, "z"), Input::Close] {
            if let Ok(step) = machine.step(input.clone()) {
                assert_eq!(monitor.observe(&input, &step), Ok(()));
            }
        }
        assert_eq!((text(&before.machine), text(&before.monitor)), (printed, remembered));
    }
}

/// If this were red, states that differ only in how many entries came and went would be explored
/// one by one, without an end.
#[test]
fn c01_what_came_and_went_tells_no_two_backlogs_apart() {
    let [kept, thrown] = [chunk(STDERR, "b"), chunk(STDOUT, "a")];
    let discard = Input::Discard(STDOUT);
    let late = machine(&[Input::Started, thrown.clone(), discard.clone(), kept.clone()]);
    let early = machine(&[Input::Started, discard, thrown, kept]);
    assert_ne!(text(&late), text(&early), "one of them has drawn a number more");
    assert_eq!((&late, hash(&late)), (&early, hash(&early)));
}

/// If this were red, a monitor would keep what nobody will take, and tell histories apart that have
/// one future.
#[test]
fn c01_what_nobody_will_take_is_not_remembered() {
    let [read, detach] = [chunk(STDOUT, "a"), Input::Detach];
    let late = after(&[Input::Started, read.clone(), detach.clone()]).monitor;
    let early = after(&[Input::Started, detach, read]).monitor;
    assert_eq!(text(&late), text(&early));
}
