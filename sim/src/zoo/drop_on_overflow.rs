//! Drop on overflow: a full channel drops chunks, so that the exit keeps moving.
//!
//! The runner's subscribers: a slow one loses what does not fit, and sees bytes that look whole.
//! <https://github.com/boxlite-ai/boxlite/pull/1046>

use std::{cell::RefCell, future::poll_fn};

use lastbyte::{Event, Policy, backend::Read, machine::Status};

use super::parts::{Latch, exit, told};
use crate::executor::{
    child::{Child, Source},
    stack::{Call, Stack},
    sync::mpsc::{self, Receiver, Sender},
    task,
};

/// The design.
#[derive(Debug)]
pub struct DropOnOverflow {
    channel: RefCell<Receiver<Event>>,
    latch: Latch,
}

const CAPACITY: usize = 1;

async fn pump_what_fits(mut source: Source, channel: Sender<Event>) {
    let stream = source.stream();
    while let Read::Chunk(chunk) = source.read().await {
        // Full: what does not fit is nobody's.
        let _dropped = channel.try_send(Event::Chunk { stream, chunk });
        task::remember(&"reads");
    }
}

impl Stack for DropOnOverflow {
    const OFFERS: &'static [Call] = &[Call::Wait];

    fn start(child: Child, _: &Policy) -> Self {
        let (channel, events) = mpsc::channel(CAPACITY);
        let pumps = [
            task::spawn("stdout pump", pump_what_fits(child.stdout, channel.clone())),
            task::spawn("stderr pump", pump_what_fits(child.stderr, channel.clone())),
        ];
        let process = child.process;
        task::spawn("exit pump", async move {
            let status = told(process.wait().await);
            for pump in pumps {
                let _aborted = pump.await;
            }
            let _unwanted = channel.send(exit(status)).await;
        });
        DropOnOverflow { channel: RefCell::new(events), latch: Latch::default() }
    }

    async fn next(&self) -> Option<Event> {
        task::yield_now().await;
        let event = poll_fn(|cx| self.channel.borrow_mut().poll_recv(cx)).await;
        self.latch.follow(event.as_ref());
        event
    }

    async fn wait(&self) -> Status {
        self.latch.wait().await
    }
}
