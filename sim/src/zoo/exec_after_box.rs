//! Exit of an exec after the exit of its box: the exits of all processes are published as they are
//! reaped, in any order.
//!
//! Whoever follows a container stops at the container's own exit; the exit of an exec in it that
//! comes later is never seen, and its client hangs.
//! <https://github.com/containerd/containerd/issues/9719>

use std::{cell::RefCell, future::poll_fn, rc::Rc};

use lastbyte::{Event, Policy};

use super::parts::{exit, pump, told};
use crate::executor::{
    child::Child,
    stack::{Call, Stack},
    sync::{
        Shared,
        mpsc::{self, UnboundedReceiver},
    },
    task,
};

/// The design.
#[derive(Debug)]
pub struct ExecAfterBox {
    events: RefCell<UnboundedReceiver<Event>>,
    feed: Rc<Feed>,
    is_box: bool,
}

/// What follows the container: it ends with it.
#[derive(Debug)]
struct Feed {
    open: Shared<bool>,
    members: Shared<u32>,
}

impl Stack for ExecAfterBox {
    const OFFERS: &'static [Call] = &[Call::Boxes];

    fn start(child: Child, _: &Policy) -> Self {
        let feed = task::shared(|| Feed { open: Shared::new(true), members: Shared::new(0) });
        // The container is started before what runs in it.
        let is_box = feed.members.swap(1) == 0;
        let (queue, events) = mpsc::unbounded_channel();
        let pumps = [
            task::spawn("stdout pump", pump(child.stdout, queue.clone())),
            task::spawn("stderr pump", pump(child.stderr, queue.clone())),
        ];
        let process = child.process;
        task::spawn("shim", async move {
            for pump in pumps {
                let _aborted = pump.await;
            }
            let _unwanted = queue.send(exit(told(process.wait().await)));
        });
        ExecAfterBox { events: RefCell::new(events), feed, is_box }
    }

    async fn next(&self) -> Option<Event> {
        task::yield_now().await;
        let event = poll_fn(|cx| self.events.borrow_mut().poll_recv(cx)).await;
        if let Some(Event::Exit(_)) = &event {
            if self.is_box {
                self.feed.open.swap(false);
            } else if !self.feed.open.get() {
                return std::future::pending().await;
            }
        }
        event
    }
}
