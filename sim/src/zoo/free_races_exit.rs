//! Free races the exit pump: both push a terminal.
//!
//! Freeing a handle pushes an exit of its own, so that the callback is told; the exit pump, which
//! is between its look at the flag and its push, pushes the real one as well.
//! <https://github.com/boxlite-ai/boxlite/pull/563>, test
//! `race_produces_at_most_one_exit_event`

use std::rc::Rc;

use lastbyte::{
    Event, Policy,
    machine::{Signal, Status},
};

use super::parts::{Inbox, exit, pump, told};
use crate::executor::{
    child::{Child, Process},
    stack::{Call, Stack},
    sync::{Shared, mpsc},
    task,
};

/// The design.
#[derive(Debug)]
pub struct FreeRacesExit {
    events: Inbox,
    queue: mpsc::UnboundedSender<Event>,
    process: Process,
    dispatched: Rc<Shared<bool>>,
}

impl Stack for FreeRacesExit {
    const OFFERS: &'static [Call] = &[Call::Close];

    fn start(child: Child, _: &Policy) -> Self {
        let (queue, events) = mpsc::unbounded_channel();
        let dispatched = Rc::new(Shared::new(false));
        let pumps = [
            task::spawn("stdout pump", pump(child.stdout, queue.clone())),
            task::spawn("stderr pump", pump(child.stderr, queue.clone())),
        ];
        let (process, flag, exits) = (child.process.clone(), Rc::clone(&dispatched), queue.clone());
        task::spawn("exit pump", async move {
            let status = told(process.wait().await);
            for pump in pumps {
                let _aborted = pump.await;
            }
            // Looked at in one step, set in another.
            if !flag.get() {
                task::preempt_before("queues the exit").await;
                flag.swap(true);
                let _unwanted = exits.send(exit(status));
            }
        });
        FreeRacesExit { events: Inbox::new(events), queue, process: child.process, dispatched }
    }

    async fn next(&self) -> Option<Event> {
        self.events.next().await
    }

    async fn close(&self) {
        let _gone = self.process.kill_group(Signal::KILL);
        task::preempt().await;
        if !self.dispatched.get() {
            self.dispatched.swap(true);
            let _unwanted = self.queue.send(exit(Status::Forced));
        }
        let _reaped = self.process.wait().await;
    }
}
