//! Tokio as the runtime: its I/O driver watches descriptors, its clock runs the timers.

use std::{
    future::{Future, poll_fn},
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{Interest, unix::AsyncFd},
    time::{Instant, Sleep, sleep_until},
};

use crate::{
    Command, Error, ErrorKind, Execution, Output, Stdin,
    backend::{
        Backend,
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

/// Registers a descriptor with tokio's I/O driver, which then owns it.
#[expect(unsafe_code, reason = "tokio asks that the descriptor stays open and the same")]
pub(crate) fn watch(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd is open and always the same descriptor, and it is closed only when the
    // AsyncFd that owns it is dropped.
    let watched = unsafe { AsyncFd::register_with_interest(fd, interest) };
    watched.map_err(io::Error::from)
}

/// A descriptor registered with tokio's I/O driver.
#[derive(Debug)]
pub(crate) struct Watched(AsyncFd<OwnedFd>);

impl AsFd for Watched {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_ref().as_fd()
    }
}

/// Tokio's I/O driver.
#[derive(Debug)]
pub(crate) struct TokioReactor;

impl Reactor for TokioReactor {
    type Fd = Watched;

    fn register(fd: OwnedFd) -> io::Result<Watched> {
        watch(fd, Interest::READABLE).map(Watched)
    }

    fn poll_io<T>(
        fd: &Watched,
        cx: &mut Context<'_>,
        mut f: impl FnMut(BorrowedFd<'_>) -> io::Result<Io<T>>,
    ) -> Poll<io::Result<T>> {
        loop {
            let mut guard = ready!(fd.0.poll_read_ready(cx))?;
            match f(fd.as_fd()) {
                Ok(Io { value, emptied }) => {
                    if emptied {
                        guard.clear_ready();
                    }
                    return Poll::Ready(Ok(value));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => guard.clear_ready(),
                Err(error) => return Poll::Ready(Err(error)),
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
