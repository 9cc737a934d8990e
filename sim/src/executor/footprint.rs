//! The state of a run as one number: equal for two schedules after which the same can happen.
//!
//! Tasks are futures, which cannot be compared. But a task is where it is because of what it has
//! learned, and so its *knowledge* stands for it: a hash of all that its operations returned. An
//! object is what it holds: its messages in order, its value, and who waits for it. A message is
//! known by the knowledge of its sender. The footprint is the sum over all tasks and objects; a
//! sum, because their order in memory depends on the schedule.
//!
//! So two orders of steps that share no object meet in one footprint, and so do two pasts whose
//! difference nobody remembers.
//!
//! It also keeps which tasks and objects the present step has had to do with. What these are, is
//! all that decides what the step does (`local.rs`).

use std::collections::VecDeque;

use crate::fingerprint::Fingerprint;

/// Something that tasks share: a channel, a pipe, a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectId(usize);

#[derive(Debug)]
struct Task {
    /// Who it is, in every schedule.
    identity: u128,
    knows: u128,
    /// Tasks and objects that it has made.
    made: u64,
    stands: Stands,
    /// Timers of its that run.
    timers: u128,
    /// What it adds to the sum.
    share: u128,
    stale: bool,
    /// The last step that had to do with it.
    step: u32,
}

/// Whether a task goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    GoesOn,
    /// It will end at its next await, whatever it remembers.
    Aborted,
    Ended,
}

#[derive(Debug)]
struct Object {
    identity: u128,
    messages: VecDeque<u128>,
    value: u128,
    /// Of what was left behind that nobody can tell.
    past: u128,
    /// Tasks that are woken when it changes: who they are, and their numbers.
    waiters: Vec<(u128, usize)>,
    /// What it adds to the sum.
    share: u128,
    stale: bool,
    /// The last step that had to do with it.
    step: u32,
}

/// A task or an object, as a step finds or leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Who or which it is, in every schedule.
    pub(crate) identity: u128,
    /// All that it is now.
    pub(crate) share: u128,
    /// The last step had to do with it.
    pub(crate) touched: bool,
}

/// All tasks and objects of a run.
#[derive(Debug, Default)]
pub(crate) struct Footprint {
    tasks: Vec<Task>,
    objects: Vec<Object>,
    sum: u128,
    touched: bool,
    /// Steps so far.
    step: u32,
}

/// A hash of parts.
pub(crate) fn mix(of: &[u128]) -> u128 {
    of.iter().fold(of.len() as u128, |hash, &part| fold(hash, part))
}

fn fold(hash: u128, part: u128) -> u128 {
    let lane = |lane: u64, word: u64, odd: u64| {
        let product = u128::from(lane ^ word) * u128::from(odd);
        (product as u64).rotate_left(23) ^ (product >> 64) as u64 ^ word
    };
    let (low, high) = (part as u64, (part >> 64) as u64);
    let first = lane(hash as u64, low, 0x9e37_79b9_7f4a_7c15);
    let second = lane((hash >> 64) as u64, high.rotate_left(32) ^ low, 0xd6e8_feb8_6659_fd93);
    // Each half of the part reaches both lanes.
    u128::from(lane(first, high, 0xa076_1d64_78bd_642f)) << 64
        | u128::from(lane(second, first, 0xe703_7ed1_a0b4_28db))
}

/// A hash of a value.
pub(crate) fn hash_of(value: &impl std::hash::Hash) -> u128 {
    let mut hasher = Fingerprint::new();
    value.hash(&mut hasher);
    hasher.both()
}

// What a hash is of.
const LEARNED: u128 = 1;
const MADE: u128 = 2;
const TASK: u128 = 3;
const OBJECT: u128 = 4;
const READY: u128 = 5;
const CHANGED: u128 = 6;
const EMPTY: u128 = 7;
const WAITS: u128 = 8;

/// What it adds to the sum that a task can go on.
pub(crate) fn ready_share(identity: u128) -> u128 {
    mix(&[READY, identity])
}

impl Task {
    /// All that its next step depends on, its objects aside.
    fn says(&self) -> u128 {
        mix(&[self.identity, u128::from(self.made), self.knows])
    }
}

impl Footprint {
    /// A task begins a step.
    pub(crate) fn step(&mut self, task: usize) {
        self.touched = false;
        self.step += 1;
        self.tasks[task].step = self.step;
    }

    /// Whether the step has had to do with any object.
    pub(crate) fn has_touched(&self) -> bool {
        self.touched
    }

    /// The step has had to do with something of which nothing else is told.
    pub(crate) fn touch(&mut self) {
        self.touched = true;
    }

    /// What the step has had to do with is no reason to hand the choice back.
    pub(crate) fn untouch(&mut self) {
        self.touched = false;
    }

    /// What is noted meanwhile is no reason to hand the choice back.
    pub(crate) fn quietly(&mut self, what: impl FnOnce(&mut Self)) {
        let touched = self.touched;
        what(self);
        self.touched = touched;
    }

    fn identity(&mut self, maker: Option<usize>) -> u128 {
        let Some(maker) = maker else { return mix(&[MADE, self.tasks.len() as u128]) };
        let step = self.step;
        let maker = self.task(maker);
        maker.made += 1;
        maker.step = step;
        mix(&[MADE, maker.identity, u128::from(maker.made)])
    }

    /// A new task, which knows what its maker knows. Returns its number.
    pub(crate) fn spawn(&mut self, maker: Option<usize>) -> usize {
        let identity = self.identity(maker);
        let knows = maker.map_or(0, |maker| self.tasks[maker].knows);
        self.tasks.push(Task {
            identity,
            knows,
            made: 0,
            stands: Stands::GoesOn,
            timers: 0,
            share: 0,
            stale: true,
            step: self.step,
        });
        self.touched = true;
        self.tasks.len() - 1
    }

    /// A new object.
    pub(crate) fn object(&mut self, maker: Option<usize>) -> ObjectId {
        let identity = self.identity(maker);
        self.objects.push(Object {
            identity,
            messages: VecDeque::new(),
            value: 0,
            past: 0,
            waiters: Vec::new(),
            share: 0,
            stale: true,
            step: self.step,
        });
        ObjectId(self.objects.len() - 1)
    }

    /// A task that is not any more what it was.
    fn task(&mut self, task: usize) -> &mut Task {
        let task = &mut self.tasks[task];
        (task.stale, task.step) = (true, self.step);
        task
    }

    /// A task learned something.
    pub(crate) fn learn(&mut self, task: usize, what: u128) {
        let task = self.task(task);
        task.knows = mix(&[LEARNED, task.knows, what]);
    }

    /// A task remembers this and nothing else.
    pub(crate) fn remember(&mut self, task: usize, what: u128) {
        self.task(task).knows = mix(&[LEARNED, what]);
    }

    /// The step depends on what an object holds, and its task has been told all of it that it
    /// will be.
    pub(crate) fn glance(&mut self, object: ObjectId) {
        self.objects[object.0].step = self.step;
    }

    fn change(&mut self, object: ObjectId) -> &mut Object {
        self.touched = true;
        let object = &mut self.objects[object.0];
        (object.stale, object.step) = (true, self.step);
        object
    }

    /// Whoever waits is woken: whether he still waits, he alone knows.
    fn wake(&mut self, object: ObjectId) {
        for (_, waiter) in self.objects[object.0].waiters.drain(..) {
            self.tasks[waiter].step = self.step;
        }
    }

    /// A task put a message in; whoever waits is woken.
    pub(crate) fn push(&mut self, task: usize, object: ObjectId) {
        let message = self.tasks[task].says();
        self.change(object).messages.push_back(message);
        self.wake(object);
    }

    /// A task took the first message out.
    pub(crate) fn pop(&mut self, task: usize, object: ObjectId) {
        let message = self.change(object).messages.pop_front().unwrap_or(EMPTY);
        self.learn(task, message);
    }

    /// A task learned what the value is.
    pub(crate) fn see(&mut self, task: usize, object: ObjectId) {
        self.touched = true;
        self.glance(object);
        let Object { value, past, .. } = self.objects[object.0];
        self.learn(task, if past == 0 { value } else { mix(&[value, past]) });
    }

    /// A task learned a part of what an object holds.
    pub(crate) fn look(&mut self, task: usize, object: ObjectId, what: u128) {
        self.touched = true;
        self.glance(object);
        self.learn(task, what);
    }

    /// The value is this now; whoever waits is woken.
    pub(crate) fn set(&mut self, object: ObjectId, value: u128) {
        self.change(object).value = value;
        self.wake(object);
    }

    /// The value is this now, and nobody is woken.
    pub(crate) fn hold(&mut self, object: ObjectId, value: u128) {
        self.change(object).value = value;
    }

    /// The value is so much more now.
    pub(crate) fn add(&mut self, object: ObjectId, more: u128) {
        let object = self.change(object);
        object.value = object.value.wrapping_add(more);
    }

    /// A task learned all there is and left something behind that nobody can tell: the object is
    /// known by its whole past from here on.
    pub(crate) fn blur(&mut self, task: usize, object: ObjectId) {
        self.see(task, object);
        let says = self.tasks[task].says();
        let object = self.change(object);
        object.past = mix(&[CHANGED, object.past, object.value, says]);
    }

    /// A task found nothing to go on with, and is woken by the next change.
    pub(crate) fn wait(&mut self, task: usize, object: ObjectId) {
        let identity = self.tasks[task].identity;
        let object = self.change(object);
        if object.waiters.iter().all(|&(waiter, _)| waiter != identity) {
            object.waiters.push((identity, task));
        }
    }

    /// A task waits no more.
    pub(crate) fn leave(&mut self, task: usize, object: ObjectId) {
        self.change(object).waiters.retain(|&(_, waiter)| waiter != task);
    }

    /// A task is aborted by another, and will know when it looks.
    pub(crate) fn abort(&mut self, other: usize) {
        self.touched = true;
        self.learn(other, CHANGED);
        let other = self.task(other);
        if other.stands == Stands::GoesOn {
            other.stands = Stands::Aborted;
        }
    }

    /// A task has so many more timers that run: whoever made one may not remember it.
    pub(crate) fn add_timer(&mut self, task: usize, more: u128) {
        let task = self.task(task);
        task.timers = task.timers.wrapping_add(more);
    }

    /// A task has ended.
    pub(crate) fn end(&mut self, task: usize) {
        self.task(task).stands = Stands::Ended;
    }

    /// Who a task is.
    pub(crate) fn who(&self, task: usize) -> u128 {
        self.tasks[task].identity
    }

    fn refresh(&mut self) {
        for object in self.objects.iter_mut().filter(|object| object.stale) {
            let Object { identity, value, past, .. } = *object;
            // Whoever waits is woken with all others, in whatever order they came.
            let waits = |&(waiter, _): &(u128, usize)| mix(&[WAITS, waiter]);
            let waiters = object.waiters.iter().map(waits).fold(0, u128::wrapping_add);
            let head = [OBJECT, identity, value, past, waiters, object.messages.len() as u128];
            let parts = head.iter().chain(&object.messages);
            let share = parts.fold(0, |hash, &part| fold(hash, part));
            self.sum = self.sum.wrapping_sub(object.share).wrapping_add(share);
            (object.share, object.stale) = (share, false);
        }
        for task in self.tasks.iter_mut().filter(|task| task.stale) {
            let share = mix(&[TASK, task.says(), task.stands as u128, task.timers]);
            self.sum = self.sum.wrapping_sub(task.share).wrapping_add(share);
            (task.share, task.stale) = (share, false);
        }
    }

    /// The number, given which tasks can go on.
    pub(crate) fn sum(&mut self, ready: u64) -> u128 {
        self.refresh();
        let mut sum = self.sum;
        for (number, task) in self.tasks.iter().enumerate() {
            if ready & 1 << number != 0 {
                sum = sum.wrapping_add(ready_share(task.identity));
            }
        }
        sum
    }

    /// All tasks by number, and then all objects.
    pub(crate) fn parts(&mut self) -> (Vec<Part>, Vec<Part>) {
        self.refresh();
        let now = self.step;
        let part = |identity, share, step| Part { identity, share, touched: step == now };
        (
            self.tasks.iter().map(|task| part(task.identity, task.share, task.step)).collect(),
            self.objects
                .iter()
                .map(|object| part(object.identity, object.share, object.step))
                .collect(),
        )
    }
}
