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
    /// What it adds to the sum.
    share: u128,
    stale: bool,
}

#[derive(Debug)]
struct Object {
    identity: u128,
    messages: VecDeque<u128>,
    value: u128,
    /// Tasks that are woken when it changes.
    waiters: Vec<u128>,
    /// What it adds to the sum.
    share: u128,
    stale: bool,
}

/// All tasks and objects of a run.
#[derive(Debug, Default)]
pub(crate) struct Footprint {
    tasks: Vec<Task>,
    objects: Vec<Object>,
    sum: u128,
    /// For stacks that share things which nobody tells of: the order of all steps.
    order: Option<u128>,
    touched: bool,
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

impl Footprint {
    pub(crate) fn new(untracked: bool) -> Self {
        Footprint { order: untracked.then_some(0), ..Footprint::default() }
    }

    /// A task begins a step.
    pub(crate) fn step(&mut self, task: usize) {
        self.touched = false;
        if let Some(order) = self.order {
            self.order = Some(mix(&[order, self.tasks[task].identity]));
        }
    }

    /// Whether the step has had to do with any object.
    pub(crate) fn has_touched(&self) -> bool {
        self.touched
    }

    fn identity(&mut self, maker: Option<usize>) -> u128 {
        let Some(maker) = maker else { return mix(&[MADE, self.tasks.len() as u128]) };
        let maker = &mut self.tasks[maker];
        maker.made += 1;
        mix(&[MADE, maker.identity, u128::from(maker.made)])
    }

    /// A new task, which knows what its maker knows. Returns its number.
    pub(crate) fn spawn(&mut self, maker: Option<usize>) -> usize {
        let identity = self.identity(maker);
        let knows = maker.map_or(0, |maker| self.tasks[maker].knows);
        self.tasks.push(Task { identity, knows, made: 0, share: 0, stale: true });
        self.touched = true;
        self.tasks.len() - 1
    }

    /// A new object.
    pub(crate) fn object(&mut self, maker: Option<usize>) -> ObjectId {
        let identity = self.identity(maker);
        let (messages, waiters) = (VecDeque::new(), Vec::new());
        let (value, share, stale) = (0, 0, true);
        self.objects.push(Object { identity, messages, value, waiters, share, stale });
        ObjectId(self.objects.len() - 1)
    }

    /// What a task knows now.
    fn know(&mut self, task: usize, knows: u128) {
        let task = &mut self.tasks[task];
        (task.knows, task.stale) = (knows, true);
    }

    /// A task learned something.
    pub(crate) fn learn(&mut self, task: usize, what: u128) {
        let knows = mix(&[LEARNED, self.tasks[task].knows, what]);
        self.know(task, knows);
    }

    /// A task remembers this and nothing else.
    pub(crate) fn remember(&mut self, task: usize, what: u128) {
        if self.order.is_none() {
            self.know(task, mix(&[LEARNED, what]));
        }
    }

    fn change(&mut self, object: ObjectId) -> &mut Object {
        self.touched = true;
        let object = &mut self.objects[object.0];
        object.stale = true;
        object
    }

    /// A task put a message in; whoever waits is woken.
    pub(crate) fn push(&mut self, task: usize, object: ObjectId) {
        let message = self.tasks[task].knows;
        let object = self.change(object);
        object.messages.push_back(message);
        object.waiters.clear();
    }

    /// A task took the first message out.
    pub(crate) fn pop(&mut self, task: usize, object: ObjectId) {
        let message = self.change(object).messages.pop_front().unwrap_or(EMPTY);
        self.learn(task, message);
    }

    /// A task learned what the value is.
    pub(crate) fn see(&mut self, task: usize, object: ObjectId) {
        self.touched = true;
        let value = self.objects[object.0].value;
        self.learn(task, value);
    }

    /// A task learned a part of what an object holds.
    pub(crate) fn look(&mut self, task: usize, object: ObjectId, what: u128) {
        let _unchanged = self.change(object);
        self.learn(task, what);
    }

    /// The value is this now; whoever waits is woken.
    pub(crate) fn set(&mut self, object: ObjectId, value: u128) {
        let object = self.change(object);
        object.value = value;
        object.waiters.clear();
    }

    /// The value is this now, and nobody is woken.
    pub(crate) fn hold(&mut self, object: ObjectId, value: u128) {
        self.change(object).value = value;
    }

    /// A task learned all there is and left something behind that nobody can tell: the object is
    /// known by its whole past from here on.
    pub(crate) fn blur(&mut self, task: usize, object: ObjectId) {
        self.see(task, object);
        let knows = self.tasks[task].knows;
        let object = self.change(object);
        object.value = mix(&[CHANGED, object.value, knows]);
    }

    /// A task found nothing to go on with, and is woken by the next change.
    pub(crate) fn wait(&mut self, task: usize, object: ObjectId) {
        let identity = self.tasks[task].identity;
        let object = self.change(object);
        if !object.waiters.contains(&identity) {
            object.waiters.push(identity);
        }
    }

    /// A task waits no more.
    pub(crate) fn leave(&mut self, task: usize, object: ObjectId) {
        let identity = self.tasks[task].identity;
        self.change(object).waiters.retain(|&waiter| waiter != identity);
    }

    /// One task did something to another, who will know when it looks.
    pub(crate) fn mark(&mut self, other: usize) {
        self.touched = true;
        self.learn(other, CHANGED);
    }

    /// Who a task is.
    pub(crate) fn who(&self, task: usize) -> u128 {
        self.tasks[task].identity
    }

    /// The number, given which tasks can go on.
    pub(crate) fn sum(&mut self, ready: u64) -> u128 {
        for object in self.objects.iter_mut().filter(|object| object.stale) {
            let head = [OBJECT, object.identity, object.value, object.messages.len() as u128];
            let parts = head.iter().chain(&object.messages).chain(&object.waiters);
            let share = parts.fold(0, |hash, &part| fold(hash, part));
            self.sum = self.sum.wrapping_sub(object.share).wrapping_add(share);
            (object.share, object.stale) = (share, false);
        }
        for task in self.tasks.iter_mut().filter(|task| task.stale) {
            let share = mix(&[TASK, task.identity, task.knows]);
            self.sum = self.sum.wrapping_sub(task.share).wrapping_add(share);
            (task.share, task.stale) = (share, false);
        }
        let mut sum = self.sum.wrapping_add(self.order.unwrap_or(0));
        for (number, task) in self.tasks.iter().enumerate() {
            if ready & 1 << number != 0 {
                sum = sum.wrapping_add(mix(&[READY, task.identity]));
            }
        }
        sum
    }
}
