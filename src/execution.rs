//! A running execution: its one consumer, and handles for everybody else.

use std::{
    fmt,
    future::{Future, poll_fn},
    os::fd::OwnedFd,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
};

use futures_core::Stream;

use crate::{
    Data, Error, ErrorKind, Event, PtySize,
    backend::pty,
    collected::Collected,
    machine::{Cause, Input, Reply, Signal, Status, StreamId, Terminal},
    ordering::{Core, Verdict},
    stdin::Stdin,
};

/// An execution and its one consumer.
///
/// It is a stream of [`Event`]s: `(Chunk | Gap | End)* Exit`. No event follows the exit, and the
/// exit follows the last byte of every stream (C1). Others wait and kill through
/// [`handle`](Execution::handle).
///
/// Nothing on it can deadlock on itself: whoever holds it is the consumer, and its own waits take
/// what is left of the output out of the way. Dropped, it closes the execution: the group is
/// killed, the root reaped. To let it live on, [`detach`](Execution::detach).
#[must_use = "dropping an execution kills it"]
pub struct Execution {
    handle: Handle,
    stdin: Option<Stdin>,
    on_drop: OnDrop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnDrop {
    Close,
    Nothing,
}

impl Execution {
    pub(crate) fn new(
        core: Core<Data>,
        pid: Option<u32>,
        stdin: Option<Stdin>,
        beside: Beside,
    ) -> Self {
        Execution { handle: Handle { core, pid, beside }, stdin, on_drop: OnDrop::Close }
    }

    /// Takes it apart, for a front end of its own: nothing closes it any more.
    #[cfg(feature = "capi")]
    pub(crate) fn into_parts(mut self) -> (Core<Data>, Option<u32>, Option<Stdin>) {
        self.on_drop = OnDrop::Nothing;
        (self.handle.core.clone(), self.handle.pid, self.stdin.take())
    }

    /// The next event; `None` after the exit.
    ///
    /// # Cancel safety
    ///
    /// An event is taken only when it is returned.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some(event) = self.handle.beside.held() {
            return Poll::Ready(Some(event));
        }
        self.handle
            .core
            .poll_event(cx)
            .map(|event| event.map(|event| self.handle.beside.tell(event)))
    }

    /// The next event if there is one now, without waiting.
    pub fn try_next(&mut self) -> Option<Event> {
        let beside = &self.handle.beside;
        beside.held().or_else(|| self.handle.core.try_event().map(|event| beside.tell(event)))
    }

    /// Waits for the terminal, throwing away the output that was not taken: it is reported as
    /// discarded, and the child never blocks on it (C15). Returns the same terminal ever after.
    ///
    /// # Cancel safety
    ///
    /// The output stays thrown away; a later wait goes on.
    pub async fn wait(&mut self) -> Terminal {
        for stream in StreamId::ALL {
            // Refused where there is no such stream, or after the terminal: nothing to discard.
            let _discarded = self.handle.core.step(Input::Discard(stream));
        }
        while self.next().await.is_some() {}
        self.handle.wait().await
    }

    /// Collects all output up to the terminal.
    ///
    /// Memory grows with the output; a [`limit`](crate::Command::limit) bounds it.
    ///
    /// # Cancel safety
    ///
    /// Dropping it loses what was collected and closes the execution.
    pub async fn output(mut self) -> Output {
        let mut collected = Collected::default();
        loop {
            match self.next().await {
                Some(event) => {
                    if let Some(output) = collected.take(event) {
                        return output;
                    }
                }
                // The exit was taken before: there is no more to collect.
                None => return collected.finish(self.handle.wait().await),
            }
        }
    }

    /// Waits for the root's end, which says nothing of its output. Needs no consumer.
    ///
    /// # Cancel safety
    ///
    /// Dropping it affects nobody.
    pub fn exited(&self) -> impl Future<Output = Status> + Send + 'static {
        self.handle.exited()
    }

    /// The child's stdin, once, if it was [piped](crate::Stdio::Piped) or is a pty.
    pub fn stdin(&mut self) -> Option<Stdin> {
        self.stdin.take()
    }

    /// A handle for others: it waits, signals, kills and closes.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Sends a signal to the group, as it is. After the exit a typed no-op (C16).
    pub fn signal(&self, signal: Signal) -> Reply {
        self.handle.signal(signal)
    }

    /// Kills by policy: the first signal, the grace period, SIGKILL. Returns at once; output
    /// written in answer is delivered. After the exit a typed no-op (C16).
    pub fn kill(&self) -> Reply {
        self.handle.kill()
    }

    /// Stops taking one stream: it is read on and thrown away (C15).
    pub fn discard(&mut self, stream: StreamId) {
        let _discarded = self.handle.core.step(Input::Discard(stream));
    }

    /// Ends it now: SIGKILL to the group, the rest of the output dropped, the root reaped. Bounded
    /// by the teardown policy (C11).
    ///
    /// # Cancel safety
    ///
    /// Once polled the close goes on without it.
    pub async fn close(self) -> Terminal {
        self.handle.close();
        self.handle.wait().await
    }

    /// Lets the execution go on without a consumer: its output is thrown away, its root still
    /// reaped, and handles still wait.
    pub fn detach(mut self) -> Handle {
        self.on_drop = OnDrop::Nothing;
        // Refused only when the start was, and then there is nothing to detach from.
        let _detached = self.handle.core.step(Input::Detach);
        self.handle.beside.close();
        self.handle.clone()
    }

    /// Tells the execution's terminal its size, and so its foreground group that it changed.
    ///
    /// # Errors
    ///
    /// As [`Handle::resize`].
    pub fn resize(&self, size: PtySize) -> Result<(), Error> {
        self.handle.resize(size)
    }

    /// The root's process id, for display: to signal it, use [`signal`](Execution::signal), which
    /// cannot reach a reused one. `None` where the backend has none.
    pub fn id(&self) -> Option<u32> {
        self.handle.pid
    }
}

impl Stream for Execution {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_event(cx)
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        if self.on_drop == OnDrop::Close {
            self.handle.close();
        }
    }
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution").field("id", &self.handle.pid).finish_non_exhaustive()
    }
}

/// Waits for an execution, signals, kills and closes it. Clones are the same execution; a handle
/// does not keep it alive.
#[derive(Clone)]
pub struct Handle {
    core: Core<Data>,
    pid: Option<u32>,
    beside: Beside,
}

/// What there is to an execution beside its core.
#[derive(Clone)]
pub(crate) enum Beside {
    /// Nothing.
    Nothing,
    /// The master side of its terminal, until its driver lets go of it.
    Pty(Weak<OwnedFd>),
    /// It runs elsewhere.
    #[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "made by the client"))]
    Far(Arc<dyn Far>),
}

/// An execution that runs elsewhere, under a machine of its own there.
///
/// Our machine sees a relay: its streams end when the relay has told all. What the far machine
/// said of gaps, of their ends and of the causes is told to our consumer and waiters in their place.
pub(crate) trait Far: Send + Sync {
    /// What the consumer is told when the core hands out this event.
    fn tell(&self, event: Event) -> Event;
    /// What the core had handed out before, when something else had to be told first.
    fn held(&self) -> Option<Event>;
    /// The consumer gets nothing of what is held any more.
    fn close(&self);
    /// Our terminal, with what was told beside it.
    fn terminal(&self, ours: Terminal) -> Terminal;
    /// Resizes its terminal.
    fn resize(&self, size: PtySize) -> Result<(), Error>;
}

impl Beside {
    fn tell(&self, event: Event) -> Event {
        match self {
            Beside::Far(far) => far.tell(event),
            Beside::Nothing | Beside::Pty(_) => event,
        }
    }

    fn held(&self) -> Option<Event> {
        match self {
            Beside::Far(far) => far.held(),
            Beside::Nothing | Beside::Pty(_) => None,
        }
    }

    fn close(&self) {
        match self {
            Beside::Far(far) => far.close(),
            Beside::Nothing | Beside::Pty(_) => {}
        }
    }

    fn terminal(&self, terminal: Terminal) -> Terminal {
        match self {
            Beside::Far(far) => far.terminal(terminal),
            Beside::Nothing | Beside::Pty(_) => terminal,
        }
    }
}

impl Handle {
    /// Waits for the root's end, which says nothing of its output (C4).
    ///
    /// # Cancel safety
    ///
    /// Dropping it affects nobody.
    pub fn exited(&self) -> impl Future<Output = Status> + Send + 'static {
        let wait = self.core.exited();
        async move { started(wait.await) }
    }

    /// Waits until the terminal has been delivered to the consumer, or nobody is there to take it
    /// (C4). Any number may wait, early or late; all get the same.
    ///
    /// Whoever holds the [`Execution`] and does not take its events waits here for himself:
    /// [`Execution::wait`] is the wait for him.
    ///
    /// # Cancel safety
    ///
    /// Dropping it affects nobody.
    pub fn wait(&self) -> impl Future<Output = Terminal> + Send + 'static {
        let wait = self.core.wait();
        let beside = self.beside.clone();
        async move { beside.terminal(started(wait.await)) }
    }

    /// Sends a signal to the group, as it is. After the exit a typed no-op (C16).
    pub fn signal(&self, signal: Signal) -> Reply {
        self.core.step(Input::Signal(signal)).unwrap_or(Reply::AlreadyExited)
    }

    /// Kills by policy: the first signal, the grace period, SIGKILL. Returns at once.
    pub fn kill(&self) -> Reply {
        self.core.step(Input::Kill).unwrap_or(Reply::AlreadyExited)
    }

    /// Ends it now, as [`Execution::close`], without waiting. The consumer gets no further event.
    pub fn close(&self) -> Reply {
        let reply = self.core.step(Input::Close).unwrap_or(Reply::AlreadyExited);
        self.beside.close();
        reply
    }

    /// Ends it as a runtime that shuts down: kills by policy, and at the teardown bound forces the
    /// end; what was accepted is delivered until then (C13).
    pub fn shutdown(&self) -> Reply {
        self.core.step(Input::Shutdown).unwrap_or(Reply::AlreadyExited)
    }

    /// How the root ended, if it has.
    pub fn status(&self) -> Option<Status> {
        self.core.status()
    }

    /// Why the root was ended, as far as we did it: complete once it has ended (C10).
    pub fn cause(&self) -> Cause {
        self.core.cause()
    }

    /// The terminal, if [`wait`](Handle::wait) would return at once.
    pub fn terminal(&self) -> Option<Terminal> {
        self.core.terminal().map(|terminal| self.beside.terminal(terminal))
    }

    /// Tells the execution's terminal its size, and so its foreground group that it changed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidState`] where it has no [pty](crate::Command::pty),
    /// [`ErrorKind::Stopped`] when it is over.
    pub fn resize(&self, size: PtySize) -> Result<(), Error> {
        let op = |why| format!("resize the terminal: {why}");
        let master = match &self.beside {
            Beside::Far(far) => return far.resize(size),
            Beside::Pty(master) => master.upgrade(),
            Beside::Nothing => {
                let why = op("the execution has none; start it on a pty");
                return Err(Error::new(ErrorKind::InvalidState, why));
            }
        };
        let Some(master) = master else {
            return Err(Error::new(ErrorKind::Stopped, op("the execution is over")));
        };
        pty::resize(&*master, size).map_err(|error| {
            Error::new(ErrorKind::Internal, op("the system refused")).with_source(error)
        })
    }

    /// What the monitor has seen, if [`Command::monitor`](crate::Command::monitor) asked for one.
    pub fn verdict(&self) -> Option<Verdict> {
        self.core.verdict()
    }

    /// The root's process id, for display. `None` where the backend has none.
    pub fn id(&self) -> Option<u32> {
        self.pid
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("id", &self.pid).finish_non_exhaustive()
    }
}

/// A wait has no outcome only when the start was refused, and then there is no execution.
fn started<T>(outcome: Option<T>) -> T {
    outcome.unwrap_or_else(|| unreachable!("an execution exists only after its start"))
}

/// All output of an execution, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Output {
    /// How it ended, and how complete the output is.
    pub terminal: Terminal,
    /// Stdout; or the one stream of a [combined](crate::Command::combined) pipe or a pty.
    pub stdout: Vec<u8>,
    /// Stderr.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Whether the root exited with code 0 and the output is complete.
    pub fn is_success(&self) -> bool {
        matches!(self.terminal.status, Status::Exited { code: 0 }) && self.terminal.is_complete()
    }
}
