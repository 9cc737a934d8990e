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
    backend::process::{Io, Reactor},
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

/// A descriptor to be polled.
pub(crate) struct Polled(Arc<OwnedFd>);

impl AsFd for Polled {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// poll(2).
pub(crate) struct PollReactor;

impl Reactor for PollReactor {
    type Fd = Polled;

    fn register(fd: OwnedFd) -> io::Result<Polled> {
        Ok(Polled(Arc::new(fd)))
    }

    fn poll_io<T>(
        fd: &Polled,
        _: &mut Context<'_>,
        mut f: impl FnMut(BorrowedFd<'_>) -> io::Result<Io<T>>,
    ) -> Poll<io::Result<T>> {
        match f(fd.as_fd()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                INTEREST.with_borrow_mut(|interest| interest.readable.push(Arc::clone(&fd.0)));
                Poll::Pending
            }
            done => Poll::Ready(done.map(|io| io.value)),
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
        INTEREST.with_borrow_mut(|interest| interest.until = self.started.checked_add(at));
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
