//! The process of a child: waiting, signals, and what the kernel knows of it.

use std::{
    fmt,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use lastbyte::machine::{Errno, Signal, Status};

use super::kernel::Kernel;
use crate::executor::{
    footprint::ObjectId,
    run::{self, At, choice, glance, learn, look},
    witness::{Seen, Witness},
};

const ESRCH: Errno = Errno(3);
const SIGSTOP: Signal = match Signal::new(19) {
    Some(signal) => signal,
    None => Signal::KILL,
};

/// The process of a child. Clones are the same process.
#[derive(Clone)]
pub struct Process {
    pub(super) kernel: Rc<Kernel>,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Process")
    }
}

impl Process {
    /// Waits for the root's end and reaps it, as of `waitpid(2)`. Whoever waits again is told the
    /// same.
    ///
    /// # Errors
    ///
    /// The script has it fail.
    pub async fn wait(&self) -> Result<Status, Errno> {
        choice(At::Await, None).await;
        std::future::poll_fn(|cx| self.poll_wait(cx)).await
    }

    /// Waits until the root has ended or is stopped, as of `waitpid(2)` with `WUNTRACED`.
    ///
    /// # Errors
    ///
    /// As [`Process::wait`].
    pub async fn wait_or_stop(&self) -> Result<Status, Errno> {
        choice(At::Await, None).await;
        std::future::poll_fn(|cx| {
            let root = self.kernel.root.borrow();
            glance(root.object);
            if root.stopped {
                learn(&"stopped");
                return Poll::Ready(Ok(Status::Signaled { signal: SIGSTOP, core: false }));
            }
            drop(root);
            self.poll_wait(cx)
        })
        .await
    }

    /// Reaps it if it has ended, or has the task woken.
    pub fn poll_wait(&self, cx: &mut Context<'_>) -> Poll<Result<Status, Errno>> {
        if let Some(errno) = self.kernel.script.wait_error {
            run::note(|| "waiting for the root fails".to_owned());
            self.kernel.see(Seen::WaitFailed { errno });
            return Poll::Ready(Err(errno));
        }
        if let Some(status) = self.try_wait() {
            return Poll::Ready(Ok(status));
        }
        self.kernel.root.borrow_mut().wait(cx);
        Poll::Pending
    }

    /// Reaps it if it has ended, as of `waitpid(2)` with `WNOHANG`.
    pub fn try_wait(&self) -> Option<Status> {
        let mut root = self.kernel.root.borrow_mut();
        look(root.object, &root.status);
        let status = root.status?;
        if !std::mem::replace(&mut root.reaped, true) {
            root.holds();
            run::note(|| "reaps the root".to_owned());
        }
        Some(status)
    }

    /// Sends a signal to the root, as of `kill(2)`.
    ///
    /// # Errors
    ///
    /// `ESRCH`: it has been reaped. With [`Witness`] looking, to try is to break C16: by then the
    /// pid may be another's.
    pub fn kill(&self, signal: Signal) -> Result<(), Errno> {
        self.signal(signal, false)
    }

    /// Sends a signal to all of its group, as of `kill(2)` with a negative pid.
    ///
    /// # Errors
    ///
    /// As [`Process::kill`].
    pub fn kill_group(&self, signal: Signal) -> Result<(), Errno> {
        self.signal(signal, true)
    }

    fn signal(&self, signal: Signal, group: bool) -> Result<(), Errno> {
        if !self.is_known() {
            return Err(ESRCH);
        }
        run::note(|| format!("sends {signal}"));
        let reaped = {
            let root = self.kernel.root.borrow();
            look(root.object, &root.reaped);
            root.reaped
        };
        self.kernel.see(Seen::Signalled { reaped });
        if reaped {
            return Err(ESRCH);
        }
        self.kernel.deliver(signal, group);
        Ok(())
    }

    /// Sends a signal to what is left of its group, by a reference that cannot reach another.
    pub fn kill_rest(&self, signal: Signal) {
        run::note(|| format!("sends {signal} to what is left"));
        self.kernel.deliver(signal, true);
    }

    /// Whether its pid is known.
    pub fn is_known(&self) -> bool {
        let known = *self.kernel.pid_known.set.borrow();
        look(self.kernel.pid_known.object, &known);
        known
    }

    /// Waits until its pid is known.
    pub async fn known(&self) {
        choice(At::Await, None).await;
        std::future::poll_fn(|cx| {
            if self.kernel.pid_known.is_set(cx) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Whether it waits for the end of its stdin, which has not come.
    pub(crate) fn waits_for_stdin(&self) -> bool {
        let root = self.kernel.root.borrow();
        root.status.is_none() && root.stdin_open && root.stdin_awaited
    }

    /// Whether it has ended and nobody has reaped it.
    pub(crate) fn is_zombie(&self) -> bool {
        let root = self.kernel.root.borrow();
        // Where waiting fails, nobody can be asked to reap.
        root.status.is_some() && !root.reaped && self.kernel.script.wait_error.is_none()
    }

    /// Whether it runs.
    pub(crate) fn is_running(&self) -> bool {
        self.kernel.root.borrow().status.is_none()
    }

    /// Tells the witness of this execution. What breaks a rule ends the run.
    pub(crate) fn see(&self, seen: Seen) {
        self.kernel.see(seen);
    }

    /// What the witness of this execution knows.
    pub(crate) fn with_witness<T>(&self, ask: impl FnOnce(&Witness) -> T) -> T {
        ask(&self.kernel.witness.borrow())
    }

    /// Waits for the root's end without reaping it: the kernel's view.
    pub(crate) async fn ended(&self) {
        std::future::poll_fn(|cx| {
            let mut root = self.kernel.root.borrow_mut();
            glance(root.object);
            if root.status.is_some() {
                learn(&());
                return Poll::Ready(());
            }
            root.wait(cx);
            Poll::Pending
        })
        .await;
    }

    /// The process, as an object.
    pub(crate) fn object(&self) -> ObjectId {
        self.kernel.root.borrow().object
    }

    /// When the root ended.
    pub(crate) fn ended_at(&self) -> Option<Duration> {
        self.kernel.root.borrow().ended_at
    }

    /// Nothing in the scenario asks for a signal.
    pub(crate) fn expect_no_signal(&self) {
        self.kernel.witness.borrow_mut().expect_no_signal();
    }

    /// Holds the stack to a bound of what it buffers of one stream, in bytes.
    pub(crate) fn bound(&self, bytes: usize) {
        self.kernel.witness.borrow_mut().bound(bytes);
    }
}
