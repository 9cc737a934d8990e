//! Stock: exit and wait are announced as soon as the process ends; nothing waits for the pumps.
//!
//! The first version of a sandbox's C SDK (boxlite 0.9.5), and of many others: stream pumps, an
//! exit pump and a wait task share one queue, and the exit pump pushes when the process ends. 18
//! to 26 of 50 short commands came back cut short and successful.
//! <https://github.com/boxlite-ai/boxlite/pull/563>

use lastbyte::{Event, Policy, machine::Status};

use super::parts::{Inbox, exit, pump, told};
use crate::executor::{
    child::{Child, Process},
    stack::{Call, Stack},
    sync::mpsc,
    task,
};

/// The design.
#[derive(Debug)]
pub struct Stock {
    events: Inbox,
    process: Process,
}

impl Stack for Stock {
    const OFFERS: &'static [Call] = &[Call::Wait];

    fn start(child: Child, _: &Policy) -> Self {
        let (queue, events) = mpsc::unbounded_channel();
        task::spawn("stdout pump", pump(child.stdout, queue.clone()));
        task::spawn("stderr pump", pump(child.stderr, queue.clone()));
        let process = child.process.clone();
        task::spawn("exit pump", async move {
            let status = told(process.wait().await);
            task::preempt_before("queues the exit").await;
            let _unwanted = queue.send(exit(status));
        });
        Stock { events: Inbox::new(events), process: child.process }
    }

    async fn next(&self) -> Option<Event> {
        self.events.next().await
    }

    async fn wait(&self) -> Status {
        told(self.process.wait().await)
    }
}
