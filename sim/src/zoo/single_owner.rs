//! Single owner: one task awaits the pumps and then the process, and pushes the terminal.
//!
//! The second fix of the same SDK (<https://github.com/boxlite-ai/boxlite/pull/705>): 0 of 50 lost.
//! It has no bound: where a descendant keeps a pipe open, the terminal never comes.

use lastbyte::{Event, Policy, machine::Status};

use super::parts::{Inbox, exit, pump};
use crate::executor::{
    child::Child,
    stack::{Call, Stack},
    sync::{mpsc, watch},
    task,
};

/// The design.
#[derive(Debug)]
pub struct SingleOwner {
    events: Inbox,
    ended: watch::Receiver<Option<Status>>,
    told: watch::Sender<Option<Status>>,
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
            let status = process.wait().await.unwrap_or_else(Status::Unknown);
            let _unwanted = queue.send(exit(status));
        });
        let (told, ended) = watch::channel(None);
        SingleOwner { events: Inbox::new(events), ended, told }
    }

    async fn next(&self) -> Option<Event> {
        let event = self.events.next().await;
        if let Some(Event::Exit(terminal)) = &event {
            // The drain hands the exit over, and then answers who waits.
            self.told.send_replace(Some(terminal.status));
        }
        event
    }

    async fn wait(&self) -> Status {
        let told = self.ended.clone().wait_for(Option::is_some).await;
        told.ok().flatten().unwrap_or(Status::Lost)
    }
}
