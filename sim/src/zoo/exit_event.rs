//! Exit event without close: the caller takes the event of the process's end for the end of its
//! output.
//!
//! Node's `'exit'` is emitted when the process ends, `'close'` when its streams have ended too; a
//! program that listens to the first loses what comes between them.
//! <https://nodejs.org/api/child_process.html#event-exit>,
//! <https://github.com/nodejs/node/issues/45085>

use std::rc::Rc;

use lastbyte::{Event, Policy, machine::Status};

use super::parts::{Inbox, Latch, exit, pump, told};
use crate::executor::{
    child::Child,
    stack::{Call, Stack},
    sync::mpsc,
    task,
};

/// The design, and the program that listens.
#[derive(Debug)]
pub struct ExitEvent {
    data: Inbox,
    exited: Rc<Latch>,
}

impl Stack for ExitEvent {
    const OFFERS: &'static [Call] = &[Call::Exited];

    fn start(child: Child, _: &Policy) -> Self {
        let (queue, data) = mpsc::unbounded_channel();
        task::spawn("stdout socket", pump(child.stdout, queue.clone()));
        task::spawn("stderr socket", pump(child.stderr, queue.clone()));
        let exited = Rc::new(Latch::default());
        let (process, emitted) = (child.process, Rc::clone(&exited));
        task::spawn("exit emitter", async move {
            let status = told(process.wait().await);
            emitted.tell(status);
            // `'close'` would come here, once both sockets have ended; nobody listens to it.
            let _unwanted = queue.send(exit(status));
        });
        ExitEvent { data: Inbox::new(data), exited }
    }

    async fn next(&self) -> Option<Event> {
        self.data.next().await
    }

    async fn exited(&self) -> Status {
        self.exited.wait().await
    }
}
