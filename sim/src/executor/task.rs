//! Tasks, as of `tokio::task`.

use std::{
    borrow::Cow,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::sync::oneshot;

use super::{
    footprint::ObjectId,
    run::{self, At},
};

/// Spawns a task, by the name that traces and diagrams give it.
pub fn spawn<F>(name: impl Into<Cow<'static, str>>, future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let end = run::object();
    let (sender, receiver) = oneshot::channel();
    // Made here, not in the task: it may be aborted before its first step.
    let ends = Ends(end);
    let work = async move {
        let _ends = ends;
        let output = future.await;
        // Nobody may be waiting for it.
        let _unwanted = sender.send(output);
    };
    let task = run::current().spawn(name.into(), Box::pin(work));
    JoinHandle { task, end, receiver, asked: false }
}

/// Whoever joins learns of the end, however it comes.
struct Ends(ObjectId);

impl Drop for Ends {
    fn drop(&mut self) {
        run::mark(|footprint, task| footprint.push(task, self.0));
    }
}

/// A place at which another thread may come in between, though the task does not await: it cannot
/// be aborted here.
pub async fn preempt() {
    run::choice(At::Preempted, None).await;
}

/// As [`preempt`], and says what comes next.
pub async fn preempt_before(what: &'static str) {
    run::choice(At::Preempted, Some(what)).await;
}

/// Lets others go on first, as of `tokio::task::yield_now`.
pub async fn yield_now() {
    run::choice(At::Await, None).await;
}

/// Says all that a task still needs of what it has learned: two pasts that differ in nothing else
/// are then taken for one. Wrong if it needs more; a plain search tells.
pub fn remember(what: &impl std::hash::Hash) {
    run::remember(what);
}

/// Writes a line of the trace.
pub fn note(text: impl FnOnce() -> String) {
    run::note(text);
}

/// The one `T` of this run, made by whoever asks first: what several executions share.
pub fn shared<T: 'static>(make: impl FnOnce() -> T) -> std::rc::Rc<T> {
    run::current().shared(make)
}

/// A task, to join or to abort. Dropping it detaches the task.
#[derive(Debug)]
pub struct JoinHandle<T> {
    task: usize,
    end: ObjectId,
    receiver: oneshot::Receiver<T>,
    asked: bool,
}

/// The task was aborted, or dropped with its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aborted;

impl<T> JoinHandle<T> {
    /// Has the task end at the next await at which it stands. Returns before it has.
    pub fn abort(&self) {
        run::note(|| "aborts a task".to_owned());
        run::current().abort(self.task);
    }

    /// To abort it without being able to join it.
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle { task: self.task }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, Aborted>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if run::hands_back(&mut self.asked, cx) {
            return Poll::Pending;
        }
        let polled = Pin::new(&mut self.receiver).poll(cx);
        run::mark(|footprint, task| match &polled {
            Poll::Pending => footprint.wait(task, self.end),
            Poll::Ready(_) => footprint.pop(task, self.end),
        });
        polled.map_err(|_dropped| Aborted)
    }
}

/// Aborts a task.
#[derive(Clone, Debug)]
pub struct AbortHandle {
    task: usize,
}

impl AbortHandle {
    /// Has the task end at the next await at which it stands. Returns before it has.
    pub fn abort(&self) {
        run::note(|| "aborts a task".to_owned());
        run::current().abort(self.task);
    }
}
