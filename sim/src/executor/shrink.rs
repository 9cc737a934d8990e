//! A schedule cut down to what breaks the same rule.
//!
//! A schedule is taken as a wish: which task shall go on next. Wishes are left out, many at once and
//! then fewer (delta debugging: Zeller and Hildebrandt, IEEE TSE 2002), and what is made of the rest
//! is kept if it breaks the same rule in fewer steps. Then steps of one task are moved together, so
//! that the schedule reads as a story. Nothing can be left out of the result, and no two of its
//! steps moved together; a shorter one of another shape may exist.

use std::{ops::Range, sync::Arc};

use crate::explorer::Counterexample;

use super::{
    run::Choice,
    search::{QUIET, STEPS_MAX},
    stack::{Scenario, Stack, enter},
};

/// The counterexample, cut down.
pub fn shrink<S: Stack>(scenario: &Arc<Scenario>, found: Counterexample) -> Counterexample {
    let wishes = wishes_of::<S>(scenario, &found.schedule);
    let Some(mut best) = grant::<S>(scenario, &wishes, &found) else { return found };
    loop {
        let before = best.size();
        leave_out::<S>(scenario, &mut best);
        move_together::<S>(scenario, &mut best);
        if best.size() == before {
            return best.found;
        }
    }
}

/// A schedule that breaks the rule, and who goes on at each step of it.
struct Granted {
    found: Counterexample,
    who: Vec<Choice>,
}

impl Granted {
    /// What is made small: steps, and then how often another task goes on than did before.
    fn size(&self) -> (usize, usize) {
        let switches = self.who.windows(2).filter(|pair| pair[0] != pair[1]).count();
        (self.who.len(), switches)
    }
}

/// Who goes on at each step of a schedule.
fn wishes_of<S: Stack>(scenario: &Arc<Scenario>, schedule: &[u8]) -> Vec<Choice> {
    let session = enter::<S>(scenario, QUIET);
    let mut choices = Vec::new();
    let mut wishes = Vec::with_capacity(schedule.len());
    for &place in schedule {
        session.choices(&mut choices);
        let Some(&choice) = choices.get(usize::from(place)) else { break };
        wishes.push(choice);
        if session.take(choice).is_err() {
            break;
        }
    }
    wishes
}

/// Makes what is wished, passing over what cannot be, and then whatever comes first. `None`: that
/// does not break the rule.
fn grant<S: Stack>(
    scenario: &Arc<Scenario>,
    wishes: &[Choice],
    like: &Counterexample,
) -> Option<Granted> {
    let session = enter::<S>(scenario, QUIET);
    let (mut choices, mut schedule, mut who) = (Vec::new(), Vec::new(), Vec::new());
    let mut wishes = wishes.iter();
    let broken = loop {
        session.choices(&mut choices);
        let Some(&first) = choices.first() else { break session.finish().err() };
        let choice = wishes.find(|wish| choices.contains(wish)).copied().unwrap_or(first);
        let place = choices.iter().position(|known| *known == choice)?;
        schedule.push(u8::try_from(place).ok()?);
        who.push(choice);
        if let Err(broken) = session.take(choice) {
            break Some(broken);
        }
        if who.len() > STEPS_MAX {
            return None;
        }
    };
    let broken = broken.filter(|broken| broken.rule == like.broken.rule)?;
    Some(Granted { found: Counterexample { broken, schedule }, who })
}

/// Leaves out whatever is not needed: halves of the schedule, quarters, and so on to single steps.
fn leave_out<S: Stack>(scenario: &Arc<Scenario>, best: &mut Granted) {
    let mut size = best.who.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < best.who.len() {
            let fewer = without(&best.who, at..(at + size).min(best.who.len()));
            if !better::<S>(scenario, best, &fewer) {
                at += size;
            }
        }
        size /= 2;
    }
}

fn without(who: &[Choice], range: Range<usize>) -> Vec<Choice> {
    [&who[..range.start], &who[range.end..]].concat()
}

/// Moves a later step of a task to where the task was interrupted.
fn move_together<S: Stack>(scenario: &Arc<Scenario>, best: &mut Granted) {
    let mut at = 1;
    while at < best.who.len() {
        let goes_on = best.who[at..].iter().position(|&who| who == best.who[at - 1]);
        if let Some(later) = goes_on.filter(|&later| later > 0) {
            let mut moved = best.who.clone();
            moved[at..=at + later].rotate_right(1);
            better::<S>(scenario, best, &moved);
        }
        at += 1;
    }
}

/// Takes what is made of these wishes if it is smaller.
fn better<S: Stack>(scenario: &Arc<Scenario>, best: &mut Granted, wishes: &[Choice]) -> bool {
    let granted = grant::<S>(scenario, wishes, &best.found);
    let smaller = granted.filter(|granted| granted.size() < best.size());
    let is_better = smaller.is_some();
    if let Some(smaller) = smaller {
        *best = smaller;
    }
    is_better
}
