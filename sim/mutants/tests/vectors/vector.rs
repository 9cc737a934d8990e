//! The vectors, read from their folder.

use std::{fs, path::Path};

use lastbyte::machine::{Input, Policy, Streams};
use serde_json::Value;

use crate::words::{Text, policy, read};

/// One history, and what has to follow.
pub(crate) struct Vector {
    pub(crate) id: String,
    pub(crate) streams: Streams,
    pub(crate) policy: Policy,
    pub(crate) inputs: Vec<Input<Text>>,
    /// What follows from each input; `Err`: why the policy cannot be carried out.
    pub(crate) steps: Result<Vec<Vec<String>>, String>,
    pub(crate) room: Vec<String>,
}

/// All of them.
pub(crate) fn all() -> Vec<Vector> {
    // Of a copy that mutants are made in, this is the root.
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let folder = here.map(|folder| folder.join("vectors")).find(|folder| folder.is_dir());
    let folder = folder.expect("the vectors are there");
    let mut names: Vec<_> = fs::read_dir(&folder)
        .expect("the vectors are there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    names.sort();
    let files = names.iter().map(|path| fs::read_to_string(path).expect("a file of vectors"));
    files.flat_map(|file| file.lines().map(vector).collect::<Vec<_>>()).collect()
}

fn vector(line: &str) -> Vector {
    let line: Value = serde_json::from_str(line).expect("JSON");
    let steps = match line.get("invalid") {
        Some(why) => Err(text(why)),
        None => Ok(line["steps"].as_array().expect("steps").iter().map(lines).collect()),
    };
    let policy = line.get("policy").map(lines).unwrap_or_default();
    Vector {
        id: text(&line["id"]),
        streams: read::streams(&text(&line["streams"])).expect("streams"),
        policy: policy::read(&policy).expect("a policy"),
        inputs: lines(&line["inputs"])
            .iter()
            .map(|input| read::input(input).expect("an input"))
            .collect(),
        steps,
        room: line.get("room").map(lines).unwrap_or_default(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

fn lines(value: &Value) -> Vec<String> {
    value.as_array().expect("a list").iter().map(lengthened).collect()
}

/// A long run of a line's last character stands as `[what comes before, the character, how often]`.
fn lengthened(value: &Value) -> String {
    match value {
        Value::Array(parts) => {
            let run = usize::try_from(parts[2].as_u64().expect("a number")).expect("a length");
            text(&parts[0]) + &text(&parts[1]).repeat(run)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            text(value)
        }
    }
}
