//! Bring your own stack: one that many have written, under every schedule. Tasks read into a
//! channel; a loop selects between it and the exit, and then empties it. What it would take from
//! tokio it takes from `executor`: each await is a choice.
#![forbid(unsafe_code)]

use std::{cell::RefCell, future::poll_fn, process::ExitCode};

use lastbyte::{Event, Policy, backend::Read, machine::Status, monitor::Rule};
use lastbyte_sim::executor::{
    child::Child,
    stack::{Call, Stack},
    sync::mpsc,
    task,
};
use lastbyte_sim::{catalogue::Specimen, matrix::own, zoo::parts::exit};

struct SelectLoop(RefCell<mpsc::UnboundedReceiver<Event>>);

impl Stack for SelectLoop {
    const OFFERS: &'static [Call] = &[];

    fn start(child: Child, _: &Policy) -> Self {
        let (chunks, mut read) = mpsc::unbounded_channel();
        for mut source in [child.stdout, child.stderr] {
            let chunks = chunks.clone();
            task::spawn("reader", async move {
                while let Read::Chunk(chunk) = source.read().await {
                    let _gone = chunks.send(Event::Chunk { stream: source.stream(), chunk });
                }
            });
        }
        let (events, receiver) = mpsc::unbounded_channel();
        task::spawn("select loop", async move {
            let status = loop {
                tokio::select! {
                    biased; // unbiased, it draws lots: no run would be like another
                    Some(event) = read.recv() => drop(events.send(event)),
                    status = child.process.wait() => break status,
                }
            };
            while let Ok(event) = read.try_recv() {
                let _gone = events.send(event);
            }
            let _gone = events.send(exit(status.unwrap_or_else(Status::Unknown)));
        });
        SelectLoop(RefCell::new(receiver))
    }

    async fn next(&self) -> Option<Event> {
        poll_fn(|cx| self.0.borrow_mut().poll_recv(cx)).await
    }
}

/// Where it is asked, and what it is known to break there: strictly, so what is mended goes out.
const PLACES: &[&str] = &["plain", "text", "held", "bounded", "read-error", "wait-error"];
const BREAKS: &[Rule] = &[Rule::C1, Rule::C9, Rule::C12];

fn main() -> ExitCode {
    own::main(&[Specimen::stack::<SelectLoop>("select-loop", "select, then empty", PLACES, BREAKS)])
}
