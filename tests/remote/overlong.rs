//! A runner whose output is longer than what can be counted.

use lastbyte::{
    Command, Event, Status,
    remote::client::{
        Client,
        connect::{Connect, Connecting, Io},
    },
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// Where the first gap ends: its successor's frame still has an offset that can be counted.
const FIRST: u64 = u64::MAX - 1000;

/// Starts a command, then tells of two gaps, the second one of so many bytes, and of an exit where
/// their sum stands, if it wraps around.
struct Gaps(u64);

impl Connect for Gaps {
    fn connect(&self) -> Connecting {
        let second = self.0;
        Box::pin(async move {
            let (ours, mut theirs) = duplex(64 * 1024);
            tokio::spawn(async move {
                let mut asked = vec![0; 64 * 1024];
                let len = theirs.read(&mut asked).await.unwrap_or(0);
                let asked = String::from_utf8_lossy(&asked[..len]);
                let (status, body) = if asked.starts_with("POST") {
                    ("201 Said", br#"{"execution_id":"e"}"#.to_vec())
                } else if asked.contains("/output?offset=0&") {
                    ("200 Said", output(second))
                } else {
                    ("500 Said", Vec::new())
                };
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
                let _sent = theirs.write_all(&[head.as_bytes(), &body].concat()).await;
                std::future::pending::<()>().await;
            });
            Ok(Box::new(ours) as Box<dyn Io>)
        })
    }

    fn authority(&self) -> String {
        "runner".to_owned()
    }
}

fn output(second: u64) -> Vec<u8> {
    let gap = |bytes: u64| format!(r#"{{"event":"gap","stream":"stdout","bytes":{bytes}}}"#);
    let end = r#"{"event":"eof","stream":"stdout"}"#.to_owned();
    let exit = concat!(
        r#"{"event":"exit","status":{"code":0},"timed_out":false,"cancelled":false,"#,
        r#""output_limit":false,"stalled":false,"killed_by_us":null,"streams":{}}"#,
    );
    let sum = FIRST.wrapping_add(second);
    let told = [(gap(FIRST), 0), (gap(second), FIRST), (end, sum), (exit.to_owned(), sum)];
    told.iter().flat_map(|(json, offset)| frame(json.as_bytes(), *offset)).collect()
}

/// An event's frame, as `src/remote/frames.rs` has it.
fn frame(json: &[u8], offset: u64) -> Vec<u8> {
    let len = u32::try_from(json.len()).expect("an event is small");
    [&[2, 0, 0, 0], &len.to_be_bytes()[..], &offset.to_be_bytes(), json].concat()
}

/// If this were red, a runner could make its client count past the end of a number: a panic, or
/// output from an offset that it never had.
#[tokio::test(start_paused = true)]
async fn c08_gaps_that_sum_up_beyond_counting_are_refused() {
    assert_eq!(status(Gaps(500)).await, Status::Exited { code: 0 });
    // Nothing that stands behind the sum is believed.
    assert_eq!(status(Gaps(2000)).await, Status::Lost);
}

/// How a command at this runner ends.
async fn status(runner: Gaps) -> Status {
    let client = Client::new(runner, None);
    let mut execution = client.spawn("box", &Command::new("cmd")).await.expect("it starts");
    loop {
        match execution.next().await.expect("an exit comes") {
            Event::Exit(terminal) => return terminal.status,
            Event::Chunk { .. } | Event::Gap { .. } | Event::End { .. } => {}
        }
    }
}
