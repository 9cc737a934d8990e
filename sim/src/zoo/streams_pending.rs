//! Streams pending: a count of open streams and a notification; exit pump and wait task both wait
//! for zero, and register for the notification before they look at the count.
//!
//! The second fix of the sandbox's C SDK: 0 of 50 lost. Its wait task pushes the answer to the
//! queue on its own, so that it may come before the exit; and it has no bound for a descendant
//! that keeps a pipe open. With `REGISTERS_FIRST` false it is *check then register*, the form that
//! the fix avoided: the last stream ends between the two, and nobody is ever woken.
//! <https://github.com/boxlite-ai/boxlite/pull/685>

use std::{cell::RefCell, future::poll_fn, rc::Rc, task::Poll};

use lastbyte::{Event, Policy, machine::Status};

use super::parts::{exit, pump, told};
use crate::executor::{
    child::{Child, Process},
    stack::{Call, Stack},
    sync::{
        Notify, Shared,
        mpsc::{self, UnboundedReceiver, UnboundedSender},
        oneshot,
    },
    task,
};

/// The design.
#[derive(Debug)]
pub struct StreamsPending<const REGISTERS_FIRST: bool> {
    queue: RefCell<UnboundedReceiver<Item>>,
    waits: UnboundedSender<Item>,
    streams: Rc<Streams>,
    process: Process,
}

/// What travels on the queue.
#[derive(Debug)]
enum Item {
    Event(Event),
    Answer(oneshot::Sender<Status>, Status),
}

#[derive(Debug)]
struct Streams {
    pending: Shared<u32>,
    ended: Notify,
}

impl Streams {
    async fn none_pending<const REGISTERS_FIRST: bool>(&self) {
        if REGISTERS_FIRST {
            let ended = self.ended.notified();
            if self.pending.get() > 0 {
                ended.await;
            }
        } else if self.pending.get() > 0 {
            task::preempt_before("registers").await;
            self.ended.notified().await;
        }
    }

    fn end_one(&self) {
        let left = self.pending.with(|pending| {
            *pending -= 1;
            *pending
        });
        if left == 0 {
            self.ended.notify_waiters();
        }
    }
}

impl<const REGISTERS_FIRST: bool> Stack for StreamsPending<REGISTERS_FIRST> {
    const OFFERS: &'static [Call] = &[Call::Wait];

    fn start(child: Child, _: &Policy) -> Self {
        let (queue, items) = mpsc::unbounded_channel();
        let streams = Rc::new(Streams { pending: Shared::new(2), ended: Notify::new() });
        for (name, source) in [("stdout pump", child.stdout), ("stderr pump", child.stderr)] {
            let (queue, streams) = (queue.clone(), Rc::clone(&streams));
            task::spawn(name, async move {
                forward(source, queue).await;
                streams.end_one();
            });
        }
        let (process, exits) = (child.process.clone(), queue.clone());
        let pending = Rc::clone(&streams);
        task::spawn("exit pump", async move {
            let status = told(process.wait().await);
            pending.none_pending::<REGISTERS_FIRST>().await;
            let _unwanted = exits.send(Item::Event(exit(status)));
        });
        StreamsPending { queue: RefCell::new(items), waits: queue, streams, process: child.process }
    }

    /// The drain: hands events over, and answers in their turn.
    async fn next(&self) -> Option<Event> {
        loop {
            task::yield_now().await;
            match poll_fn(|cx| self.queue.borrow_mut().poll_recv(cx)).await? {
                Item::Event(event) => return Some(event),
                Item::Answer(waiter, status) => {
                    let _gone = waiter.send(status);
                }
            }
        }
    }

    async fn wait(&self) -> Status {
        let status = told(self.process.wait().await);
        self.streams.none_pending::<REGISTERS_FIRST>().await;
        let (waiter, answer) = oneshot::channel();
        let _closed = self.waits.send(Item::Answer(waiter, status));
        answer.await.unwrap_or(Status::Lost)
    }
}

/// As [`pump`], into this queue.
async fn forward(source: crate::executor::child::Source, queue: UnboundedSender<Item>) {
    let (events, mut chunks) = mpsc::unbounded_channel();
    let mut pumping = Box::pin(pump(source, events));
    poll_fn(|cx| {
        let ended = std::future::Future::poll(pumping.as_mut(), cx);
        while let Ok(event) = chunks.try_recv() {
            let _unwanted = queue.send(Item::Event(event));
        }
        if ended.is_ready() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
