//! Delete before the copy is done: the client is told of the exit, and deletes the task, which
//! cancels its I/O.
//!
//! As `ctr exec` did: the shim publishes the exit without waiting for the copy, and the deletion
//! takes the copiers down. <https://github.com/containerd/containerd/pull/13931>,
//! <https://github.com/containerd/containerd/issues/5741>

use lastbyte::{Event, Policy};

use super::parts::{Inbox, exit, pump, told};
use crate::executor::{
    child::Child,
    stack::{Call, Stack},
    sync::mpsc,
    task,
};

/// The design.
#[derive(Debug)]
pub struct DeleteBeforeCopy {
    events: Inbox,
}

impl Stack for DeleteBeforeCopy {
    const OFFERS: &'static [Call] = &[];

    fn start(child: Child, _: &Policy) -> Self {
        let (queue, events) = mpsc::unbounded_channel();
        let copiers = [
            task::spawn("stdout copier", pump(child.stdout, queue.clone())),
            task::spawn("stderr copier", pump(child.stderr, queue.clone())),
        ];
        let process = child.process;
        task::spawn("client", async move {
            let status = told(process.wait().await);
            copiers.iter().for_each(task::JoinHandle::abort);
            for copier in copiers {
                let _aborted = copier.await;
            }
            let _unwanted = queue.send(exit(status));
        });
        DeleteBeforeCopy { events: Inbox::new(events) }
    }

    async fn next(&self) -> Option<Event> {
        self.events.next().await
    }
}
