//! A runner that begins an answer and does not end it. Found by the fuzzer `client`.

use lastbyte::{
    Command, ErrorKind, Event, Status,
    remote::client::{
        Client,
        connect::{Connect, Connecting, Io},
    },
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// Answers each request with a head that says more than comes; the start of a command as it should
/// be, if that is `starts`.
struct Stalls {
    starts: bool,
}

impl Connect for Stalls {
    fn connect(&self) -> Connecting {
        let starts = self.starts;
        Box::pin(async move {
            let (ours, mut theirs) = duplex(64 * 1024);
            tokio::spawn(async move {
                let mut asked = vec![0; 64 * 1024];
                let len = theirs.read(&mut asked).await.unwrap_or(0);
                let started = r#"{"execution_id":"e"}"#;
                let said = if starts && asked[..len].starts_with(b"POST") {
                    format!(
                        "HTTP/1.1 201 Said\r\ncontent-length: {}\r\n\r\n{started}",
                        started.len()
                    )
                } else {
                    "HTTP/1.1 500 Said\r\ncontent-length: 9\r\n\r\n{".to_owned()
                };
                let _sent = theirs.write_all(said.as_bytes()).await;
                std::future::pending::<()>().await;
            });
            Ok(Box::new(ours) as Box<dyn Io>)
        })
    }

    fn authority(&self) -> String {
        "runner".to_owned()
    }
}

/// If this were red, a runner that stops in the middle of an answer would keep its client for ever.
#[tokio::test(start_paused = true)]
async fn c06_a_runner_that_does_not_end_its_answers_is_given_up() {
    let refused = Client::new(Stalls { starts: false }, None).create_box(&Default::default()).await;
    assert_eq!(refused.expect_err("no answer").kind(), ErrorKind::BackendLost);

    let client = Client::new(Stalls { starts: true }, None);
    let mut execution = client.spawn("box", &Command::new("cmd")).await.expect("it starts");
    let exit = loop {
        match execution.next().await.expect("an exit comes") {
            Event::Exit(terminal) => break terminal,
            Event::Chunk { .. } | Event::Gap { .. } | Event::End { .. } => {}
        }
    };
    assert_eq!(exit.status, Status::Lost);
}
