//! Receiver list: the exit pump awaits the pumps that were registered when the exit callback was.
//!
//! The first fix of the sandbox's C SDK. The list is a snapshot: a stream that the caller registers
//! after the exit callback is missed, and the wait task awaits nothing at all.
//! <https://github.com/boxlite-ai/boxlite/pull/563>

use std::rc::Rc;

use lastbyte::{Event, Policy, machine::Status};

use super::parts::{Inbox, exit, pump, told};
use crate::executor::{
    child::{Child, Process, Source},
    stack::{Call, Stack},
    sync::{
        mpsc::{self, UnboundedSender},
        oneshot,
    },
    task,
};

/// The design.
#[derive(Debug)]
pub struct ReceiverList {
    events: Inbox,
    process: Process,
}

/// Registers a stream: its pump says when it is done.
fn register(name: &'static str, source: Source, queue: &UnboundedSender<Event>) -> Done {
    let (done, receiver) = oneshot::channel();
    let queue = queue.clone();
    task::spawn(name, async move {
        pump(source, queue).await;
        let _nobody_waits = done.send(());
    });
    receiver
}

type Done = oneshot::Receiver<()>;

impl Stack for ReceiverList {
    const OFFERS: &'static [Call] = &[Call::Wait];

    fn start(child: Child, _: &Policy) -> Self {
        let (queue, events) = mpsc::unbounded_channel();
        let process = child.process.clone();
        // The caller registers stdout, then the exit, then stderr.
        task::spawn("caller", async move {
            let before = vec![register("stdout pump", child.stdout, &queue)];
            let exits = queue.clone();
            task::spawn("exit pump", async move {
                let status = told(process.wait().await);
                for done in before {
                    let _dropped = done.await;
                }
                let _unwanted = exits.send(exit(status));
            });
            task::preempt_before("registers stderr").await;
            let _missed = Rc::new(register("stderr pump", child.stderr, &queue));
        });
        ReceiverList { events: Inbox::new(events), process: child.process }
    }

    async fn next(&self) -> Option<Event> {
        self.events.next().await
    }

    async fn wait(&self) -> Status {
        told(self.process.wait().await)
    }
}
