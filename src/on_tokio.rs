//! Tokio as the runtime: its I/O driver watches descriptors, its clock runs the timers.

use std::{
    future::{Future, poll_fn},
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{Interest, unix::AsyncFd},
    time::{Instant, Sleep, sleep, sleep_until},
};

use crate::{
    Command, Error, ErrorKind, Execution, Output, Stdin,
    backend::{
        Backend,
        pace::{Next, REST},
        process::{Io, Reactor},
    },
    collected::Collected,
    command::{Assembled, new_core, start_driver},
    driver::Clock,
    execution::Beside,
    machine::{Policy, Streams},
};

impl Command {
    /// Starts the command; its driver runs as a task of the current tokio runtime.
    ///
    /// # Errors
    ///
    /// A typed refusal with its stage and errno; nothing of the start is left (C14).
    /// [`ErrorKind::InvalidState`] outside of a tokio runtime.
    ///
    /// # Panics
    ///
    /// When the runtime was built without its I/O or time driver.
    pub fn spawn(&self) -> Result<Execution, Error> {
        let runtime = current_runtime()?;
        let Assembled { execution, driver } =
            self.start()?.assemble::<TokioReactor, _>(TokioClock::start())?;
        runtime.spawn(driver);
        Ok(execution)
    }

    /// Runs the command to its end and collects its output, in the calling task alone.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Command::spawn). How the command ended is not an error but a value: see
    /// [`Output::terminal`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it kills the group and reaps the root before the drop returns.
    ///
    /// # Panics
    ///
    /// When the runtime was built without its I/O or time driver.
    pub async fn output(&self) -> Result<Output, Error> {
        let _runtime = current_runtime()?;
        let Assembled { mut execution, mut driver } =
            self.start()?.assemble::<TokioReactor, _>(TokioClock::start())?;
        // Whoever collects gives no input: the child reads its EOF at once.
        drop(execution.stdin());
        let core = driver.core().clone();
        let mut collected = Collected::default();
        let output = poll_fn(|cx| {
            let _driven = Pin::new(&mut driver).poll(cx);
            while let Poll::Ready(Some(event)) = core.poll_event(cx) {
                if let Some(output) = collected.take(event) {
                    return Poll::Ready(output);
                }
            }
            Poll::Pending
        });
        Ok(output.await)
    }
}

impl Execution {
    /// Starts an execution on another source of streams and status than a local process: its
    /// driver, the same as for processes, runs as a task of the current tokio runtime.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for a policy that cannot be carried out,
    /// [`ErrorKind::InvalidState`] outside of a tokio runtime.
    pub fn on_backend<B>(backend: B, streams: Streams, policy: Policy) -> Result<Execution, Error>
    where
        B: Backend + Unpin + Send + 'static,
    {
        Execution::relayed(backend, streams, policy, false, None, Beside::Nothing)
    }

    /// As [`on_backend`](Execution::on_backend), with what there is beside the backend.
    pub(crate) fn relayed<B>(
        backend: B,
        streams: Streams,
        policy: Policy,
        monitored: bool,
        stdin: Option<Stdin>,
        beside: Beside,
    ) -> Result<Execution, Error>
    where
        B: Backend + Unpin + Send + 'static,
    {
        let runtime = current_runtime()?;
        let core = new_core(streams, policy, monitored || cfg!(debug_assertions))?;
        let driver =
            start_driver(core.clone(), backend, TokioClock::start(), policy, streams, false)?;
        runtime.spawn(driver);
        Ok(Execution::new(core, None, stdin, beside))
    }
}

fn current_runtime() -> Result<tokio::runtime::Handle, Error> {
    tokio::runtime::Handle::try_current().map_err(|_| {
        Error::new(
            ErrorKind::InvalidState,
            "start an execution: no tokio runtime here; enter one, or use `lastbyte::blocking`",
        )
    })
}

/// What holds a descriptor open, always the same one.
pub(crate) trait Holds: AsRawFd {}

impl Holds for OwnedFd {}

impl Holds for Arc<OwnedFd> {}

/// Registers a descriptor with tokio's I/O driver, which holds it then.
#[expect(unsafe_code, reason = "tokio asks that the descriptor stays open and the same")]
pub(crate) fn watch<F: Holds>(fd: F, interest: Interest) -> io::Result<AsyncFd<F>> {
    // SAFETY: an OwnedFd, or a share of one, is open and always the same descriptor, and the AsyncFd
    // drops it only when it is dropped itself.
    let watched = unsafe { AsyncFd::register_with_interest(fd, interest) };
    watched.map_err(io::Error::from)
}

/// A descriptor to be read, under the watch of tokio's I/O driver.
#[derive(Debug)]
pub(crate) struct Watched {
    watch: Watch,
    fd: Arc<OwnedFd>,
}

#[derive(Debug)]
enum Watch {
    Registered(AsyncFd<Arc<OwnedFd>>),
    /// Not registered, so that nobody is woken by what is gathered.
    Resting(Pin<Box<Sleep>>),
}

impl AsFd for Watched {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Watched {
    fn rest(&mut self) {
        self.watch = Watch::Resting(Box::pin(sleep(REST)));
    }

    /// Under watch again. Where the system has no room for it now, it goes on to rest.
    fn register(&mut self) {
        match watch(Arc::clone(&self.fd), Interest::READABLE) {
            Ok(registered) => self.watch = Watch::Registered(registered),
            Err(_) => self.rest(),
        }
    }
}

/// Tokio's I/O driver.
#[derive(Debug)]
pub(crate) struct TokioReactor;

impl Reactor for TokioReactor {
    type Fd = Watched;

    fn register(fd: OwnedFd) -> io::Result<Watched> {
        let fd = Arc::new(fd);
        let watch = Watch::Registered(watch(Arc::clone(&fd), Interest::READABLE)?);
        Ok(Watched { watch, fd })
    }

    fn poll_io<T>(
        fd: &mut Watched,
        cx: &mut Context<'_>,
        mut f: impl FnMut(BorrowedFd<'_>) -> io::Result<Io<T>>,
    ) -> Poll<io::Result<T>> {
        loop {
            let ready = match &mut fd.watch {
                Watch::Registered(registered) => Some(ready!(registered.poll_read_ready(cx))?),
                Watch::Resting(rested) => {
                    ready!(rested.as_mut().poll(cx));
                    None
                }
            };
            let (done, next) = match f(fd.fd.as_fd()) {
                Ok(Io { value, next }) => (Some(Ok(value)), next),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => (None, Next::Emptied),
                Err(error) => (Some(Err(error)), Next::More),
            };
            match (next, ready) {
                (Next::Gather, _) => fd.rest(),
                (Next::Emptied, Some(mut ready)) => ready.clear_ready(),
                (Next::More, Some(_)) => {}
                (Next::Emptied | Next::More, None) => fd.register(),
            }
            if let Some(done) = done {
                return Poll::Ready(done);
            }
        }
    }
}

/// Tokio's clock, which a test can pause.
#[derive(Debug)]
pub(crate) struct TokioClock {
    started: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl TokioClock {
    /// A clock that starts now.
    pub(crate) fn start() -> Self {
        TokioClock { started: Instant::now(), sleep: None }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        // A time too far to be told is never.
        let Some(at) = self.started.checked_add(at) else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use rustix::{
        io::{read, write},
        pipe::{PipeFlags, pipe_with},
    };
    use tokio_test::{assert_pending, assert_ready_eq, task};

    use super::*;

    /// Reads what there is, and says what is to come next.
    fn read_and(fd: &mut Watched, cx: &mut Context<'_>, next: Next) -> Poll<usize> {
        let found = TokioReactor::poll_io(fd, cx, |fd| match read(fd, &mut [0; 16]) {
            Ok(value) => Ok(Io { value, next }),
            Err(errno) => Err(errno.into()),
        });
        found.map(|len| len.expect("a pipe can be read"))
    }

    /// If this were red, each line of a flood would wake its reader, or the last one would not.
    #[tokio::test(start_paused = true)]
    async fn a_pipe_that_gathers_wakes_nobody_until_its_rest_is_over() {
        let flags = PipeFlags::NONBLOCK | PipeFlags::CLOEXEC;
        let (ours, theirs) = pipe_with(flags).expect("there are pipes");
        let say = |bytes: &[u8]| assert_eq!(write(&theirs, bytes), Ok(bytes.len()));
        let mut fd = TokioReactor::register(ours).expect("it can be watched");
        say(b"a");
        assert_eq!(poll_fn(|cx| read_and(&mut fd, cx, Next::Gather)).await, 1);

        say(b"bc");
        let mut gathering = task::spawn(poll_fn(|cx| read_and(&mut fd, cx, Next::Gather)));
        assert_pending!(gathering.poll());
        tokio::time::advance(REST / 2).await;
        assert!(!gathering.is_woken());
        assert_pending!(gathering.poll());
        say(b"d");
        tokio::time::advance(REST).await;
        assert!(gathering.is_woken());
        assert_ready_eq!(gathering.poll(), 3);
        drop(gathering);

        // Nothing came within the rest: under watch again, without a clock.
        let mut waiting = task::spawn(poll_fn(|cx| read_and(&mut fd, cx, Next::Emptied)));
        assert_pending!(waiting.poll());
        tokio::time::advance(REST * 2).await;
        assert_pending!(waiting.poll());
        tokio::time::advance(REST * 2).await;
        assert!(!waiting.is_woken());
        drop(waiting);
        say(b"e");
        let until_told = poll_fn(|cx| read_and(&mut fd, cx, Next::Emptied));
        assert_eq!(until_told.await, 1);
    }
}
