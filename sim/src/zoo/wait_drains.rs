//! Wait drains: the exit pump awaits the pumps, and the SDK's wait is the reap, followed by a latch
//! that the exit callback closes.
//!
//! The fix that was merged, in the manner of Go's `os/exec`: 50 of 50 and 20 of 20 complete.
//! Cancelling the caller's context does not cut the drain short; nothing does, so a descendant that
//! keeps a pipe open holds it for ever. <https://github.com/boxlite-ai/boxlite/pull/563>

use lastbyte::{Event, Policy, machine::Status};

use super::parts::{Inbox, Latch, exit, pump, told};
use crate::executor::{
    child::{Child, Process},
    stack::{Call, Stack},
    sync::mpsc,
    task,
};

/// The design.
#[derive(Debug)]
pub struct WaitDrains {
    events: Inbox,
    drained: Latch,
    process: Process,
}

impl Stack for WaitDrains {
    const OFFERS: &'static [Call] = &[Call::Wait];

    fn start(child: Child, _: &Policy) -> Self {
        let (queue, events) = mpsc::unbounded_channel();
        let pumps = [
            task::spawn("stdout pump", pump(child.stdout, queue.clone())),
            task::spawn("stderr pump", pump(child.stderr, queue.clone())),
        ];
        let process = child.process.clone();
        task::spawn("exit pump", async move {
            let status = told(process.wait().await);
            for pump in pumps {
                let _aborted = pump.await;
            }
            let _unwanted = queue.send(exit(status));
        });
        WaitDrains { events: Inbox::new(events), drained: Latch::default(), process: child.process }
    }

    async fn next(&self) -> Option<Event> {
        let event = self.events.next().await;
        self.drained.follow(event.as_ref());
        event
    }

    async fn wait(&self) -> Status {
        let status = told(self.process.wait().await);
        self.drained.wait().await;
        status
    }
}
