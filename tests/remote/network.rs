//! A network that breaks: the client asks again, and loses and doubles nothing; a runner that has
//! vanished is lost, and no exit.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use lastbyte::{
    Command, End, ErrorKind, Event, Status,
    remote::client::{
        Client, Patience,
        connect::{Address, Connect, Connecting, Io},
    },
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, duplex};

use super::harness::{serve, serve_with, token};

/// Connections that break off after so many bytes of the runner's. Below zero there is no runner.
struct Breaking {
    to: Address,
    after: u64,
    made: Arc<AtomicU64>,
    gone: Arc<AtomicU64>,
}

impl Connect for Breaking {
    fn connect(&self) -> Connecting {
        let connecting = self.to.connect();
        let (after, gone) = (self.after, Arc::clone(&self.gone));
        self.made.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            if gone.load(Ordering::Relaxed) > 0 {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let theirs = connecting.await?;
            let (ours, inner) = duplex(64 * 1024);
            tokio::spawn(async move {
                let (mut from, mut to) = tokio::io::split(theirs);
                let (mut read, mut write) = tokio::io::split(inner);
                let up = async { copy(&mut read, &mut to).await };
                let down = async {
                    let _cut = copy(&mut (&mut from).take(after), &mut write).await;
                    write.shutdown().await
                };
                // The first that ends ends both.
                let (mut up, mut down) = (std::pin::pin!(up), std::pin::pin!(down));
                std::future::poll_fn(|cx| {
                    use std::task::Poll;
                    match (up.as_mut().poll(cx), down.as_mut().poll(cx)) {
                        (Poll::Pending, Poll::Pending) => Poll::Pending,
                        _ => Poll::Ready(()),
                    }
                })
                .await;
            });
            Ok(Box::new(ours) as Box<dyn Io>)
        })
    }

    fn authority(&self) -> String {
        self.to.authority()
    }
}

fn breaking(address: &str, after: u64) -> (Client, Arc<AtomicU64>, Arc<AtomicU64>) {
    let (made, gone) = (Arc::default(), Arc::default());
    let to = Address::Tcp(address.to_owned());
    let connect = Breaking { to, after, made: Arc::clone(&made), gone: Arc::clone(&gone) };
    let patience = Patience { lost_after: Duration::from_millis(200), ..Patience::default() };
    (Client::new(connect, Some(&token())).patience(patience), made, gone)
}

/// If this were red, a disconnect would cost a byte, or give one twice.
#[tokio::test]
async fn c19_after_each_disconnect_the_output_goes_on_where_it_broke_off() {
    let served = serve_with("retain_bytes = 100000").await;
    let id = served.a_box().await;
    let (client, made, _) = breaking(&served.address, 10_007);
    let script = "i=0; while [ $i -lt 50000 ]; do echo $i; i=$((i+1)); done";
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    let output = client.spawn(&id, &command).await.expect("it starts").output().await;
    let expected: String = (0..50_000).map(|i| format!("{i}\n")).collect();
    assert!(output.stdout == expected.as_bytes(), "{} bytes", output.stdout.len());
    assert!(output.is_success());
    let made = made.load(Ordering::Relaxed);
    assert!(made > 25, "only {made} connections");
    served.end().await;
}

/// If this were red, whoever cannot know how a command ended would be told that it did.
#[tokio::test]
async fn c09_a_runner_that_has_vanished_is_lost_and_no_exit() {
    let served = serve().await;
    let id = served.a_box().await;
    let (client, _, gone) = breaking(&served.address, 4096);
    let mut command = Command::new("sh");
    command.args(["-c", "echo up; while :; do echo more; sleep 0.01; done"]);
    let mut execution = client.spawn(&id, &command).await.expect("it starts");
    let (mut ends, mut bytes) = (Vec::new(), 0);
    let terminal = loop {
        match execution.next().await.expect("an exit comes") {
            Event::Chunk { chunk, .. } => {
                bytes += chunk.len();
                gone.store(1, Ordering::Relaxed);
            }
            Event::End { end, .. } => ends.push(end),
            Event::Exit(terminal) => break terminal,
            Event::Gap { .. } => panic!("nothing was dropped"),
        }
    };
    assert!(bytes >= 3);
    assert_eq!(terminal.status, Status::Lost);
    assert!(ends.len() == 2 && ends.iter().all(|end| matches!(end, End::ReadError(_))), "{ends:?}");
    assert!(!terminal.is_complete());
    let unreachable = client.spawn(&id, &command).await.expect_err("it is gone");
    assert_eq!(unreachable.kind(), ErrorKind::BackendUnavailable);
    served.end().await;
}
