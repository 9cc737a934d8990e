//! A runner that answers at once, and with nothing.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lastbyte::{Command, Status, remote::client::Client};
use tokio::time::Instant;

use crate::scripted::{EXIT, Said, Scripted, chunk, frame};

/// More requests of one kind than this, and the runner knows nothing any more: who asks without a
/// pause would ask for ever, and no time would pass.
const ASKED_MAX: usize = 1000;

/// Requests that came, by what they were about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Asked {
    output: usize,
    wait: usize,
}

/// Answers these requests for output with nothing, then one with a byte, then those again with
/// nothing, then with the end. Of the root's end it never knows.
fn quiet(times: usize, asked: Arc<Mutex<Asked>>) -> Scripted {
    let chunk = chunk(b"x", 0);
    let eof = |stream| frame(format!(r#"{{"event":"eof","stream":"{stream}"}}"#).as_bytes(), 1);
    let end = [eof("stdout"), eof("stderr"), frame(EXIT.as_bytes(), 1)].concat();
    Scripted::new(move |words| {
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing: Said = ("200 Said", Vec::new());
        let gone: Said = ("404 Said", Vec::new());
        if words.starts_with("POST") {
            return ("201 Said", br#"{"execution_id":"e"}"#.to_vec());
        }
        if words.contains("/wait?") {
            asked.wait += 1;
            return if asked.wait > ASKED_MAX { gone } else { nothing };
        }
        asked.output += 1;
        match asked.output {
            many if many > ASKED_MAX => gone,
            it if it == times + 1 => ("200 Said", chunk.clone()),
            it if it == 2 * times + 2 => ("200 Said", end.clone()),
            _ => nothing,
        }
    })
}

/// If this were red, a runner that is broken, or a proxy before it, would have its client ask as
/// fast as both can, for as long as the command runs.
#[tokio::test(start_paused = true)]
async fn c06_a_runner_that_answers_at_once_with_nothing_is_asked_ever_more_seldom() {
    let asked = Arc::new(Mutex::new(Asked::default()));
    let client = Client::new(quiet(8, Arc::clone(&asked)), None);
    let execution = client.spawn("box", &Command::new("cmd")).await.expect("it starts");
    let began = Instant::now();
    let output = execution.output().await;
    assert_eq!(output.terminal.status, Status::Exited { code: 0 });
    assert_eq!(output.stdout, b"x");
    // 50 ms, twice as long each time up to 1 s, and from there after the byte as at first.
    let row = Duration::from_millis(50 + 100 + 200 + 400 + 800 + 1000 + 1000 + 1000);
    assert_eq!(began.elapsed(), 2 * row);
    // Of the end it was asked in one row: five times on the way to a second, then each second.
    let asked = *asked.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(asked, Asked { output: 18, wait: 13 });
}
