//! Two things that happen at once, in both orders.
//!
//! The explorer's worlds say what an honest driver may be told next. Where two things may come, and
//! each may still come after the other, they race: both orders are histories, each led on to its end.

use lastbyte::machine::Machine;
use rustc_hash::FxHashMap;

use super::alphabet::epilogue;
use crate::{
    bytes::Bytes,
    catalogue::{Named, worlds},
    vectors::{Case, Topic},
    world::{Bounds, Choice, World},
};

type Place = World<Machine<Bytes>>;

/// How large the worlds are, in chunks of each stream and waits of each kind.
const SIZE: (u8, u8) = (1, 1);

/// So many states in which the same two things race, in one world.
const TIMES: u32 = 2;

/// The states of a world, and how each was first reached.
struct Walked {
    places: Vec<Place>,
    reached_by: Vec<Option<(usize, Choice)>>,
}

impl Walked {
    fn new(bounds: &Bounds) -> Self {
        let start = Place::new(bounds);
        let mut numbers: FxHashMap<Place, usize> = FxHashMap::default();
        numbers.insert(start.clone(), 0);
        let mut walked = Walked { places: vec![start], reached_by: vec![None] };
        let mut from = 0;
        while let Some(place) = walked.places.get(from).cloned() {
            for choice in place.choices(bounds) {
                let mut after = place.clone();
                if after.take(bounds, choice).is_err() {
                    continue;
                }
                let new = walked.places.len();
                if *numbers.entry(after.clone()).or_insert(new) == new {
                    walked.places.push(after);
                    walked.reached_by.push(Some((from, choice)));
                }
            }
            from += 1;
        }
        walked
    }

    fn way_to(&self, mut state: usize) -> Vec<Choice> {
        let mut way = Vec::new();
        while let Some((from, choice)) = self.reached_by[state] {
            way.push(choice);
            state = from;
        }
        way.reverse();
        way
    }
}

/// A race in both orders, for each two things that race in a world, in a few states.
fn races(bounds: &Bounds) -> Vec<Case> {
    let walked = Walked::new(bounds);
    let mut seen: FxHashMap<(String, String), u32> = FxHashMap::default();
    let mut cases = Vec::new();
    for (state, place) in walked.places.iter().enumerate() {
        let choices = place.choices(bounds);
        for (at, &one) in choices.iter().enumerate() {
            for &other in &choices[at + 1..] {
                let key = (one.to_string(), other.to_string());
                let times = seen.entry(key).or_default();
                if *times >= TIMES {
                    continue;
                }
                let way = walked.way_to(state);
                let (Some(first), Some(second)) =
                    (history(bounds, &way, [one, other]), history(bounds, &way, [other, one]))
                else {
                    continue;
                };
                *times += 1;
                cases.extend([first, second]);
            }
        }
    }
    cases
}

/// The history of a way and then two choices; `None` where the second cannot follow the first.
fn history(bounds: &Bounds, way: &[Choice], last: [Choice; 2]) -> Option<Case> {
    let mut place = Place::new(bounds);
    let mut inputs = Vec::new();
    for &choice in way.iter().chain(&last) {
        if !place.choices(bounds).contains(&choice) {
            return None;
        }
        inputs.push(place.input(bounds, choice));
        let _step = place.take(bounds, choice).ok()?;
    }
    let focus = vec![way.len(), way.len() + 1];
    inputs.extend(epilogue(&mut place.design().clone(), true));
    Some(super::explored(Topic::Races, (bounds.streams, bounds.policy), &inputs, focus))
}

/// The races of every world.
pub(super) fn cases() -> Vec<Case> {
    let (chunks, waiters) = SIZE;
    worlds(chunks, waiters).iter().flat_map(|Named { bounds, .. }| races(bounds)).collect()
}
