//! Executions that wait: what one takes in memory, and very many in one runtime.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use lastbyte::{
    Data, Event, Execution, Policy, Signal, Status, StreamId, Streams, Target,
    backend::{Backend, Exit, Read},
    machine::{Input, PerStream},
    ordering::Core,
};

use crate::{allocations, processor_time};

/// Children that do nothing until they may, then each writes its number and exits.
#[derive(Clone, Default)]
struct Gate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    open: AtomicBool,
    waiting: Mutex<Vec<Waker>>,
}

impl Gate {
    fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        if self.is_open() {
            return Poll::Ready(());
        }
        self.0.waiting.lock().expect("nobody panics").push(cx.waker().clone());
        Poll::Pending
    }

    fn is_open(&self) -> bool {
        self.0.open.load(Ordering::Acquire)
    }

    fn open(&self) {
        self.0.open.store(true, Ordering::Release);
        let waiting = std::mem::take(&mut *self.0.waiting.lock().expect("nobody panics"));
        waiting.into_iter().for_each(Waker::wake);
    }
}

struct Child {
    gate: Gate,
    number: u64,
    written: bool,
}

const EXIT: Status = Status::Exited { code: 0 };

impl Child {
    fn exit(&self) -> Option<Exit> {
        self.gate.is_open().then(|| Exit { status: EXIT, standing: PerStream::default() })
    }
}

impl Backend for Child {
    // The exit waits for the gate, and wakes the task for all.
    fn poll_read(&mut self, _: &mut Context<'_>, stream: StreamId, max: u64) -> Poll<Read> {
        self.try_read(stream, max).map_or(Poll::Pending, Poll::Ready)
    }

    fn try_read(&mut self, stream: StreamId, _max: u64) -> Option<Read> {
        if !self.gate.is_open() {
            return None;
        }
        if stream != StreamId::Stdout || self.written {
            return Some(Read::Eof);
        }
        self.written = true;
        let number = self.number.to_le_bytes();
        Some(Read::Chunk(Data::new(bytes::Bytes::copy_from_slice(&number))))
    }

    fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<Exit> {
        self.gate.poll(cx).map(|()| Exit { status: EXIT, standing: PerStream::default() })
    }

    fn try_exit(&mut self) -> Option<Exit> {
        self.exit()
    }

    fn wait_exit(&mut self, _max: Duration) -> Option<Exit> {
        self.exit()
    }

    fn signal(&mut self, _signal: Signal, _target: Target) {}

    fn abandon(&mut self, _stream: StreamId) {}
}

/// What one execution takes that has started and to which nothing has happened yet.
pub(crate) fn idle() {
    let before = allocations::living();
    let core = Core::<Data>::new(Streams::Separate, Policy::default()).expect("the default");
    let _orders = core.drive(Input::Started).expect("a start is legal");
    let bytes = allocations::living() - before;
    println!("{:44} {bytes:>8} B {:>21}", "core: an idle execution", "1024 B");
    assert!(!core.is_done());
}

/// So many at once, all living, then all ending: with their drivers as tasks of one runtime.
pub(crate) fn live(count: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let gate = Gate::default();
        let before = allocations::living();
        let began = processor_time();
        let mut executions = Vec::with_capacity(usize::try_from(count).expect("it fits"));
        for number in 0..count {
            let child = Child { gate: gate.clone(), number, written: false };
            let policy = Policy::default();
            executions
                .push(Execution::on_backend(child, Streams::Separate, policy).expect("it starts"));
        }
        tokio::task::yield_now().await;
        let started = processor_time() - began;
        let bytes = (allocations::living() - before) / count;
        gate.open();
        for (number, execution) in executions.iter_mut().enumerate() {
            take_all(execution, number as u64).await;
        }
        let ended = processor_time() - began - started;
        println!(
            "{:44} {bytes:>8} B each, with driver and task; start {:.2} us, end {:.2} us each",
            format!("{count} live executions in one runtime"),
            started.as_secs_f64() * 1e6 / count as f64,
            ended.as_secs_f64() * 1e6 / count as f64,
        );
    });
}

async fn take_all(execution: &mut Execution, number: u64) {
    let mut written = Vec::new();
    while let Some(event) = execution.next().await {
        match event {
            Event::Chunk { chunk, .. } => written.extend_from_slice(&chunk),
            Event::Exit(terminal) => assert!(terminal.is_complete() && terminal.status == EXIT),
            Event::Gap { .. } | Event::End { .. } => {}
        }
    }
    assert_eq!(written, number.to_le_bytes(), "its own bytes, whole");
}
