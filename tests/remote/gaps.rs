//! A runner that dropped bytes, and says where.

use lastbyte::{Command, Event, Status, StreamId, Terminal, remote::client::Client};

use crate::scripted::{EXIT, Scripted, chunk, frame};

/// Starts a command and tells all of its output in one answer.
fn tells(output: Vec<u8>) -> Scripted {
    Scripted::new(move |asked| {
        if asked.starts_with("POST") {
            ("201 Said", br#"{"execution_id":"e"}"#.to_vec())
        } else if asked.contains("/output?offset=0&") {
            ("200 Said", output.clone())
        } else {
            // It knows nothing any more.
            ("404 Said", Vec::new())
        }
    })
}

fn gap(bytes: u64, offset: u64) -> Vec<u8> {
    let json = format!(r#"{{"event":"gap","stream":"stdout","bytes":{bytes}}}"#);
    frame(json.as_bytes(), offset)
}

/// What the consumer is told of stdout, and the terminal.
async fn told(output: &[Vec<u8>]) -> (Vec<Event>, Terminal) {
    let client = Client::new(tells(output.concat()), None);
    let mut execution = client.spawn("box", &Command::new("cmd")).await.expect("it starts");
    let mut events = Vec::new();
    loop {
        match execution.next().await.expect("an exit comes") {
            Event::Exit(terminal) => {
                assert_eq!(execution.next().await, None);
                assert_eq!(execution.handle().wait().await, terminal);
                return (events, terminal);
            }
            event @ (Event::Chunk { stream: StreamId::Stdout, .. }
            | Event::Gap { stream: StreamId::Stdout, .. }) => events.push(event),
            Event::Chunk { .. } | Event::Gap { .. } | Event::End { .. } => {}
        }
    }
}

/// The same in words: text, and the lengths of gaps.
fn words(events: &[Event]) -> Vec<String> {
    let word = |event: &Event| match event {
        Event::Chunk { chunk, .. } => String::from_utf8_lossy(chunk).into_owned(),
        Event::Gap { bytes, .. } => bytes.to_string(),
        Event::End { .. } | Event::Exit(_) => unreachable!("only output was kept"),
    };
    events.iter().map(word).collect()
}

/// If this were red, whoever reads from far away would take output with a hole in it for whole.
#[tokio::test(start_paused = true)]
async fn c08_a_runners_gaps_stand_in_their_place() {
    let streams = r#""streams":{"stdout":{"end":"eof","delivered":4,"dropped":1007,"held":false}}"#;
    let exit = EXIT.replace(r#""streams":{}"#, streams);
    assert_ne!(exit, EXIT);
    let end = |stream: &str| format!(r#"{{"event":"eof","stream":"{stream}"}}"#);
    let output = [
        chunk(b"ab", 0),
        gap(1000, 2),
        chunk(b"cd", 1002),
        gap(7, 1004),
        frame(end("stdout").as_bytes(), 1011),
        frame(end("stderr").as_bytes(), 1011),
        frame(exit.as_bytes(), 1011),
    ];
    let (events, terminal) = told(&output).await;
    assert_eq!(words(&events), ["ab", "1000", "cd", "7"]);
    assert_eq!(terminal.status, Status::Exited { code: 0 });
    let stdout = terminal.streams[StreamId::Stdout].expect("it has one");
    assert_eq!((stdout.delivered, stdout.dropped), (4, 1007));
    assert!(!terminal.is_complete());
}

/// If this were red, the gaps of a runner that has vanished would be in no report.
#[tokio::test(start_paused = true)]
async fn c08_a_lost_runners_gaps_are_told_and_counted() {
    let (events, terminal) = told(&[chunk(b"ab", 0), gap(1000, 2)]).await;
    assert_eq!(words(&events), ["ab", "1000"]);
    assert_eq!(terminal.status, Status::Lost);
    let stdout = terminal.streams[StreamId::Stdout].expect("it has one");
    assert_eq!((stdout.delivered, stdout.dropped), (2, 1000));
}
