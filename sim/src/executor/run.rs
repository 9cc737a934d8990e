//! One run: tasks, virtual time, and the record of what was touched.
//!
//! A run belongs to the thread that makes it, and the twins find it there. It is over when no
//! task can go on and no timer is left. Then, or before, it is dropped whole.

use std::{
    any::{Any, TypeId},
    borrow::Cow,
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt,
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use super::{
    footprint::{Footprint, ObjectId, Part, hash_of, mix},
    trace::{Line, Trace},
    witness::Seen,
};

/// What may go on next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// This task is polled once.
    Task(usize),
    /// Time passes until the next timer is due.
    Time,
}

/// Where a task stands between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// At an await: an abort ends it here.
    Await,
    /// Between two awaits, on a thread of its own: an abort cannot end it here.
    Preempted,
}

type Task = Pin<Box<dyn Future<Output = ()>>>;

struct Slot {
    name: Cow<'static, str>,
    /// `None` while it is polled, and after its end.
    future: Option<Task>,
    waker: Waker,
    at: At,
    /// What its next step does, if it said so.
    next: Option<&'static str>,
    aborted: bool,
    ended: bool,
}

/// The tasks that can go on, and those that were woken in this step.
#[derive(Debug, Default)]
struct Awake {
    ready: AtomicU64,
    woken: AtomicU64,
}

impl Awake {
    fn add(&self, bit: u64) {
        self.ready.fetch_or(bit, Ordering::Relaxed);
        self.woken.fetch_or(bit, Ordering::Relaxed);
    }

    fn remove(&self, bit: u64) {
        self.ready.fetch_and(!bit, Ordering::Relaxed);
        self.woken.fetch_and(!bit, Ordering::Relaxed);
    }

    fn ready(&self) -> u64 {
        self.ready.load(Ordering::Relaxed)
    }
}

/// The place of a task in the set of those that can go on.
struct Ready {
    bit: u64,
    awake: Arc<Awake>,
}

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.awake.add(self.bit);
    }
}

/// All of a run that can be compared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    /// By number.
    pub(crate) tasks: Vec<Part>,
    pub(crate) objects: Vec<Part>,
    /// The tasks that can go on, one bit each.
    pub(crate) ready: u64,
    /// The tasks that were woken by the last step, whether or not they could go on.
    pub(crate) woken: u64,
    pub(crate) early_left: u32,
    /// When the next timer is due.
    pub(crate) next_timer: Duration,
}

/// How a run is made.
#[derive(Clone, Copy, Debug)]
pub struct Mode {
    /// Keep a trace.
    pub traced: bool,
    /// How often time may pass although some task could go on: a loop that is late.
    pub early: u32,
}

/// Tasks, a clock, and what they touched.
pub struct Run {
    tasks: RefCell<Vec<Slot>>,
    awake: Arc<Awake>,
    current: Cell<usize>,
    footprint: RefCell<Footprint>,
    clock: ObjectId,
    now: Cell<Duration>,
    /// By when they are due: whose they are.
    timers: RefCell<BTreeMap<(Duration, u64), (usize, Waker)>>,
    timers_made: Cell<u64>,
    /// Stands for the timers that run.
    timers_run: ObjectId,
    early_left: Cell<u32>,
    trace: RefCell<Option<Trace>>,
    shared: RefCell<Vec<(TypeId, Rc<dyn Any>)>>,
    /// Stands for what is shared.
    shares: ObjectId,
    finding: RefCell<Option<Box<dyn Any>>>,
    /// What witnesses were told in this step, each by its execution, if somebody asks.
    told: RefCell<Option<Vec<(usize, Seen)>>>,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("now", &self.now.get()).finish_non_exhaustive()
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Run>>> = const { RefCell::new(None) };
}

/// The run of this thread, if there is one.
pub(crate) fn with<T>(ask: impl FnOnce(&Run) -> T) -> Option<T> {
    let run = CURRENT.with_borrow(Clone::clone);
    run.map(|run| ask(&run))
}

/// The run of this thread.
pub(crate) fn current() -> Rc<Run> {
    CURRENT
        .with_borrow(Clone::clone)
        .unwrap_or_else(|| panic!("used outside of a run: only `Stack`s and their tasks can"))
}

/// Notes what the task at work did to an object.
pub(crate) fn mark(what: impl FnOnce(&mut Footprint, usize)) {
    with(|run| what(&mut run.footprint.borrow_mut(), run.current.get()));
}

/// The task at work learned what an object holds, and may have changed it in a way that cannot be
/// told.
pub(crate) fn blur(object: ObjectId) {
    mark(|footprint, task| footprint.blur(task, object));
}

/// The task at work learned the value of an object.
pub(crate) fn see(object: ObjectId) {
    mark(|footprint, task| footprint.see(task, object));
}

/// The value of an object is this now.
pub(crate) fn set(object: ObjectId, value: &impl std::hash::Hash) {
    let value = hash_of(value);
    mark(|footprint, _| footprint.set(object, value));
}

/// The value of an object is this now, and nobody is woken.
pub(crate) fn hold(object: ObjectId, value: &impl std::hash::Hash) {
    let value = hash_of(value);
    mark(|footprint, _| footprint.hold(object, value));
}

/// The task at work is woken by the next change of an object.
pub(crate) fn wait(object: ObjectId) {
    mark(|footprint, task| footprint.wait(task, object));
}

/// The task at work learned this.
pub(crate) fn learn(what: &impl std::hash::Hash) {
    let what = hash_of(what);
    mark(|footprint, task| footprint.learn(task, what));
}

/// The task at work learned this of an object, and not all that it holds.
pub(crate) fn look(object: ObjectId, what: &impl std::hash::Hash) {
    let what = hash_of(what);
    mark(|footprint, task| footprint.look(task, object, what));
}

/// The task at work is not woken any more by a change of an object.
pub(crate) fn leave(object: ObjectId) {
    mark(|footprint, task| footprint.leave(task, object));
}

/// What is noted meanwhile is no reason to hand the choice back.
pub(crate) fn quietly(what: impl FnOnce()) {
    let touched = with(|run| run.footprint.borrow().has_touched()).unwrap_or(true);
    what();
    if !touched {
        mark(|footprint, _| footprint.untouch());
    }
}

/// The step depends on what an object holds, and its task has been told of it.
pub(crate) fn glance(object: ObjectId) {
    mark(|footprint, _| footprint.glance(object));
}

/// The value of an object is this now: for whoever looks from outside, and no task.
pub(crate) fn note_value(object: ObjectId, value: &impl std::hash::Hash) {
    let value = hash_of(value);
    mark(|footprint, _| footprint.quietly(|footprint| footprint.hold(object, value)));
}

/// A witness is told something.
pub(crate) fn tell(execution: usize, seen: &Seen) {
    with(|run| {
        run.footprint.borrow_mut().touch();
        if let Some(told) = &mut *run.told.borrow_mut() {
            told.push((execution, seen.clone()));
        }
    });
}

/// The task at work remembers this and nothing else.
pub(crate) fn remember(what: &impl std::hash::Hash) {
    let what = hash_of(what);
    mark(|footprint, task| footprint.remember(task, what));
}

/// A new object, made by the task at work.
pub(crate) fn object() -> ObjectId {
    let run = current();
    let mut footprint = run.footprint.borrow_mut();
    footprint.object(Some(run.current.get()))
}

/// Writes a line of the trace, if one is kept.
pub(crate) fn note(text: impl FnOnce() -> String) {
    with(|run| {
        if let Some(trace) = &mut *run.trace.borrow_mut() {
            trace.note(text());
        }
    });
}

/// The tasks are numbered in one word.
const TASKS_MAX: usize = 64;
/// Time is a task of the footprint.
const TIME: usize = 0;

impl Run {
    /// Makes a run the one of this thread, and calls `main` to spawn its first tasks.
    pub(crate) fn enter(mode: Mode, main: impl FnOnce()) -> Entered {
        let mut footprint = Footprint::default();
        let time = footprint.spawn(None);
        debug_assert_eq!(time, TIME);
        let clock = footprint.object(Some(time));
        let timers_run = footprint.object(Some(time));
        let shares = footprint.object(Some(time));
        let run = Rc::new(Run {
            tasks: RefCell::new(Vec::new()),
            awake: Arc::default(),
            current: Cell::new(TIME),
            footprint: RefCell::new(footprint),
            clock,
            now: Cell::new(Duration::ZERO),
            timers: RefCell::default(),
            timers_made: Cell::new(0),
            timers_run,
            early_left: Cell::new(mode.early),
            trace: RefCell::new(mode.traced.then(Trace::default)),
            shared: RefCell::default(),
            shares,
            finding: RefCell::default(),
            told: RefCell::default(),
        });
        run.push_slot("time".into(), None);
        CURRENT.set(Some(Rc::clone(&run)));
        main();
        Entered { run }
    }

    fn push_slot(&self, name: Cow<'static, str>, future: Option<Task>) -> usize {
        let mut tasks = self.tasks.borrow_mut();
        let number = tasks.len();
        assert!(number < TASKS_MAX, "a run has at most {TASKS_MAX} tasks");
        let bit = 1 << number;
        let waker = Waker::from(Arc::new(Ready { bit, awake: Arc::clone(&self.awake) }));
        let ended = future.is_none();
        let (at, next) = (At::Await, None);
        tasks.push(Slot { name, future, waker, at, next, aborted: false, ended });
        number
    }

    pub(crate) fn spawn(&self, name: Cow<'static, str>, future: Task) -> usize {
        let number = self.push_slot(name, Some(future));
        let traced = self.footprint.borrow_mut().spawn(Some(self.current.get()));
        debug_assert_eq!(traced, number);
        self.awake.add(1 << number);
        number
    }

    pub(crate) fn abort(&self, task: usize) {
        self.footprint.borrow_mut().abort(task);
        let mut tasks = self.tasks.borrow_mut();
        let slot = &mut tasks[task];
        if !slot.ended {
            slot.aborted = true;
            slot.waker.wake_by_ref();
        }
    }

    /// What may go on next: tasks by number, then time. None: the run is over.
    pub(crate) fn choices(&self, choices: &mut Vec<Choice>) {
        choices.clear();
        let mut ready = self.awake.ready();
        while ready != 0 {
            choices.push(Choice::Task(ready.trailing_zeros() as usize));
            ready &= ready - 1;
        }
        let late = choices.is_empty() || self.early_left.get() > 0;
        if late && !self.timers.borrow().is_empty() {
            choices.push(Choice::Time);
        }
    }

    pub(crate) fn take(&self, choice: Choice) {
        self.awake.woken.store(0, Ordering::Relaxed);
        match choice {
            Choice::Task(task) => self.poll(task),
            Choice::Time => self.pass_time(),
        }
    }

    fn poll(&self, number: usize) {
        self.current.set(number);
        self.awake.remove(1 << number);
        let (future, waker, ends) = {
            let mut tasks = self.tasks.borrow_mut();
            let slot = &mut tasks[number];
            let ends = slot.aborted && slot.at == At::Await;
            self.begin(&slot.name, if ends { Some("is aborted") } else { slot.next.take() });
            slot.at = At::Await;
            (slot.future.take(), slot.waker.clone(), ends)
        };
        self.footprint.borrow_mut().step(number);
        let Some(mut future) = future else { return };
        let over = ends || future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        if over {
            // Its destructors are part of this step.
            drop(future);
            self.awake.remove(1 << number);
            self.footprint.borrow_mut().end(number);
            self.tasks.borrow_mut()[number].ended = true;
            return;
        }
        let mut tasks = self.tasks.borrow_mut();
        let slot = &mut tasks[number];
        slot.future = Some(future);
        // It was aborted by itself, or while it could not be.
        if slot.aborted {
            slot.waker.wake_by_ref();
        }
    }

    fn begin(&self, name: &str, what: Option<&'static str>) {
        if let Some(trace) = &mut *self.trace.borrow_mut() {
            trace.begin(name, what);
        }
    }

    fn pass_time(&self) {
        let early = self.is_busy();
        self.early_left.set(self.early_left.get() - u32::from(early));
        self.current.set(TIME);
        self.begin("time", None);
        {
            let mut footprint = self.footprint.borrow_mut();
            footprint.step(TIME);
            footprint.set(self.clock, hash_of(&self.next_timer()));
        }
        let mut timers = self.timers.borrow_mut();
        let Some(&(at, _)) = timers.keys().next() else { return };
        self.now.set(at);
        note_in(&self.trace, || format!("{} ms have passed", at.as_millis()));
        while let Some(entry) = timers.first_entry()
            && entry.key().0 <= at
        {
            let due = entry.key().0;
            let (task, waker) = entry.remove();
            self.note_timer(due, task, false);
            waker.wake();
        }
    }

    /// Says where the task at work stands, should its poll end here.
    pub(crate) fn stands(&self, at: At, next: Option<&'static str>) {
        let mut tasks = self.tasks.borrow_mut();
        let slot = &mut tasks[self.current.get()];
        (slot.at, slot.next) = (at, next);
    }

    pub(crate) fn now(&self) -> Duration {
        self.footprint.borrow_mut().see(self.current.get(), self.clock);
        self.now.get()
    }

    pub(crate) fn add_timer(&self, at: Duration, waker: &Waker) -> (Duration, u64) {
        let key = (at, self.timers_made.get());
        self.timers_made.set(key.1 + 1);
        let task = self.current.get();
        self.timers.borrow_mut().insert(key, (task, waker.clone()));
        self.note_timer(at, task, true);
        key
    }

    /// A timer runs from now on, or no more.
    fn note_timer(&self, at: Duration, task: usize, runs: bool) {
        let mut footprint = self.footprint.borrow_mut();
        let timer = mix(&[at.as_nanos(), footprint.who(task)]);
        let more = if runs { timer } else { timer.wrapping_neg() };
        footprint.quietly(|footprint| footprint.add(self.timers_run, more));
        footprint.add_timer(task, more);
    }

    pub(crate) fn remove_timer(&self, key: (Duration, u64)) {
        // Dropped after the borrow: a waker may run foreign code.
        let removed = self.timers.borrow_mut().remove(&key);
        if let Some((task, _waker)) = removed {
            self.note_timer(key.0, task, false);
        }
    }

    /// Stands for the state, its witnesses aside: equal footprints have equal futures.
    pub(crate) fn footprint(&self) -> u128 {
        let sum = self.footprint.borrow_mut().sum(self.awake.ready());
        sum.wrapping_add(u128::from(self.early_left.get()))
    }

    /// All of it that can be compared, its witnesses aside.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let (tasks, objects) = self.footprint.borrow_mut().parts();
        Snapshot {
            tasks,
            objects,
            ready: self.awake.ready(),
            woken: self.awake.woken.load(Ordering::Relaxed),
            early_left: self.early_left.get(),
            next_timer: self.next_timer(),
        }
    }

    /// From here on what witnesses are told is kept. Returns what was told since the last call.
    pub(crate) fn listen(&self) -> Vec<(usize, Seen)> {
        self.told.replace(Some(Vec::new())).unwrap_or_default()
    }

    /// The next step of time depends on what an object holds.
    pub(crate) fn glance(&self, object: ObjectId) {
        self.footprint.borrow_mut().glance(object);
    }

    /// The clock, as an object.
    pub(crate) fn clock(&self) -> ObjectId {
        self.clock
    }

    /// The time, for whoever watches the run from outside.
    pub(crate) fn time(&self) -> Duration {
        self.now.get()
    }

    /// When the next timer is due.
    pub(crate) fn next_timer(&self) -> Duration {
        self.timers.borrow().keys().next().map_or(Duration::MAX, |&(at, _)| at)
    }

    /// Whether anything could go on without time passing.
    pub(crate) fn is_busy(&self) -> bool {
        self.awake.ready() != 0
    }

    /// The one `T` of this run: what several executions share.
    pub(crate) fn shared<T: 'static>(&self, make: impl FnOnce() -> T) -> Rc<T> {
        self.glance(self.shares);
        let known = self
            .shared
            .borrow()
            .iter()
            .find(|(id, _)| *id == TypeId::of::<T>())
            .and_then(|(_, value)| Rc::clone(value).downcast::<T>().ok());
        known.unwrap_or_else(|| {
            let made = Rc::new(make());
            let mut footprint = self.footprint.borrow_mut();
            let maker = footprint.who(self.current.get());
            footprint.quietly(|footprint| footprint.add(self.shares, mix(&[maker])));
            drop(footprint);
            self.shared.borrow_mut().push((TypeId::of::<T>(), Rc::clone(&made) as Rc<dyn Any>));
            made
        })
    }

    /// Keeps the first finding: it ends the run.
    pub(crate) fn find<T: 'static>(&self, finding: T) {
        let mut found = self.finding.borrow_mut();
        if found.is_none() {
            *found = Some(Box::new(finding));
        }
    }

    pub(crate) fn finding<T: 'static + Copy>(&self) -> Option<T> {
        self.finding.borrow().as_ref().and_then(|finding| finding.downcast_ref::<T>().copied())
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        self.trace.borrow().as_ref().map(|trace| trace.lines().to_vec()).unwrap_or_default()
    }
}

fn note_in(trace: &RefCell<Option<Trace>>, text: impl FnOnce() -> String) {
    if let Some(trace) = &mut *trace.borrow_mut() {
        trace.note(text());
    }
}

/// A run that this thread is in; dropping it takes the tasks down.
#[derive(Debug)]
pub(crate) struct Entered {
    run: Rc<Run>,
}

impl std::ops::Deref for Entered {
    type Target = Run;

    fn deref(&self) -> &Run {
        &self.run
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // Their destructors still find the run.
        let tasks: Vec<Option<Task>> =
            self.run.tasks.borrow_mut().iter_mut().map(|slot| slot.future.take()).collect();
        drop(tasks);
        let shared = std::mem::take(&mut *self.run.shared.borrow_mut());
        drop(shared);
        CURRENT.set(None);
    }
}

/// As [`choice`], for a future that is polled by hand: whether its poll must end here.
pub(crate) fn hands_back(asked: &mut bool, cx: &Context<'_>) -> bool {
    if std::mem::replace(asked, true) {
        return false;
    }
    learn(&());
    let back = with(|run| run.footprint.borrow().has_touched()).unwrap_or(false);
    if back {
        with(|run| run.stands(At::Await, None));
        cx.waker().wake_by_ref();
    }
    back
}

/// Hands the choice back once: another task may go on before this one does. At the begin of a
/// step it has just been given.
pub(crate) async fn choice(at: At, next: Option<&'static str>) {
    let mut asked = with(|run| !run.footprint.borrow().has_touched()).unwrap_or(true);
    if let (true, Some(next)) = (asked, next) {
        note(|| next.to_owned());
    }
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut asked, true) {
            learn(&());
            return Poll::Ready(());
        }
        with(|run| run.stands(at, next));
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Polls a future whose every poll blurs an object; also when it is dropped before its end.
pub(crate) async fn blurring<F: Future>(object: ObjectId, future: F) -> F::Output {
    struct Unfinished(Option<ObjectId>);
    impl Drop for Unfinished {
        fn drop(&mut self) {
            if let Some(object) = self.0 {
                blur(object);
            }
        }
    }
    let mut unfinished = Unfinished(Some(object));
    let mut future = std::pin::pin!(future);
    let output = std::future::poll_fn(|cx| {
        blur(object);
        future.as_mut().poll(cx)
    })
    .await;
    unfinished.0 = None;
    output
}
