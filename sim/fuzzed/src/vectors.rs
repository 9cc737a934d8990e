//! Vectors, the words in them, and what a shim answers, read.
//!
//! The first byte says as what the others are read. What is read is written and read again as the
//! same; the answer of the reference passes, and any other is judged.

use lastbyte::machine::{Input, Machine, PerStream, Streams};
use lastbyte_sim::{
    conform::{Verdict, judge, port::answer, saboteur::Sabotage},
    vectors::{
        Outcome, Vector, outcome, store,
        words::{
            Text, policy,
            read::{self, Answer},
            told,
        },
    },
};

/// Reads these bytes.
///
/// # Panics
///
/// Something is read as two things, or the reference fails.
pub fn vectors(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(data);
    match kind % 4 {
        0 => text.lines().for_each(vector),
        1 => {
            if let Some((line, answer)) = text.split_once('\n') {
                answered(line, answer);
            }
        }
        2 => asked(&text),
        _ => words(&text),
    }
}

/// A vector that is read is written as the same, and the reference answers it.
fn vector(line: &str) {
    let Ok(vector) = store::read_line(line) else { return };
    let written = store::line(&vector);
    assert_eq!(store::read_line(&written).as_ref(), Ok(&vector), "{written}");
    let Ok(said) = answer(&judge::question(&vector), None) else { return };
    match judge::judge(&vector, &said) {
        Verdict::Passed => {}
        // The vector expects what does not follow: then it is not what the machine makes.
        Verdict::Differs(_) => assert!(right(&vector) != Some(vector.expected), "{line}"),
        Verdict::Trouble(_) | Verdict::NotAsked => panic!("the reference did not answer {line}"),
    }
}

/// What follows from a vector's inputs, where its words can be read.
fn right(vector: &Vector) -> Option<Outcome> {
    let streams = read::streams(&vector.streams).ok()?;
    let policy = policy::read(&vector.policy).ok()?;
    let inputs: Vec<_> =
        vector.inputs.iter().map(|input| read::input(input)).collect::<Result<_, _>>().ok()?;
    Some(outcome(streams, policy, &inputs))
}

/// A port's answer, whatever it is, is judged.
fn answered(line: &str, answer: &str) {
    let Ok(vector) = store::read_line(line) else { return };
    let verdict = judge::judge(&vector, answer);
    assert!(verdict != Verdict::NotAsked, "it was asked");
    if let Verdict::Differs(difference) = verdict {
        let place = difference.step.unwrap_or(1);
        assert!((1..=vector.inputs.len().max(1)).contains(&place), "{difference:?}");
        assert!(difference.expected != difference.got, "{difference:?}");
    }
}

/// A question, whatever it is, is answered or refused: with one line, also by a port with a bug.
fn asked(question: &str) {
    let bugs = Sabotage::names().filter_map(|name| match Sabotage::named(name) {
        Some(Sabotage::Bug(bug)) => Some(bug),
        Some(Sabotage::Manner(_)) | None => None,
    });
    // One of the bugs, by the length: all would take too long.
    let bugs: Vec<_> = bugs.collect();
    let bug = bugs.get(question.len() % bugs.len().max(1)).copied();
    for bug in [None, bug] {
        if let Ok(said) = answer(question, bug) {
            assert_eq!(said.matches('\n').count(), 1, "{said}");
        }
    }
}

/// The first line: streams; the second: policy, with commas; each other one an input. Words that
/// are read are written as the same, and so is what follows.
fn words(text: &str) {
    let mut lines = text.lines();
    let Ok(streams) = read::streams(lines.next().unwrap_or_default()) else { return };
    let told_policy: Vec<String> =
        lines.next().unwrap_or_default().split(',').map(str::to_owned).collect();
    let Ok(policy) = policy::read(&told_policy).or_else(|_| policy::read(&[])) else { return };
    assert_eq!(policy::read(&policy::told(&policy)), Ok(policy));
    let Ok(mut machine) = Machine::<Text>::new(streams, policy) else { return };
    for line in lines {
        let Ok(input) = read::input(line) else {
            let _answer = read::answer(&[line.to_owned()]);
            continue;
        };
        let written = told::input(&input, streams);
        assert_eq!(read::input(&written), Ok(known(&input, streams)), "{written}");
        let stepped = machine.step(input);
        let follows = told::step(&stepped, &machine);
        match (read::answer(&follows), stepped) {
            (Ok(Answer::Step(read)), Ok(step)) => assert_eq!(read, step, "{follows:?}"),
            (Ok(Answer::Illegal), Err(_)) => {}
            (read, stepped) => panic!("{stepped:?} is told as {follows:?}, read as {read:?}"),
        }
    }
}

/// What is said of an input: nothing stands in a stream that there is not.
fn known(input: &Input<Text>, streams: Streams) -> Input<Text> {
    match input {
        Input::Reap { status, standing } => {
            let mut known = PerStream::default();
            streams.ids().iter().for_each(|&id| known[id] = standing[id]);
            Input::Reap { status: *status, standing: known }
        }
        Input::Started
        | Input::Refused
        | Input::Chunk(..)
        | Input::Eof(_)
        | Input::ReadError(..)
        | Input::Empty(_)
        | Input::Drain
        | Input::Wait(_)
        | Input::CancelWait(_)
        | Input::Signal(_)
        | Input::Kill
        | Input::Discard(_)
        | Input::Detach
        | Input::Close
        | Input::Shutdown
        | Input::Timeout(_) => input.clone(),
    }
}
