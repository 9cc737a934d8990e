//! A correct design in the manner of Go's `os/exec`: a control that must break nothing.
//!
//! Reap, then await the copiers, for at most `WaitDelay`. Unlike Go's, a copier whose time has run
//! out reads what stands in the pipe before it gives up, and says that it did; and the status
//! hides nothing. <https://pkg.go.dev/os/exec#Cmd.Wait>, <https://github.com/golang/go/issues/23019>

use std::time::Duration;

use lastbyte::{
    Event, Policy,
    backend::Read,
    machine::{Cut, End, Errno, Status, StreamId},
};
use tokio::select;

use super::parts::{Inbox, Latch, exit, told};
use crate::executor::{
    child::{Child, Process, Source},
    stack::{Call, Stack},
    sync::mpsc::{self, UnboundedSender},
    task, time,
};

/// The design.
#[derive(Debug)]
pub struct OsExec {
    events: Inbox,
    latch: Latch,
}

const WAIT_DELAY: Duration = Duration::from_millis(200);

/// What a failed read is told as.
pub(super) type Failed = fn(Errno) -> End;

/// Copies until the end, or until the delay after the root's end has run out.
async fn copy(mut source: Source, process: Process, queue: UnboundedSender<Event>, failed: Failed) {
    let stream = source.stream();
    let mut deadline = std::pin::pin!(async {
        // A failed wait is no end of the root: then nothing but the end of the stream will do.
        if process.wait().await.is_err() {
            std::future::pending::<()>().await;
        }
        time::sleep(WAIT_DELAY).await;
    });
    let end = loop {
        let read = select! {
            biased;
            read = source.read() => Some(read),
            () = &mut deadline => None,
        };
        match read {
            Some(read) => {
                if let Some(end) = take(read, stream, &queue, failed) {
                    break end;
                }
            }
            None => break give_up(&mut source, &queue, failed),
        }
    };
    let _unwanted = queue.send(Event::End { stream, end });
}

fn take(
    read: Read,
    stream: StreamId,
    queue: &UnboundedSender<Event>,
    failed: Failed,
) -> Option<End> {
    match read {
        Read::Chunk(chunk) => {
            let _unwanted = queue.send(Event::Chunk { stream, chunk });
            None
        }
        Read::Eof => Some(End::Eof),
        Read::Error(errno) => Some(failed(errno)),
    }
}

/// What stands there was written before this moment: the root's last bytes are among it.
fn give_up(source: &mut Source, queue: &UnboundedSender<Event>, failed: Failed) -> End {
    let standing = source.standing();
    if standing > 0
        && let Some(read) = source.try_read(standing)
        && let Some(end) = take(read, source.stream(), queue, failed)
    {
        return end;
    }
    End::Cut(Cut::After)
}

impl OsExec {
    /// Takes over a child; failed reads are told as `failed` says.
    pub(super) fn copying(child: Child, failed: Failed) -> Self {
        let (queue, events) = mpsc::unbounded_channel();
        let process = child.process;
        let copiers = [("stdout copier", child.stdout), ("stderr copier", child.stderr)].map(
            |(name, source)| {
                task::spawn(name, copy(source, process.clone(), queue.clone(), failed))
            },
        );
        task::spawn("owner", async move {
            let status = told(process.wait().await);
            for copier in copiers {
                let _aborted = copier.await;
            }
            let _unwanted = queue.send(exit(status));
        });
        OsExec { events: Inbox::new(events), latch: Latch::default() }
    }
}

impl Stack for OsExec {
    const OFFERS: &'static [Call] = &[Call::Wait];

    fn start(child: Child, _: &Policy) -> Self {
        OsExec::copying(child, End::ReadError)
    }

    async fn next(&self) -> Option<Event> {
        let event = self.events.next().await;
        self.latch.follow(event.as_ref());
        event
    }

    async fn wait(&self) -> Status {
        self.latch.wait().await
    }
}
