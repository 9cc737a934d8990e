//! A false runner: what it says to each request is a function of its words.

use std::sync::{Arc, Mutex, PoisonError};

use lastbyte::remote::client::connect::{Connect, Connecting, Io};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// A status with its words, and a body.
pub(crate) type Said = (&'static str, Vec<u8>);

/// The end of a command that exited with 0.
pub(crate) const EXIT: &str = concat!(
    r#"{"event":"exit","status":{"code":0},"timed_out":false,"cancelled":false,"#,
    r#""output_limit":false,"stalled":false,"killed_by_us":null,"streams":{}}"#,
);

type Answer = dyn FnMut(&str) -> Said + Send;

/// Answers one request a connection, in memory.
pub(crate) struct Scripted(Arc<Mutex<Answer>>);

impl Scripted {
    pub(crate) fn new(answer: impl FnMut(&str) -> Said + Send + 'static) -> Self {
        Scripted(Arc::new(Mutex::new(answer)))
    }
}

impl Connect for Scripted {
    fn connect(&self) -> Connecting {
        let answer = Arc::clone(&self.0);
        Box::pin(async move {
            let (ours, mut theirs) = duplex(64 * 1024);
            tokio::spawn(async move {
                let mut asked = vec![0; 64 * 1024];
                let len = theirs.read(&mut asked).await.unwrap_or(0);
                let asked = String::from_utf8_lossy(&asked[..len]);
                let (status, body) = answer.lock().unwrap_or_else(PoisonError::into_inner)(&asked);
                let len = body.len();
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {len}\r\nconnection: close\r\n\r\n"
                );
                let _sent = theirs.write_all(&[head.as_bytes(), &body].concat()).await;
            });
            Ok(Box::new(ours) as Box<dyn Io>)
        })
    }

    fn authority(&self) -> String {
        "runner".to_owned()
    }
}

/// Bytes of stdout as a frame.
pub(crate) fn chunk(bytes: &[u8], offset: u64) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).expect("a chunk is small");
    [&[1, 1, 0, 0], &len.to_be_bytes()[..], &offset.to_be_bytes(), bytes].concat()
}

/// An event's frame, as `src/remote/frames.rs` has it.
pub(crate) fn frame(json: &[u8], offset: u64) -> Vec<u8> {
    let len = u32::try_from(json.len()).expect("an event is small");
    [&[2, 0, 0, 0], &len.to_be_bytes()[..], &offset.to_be_bytes(), json].concat()
}
