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

use lastbyte_loom::machine::{
    Chunk, Event, Illegal, Input, PerStream, Policy, Status, StreamId, Streams, Terminal, Why,
};
use loom::thread;

use crate::subject::Subject;

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
pub(crate) type Shared<K> = Arc<Kept<K>>;

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
    assert_runs(runs, None, model);
}

/// As [`exhaust`], but only the orders in which a thread that could go on is stopped for another at
/// most `BOUND` times.
pub(crate) fn exhaust_within<const BOUND: usize>(
    runs: usize,
    model: impl Fn() + Send + Sync + 'static,
) {
    assert_runs(runs, Some(BOUND), model);
}

fn assert_runs(runs: usize, bound: Option<usize>, model: impl Fn() + Send + Sync + 'static) {
    let name = name_of(&model);
    let counted = Arc::new(AtomicUsize::new(0));
    explore(bound, &counted, model);
    let counted = counted.load(Ordering::Relaxed);
    match bound {
        None => println!("{name}: exhaustive, {counted} runs"),
        Some(bound) => println!("{name}: up to {bound} preemptions, {counted} runs"),
    }
    assert_eq!(counted, runs, "{name} has another number of runs; derive it anew");
}

/// Runs `model` in every order, or every one within the bound; counts as it goes.
pub(crate) fn explore(
    preemption_bound: Option<usize>,
    counted: &Arc<AtomicUsize>,
    model: impl Fn() + Send + Sync + 'static,
) {
    let count = Arc::clone(counted);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemption_bound;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.checkpoint_file = None;
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        model();
    });
}

/// The path of a model's function, without the crate and what it is run on.
fn name_of<M>(model: &M) -> &'static str {
    let name = type_name_of_val(model);
    let name = name.split_once('<').map_or(name, |(path, _)| path);
    name.split_once("::").map_or(name, |(_, path)| path)
}

/// An execution that runs, under the monitor.
pub(crate) fn running<K: Subject>(streams: Streams, policy: Policy) -> Shared<K> {
    let core = starting::<K>(streams, policy);
    core.legal(Input::Started);
    core
}

/// An execution that has not started, under the monitor.
pub(crate) fn starting<K: Subject>(streams: Streams, policy: Policy) -> Shared<K> {
    Arc::new(Kept::new(K::monitored(streams, policy).expect("the policy makes sense")))
}

/// What the threads of a model do, and what holds when they have done it.
pub(crate) trait Acts: Subject {
    /// A step of the driver, who has nothing to do after it.
    fn legal(&self, input: Input<Byte>) {
        let _orders = self.drive(input).expect("a legal step");
    }

    /// A step of the driver that a close or a shutdown may have forestalled. Whether it was made.
    fn made(&self, input: Input<Byte>) -> bool {
        match self.drive(input) {
            Ok(_orders) => true,
            Err(Illegal { why: Why::StreamEnded | Why::AlreadyDone, .. }) => false,
            Err(illegal) => panic!("{illegal}"),
        }
    }

    /// The consumer: blocks for the next event.
    fn next(&self) -> Option<Event<Byte>> {
        block_on(poll_fn(|cx| self.poll_event(cx)))
    }

    /// The consumer: takes everything up to the terminal, which nothing follows.
    fn consume(&self) -> (Vec<Event<Byte>>, Terminal) {
        let mut events = Vec::new();
        loop {
            match self.next().expect("no end without a terminal") {
                Event::Exit(terminal) => return (events, terminal),
                event @ (Event::Chunk { .. } | Event::Gap { .. } | Event::End { .. }) => {
                    events.push(event);
                }
            }
        }
    }

    /// The monitor has seen every step and no broken rule, and nothing can happen any more.
    fn assert_over(&self) {
        assert!(self.is_done(), "the execution is over");
        self.assert_kept();
    }

    /// The monitor has seen no broken rule.
    fn assert_kept(&self) {
        assert_eq!(self.violation(), None, "a rule of the contract is broken");
    }
}

impl<K: Subject> Acts for K {}

/// Runs `body` on a thread of the model.
pub(crate) fn spawn<K: Subject, T: 'static>(
    core: &Shared<K>,
    body: impl FnOnce(&K) -> T + 'static,
) -> thread::JoinHandle<T> {
    let core = Arc::clone(core);
    thread::spawn(move || body(&core))
}

/// Makes these steps, each of which is legal, on a thread of the model.
pub(crate) fn steps<K: Subject, const N: usize>(
    core: &Shared<K>,
    inputs: [Input<Byte>; N],
) -> thread::JoinHandle<()> {
    spawn(core, move |core| {
        for input in inputs {
            core.legal(input);
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
    block_on_despite(0, future)
}

/// As [`block_on`], but up to `vain` times somebody else may take away what it was woken for.
pub(crate) fn block_on_despite<F: Future>(mut vain: usize, future: F) -> F::Output {
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
    loop {
        sleeper.sleep();
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        vain = vain.checked_sub(1).expect("woken, and nothing was there");
    }
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
