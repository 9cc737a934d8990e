//! Pause flag that also blocks kill: one task pumps, pauses for a slow consumer, and serves kills.
//!
//! While it waits for room it serves nobody: the kill that would end the matter is not heard.
//! <https://github.com/boxlite-ai/boxlite/pull/1022> (review), <https://github.com/boxlite-ai/boxlite/pull/812>

use std::{cell::RefCell, future::poll_fn, rc::Rc};

use lastbyte::{
    Event, Policy,
    backend::Read,
    machine::{Signal, Status},
};
use tokio::select;

use super::parts::{Latch, exit, told};
use crate::executor::{
    child::{Child, Source},
    stack::{Call, Stack},
    sync::{
        Notify,
        mpsc::{self, Receiver, Sender},
    },
    task,
};

/// The design.
#[derive(Debug)]
pub struct PauseBlocksKill {
    events: RefCell<Receiver<Event>>,
    kills: Rc<Notify>,
    latch: Latch,
}

async fn serve(child: Child, kills: Rc<Notify>, events: Sender<Event>) {
    let Child { stdout, stderr, process, .. } = child;
    let mut sources: Vec<Source> = vec![stdout, stderr];
    while let Some(source) = sources.first_mut() {
        let stream = source.stream();
        select! {
            biased;
            () = kills.notified() => {
                let _gone = process.kill_group(Signal::KILL);
            }
            read = source.read() => match read {
                // Paused here until there is room, and deaf.
                Read::Chunk(chunk) => {
                    let _unwanted = events.send(Event::Chunk { stream, chunk }).await;
                }
                Read::Eof | Read::Error(_) => {
                    sources.remove(0);
                }
            },
        }
    }
    let _unwanted = events.send(exit(told(process.wait().await))).await;
}

impl Stack for PauseBlocksKill {
    const OFFERS: &'static [Call] = &[Call::Wait, Call::Kill];

    fn start(child: Child, _: &Policy) -> Self {
        let (queue, events) = mpsc::channel(1);
        let kills = Rc::new(Notify::new());
        task::spawn("loop", serve(child, Rc::clone(&kills), queue));
        PauseBlocksKill { events: RefCell::new(events), kills, latch: Latch::default() }
    }

    async fn next(&self) -> Option<Event> {
        task::yield_now().await;
        let event = poll_fn(|cx| self.events.borrow_mut().poll_recv(cx)).await;
        self.latch.follow(event.as_ref());
        event
    }

    async fn wait(&self) -> Status {
        self.latch.wait().await
    }

    async fn kill(&self) {
        self.kills.notify_one();
    }
}
