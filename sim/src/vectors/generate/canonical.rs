//! The canonical histories, one for each rule and one for each value of each policy: the same that
//! `tests/traces` tells.

#[macro_use]
#[path = "../../../../tests/traces/list.rs"]
mod list;
#[path = "../../../../tests/traces/policies.rs"]
mod policies;
#[path = "../../../../tests/traces/rules.rs"]
mod rules;

use lastbyte::monitor::Rule;

use super::with_chunks;
use crate::vectors::{Case, Topic, words};
use scribe::{Text, Trace};

/// What the traces are made of.
mod scribe {
    use lastbyte::machine::{Input, Policy, Streams};

    #[derive(Clone, Debug)]
    pub(crate) struct Text(pub(crate) &'static [u8]);

    pub(crate) struct Trace {
        pub(crate) title: &'static str,
        #[expect(dead_code, reason = "told in tests/traces")]
        pub(crate) shows: &'static str,
        pub(crate) streams: Streams,
        pub(crate) policy: Policy,
        pub(crate) inputs: Vec<Input<Text>>,
    }
}

/// Makes a case of each trace, with its name.
macro_rules! cases {
    ($($module:ident: $($name:ident)*;)*) => {
        vec![$($(case(stringify!($name), $module::$name()),)*)*]
    };
}

/// All canonical histories.
pub(super) fn cases() -> Vec<Case> {
    every_trace!(cases)
}

fn case(name: &str, trace: Trace) -> Case {
    let Trace { title, shows: _, streams, policy, inputs } = trace;
    let (topic, rules) = match rule_of(name) {
        Some(rule) => (Topic::Rules, vec![rule]),
        None => (Topic::Policies, rules_of_policy(name)),
    };
    let told = |_, text: Text| words::Text(text.0.to_vec());
    let inputs = inputs.into_iter().map(|input| with_chunks(input, told)).collect();
    Case { topic, note: title.to_owned(), rules, streams, policy, inputs, focus: Vec::new() }
}

/// The rule that a trace is named after, as in `c06_never_hangs`.
fn rule_of(name: &str) -> Option<Rule> {
    let number: usize = name.strip_prefix('c')?.split('_').next()?.parse().ok()?;
    Rule::ALL.get(number.checked_sub(1)?).copied()
}

fn rules_of_policy(name: &str) -> Vec<Rule> {
    match name.split('_').next().unwrap_or_default() {
        "drain" => vec![Rule::C6, Rule::C7],
        "descendants" | "kill" => vec![Rule::C16],
        "buffer" => vec![Rule::C12],
        "limit" => vec![Rule::C8],
        "timeout" => vec![Rule::C10],
        "teardown" => vec![Rule::C11, Rule::C13],
        _ => vec![Rule::C15],
    }
}
