//! One drain loop for all: the events of every execution go through one loop that calls the user.
//!
//! A slow writer of one execution stalls all others, their exits included.
//! <https://github.com/boxlite-ai/boxlite/pull/722>,
//! <https://github.com/moby/moby/issues/53614>

use std::{cell::RefCell, future::poll_fn, rc::Rc};

use lastbyte::{Event, Policy, backend::Read, machine::Status};

use super::parts::{Latch, exit, told};
use crate::executor::{
    child::{Child, Source},
    stack::{Call, Stack},
    sync::mpsc::{self, Receiver, Sender, UnboundedSender},
    task,
};

/// The design.
#[derive(Debug)]
pub struct OneDrainLoop {
    sink: RefCell<Receiver<Event>>,
    latch: Latch,
}

/// What all executions of the runtime share: the queue of the loop.
struct Runtime {
    queue: UnboundedSender<(Sender<Event>, Event)>,
}

impl Runtime {
    fn start() -> Self {
        let (queue, mut events) = mpsc::unbounded_channel::<(Sender<Event>, Event)>();
        task::spawn("drain loop", async move {
            while let Some((sink, event)) = events.recv().await {
                // The user's callback: it returns when he has taken what he was given before.
                let _gone = sink.send(event).await;
            }
        });
        Runtime { queue }
    }
}

/// A pump into the queue of the loop.
async fn feed(mut source: Source, runtime: Rc<Runtime>, sink: Sender<Event>) {
    let stream = source.stream();
    while let Read::Chunk(chunk) = source.read().await {
        let _closed = runtime.queue.send((sink.clone(), Event::Chunk { stream, chunk }));
        task::remember(&"reads");
    }
}

impl Stack for OneDrainLoop {
    const OFFERS: &'static [Call] = &[Call::Wait];

    fn start(child: Child, _: &Policy) -> Self {
        let runtime = task::shared(Runtime::start);
        let (sink, taken) = mpsc::channel(1);
        // Where nobody writes there is no pipe, and no pump.
        let sources = [child.stdout, child.stderr].into_iter().filter(Source::is_ours);
        let pumps = sources.map(|source| {
            let name = format!("{} pump", source.stream());
            task::spawn(name, feed(source, Rc::clone(&runtime), sink.clone()))
        });
        let pumps: Vec<_> = pumps.collect();
        let process = child.process;
        task::spawn("exit pump", async move {
            for pump in pumps {
                let _aborted = pump.await;
            }
            let event = exit(told(process.wait().await));
            let _closed = runtime.queue.send((sink, event));
        });
        OneDrainLoop { sink: RefCell::new(taken), latch: Latch::default() }
    }

    async fn next(&self) -> Option<Event> {
        task::yield_now().await;
        let event = poll_fn(|cx| self.sink.borrow_mut().poll_recv(cx)).await;
        self.latch.follow(event.as_ref());
        event
    }

    async fn wait(&self) -> Status {
        self.latch.wait().await
    }
}
