//! Single owner: one task awaits the pumps and then the process, and pushes the terminal.
//!
//! A later fix of the same SDK: 0 of 50 lost. Waits are answered behind the exit. It has no bound:
//! where a descendant keeps a pipe open, the terminal never comes.
//! <https://github.com/boxlite-ai/boxlite/pull/705>

use lastbyte::{Event, Policy, machine::Status};

use super::parts::{Inbox, Latch, exit, pump, told};
use crate::executor::{
    child::Child,
    stack::{Call, Stack},
    sync::mpsc,
    task,
};

/// The design.
#[derive(Debug)]
pub struct SingleOwner {
    events: Inbox,
    latch: Latch,
}

impl Stack for SingleOwner {
    const OFFERS: &'static [Call] = &[Call::Wait];

    fn start(child: Child, _: &Policy) -> Self {
        let (queue, events) = mpsc::unbounded_channel();
        let pumps = [
            task::spawn("stdout pump", pump(child.stdout, queue.clone())),
            task::spawn("stderr pump", pump(child.stderr, queue.clone())),
        ];
        let process = child.process;
        task::spawn("owner", async move {
            for pump in pumps {
                let _aborted = pump.await;
            }
            let _unwanted = queue.send(exit(told(process.wait().await)));
        });
        SingleOwner { events: Inbox::new(events), latch: Latch::default() }
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
