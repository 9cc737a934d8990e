//! Idle bound that cuts: after the exit a pump that has been silent for so long is given up.
//!
//! What came after the hang was seen: two seconds without a chunk after the exit, and the stream
//! counts as ended. A loop that was late finds the timer due and the bytes readable, and the timer
//! wins: bytes of the root stay in the pipe, and nothing says so.
//! <https://github.com/boxlite-ai/boxlite/pull/841>,
//! <https://github.com/openclaw/openclaw/issues/130504>

use std::time::Duration;

use lastbyte::{Event, Policy, backend::Read, machine::Status};
use tokio::select;

use super::parts::{Inbox, Latch, exit, told};
use crate::executor::{
    child::{Child, Process, Source},
    stack::{Call, Stack},
    sync::mpsc::{self, UnboundedSender},
    task, time,
};

/// The design.
#[derive(Debug)]
pub struct IdleCut {
    events: Inbox,
    latch: Latch,
}

const IDLE: Duration = Duration::from_secs(2);

async fn pump_until_idle(mut source: Source, process: Process, queue: UnboundedSender<Event>) {
    let stream = source.stream();
    let mut exited = false;
    loop {
        task::remember(&("reads", exited));
        let read = if exited {
            let mut idle = std::pin::pin!(time::sleep(IDLE));
            select! {
                biased;
                () = &mut idle => return,
                read = source.read() => read,
            }
        } else {
            select! {
                biased;
                _ = process.wait() => {
                    exited = true;
                    continue;
                }
                read = source.read() => read,
            }
        };
        let Read::Chunk(chunk) = read else { return };
        let _unwanted = queue.send(Event::Chunk { stream, chunk });
    }
}

impl Stack for IdleCut {
    const OFFERS: &'static [Call] = &[Call::Wait];

    fn start(child: Child, _: &Policy) -> Self {
        let (queue, events) = mpsc::unbounded_channel();
        let process = child.process;
        let pumps =
            [("stdout pump", child.stdout), ("stderr pump", child.stderr)].map(|(name, source)| {
                task::spawn(name, pump_until_idle(source, process.clone(), queue.clone()))
            });
        task::spawn("exit pump", async move {
            let status = told(process.wait().await);
            for pump in pumps {
                let _aborted = pump.await;
            }
            let _unwanted = queue.send(exit(status));
        });
        IdleCut { events: Inbox::new(events), latch: Latch::default() }
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
