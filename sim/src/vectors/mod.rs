//! The conformance vectors: histories of the machine with what follows from each input, for
//! implementations in any language.
//!
//! [`generate::all`] makes them, [`store`] writes and reads the folder `vectors/`, and
//! [`crate::conform`] holds a port to them. `docs/conformance.md` is the page for a port's author.

pub mod about;
pub mod generate;
pub mod store;
pub mod words;

use std::collections::BTreeSet;

use lastbyte::{
    machine::{Input, Machine, Policy, Streams},
    monitor::Rule,
};

use words::{Text, told};

/// The form of the vectors. A number is never used for another form.
pub const SCHEMA: u64 = 1;

/// What a group of vectors is about; also the name of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// The canonical history of each rule.
    Rules,
    /// Each value of each policy.
    Policies,
    /// Each size, status, signal and byte that a value may have.
    Values,
    /// Every input in every state.
    Transitions,
    /// Two things that happen at once, in both orders.
    Races,
    /// Illegal inputs, which change nothing.
    Refusals,
}

impl Topic {
    /// All of them, in the order of the manifest.
    pub const ALL: [Topic; 6] = [
        Topic::Rules,
        Topic::Policies,
        Topic::Values,
        Topic::Transitions,
        Topic::Races,
        Topic::Refusals,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Topic::Rules => "rules",
            Topic::Policies => "policies",
            Topic::Values => "values",
            Topic::Transitions => "transitions",
            Topic::Races => "races",
            Topic::Refusals => "refusals",
        }
    }

    /// What it is about, in a line.
    pub const fn about(self) -> &'static str {
        match self {
            Topic::Rules => "the canonical history of each rule",
            Topic::Policies => "each value of each policy",
            Topic::Values => "each size, status, signal and byte that a value may have",
            Topic::Transitions => "every input in every state",
            Topic::Races => "two things that happen at once, in both orders",
            Topic::Refusals => "illegal inputs, which change nothing",
        }
    }
}

/// What an execution is made of, and what happens to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its group.
    pub topic: Topic,
    /// What it shows, where that is not plain.
    pub note: String,
    /// Rules that it is about, beside those that its focus is about.
    pub rules: Vec<Rule>,
    /// The streams.
    pub streams: Streams,
    /// The policy.
    pub policy: Policy,
    /// What happens.
    pub inputs: Vec<Input<Text>>,
    /// The inputs that it is about, by place; the others lead there and away.
    pub focus: Vec<usize>,
}

impl Case {
    /// A number of what happens: stays the same as long as that does, whatever else is added.
    pub fn digest(&self) -> u64 {
        let Case { streams, policy, inputs, .. } = self;
        let mut text = words::policy::streams(*streams).to_owned();
        let inputs = inputs.iter().map(|input| told::input(input, *streams));
        for line in words::policy::told(policy).into_iter().chain(inputs) {
            text.push('\n');
            text.push_str(&line);
        }
        // FNV-1a.
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }
}

/// A history in words, with what has to follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vector {
    /// The topic and a number of its content: `races.5e81f0a3`.
    pub id: String,
    /// What it shows, where that is not plain.
    pub note: String,
    /// The rules that it is about.
    pub rules: Vec<Rule>,
    /// The streams.
    pub streams: String,
    /// What differs from the default policy.
    pub policy: Vec<String>,
    /// What happens.
    pub inputs: Vec<String>,
    /// What follows.
    pub expected: Outcome,
}

/// What follows from a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What follows from each input, and at the end the room of each stream.
    Steps {
        /// One entry for each input.
        steps: Vec<Vec<String>>,
        /// The most that a pump may read, where that is not nothing.
        room: Vec<String>,
    },
    /// The policy cannot be carried out.
    Invalid(String),
}

impl Default for Outcome {
    fn default() -> Self {
        Outcome::Steps { steps: Vec::new(), room: Vec::new() }
    }
}

/// What the machine makes of a history.
pub fn outcome(streams: Streams, policy: Policy, inputs: &[Input<Text>]) -> Outcome {
    let mut machine = match Machine::new(streams, policy) {
        Ok(machine) => machine,
        Err(invalid) => return Outcome::Invalid(told::invalid(invalid).to_owned()),
    };
    let mut steps = Vec::with_capacity(inputs.len());
    for input in inputs {
        let stepped = machine.step(input.clone());
        steps.push(told::step(&stepped, &machine));
    }
    Outcome::Steps { steps, room: told::room(&machine) }
}

/// Eight digits and letters of a number.
fn short(mut number: u64) -> String {
    let mut digits = String::new();
    for _ in 0..8 {
        digits.extend(char::from_digit(u32::try_from(number % 36).unwrap_or_default(), 36));
        number /= 36;
    }
    digits
}

impl Vector {
    /// The vector of a case.
    pub fn of(case: &Case) -> Self {
        let Case { topic, note, rules, streams, policy, inputs, focus } = case;
        let expected = outcome(*streams, *policy, inputs);
        let mut about: BTreeSet<Rule> = rules.iter().copied().collect();
        match &expected {
            Outcome::Steps { steps, .. } => about.extend(about::rules_of(inputs, steps, focus)),
            Outcome::Invalid(why) => about.extend([about::rule_of_invalid(why)]),
        }
        let mut vector = Vector {
            id: String::new(),
            note: note.clone(),
            rules: about.into_iter().collect(),
            streams: words::policy::streams(*streams).to_owned(),
            policy: words::policy::told(policy),
            inputs: inputs.iter().map(|input| told::input(input, *streams)).collect(),
            expected,
        };
        vector.id = format!("{}.{}", topic.name(), short(case.digest()));
        vector
    }

    /// Its topic: what stands before the point of its id.
    pub fn topic(&self) -> &str {
        self.id.split('.').next().unwrap_or_default()
    }
}
