//! The rules that a step is about: which promise would be broken if it were another.

use std::collections::BTreeSet;

use lastbyte::{
    machine::{Input, Timer},
    monitor::Rule,
};

use super::words::Text;

/// The rules that the steps in focus are about.
pub fn rules_of(inputs: &[Input<Text>], steps: &[Vec<String>], focus: &[usize]) -> Vec<Rule> {
    let mut rules = BTreeSet::new();
    for &place in focus {
        if let (Some(input), Some(step)) = (inputs.get(place), steps.get(place)) {
            rules.extend(rules_of_step(input, step));
        }
    }
    rules.into_iter().collect()
}

/// A policy that cannot be carried out is about what it would bound.
pub fn rule_of_invalid(why: &str) -> Rule {
    if why.starts_with("idle") { Rule::C6 } else { Rule::C12 }
}

/// The rules that one step is about: that of its input, then those of what follows.
pub fn rules_of_step(input: &Input<Text>, step: &[String]) -> BTreeSet<Rule> {
    let mut rules: BTreeSet<Rule> = step.iter().map(|line| rule_of_line(input, line)).collect();
    if !step.iter().any(|line| line.starts_with("illegal ")) {
        rules.insert(rule_of_input(input));
    }
    rules
}

/// The rule that an input is about.
pub fn rule_of_input(input: &Input<Text>) -> Rule {
    match input {
        Input::Started | Input::Signal(_) | Input::Kill => Rule::C16,
        Input::Refused => Rule::C14,
        Input::Chunk(..) => Rule::C3,
        Input::Eof(_) | Input::Drain => Rule::C1,
        Input::ReadError(..) => Rule::C9,
        Input::Empty(_) | Input::Reap { .. } => Rule::C7,
        Input::Wait(_) | Input::CancelWait(_) => Rule::C4,
        Input::Discard(_) | Input::Detach => Rule::C15,
        Input::Close | Input::Timeout(Timer::Close) => Rule::C11,
        Input::Shutdown | Input::Timeout(Timer::Shutdown) => Rule::C13,
        Input::Timeout(Timer::Timeout) => Rule::C10,
        Input::Timeout(Timer::Grace) => Rule::C16,
        Input::Timeout(Timer::Stall) => Rule::C12,
        Input::Timeout(Timer::Idle(_) | Timer::Deadline(_)) => Rule::C6,
    }
}

/// The rule that a line is about which follows from an input.
pub fn rule_of_line(input: &Input<Text>, line: &str) -> Rule {
    let mut words = line.split(' ');
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match (first, second) {
        ("illegal", why) => rule_of_refusal(why),
        ("chunk", _) => Rule::C3,
        ("gap" | "end" | "report" | "terminal", _) => Rule::C8,
        ("exit", _) => Rule::C2,
        ("abandon" | "ready", _) => rule_of_request(input).unwrap_or(match first {
            "abandon" => Rule::C6,
            _ => Rule::C5,
        }),
        ("signal" | "reply", _) => rule_of_request(input).unwrap_or(Rule::C16),
        ("cause" | "killed_by_us", _) | (_, "timeout") => Rule::C10,
        (_, "grace") => Rule::C16,
        ("resolved", _) => Rule::C4,
        (_, "idle" | "deadline") => Rule::C6,
        (_, "stall") | ("pause" | "resume", _) => Rule::C12,
        (_, "close") => Rule::C11,
        (_, "shutdown") => Rule::C13,
        _ => rule_of_input(input),
    }
}

/// The rule of an input that asks for much at once.
fn rule_of_request(input: &Input<Text>) -> Option<Rule> {
    match input {
        Input::Discard(_)
        | Input::Detach
        | Input::Close
        | Input::Shutdown
        | Input::Timeout(Timer::Close | Timer::Shutdown) => Some(rule_of_input(input)),
        Input::Started
        | Input::Refused
        | Input::Chunk(..)
        | Input::Eof(_)
        | Input::ReadError(..)
        | Input::Empty(_)
        | Input::Reap { .. }
        | Input::Drain
        | Input::Wait(_)
        | Input::CancelWait(_)
        | Input::Signal(_)
        | Input::Kill
        | Input::Timeout(
            Timer::Timeout | Timer::Grace | Timer::Stall | Timer::Idle(_) | Timer::Deadline(_),
        ) => None,
    }
}

/// The rule that forbids an input, by the word of the refusal.
fn rule_of_refusal(why: &str) -> Rule {
    match why {
        "not_started" | "already_started" | "refused" => Rule::C14,
        "already_reaped" | "already_done" => Rule::C2,
        "no_such_stream" => Rule::C15,
        "stream_ended" => Rule::C1,
        "pump_paused" | "no_room" => Rule::C12,
        "empty_chunk" | "status_is_ours" => Rule::C9,
        "nobody_waits" => Rule::C4,
        "timer_not_running" => Rule::C6,
        _ => Rule::C11,
    }
}
