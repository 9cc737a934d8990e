//! The folder of the vectors: one file for each topic, one vector on each line, and a manifest.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use lastbyte::monitor::Rule;
use serde_json::{Map, Value, json};

use super::{Outcome, SCHEMA, Topic, Vector};

/// A run of one character at least this long is told by its length.
const RUN_MIN: usize = 200;

/// A longer one is of no vector: a short line must not fill the memory.
const RUN_MAX: usize = 1 << 20;

/// Why vectors cannot be read.
#[derive(Debug)]
pub enum BadVectors {
    /// A file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// A file is not of the form; where, and what is wrong.
    Malformed(PathBuf, usize, String),
    /// They are of another form than this program knows.
    OtherSchema(Value),
    /// There are not as many as the manifest says.
    Miscounted(String, u64, u64),
}

impl fmt::Display for BadVectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadVectors::Unreadable(path, error) => write!(
                f,
                "failed to read {}: {error}; name the folder with `--vectors DIR`",
                path.display()
            ),
            BadVectors::Malformed(path, line, what) => {
                write!(
                    f,
                    "{} line {line} is no vector: {what}; `lastbyte vectors --out DIR` makes them anew",
                    path.display()
                )
            }
            BadVectors::OtherSchema(schema) => write!(
                f,
                "these vectors have schema {schema}, and this program knows {SCHEMA}; take both \
                 from one version"
            ),
            BadVectors::Miscounted(topic, found, told) => write!(
                f,
                "the manifest tells of {told} vectors about {topic}, and there are {found}; the \
                 folder is not whole; `lastbyte vectors --out DIR` makes it anew"
            ),
        }
    }
}

impl std::error::Error for BadVectors {}

/// A vector as a line of its file.
pub fn line(vector: &Vector) -> String {
    let mut line = Map::new();
    line.insert("id".to_owned(), json!(vector.id));
    let rules: Vec<String> = vector.rules.iter().map(Rule::to_string).collect();
    line.insert("rules".to_owned(), json!(rules.join(" ")));
    if !vector.note.is_empty() {
        line.insert("note".to_owned(), json!(vector.note));
    }
    line.insert("streams".to_owned(), json!(vector.streams));
    if !vector.policy.is_empty() {
        line.insert("policy".to_owned(), json!(vector.policy));
    }
    line.insert("inputs".to_owned(), shortened_all(&vector.inputs));
    match &vector.expected {
        Outcome::Steps { steps, room } => {
            let steps = steps.iter().map(|step| shortened_all(step)).collect();
            line.insert("steps".to_owned(), Value::Array(steps));
            if !room.is_empty() {
                line.insert("room".to_owned(), json!(room));
            }
        }
        Outcome::Invalid(why) => {
            line.insert("invalid".to_owned(), json!(why));
        }
    }
    Value::Object(line).to_string()
}

fn shortened_all(lines: &[String]) -> Value {
    lines.iter().map(|line| shortened(line)).collect()
}

/// A long run of its last character stands as `[what comes before, the character, how often]`.
fn shortened(line: &str) -> Value {
    let Some(last) = line.chars().next_back() else { return json!(line) };
    let head = line.trim_end_matches(last);
    let run = (line.len() - head.len()) / last.len_utf8();
    if run < RUN_MIN { json!(line) } else { json!([head, last, run]) }
}

fn lengthened(value: &Value) -> Option<String> {
    match value {
        Value::String(line) => Some(line.clone()),
        Value::Array(parts) => {
            let [head, last, run] = &parts[..] else { return None };
            let run = usize::try_from(run.as_u64()?).ok().filter(|&run| run <= RUN_MAX)?;
            if last.as_str()?.chars().count() > 1 {
                return None;
            }
            Some(head.as_str()?.to_owned() + &last.as_str()?.repeat(run))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

fn lengthened_all(value: Option<&Value>) -> Option<Vec<String>> {
    value?.as_array()?.iter().map(lengthened).collect()
}

/// A vector from a line of its file.
///
/// # Errors
///
/// Says what is missing or not of the form.
pub fn read_line(line: &str) -> Result<Vector, String> {
    let line: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let text = |key: &str| {
        let text = line[key].as_str().map(str::to_owned);
        text.ok_or_else(|| format!("`{key}` is no string"))
    };
    let list = |key: &str| {
        lengthened_all(line.get(key)).ok_or_else(|| {
            format!("`{key}` is no list of lines (a run is of one character, at most {RUN_MAX})")
        })
    };
    let known = |name: &str| Rule::ALL.into_iter().find(|rule| rule.to_string() == name);
    let rules: Option<Vec<Rule>> = text("rules")?.split_whitespace().map(known).collect();
    let expected = match line.get("invalid") {
        Some(_) => Outcome::Invalid(text("invalid")?),
        None => {
            let steps = line["steps"].as_array().ok_or("`steps` is no list")?;
            let steps: Option<Vec<Vec<String>>> =
                steps.iter().map(|step| lengthened_all(Some(step))).collect();
            Outcome::Steps {
                steps: steps.ok_or("`steps` has no list of strings for each input")?,
                room: if line.get("room").is_some() { list("room")? } else { Vec::new() },
            }
        }
    };
    let vector = Vector {
        id: text("id")?,
        note: line["note"].as_str().unwrap_or_default().to_owned(),
        rules: rules.ok_or("`rules` names one that there is not")?,
        streams: text("streams")?,
        policy: if line.get("policy").is_some() { list("policy")? } else { Vec::new() },
        inputs: list("inputs")?,
        expected,
    };
    match &vector.expected {
        Outcome::Steps { steps, .. } if steps.len() != vector.inputs.len() => {
            Err(format!("{} inputs and {} steps", vector.inputs.len(), steps.len()))
        }
        Outcome::Steps { .. } | Outcome::Invalid(_) => Ok(vector),
    }
}

/// The files of these vectors, by name.
pub fn files(vectors: &[Vector]) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for topic in Topic::ALL {
        let lines = vectors.iter().filter(|vector| vector.topic() == topic.name());
        let lines: String = lines.map(|vector| line(vector) + "\n").collect();
        files.insert(file_name(topic.name()), lines);
    }
    files.insert(MANIFEST.to_owned(), manifest(vectors));
    files
}

/// The name of the manifest.
pub const MANIFEST: &str = "manifest.json";

fn file_name(topic: &str) -> String {
    format!("{topic}.jsonl")
}

fn manifest(vectors: &[Vector]) -> String {
    let count = |name: &str| {
        let of_topic = vectors.iter().filter(|vector| vector.topic() == name);
        let mut rules: BTreeMap<Rule, u64> = BTreeMap::new();
        let (mut number, mut steps) = (0, 0);
        for vector in of_topic {
            number += 1;
            steps += vector.inputs.len();
            vector.rules.iter().for_each(|&rule| *rules.entry(rule).or_default() += 1);
        }
        let rules: Map<String, Value> =
            rules.into_iter().map(|(rule, count)| (rule.to_string(), json!(count))).collect();
        (number, steps, rules)
    };
    let mut topics = Map::new();
    for topic in Topic::ALL {
        let (vectors, steps, rules) = count(topic.name());
        let entry = json!({
            "about": topic.about(),
            "vectors": vectors,
            "steps": steps,
            "rules": rules,
        });
        topics.insert(topic.name().to_owned(), entry);
    }
    let manifest = json!({ "schema": SCHEMA, "vectors": vectors.len(), "topics": topics });
    format!("{manifest:#}\n")
}

/// The vectors of a folder, held against its manifest.
///
/// # Errors
///
/// [`BadVectors`] says which file, which line, and what is wrong.
pub fn read(folder: &Path) -> Result<Vec<Vector>, BadVectors> {
    let path = folder.join(MANIFEST);
    let text = read_file(&path)?;
    let manifest: Value = serde_json::from_str(&text)
        .map_err(|error| BadVectors::Malformed(path.clone(), error.line(), error.to_string()))?;
    if manifest["schema"] != json!(SCHEMA) {
        return Err(BadVectors::OtherSchema(manifest["schema"].clone()));
    }
    let Some(topics) = manifest["topics"].as_object() else {
        return Err(BadVectors::Malformed(path, 1, "it has no topics".to_owned()));
    };
    let mut vectors = Vec::new();
    for (topic, told) in topics {
        let path = folder.join(file_name(topic));
        let before = vectors.len();
        for (number, line) in read_file(&path)?.lines().enumerate() {
            let bad = |what| BadVectors::Malformed(path.clone(), number + 1, what);
            vectors.push(read_line(line).map_err(bad)?);
        }
        let (found, told) = ((vectors.len() - before) as u64, told["vectors"].as_u64());
        if told != Some(found) {
            return Err(BadVectors::Miscounted(topic.clone(), found, told.unwrap_or_default()));
        }
    }
    Ok(vectors)
}

fn read_file(path: &Path) -> Result<String, BadVectors> {
    fs::read_to_string(path).map_err(|error| BadVectors::Unreadable(path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this were red, a vector of a few bytes could fill the memory, or end who reads it: found by
    /// the fuzzer `vectors`.
    #[test]
    fn a_run_longer_than_any_vector_has_is_refused() {
        let line = |run: u64| {
            let line = json!({
                "id": "values.1", "rules": "C3", "streams": "stdout",
                "inputs": [["chunk stdout ", "a", run]], "steps": [[]],
            });
            read_line(&line.to_string())
        };
        let vector = line(262_145).expect("the longest that there is");
        assert_eq!(vector.inputs[0].len(), "chunk stdout ".len() + 262_145);
        for run in [RUN_MAX as u64 + 1, u64::MAX] {
            let why = line(run).expect_err("it is too long");
            assert!(why.starts_with("`inputs` is no list of lines"), "{why}");
        }
    }
}
