//! Abort pumps on free: the pumps are aborted, and free returns without joining them.
//!
//! A pump that is running when it is aborted finishes its push: the callback runs on a handle that
//! has been deleted (`runtime/cgo: misuse of an invalid Handle`).
//! <https://github.com/boxlite-ai/boxlite/pull/563> and its branch *pump yields combined*

use std::rc::Rc;

use lastbyte::{Event, Policy, machine::Signal};

use super::parts::{Inbox, exit, pump, told};
use crate::executor::{
    child::{Child, Process},
    stack::{Call, Stack},
    sync::{Shared, mpsc},
    task::{self, AbortHandle},
};

/// The design.
#[derive(Debug)]
pub struct AbortOnFree {
    events: Inbox,
    queue: mpsc::UnboundedSender<Event>,
    process: Process,
    pumps: [AbortHandle; 3],
    claimed: Rc<Shared<bool>>,
}

impl Stack for AbortOnFree {
    const OFFERS: &'static [Call] = &[Call::Close];

    fn start(child: Child, _: &Policy) -> Self {
        let (queue, events) = mpsc::unbounded_channel();
        let claimed = Rc::new(Shared::new(false));
        let pumps = [
            task::spawn("stdout pump", pump(child.stdout, queue.clone())),
            task::spawn("stderr pump", pump(child.stderr, queue.clone())),
        ];
        let aborts = [pumps[0].abort_handle(), pumps[1].abort_handle()];
        let (process, claims, exits) = (child.process.clone(), Rc::clone(&claimed), queue.clone());
        let exit_pump = task::spawn("exit pump", async move {
            let status = told(process.wait().await);
            for pump in pumps {
                let _aborted = pump.await;
            }
            if !claims.swap(true) {
                let _unwanted = exits.send(exit(status));
            }
        });
        let [stdout, stderr] = aborts;
        AbortOnFree {
            events: Inbox::new(events),
            queue,
            process: child.process,
            pumps: [stdout, stderr, exit_pump.abort_handle()],
            claimed,
        }
    }

    async fn next(&self) -> Option<Event> {
        self.events.next().await
    }

    async fn close(&self) {
        // Nobody there is no error.
        let _gone = self.process.kill_group(Signal::KILL);
        let status = told(self.process.wait().await);
        self.pumps.iter().for_each(AbortHandle::abort);
        if !self.claimed.swap(true) {
            let _unwanted = self.queue.send(exit(status));
        }
    }
}
