//! What the designs of the zoo have in common: pumps, an inbox, a terminal without reports.

use std::{cell::RefCell, future::poll_fn};

use lastbyte::{
    Event,
    backend::Read,
    machine::{Cause, Errno, PerStream, Status, Terminal},
};

use crate::executor::{
    child::Source,
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender},
        watch,
    },
    task,
};

/// A queue of events, of which the consumer takes the first.
#[derive(Debug)]
pub struct Inbox(RefCell<UnboundedReceiver<Event>>);

impl Inbox {
    /// The receiving side of a queue.
    pub fn new(receiver: UnboundedReceiver<Event>) -> Self {
        Inbox(RefCell::new(receiver))
    }

    /// The next event. `None`: nobody can send any more.
    pub async fn next(&self) -> Option<Event> {
        task::yield_now().await;
        poll_fn(|cx| self.0.borrow_mut().poll_recv(cx)).await
    }

    /// Takes nothing more.
    pub fn close(&self) {
        self.0.borrow_mut().close();
    }
}

/// An exit that says how the root ended, and nothing of its output.
pub fn exit(status: Status) -> Event {
    Event::Exit(Terminal { status, cause: Cause::default(), streams: PerStream::default() })
}

/// Where waiters learn of the end, whenever they ask.
#[derive(Debug)]
pub struct Latch {
    sender: watch::Sender<Option<Status>>,
    receiver: watch::Receiver<Option<Status>>,
}

impl Default for Latch {
    fn default() -> Self {
        let (sender, receiver) = watch::channel(None);
        Latch { sender, receiver }
    }
}

impl Latch {
    /// Answers everybody.
    pub fn tell(&self, status: Status) {
        self.sender.send_replace(Some(status));
    }

    /// Waits for the answer.
    pub async fn wait(&self) -> Status {
        let told = self.receiver.clone().wait_for(Option::is_some).await;
        told.ok().flatten().unwrap_or(Status::Lost)
    }

    /// Answers when the exit has been handed over: the drain closes the latch behind it.
    pub fn follow(&self, event: Option<&Event>) {
        if let Some(Event::Exit(terminal)) = event {
            self.tell(terminal.status);
        }
    }
}

/// What a wait for a process says, where an error is told as one.
pub fn told(status: Result<Status, Errno>) -> Status {
    status.unwrap_or_else(Status::Unknown)
}

/// Moves chunks from a pipe into a queue until the pipe ends. A read error ends it as well.
pub async fn pump(mut source: Source, queue: UnboundedSender<Event>) {
    let stream = source.stream();
    task::remember(&"reads");
    while let Read::Chunk(chunk) = source.read().await {
        task::preempt_before("queues a chunk").await;
        // Nobody takes it any more: the stack is gone.
        let _unwanted = queue.send(Event::Chunk { stream, chunk });
        task::remember(&"reads");
    }
}
