//! Exit polled: the state of the process is asked for every 100 ms, and when it has exited, what
//! has been copied so far is the output.
//!
//! As testcontainers read logs: the exit status is read before the stream has been drained.
//! <https://github.com/testcontainers/testcontainers-go/issues/3766>

use std::time::Duration;

use lastbyte::{Event, Policy, machine::Status};

use super::parts::{Inbox, exit, pump};
use crate::executor::{
    child::{Child, Process},
    stack::{Call, Stack},
    sync::mpsc,
    task, time,
};

/// The design.
#[derive(Debug)]
pub struct ExitPolled {
    events: Inbox,
}

const POLLED_EVERY: Duration = Duration::from_millis(100);

async fn polled(process: &Process) -> Status {
    loop {
        task::yield_now().await;
        if let Some(status) = process.try_wait() {
            return status;
        }
        time::sleep(POLLED_EVERY).await;
        task::remember(&"polls");
    }
}

impl Stack for ExitPolled {
    const OFFERS: &'static [Call] = &[];

    fn start(child: Child, _: &Policy) -> Self {
        let (queue, events) = mpsc::unbounded_channel();
        task::spawn("stdout copier", pump(child.stdout, queue.clone()));
        task::spawn("stderr copier", pump(child.stderr, queue.clone()));
        let process = child.process;
        task::spawn("poller", async move {
            let status = polled(&process).await;
            let _unwanted = queue.send(exit(status));
        });
        ExitPolled { events: Inbox::new(events) }
    }

    async fn next(&self) -> Option<Event> {
        self.events.next().await
    }
}
