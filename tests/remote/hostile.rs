//! Clients that mean harm: they say nothing, say it slowly, or never stop. Time is virtual, and the
//! connection is one in memory.

use std::{path::PathBuf, time::Duration};

use lastbyte::remote::runner::{Runner, config::Config, local::Local};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::harness::token;

/// Longer than any bound of a runner's.
const HANGS: Duration = Duration::from_secs(3600);

/// A runner, and our end of a connection to it.
fn connect() -> (DuplexStream, JoinHandle<()>) {
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("hostile");
    let runner = Runner::new(Config::default(), Some(token()), "1", Local::new(root));
    let (ours, theirs) = duplex(64 * 1024);
    (ours, tokio::spawn(async move { runner.serve_connection(theirs).await }))
}

/// Says `first`, then `again` once a second for as long as it is heard; what is answered, and how long
/// the runner has put up with it.
async fn says(first: &str, again: &str) -> (String, Duration) {
    let (ours, serving) = connect();
    let (mut answer, mut say) = tokio::io::split(ours);
    let begun = Instant::now();
    say.write_all(first.as_bytes()).await.expect("it is heard");
    let again = again.to_owned();
    let saying = tokio::spawn(async move {
        let mut every = interval(Duration::from_secs(1));
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            if say.write_all(again.as_bytes()).await.is_err() {
                return;
            }
        }
    });
    let mut answered = Vec::new();
    let read = timeout(HANGS, answer.read_to_end(&mut answered)).await;
    let took = begun.elapsed();
    saying.abort();
    assert!(
        read.is_ok(),
        "the runner waits for ever after {:?}",
        String::from_utf8_lossy(&answered)
    );
    timeout(HANGS, serving).await.expect("the connection is over").expect("it does not panic");
    (String::from_utf8_lossy(&answered).into_owned(), took)
}

/// If this were red, connections that say nothing would use up the runner's descriptors for ever.
#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_closed() {
    let (answered, took) = says("", "").await;
    assert_eq!((answered.as_str(), took), ("", Duration::from_secs(30)));
}

/// If this were red, a client could pretend for ever to be about to speak HTTP/2.
#[tokio::test(start_paused = true)]
async fn half_a_preface_is_not_waited_for() {
    let (answered, took) = says("PRI * HTTP/2", "").await;
    assert_eq!((answered.as_str(), took), ("", Duration::from_secs(30)));
}

/// If this were red, one byte a second would keep a connection and its memory (slowloris).
#[tokio::test(start_paused = true)]
async fn a_head_that_trickles_in_is_cut_off() {
    let (_, took) = says("GET /health HTTP/1.1\r\nhost: runner\r\nx: ", "x").await;
    assert_eq!(took, Duration::from_secs(30));
}

/// If this were red, a client would be served headers without end, and the runner keep them all.
#[tokio::test(start_paused = true)]
async fn headers_without_end_are_refused() {
    let many = format!("x: {}\r\n", "x".repeat(1000)).repeat(50);
    let (answered, took) = says("GET /health HTTP/1.1\r\nhost: runner\r\n", &many).await;
    assert!(answered.starts_with("HTTP/1.1 431 "), "{answered}");
    assert!(took < Duration::from_secs(30), "{took:?}");
}

/// If this were red, a line without end would be kept as a whole.
#[tokio::test(start_paused = true)]
async fn a_line_without_end_is_refused() {
    let (answered, took) = says("GET /", &"x".repeat(60_000)).await;
    assert!(answered.starts_with("HTTP/1.1 4"), "{answered}");
    assert!(took < Duration::from_secs(30), "{took:?}");
}

/// If this were red, a body of one byte a second would keep a connection and its memory.
#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_in_is_cut_off() {
    let head = "POST /v1/boxes HTTP/1.1\r\nhost: runner\r\nauthorization: Bearer the-token\r\n\
                connection: close\r\ncontent-length: 1000000\r\n\r\n{";
    let (answered, took) = says(head, " ").await;
    assert!(answered.starts_with("HTTP/1.1 400 "), "{answered}");
    assert!(answered.contains("it took longer than"), "{answered}");
    assert!(took < Duration::from_secs(200), "{took:?}");
}

/// If this were red, a client of HTTP/2 that has vanished without a word would keep its connection.
#[tokio::test(start_paused = true)]
async fn a_client_of_http_2_that_is_mute_is_closed() {
    let (_, took) = says("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "").await;
    assert!(took <= Duration::from_secs(60), "{took:?}");
}
