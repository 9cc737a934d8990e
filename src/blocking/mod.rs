//! Executions for callers without an async runtime.
//!
//! The same core and the same driver. [`output`] runs the driver on the calling thread;
//! [`spawn`] gives it a thread of its own, so that timeouts, kills and waits do not depend on
//! what the caller does (C12).

mod reactor;

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use crate::{
    Command, Error, Event, Handle, Output, Reply, Signal, Status, Stdin, Terminal,
    collected::Collected, command::Assembled, error::Stage, machine::Errno,
};
pub(crate) use reactor::PollReactor;
use reactor::{PollClock, Turn};

/// Runs a command to its end and collects its output, on the calling thread alone.
///
/// # Errors
///
/// A typed refusal with its stage and errno; nothing of the start is left (C14). How the command
/// ended is not an error but a value: see [`Output::terminal`].
pub fn output(command: &Command) -> Result<Output, Error> {
    let turn = Turn::new().map_err(|error| refused(Stage::Pipes, &error, command))?;
    let Assembled { mut execution, mut driver } =
        command.start()?.assemble::<PollReactor, _>(PollClock::start())?;
    drop(execution.stdin());
    let core = driver.core().clone();
    let mut collected = Collected::default();
    Ok(turn.run(|cx| {
        let _driven = Pin::new(&mut driver).poll(cx);
        while let Poll::Ready(Some(event)) = core.poll_event(cx) {
            if let Some(output) = collected.take(event) {
                return Poll::Ready(output);
            }
        }
        Poll::Pending
    }))
}

/// Starts a command; its driver runs on a thread of its own.
///
/// # Errors
///
/// A typed refusal with its stage and errno; nothing of the start is left (C14).
pub fn spawn(command: &Command) -> Result<Execution, Error> {
    let turn = Turn::new().map_err(|error| refused(Stage::Pipes, &error, command))?;
    let Assembled { execution, mut driver } =
        command.start()?.assemble::<PollReactor, _>(PollClock::start())?;
    thread::Builder::new()
        .name("lastbyte-driver".to_owned())
        .spawn(move || turn.run(|cx| Pin::new(&mut driver).poll(cx)))
        .map_err(|error| refused(Stage::Fork, &error, command))?;
    Ok(Execution { inner: execution })
}

fn refused(stage: Stage, error: &std::io::Error, command: &Command) -> Error {
    let errno = Errno(error.raw_os_error().unwrap_or_default());
    Error::refused(stage, errno, &command.program().to_string_lossy(), None)
}

/// An execution and its one consumer, as [`crate::Execution`]: an iterator of [`Event`]s that ends
/// after the exit. Dropped, it closes the execution.
#[derive(Debug)]
#[must_use = "dropping an execution kills it"]
pub struct Execution {
    inner: crate::Execution,
}

/// An execution whose driver has a runtime to run on, which must go on running.
impl From<crate::Execution> for Execution {
    fn from(inner: crate::Execution) -> Self {
        Execution { inner }
    }
}

impl Execution {
    /// As [`crate::Execution::wait`]: throws away the output that was not taken.
    pub fn wait(&mut self) -> Terminal {
        block_on(self.inner.wait())
    }

    /// As [`crate::Execution::output`]: collects all output.
    pub fn output(self) -> Output {
        block_on(self.inner.output())
    }

    /// Waits for the root's end, which says nothing of its output.
    pub fn exited(&self) -> Status {
        block_on(self.inner.exited())
    }

    /// The child's stdin, once, if it was piped or is a pty.
    pub fn stdin(&mut self) -> Option<Stdin> {
        self.inner.stdin()
    }

    /// A handle for others; its waits are futures, for [`block_on`].
    pub fn handle(&self) -> Handle {
        self.inner.handle()
    }

    /// Sends a signal to the group, as it is. After the exit a typed no-op (C16).
    pub fn signal(&self, signal: Signal) -> Reply {
        self.inner.signal(signal)
    }

    /// Kills by policy; returns at once.
    pub fn kill(&self) -> Reply {
        self.inner.kill()
    }

    /// Ends it now, and waits until its root is reaped.
    pub fn close(self) -> Terminal {
        block_on(self.inner.close())
    }

    /// Lets the execution go on without a consumer.
    pub fn detach(self) -> Handle {
        self.inner.detach()
    }

    /// The root's process id, for display.
    pub fn id(&self) -> Option<u32> {
        self.inner.id()
    }
}

impl Iterator for Execution {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        block_on(self.inner.next())
    }
}

/// Runs a future of this crate to its end on the calling thread, which sleeps meanwhile.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        // A wake between the poll and here is kept: the next park returns at once.
        thread::park();
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
