//! A runner whose output is longer than what can be counted.

use lastbyte::{Command, Event, Status, remote::client::Client};

use crate::scripted::{EXIT, Scripted, frame};

/// Where the first gap ends: its successor's frame still has an offset that can be counted.
const FIRST: u64 = u64::MAX - 1000;

/// Starts a command, then tells of two gaps, the second one of so many bytes, and of an exit where
/// their sum stands, if it wraps around.
fn gaps(second: u64) -> Scripted {
    Scripted::new(move |asked| {
        if asked.starts_with("POST") {
            ("201 Said", br#"{"execution_id":"e"}"#.to_vec())
        } else if asked.contains("/output?offset=0&") {
            ("200 Said", output(second))
        } else {
            ("500 Said", Vec::new())
        }
    })
}

fn output(second: u64) -> Vec<u8> {
    let gap = |bytes: u64| format!(r#"{{"event":"gap","stream":"stdout","bytes":{bytes}}}"#);
    let end = r#"{"event":"eof","stream":"stdout"}"#.to_owned();
    let sum = FIRST.wrapping_add(second);
    let told = [(gap(FIRST), 0), (gap(second), FIRST), (end, sum), (EXIT.to_owned(), sum)];
    told.iter().flat_map(|(json, offset)| frame(json.as_bytes(), *offset)).collect()
}

/// If this were red, a runner could make its client count past the end of a number: a panic, or
/// output from an offset that it never had.
#[tokio::test(start_paused = true)]
async fn c08_gaps_that_sum_up_beyond_counting_are_refused() {
    assert_eq!(status(gaps(500)).await, Status::Exited { code: 0 });
    // Nothing that stands behind the sum is believed.
    assert_eq!(status(gaps(2000)).await, Status::Lost);
}

/// How a command at this runner ends.
async fn status(runner: Scripted) -> Status {
    let client = Client::new(runner, None);
    let mut execution = client.spawn("box", &Command::new("cmd")).await.expect("it starts");
    loop {
        match execution.next().await.expect("an exit comes") {
            Event::Exit(terminal) => return terminal.status,
            Event::Chunk { .. } | Event::Gap { .. } | Event::End { .. } => {}
        }
    }
}
