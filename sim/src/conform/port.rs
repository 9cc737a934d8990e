//! The reference shim: the machine behind the protocol; and the same with a bug of the zoo in it.

use std::{
    io::{self, BufRead, Write},
    thread,
};

use lastbyte::machine::{Illegal, Input, Step};
use serde_json::{Map, Value, json};

use super::saboteur::{Bug, Manner, Sabotage, Saboteur};
use crate::vectors::words::{Text, policy, read, told};

/// Lines that a shim answers before it shows bad manners.
const GOOD: usize = 3;

/// Why no more is answered.
#[derive(Debug)]
pub enum Failed {
    /// The input cannot be read, or is not of the form: in words.
    Asked(String),
    /// The answers cannot be written.
    Told(io::Error),
}

/// Answers every line until the input ends.
///
/// # Errors
///
/// The input cannot be read, is not of the form, or nobody takes the answers.
pub fn serve(
    sabotage: Option<Sabotage>,
    input: impl BufRead,
    mut output: impl Write,
) -> Result<(), Failed> {
    let (bug, manner) = match sabotage {
        None => (None, None),
        Some(Sabotage::Bug(bug)) => (Some(bug), None),
        Some(Sabotage::Manner(manner)) => (None, Some(manner)),
    };
    let mut before = String::new();
    for (asked, line) in input.lines().enumerate() {
        let place = |what: String| {
            let line = asked + 1;
            Failed::Asked(format!(
                "failed to answer line {line}: {what}; `lastbyte conform -- lastbyte shim` asks as it \
                 should be"
            ))
        };
        let line = line.map_err(|error| place(error.to_string()))?;
        let answer = answer(&line, bug).map_err(place)?;
        let said = match manner.filter(|_| asked >= GOOD) {
            Some(Manner::Dies) => {
                return Err(Failed::Asked("it dies as it was asked to".to_owned()));
            }
            Some(Manner::Hangs) => rest(),
            Some(Manner::Rubbish) => "something else\n",
            Some(Manner::Swaps) => &before,
            Some(Manner::Lingers) | None => &answer,
        };
        let written = output.write_all(said.as_bytes()).and_then(|()| output.flush());
        written.map_err(Failed::Told)?;
        before = answer;
    }
    if manner == Some(Manner::Lingers) {
        rest()
    }
    Ok(())
}

/// Does nothing for ever.
fn rest() -> ! {
    loop {
        thread::park();
    }
}

/// The answer to one line.
///
/// # Errors
///
/// Says what of the line is not of the form.
pub fn answer(line: &str, bug: Option<Bug>) -> Result<String, String> {
    let question: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let list = |key: &str| -> Result<Vec<String>, String> {
        let lines = question[key].as_array().ok_or_else(|| format!("`{key}` is no list"))?;
        let lines: Option<_> = lines.iter().map(|line| line.as_str().map(str::to_owned)).collect();
        lines.ok_or_else(|| format!("`{key}` has something else than strings"))
    };
    let streams = read::streams(question["streams"].as_str().unwrap_or_default())?;
    let policy = policy::read(&list("policy")?)?;
    let inputs: Vec<Input<Text>> =
        list("inputs")?.iter().map(|input| read::input(input)).collect::<Result<_, _>>()?;
    let mut answer = Map::new();
    answer.insert("id".to_owned(), question["id"].clone());
    match Saboteur::new(streams, policy, bug) {
        Err(invalid) => {
            answer.insert("invalid".to_owned(), json!(told::invalid(invalid)));
        }
        Ok(mut machine) => {
            let steps: Vec<Vec<String>> = inputs
                .into_iter()
                .map(|input| {
                    let stepped: Result<Step<Text>, Illegal> = machine.step(input);
                    told::step(&stepped, machine.machine())
                })
                .collect();
            answer.insert("steps".to_owned(), json!(steps));
            answer.insert("room".to_owned(), json!(told::room(machine.machine())));
        }
    }
    Ok(Value::Object(answer).to_string() + "\n")
}
