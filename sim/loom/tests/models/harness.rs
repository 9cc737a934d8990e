//! What the models share: an exhaustive run that counts, threads of a model, and what they say.

use std::{
    any::type_name_of_val,
    future::{Future, poll_fn},
    mem,
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use lastbyte_loom::{
    machine::{
        Chunk, Event, Illegal, Input, PerStream, Policy, Status, StreamId, Streams, Terminal, Why,
    },
    ordering::Core,
};
use loom::thread;

/// A chunk of one byte that tells itself apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Byte(pub(crate) u8);

impl Chunk for Byte {
    fn len(&self) -> u64 {
        1
    }

    fn split_off(&mut self, at: u64) -> Self {
        unreachable!("one byte has no place {at} inside it")
    }
}

/// The execution of a model. Shared by std's `Arc`: who lets go of it last is not the question, and
/// would only multiply the runs.
pub(crate) type Shared = Arc<Kept<Core<Byte>>>;

/// Dropped with its scope, and forgotten by a panic: when loom has found a deadlock no thread can
/// run any more, and dropping a part of the model would panic again, and abort.
pub(crate) struct Kept<T>(Option<T>);

impl<T> Kept<T> {
    pub(crate) fn new(value: T) -> Self {
        Kept(Some(value))
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("it is taken by drop alone")
    }
}

impl<T> DerefMut for Kept<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("it is taken by drop alone")
    }
}

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            mem::forget(self.0.take());
        }
    }
}

/// Runs `model` in every order of its steps that there is, and asserts how many those are.
///
/// Nothing is bounded, and the environment cannot bound it: with a cap loom would pass after a
/// part of the runs. The number is that of this version of loom.
pub(crate) fn exhaust(runs: usize, model: impl Fn() + Send + Sync + 'static) {
    let name = type_name_of_val(&model).trim_end_matches("::{{closure}}");
    let name = name.split_once("::").map_or(name, |(_, path)| path).to_owned();
    let counted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&counted);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = None;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.checkpoint_file = None;
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        model();
    });
    let counted = counted.load(Ordering::Relaxed);
    println!("{name}: exhaustive, {counted} runs");
    assert_eq!(counted, runs, "{name} has another number of runs; derive it anew");
}

/// An execution that runs, under the monitor.
pub(crate) fn running(streams: Streams, policy: Policy) -> Shared {
    let core = starting(streams, policy);
    legal(&core, Input::Started);
    core
}

/// An execution that has not started, under the monitor.
pub(crate) fn starting(streams: Streams, policy: Policy) -> Shared {
    Arc::new(Kept::new(Core::monitored(streams, policy).expect("the policy makes sense")))
}

/// A step of the driver, who has nothing to do after it.
pub(crate) fn legal(core: &Core<Byte>, input: Input<Byte>) {
    let _orders = core.drive(input).expect("a legal step");
}

/// A step of the driver that a close or a shutdown may have forestalled. Whether it was made.
pub(crate) fn made(core: &Core<Byte>, input: Input<Byte>) -> bool {
    match core.drive(input) {
        Ok(_orders) => true,
        Err(Illegal { why: Why::StreamEnded | Why::AlreadyDone, .. }) => false,
        Err(illegal) => panic!("{illegal}"),
    }
}

/// Runs `body` on a thread of the model.
pub(crate) fn spawn<T: 'static>(
    core: &Shared,
    body: impl FnOnce(&Core<Byte>) -> T + 'static,
) -> thread::JoinHandle<T> {
    let core = Arc::clone(core);
    thread::spawn(move || body(&core))
}

/// Makes these steps, each of which is legal, on a thread of the model.
pub(crate) fn steps<const N: usize>(
    core: &Shared,
    inputs: [Input<Byte>; N],
) -> thread::JoinHandle<()> {
    spawn(core, move |core| {
        for input in inputs {
            legal(core, input);
        }
    })
}

pub(crate) fn join<T>(handle: thread::JoinHandle<T>) -> T {
    handle.join().expect("a thread of the model ends well")
}

pub(crate) const STDOUT: StreamId = StreamId::Stdout;
pub(crate) const STDERR: StreamId = StreamId::Stderr;
pub(crate) const STATUS: Status = Status::Exited { code: 3 };

pub(crate) fn chunk(stream: StreamId, byte: u8) -> Input<Byte> {
    Input::Chunk(stream, Byte(byte))
}

pub(crate) fn reap() -> Input<Byte> {
    Input::Reap { status: STATUS, standing: PerStream::default() }
}

/// Wakes one sleeper. Its flags are std's, so that they add no run: between two operations of loom's
/// nothing else can happen. A thread that loom has blocked elsewhere is left alone.
struct Sleeper {
    thread: thread::Thread,
    woken: AtomicBool,
    parked: AtomicBool,
}

impl Sleeper {
    fn sleep(&self) {
        if !self.woken.load(Ordering::Relaxed) {
            self.parked.store(true, Ordering::Relaxed);
            thread::park();
            self.parked.store(false, Ordering::Relaxed);
        }
        assert!(self.woken.swap(false, Ordering::Relaxed), "nobody but a waker ends the sleep");
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        if self.parked.load(Ordering::Relaxed) {
            self.thread.unpark();
        }
    }
}

/// Blocks this thread of the model until `future` is ready. A wake-up that is lost is a deadlock,
/// which loom reports; one that was for nothing fails here.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let sleeper = Arc::new(Sleeper {
        thread: thread::current(),
        woken: AtomicBool::new(false),
        parked: AtomicBool::new(false),
    });
    let waker = Waker::from(Arc::clone(&sleeper));
    let mut cx = Context::from_waker(&waker);
    let mut future = Kept::new(Box::pin(future));
    if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
        return output;
    }
    sleeper.sleep();
    match future.as_mut().poll(&mut cx) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("woken, and nothing was there"),
    }
}

/// The consumer: blocks for the next event.
pub(crate) fn next(core: &Core<Byte>) -> Option<Event<Byte>> {
    block_on(poll_fn(|cx| core.poll_event(cx)))
}

/// The consumer: takes everything up to the terminal, which nothing follows.
pub(crate) fn consume(core: &Core<Byte>) -> (Vec<Event<Byte>>, Terminal) {
    let mut events = Vec::new();
    loop {
        match next(core).expect("no end without a terminal") {
            Event::Exit(terminal) => return (events, terminal),
            event @ (Event::Chunk { .. } | Event::Gap { .. } | Event::End { .. }) => {
                events.push(event);
            }
        }
    }
}

/// The monitor has seen every step and no broken rule, and nothing can happen any more.
pub(crate) fn assert_over(core: &Core<Byte>) {
    assert!(core.is_done(), "the execution is over");
    assert_kept(core);
}

/// The monitor has seen no broken rule.
pub(crate) fn assert_kept(core: &Core<Byte>) {
    let verdict = core.verdict().expect("the model runs under the monitor");
    assert_eq!(verdict.violation, None);
}

/// The bytes of `stream` among `events`, and that its end is the last of it.
pub(crate) fn bytes(events: &[Event<Byte>], of: StreamId) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut ended = false;
    for event in events {
        match *event {
            Event::Chunk { stream, chunk } if stream == of => {
                assert!(!ended, "{of}: a byte after the end");
                bytes.push(chunk.0);
            }
            Event::End { stream, .. } if stream == of => ended = true,
            Event::Chunk { .. } | Event::Gap { .. } | Event::End { .. } | Event::Exit(_) => {}
        }
    }
    assert!(ended, "{of} has an end");
    bytes
}
