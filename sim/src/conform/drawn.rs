//! A vector as a sequence diagram: who said what, and what followed.

use super::{Verdict, report::lines};
use crate::{
    diagram::{Diagram, Row},
    vectors::{Outcome, Vector},
};

/// The diagram of a vector up to its first difference; without a verdict, all of it.
pub fn drawn(vector: &Vector, verdict: Option<&Verdict>) -> Diagram {
    let difference = match verdict {
        Some(Verdict::Differs(difference)) => Some(difference),
        Some(Verdict::Passed | Verdict::Trouble(_) | Verdict::NotAsked) | None => None,
    };
    let steps: &[Vec<String>] = match &vector.expected {
        Outcome::Steps { steps, .. } => steps,
        Outcome::Invalid(_) => &[],
    };
    let last = difference.and_then(|difference| difference.step).unwrap_or(steps.len());
    let mut rows: Vec<Row> =
        vector.inputs.iter().zip(steps).take(last).map(|(input, step)| row(input, step)).collect();
    if let (Some(difference), Some(row)) = (difference, rows.last_mut()) {
        let got = format!("got: {}", lines(&difference.got));
        row.text.push(got);
    }
    let broken = match verdict {
        Some(Verdict::Differs(difference)) => Some(match &difference.broken {
            Some(broken) => broken.clone(),
            None => format!("{} ({})", difference.rule, difference.rule.name()),
        }),
        Some(Verdict::Trouble(trouble)) => Some(trouble.told()),
        Some(Verdict::Passed | Verdict::NotAsked) | None => None,
    };
    let policy = if vector.policy.is_empty() { "default".into() } else { vector.policy.join("; ") };
    let note = if vector.note.is_empty() { String::new() } else { format!("{}; ", vector.note) };
    Diagram {
        title: vector.id.clone(),
        subtitle: format!("{note}streams {}; policy {policy}", vector.streams),
        rows,
        broken,
        replay: String::new(),
    }
}

/// Whose input it is, and what is seen of it, in the words by which a diagram finds its arrows.
pub(crate) fn row(input: &str, step: &[String]) -> Row {
    let mut words = input.splitn(3, ' ');
    let first = words.next().unwrap_or_default();
    let (second, third) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let lane = match first {
        "chunk" | "eof" | "read_error" | "empty" => format!("pump {second}"),
        "started" | "refused" | "reap" => "reaper".to_owned(),
        "drain" | "discard" | "detach" => "consumer".to_owned(),
        "wait" | "cancel_wait" => format!("waiter {second}"),
        "timeout" => "time".to_owned(),
        "close" => "closer".to_owned(),
        "shutdown" => "shutdown".to_owned(),
        _ => "killer".to_owned(),
    };
    let mut text = vec![match first {
        "chunk" => format!("reads {third:?} from {second}"),
        _ => input.to_owned(),
    }];
    text.extend(step.iter().map(|line| followed(line)));
    Row { lane, text }
}

fn followed(line: &str) -> String {
    let mut words = line.splitn(3, ' ');
    let first = words.next().unwrap_or_default();
    let (second, third) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match first {
        "chunk" => format!("is handed {third:?} of {second}"),
        "exit" => format!("is handed the exit: {}", line.trim_start_matches("exit ")),
        _ => line.to_owned(),
    }
}
