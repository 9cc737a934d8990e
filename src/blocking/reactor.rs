//! poll(2) as the runtime of one driver on one thread.

use std::{
    cell::RefCell,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
    io::{read, write},
};

use crate::{
    backend::{
        pace::{Next, REST},
        process::{Io, Reactor},
    },
    driver::Clock,
};

/// What one poll of the driver was left waiting for.
#[derive(Default)]
struct Interest {
    readable: Vec<Arc<OwnedFd>>,
    until: Option<Instant>,
}

thread_local! {
    static INTEREST: RefCell<Interest> = RefCell::default();
}

impl Interest {
    /// The earliest of several times.
    fn until(&mut self, at: Instant) {
        self.until = Some(self.until.map_or(at, |until| until.min(at)));
    }
}

/// A descriptor to be polled, or to be left alone until then.
pub(crate) struct Polled {
    fd: Arc<OwnedFd>,
    rests_until: Option<Instant>,
}

impl AsFd for Polled {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// poll(2).
pub(crate) struct PollReactor;

impl Reactor for PollReactor {
    type Fd = Polled;

    fn register(fd: OwnedFd) -> io::Result<Polled> {
        Ok(Polled { fd: Arc::new(fd), rests_until: None })
    }

    fn poll_io<T>(
        fd: &mut Polled,
        _: &mut Context<'_>,
        mut f: impl FnMut(BorrowedFd<'_>) -> io::Result<Io<T>>,
    ) -> Poll<io::Result<T>> {
        if let Some(until) = fd.rests_until {
            if Instant::now() < until {
                INTEREST.with_borrow_mut(|interest| interest.until(until));
                return Poll::Pending;
            }
            fd.rests_until = None;
        }
        match f(fd.as_fd()) {
            Ok(Io { value, next }) => {
                fd.rests_until = match next {
                    Next::Gather => Some(Instant::now() + REST),
                    // What is readable, poll(2) says each time anew.
                    Next::Emptied | Next::More => None,
                };
                Poll::Ready(Ok(value))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                INTEREST.with_borrow_mut(|interest| interest.readable.push(Arc::clone(&fd.fd)));
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

/// The monotonic clock.
pub(super) struct PollClock {
    started: Instant,
}

impl PollClock {
    pub(super) fn start() -> Self {
        PollClock { started: Instant::now() }
    }
}

impl Clock for PollClock {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn poll_until(&mut self, _: &mut Context<'_>, at: Duration) -> Poll<()> {
        if self.now() >= at {
            return Poll::Ready(());
        }
        // A time too far to be told is never.
        if let Some(at) = self.started.checked_add(at) {
            INTEREST.with_borrow_mut(|interest| interest.until(at));
        }
        Poll::Pending
    }
}

/// Polls one task, and sleeps in poll(2) between.
pub(super) struct Turn {
    wakeup: Arc<Wakeup>,
}

/// An eventfd that interrupts the sleep.
struct Wakeup(OwnedFd);

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // A full counter means that a wake-up is due already.
        let _added = write(&self.0, &1u64.to_ne_bytes());
    }
}

impl Turn {
    pub(super) fn new() -> io::Result<Self> {
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Turn { wakeup: Arc::new(Wakeup(fd)) })
    }

    pub(super) fn run<T>(&self, mut task: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        let waker = Waker::from(Arc::clone(&self.wakeup));
        let mut cx = Context::from_waker(&waker);
        loop {
            INTEREST.take();
            if let Poll::Ready(done) = task(&mut cx) {
                return done;
            }
            self.sleep(&INTEREST.take());
        }
    }

    fn sleep(&self, interest: &Interest) {
        let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(4);
        fds.push(PollFd::new(&self.wakeup.0, PollFlags::IN));
        fds.extend(interest.readable.iter().map(|fd| PollFd::new(fd, PollFlags::IN)));
        // A time too far to be told is never.
        let timeout = interest
            .until
            .and_then(|at| Timespec::try_from(at.saturating_duration_since(Instant::now())).ok());
        // Interrupted or not, the task looks for itself.
        let _ready = poll(&mut fds, timeout.as_ref());
        if fds[0].revents().contains(PollFlags::IN) {
            let _count = read(&self.wakeup.0, &mut [0; 8]);
        }
    }
}
