//! Wait error taken for an exit: a failed wait becomes code -1, and the execution counts as over.
//!
//! The connection to the runner was lost, or somebody else had reaped; the caller is told that the
//! command has ended, and nobody kills what runs on.
//! <https://github.com/boxlite-ai/boxlite/pull/1022>, `unwrap_or(-1)` in its exit pump

use lastbyte::{Event, Policy, machine::Status};

use super::parts::{Inbox, Latch, exit, pump};
use crate::executor::{
    child::Child,
    stack::{Call, Stack},
    sync::mpsc,
    task,
};

/// The design.
#[derive(Debug)]
pub struct WaitErrorIsExit {
    events: Inbox,
    latch: Latch,
}

impl Stack for WaitErrorIsExit {
    const OFFERS: &'static [Call] = &[Call::Wait];

    fn start(child: Child, _: &Policy) -> Self {
        let (queue, events) = mpsc::unbounded_channel();
        let pumps = [
            task::spawn("stdout pump", pump(child.stdout, queue.clone())),
            task::spawn("stderr pump", pump(child.stderr, queue.clone())),
        ];
        let process = child.process;
        task::spawn("exit pump", async move {
            let status = process.wait().await.unwrap_or(Status::Exited { code: -1 });
            for pump in pumps {
                let _aborted = pump.await;
            }
            let _unwanted = queue.send(exit(status));
        });
        WaitErrorIsExit { events: Inbox::new(events), latch: Latch::default() }
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
