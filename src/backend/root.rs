//! The root process: learning its end, signalling it and its group, and reaping it.
//!
//! Nothing here can reach a reused pid (C16). Before the reap the pid is ours, as a zombie too.
//! After it the group is reached through the pidfd, which names the group even when its number is
//! reused (`pidfd_send_signal(2)`, Linux 6.9). Where the kernel cannot do that, the zombie is kept
//! until the execution is over: its end is known at once all the same.
#![expect(unsafe_code, reason = "kill(2) and pidfd_send_signal(2), which have no safe form")]

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open, waitid},
};

use super::process::{Io, Reactor};
use crate::machine::{Errno, Signal, Status, Target};

/// How long a drop waits for a root that it has sent SIGKILL. One that takes longer is reaped by a
/// thread of its own.
const DROP_WAITS: Duration = Duration::from_millis(500);

/// Signals the process group of the pidfd's process: `PIDFD_SIGNAL_PROCESS_GROUP`.
const PIDFD_SIGNAL_PROCESS_GROUP: libc::c_uint = 1 << 2;

pub(super) struct Root<R: Reactor> {
    pid: Pid,
    /// Whether it leads a process group of its own.
    leads_group: bool,
    watch: Watch<R>,
    state: State,
}

enum Watch<R: Reactor> {
    Pidfd(R::Fd),
    Thread(Arc<ExitFlag>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    /// Its end is known, its pid still ours.
    Zombie,
    Reaped,
}

/// How a kernel lets the end of a child be learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// A pidfd where there are any (Linux 5.3), otherwise a thread.
    Best,
    /// A thread, as on a kernel without pidfds.
    #[cfg(test)]
    Thread,
}

impl<R: Reactor> Root<R> {
    /// Takes charge of a child that was just spawned. If that fails the child is ended and reaped.
    pub(super) fn watch(pid: Pid, leads_group: bool, means: Means) -> io::Result<Self> {
        Self::open_watch(pid, means)
            .map(|watch| Root { pid, leads_group, watch, state: State::Running })
            .inspect_err(|_| {
                kill(pid, leads_group, Signal::KILL);
                let _status = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
            })
    }

    fn open_watch(pid: Pid, means: Means) -> io::Result<Watch<R>> {
        match means {
            Means::Best => match pidfd_open(pid, PidfdFlags::empty()) {
                Ok(pidfd) => return R::register(pidfd).map(Watch::Pidfd),
                Err(rustix::io::Errno::NOSYS) => {}
                Err(errno) => return Err(errno.into()),
            },
            #[cfg(test)]
            Means::Thread => {}
        }
        ExitFlag::watch(pid).map(Watch::Thread)
    }

    /// Its end, once, when it is there.
    pub(super) fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        let pid = self.pid;
        let ended = match &mut self.watch {
            Watch::Pidfd(pidfd) => R::poll_io(pidfd, cx, |_| match look(pid) {
                Some(status) => Ok(Io::more(status)),
                None => Err(io::ErrorKind::WouldBlock.into()),
            }),
            Watch::Thread(flag) => flag.poll(cx).map(|()| {
                Ok(look(pid)
                    .unwrap_or(Status::Unknown(Errno(rustix::io::Errno::CHILD.raw_os_error()))))
            }),
        };
        ended.map(|looked| {
            // Only the registration of the pidfd can fail, and it has not.
            let status = looked.unwrap_or_else(|error| {
                Status::Unknown(Errno(error.raw_os_error().unwrap_or_default()))
            });
            self.learned(status);
            status
        })
    }

    pub(super) fn try_exit(&mut self) -> Option<Status> {
        let status = look(self.pid)?;
        self.learned(status);
        Some(status)
    }

    /// Waits for its end, at most this long.
    pub(super) fn wait_exit(&mut self, max: Duration) -> Option<Status> {
        if let Watch::Pidfd(pidfd) = &self.watch {
            let mut ready = [PollFd::new(pidfd, PollFlags::IN)];
            let timeout = Timespec::try_from(max).ok();
            while let Err(rustix::io::Errno::INTR) = poll(&mut ready, timeout.as_ref()) {}
        }
        self.try_exit()
    }

    fn learned(&mut self, status: Status) {
        self.state = match status {
            // Somebody else reaped it.
            Status::Unknown(_) => State::Reaped,
            Status::Exited { .. } | Status::Signaled { .. } | Status::Lost | Status::Forced => {
                State::Zombie
            }
        };
        let group_stays_reachable = match &self.watch {
            Watch::Pidfd(pidfd) => pidfd_names_group(pidfd.as_fd()),
            Watch::Thread(_) => false,
        };
        if group_stays_reachable || !self.leads_group {
            self.reap();
        }
    }

    fn reap(&mut self) {
        if self.state == State::Zombie {
            let _status =
                waitid(WaitId::Pid(self.pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
            self.state = State::Reaped;
        }
    }

    /// By the pidfd where it can be done: that is safe even if somebody else has reaped the root.
    pub(super) fn signal(&self, signal: Signal, target: Target) {
        let group = self.leads_group && matches!(target, Target::Group);
        match &self.watch {
            Watch::Pidfd(pidfd) if !group || pidfd_names_group(pidfd.as_fd()) => {
                let _sent = pidfd_signal(pidfd.as_fd(), signal.number(), group);
            }
            Watch::Pidfd(_) | Watch::Thread(_) if self.state != State::Reaped => {
                kill(self.pid, group, signal);
            }
            Watch::Pidfd(_) | Watch::Thread(_) => {}
        }
    }
}

impl<R: Reactor> Drop for Root<R> {
    /// Ends what still runs, and reaps in every case.
    fn drop(&mut self) {
        if self.state == State::Running {
            self.signal(Signal::KILL, Target::Group);
            if self.wait_exit(DROP_WAITS).is_none() {
                let pid = self.pid;
                // Without a thread the child stays a zombie until this process ends.
                let _reaper = thread::Builder::new()
                    .name("lastbyte-reaper".to_owned())
                    .spawn(move || waitid(WaitId::Pid(pid), WaitIdOptions::EXITED));
            }
        }
        self.reap();
    }
}

/// The end of a child, if it has ended, leaving it to be reaped.
fn look(pid: Pid) -> Option<Status> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::Pid(pid), options) {
            Ok(status) => return status.map(|status| convert(&status)),
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Some(Status::Unknown(Errno(errno.raw_os_error()))),
        }
    }
}

fn convert(status: &WaitIdStatus) -> Status {
    if let Some(code) = status.exit_status() {
        return Status::Exited { code };
    }
    match status.terminating_signal().and_then(Signal::new) {
        Some(signal) => Status::Signaled { signal, core: status.dumped() },
        // WEXITED reports nothing else (`waitid(2)`).
        None => Status::Unknown(Errno(0)),
    }
}

/// Signals a child that has not been reaped, or the group that it leads. Nobody there is no error.
fn kill(pid: Pid, group: bool, signal: Signal) {
    let pid = pid.as_raw_nonzero().get();
    // SAFETY: kill(2) takes numbers only. The pid has not been reaped by us, so it names our child
    // or its group and nobody else's.
    let _sent = unsafe { libc::kill(if group { -pid } else { pid }, signal.number()) };
}

fn pidfd_signal(pidfd: BorrowedFd<'_>, signal: i32, group: bool) -> io::Result<()> {
    let flags = if group { PIDFD_SIGNAL_PROCESS_GROUP } else { 0 };
    // SAFETY: pidfd_send_signal(2) reads no memory when its info is NULL; the descriptor is open,
    // for it is borrowed.
    let sent = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            std::ptr::null::<libc::siginfo_t>(),
            flags,
        )
    };
    if sent == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Whether this kernel signals a group by its pidfd. Signal 0 asks and does nothing.
fn pidfd_names_group(pidfd: BorrowedFd<'_>) -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| match pidfd_signal(pidfd, 0, true) {
        Ok(()) => true,
        Err(error) => error.raw_os_error() == Some(libc::ESRCH),
    })
}

/// Whether this kernel signals a process group by the pidfd of its leader (Linux 6.9). Where it does
/// not, a root is kept unreaped for as long as its group may need a signal (C16).
pub fn group_by_pidfd() -> bool {
    pidfd_open(rustix::process::getpid(), PidfdFlags::empty())
        .is_ok_and(|pidfd| pidfd_names_group(pidfd.as_fd()))
}

/// Set by a thread that waits for a child's end, on kernels without pidfds.
struct ExitFlag {
    ended: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl ExitFlag {
    fn watch(pid: Pid) -> io::Result<Arc<Self>> {
        let flag = Arc::new(ExitFlag { ended: AtomicBool::new(false), waker: Mutex::new(None) });
        let setter = Arc::clone(&flag);
        thread::Builder::new().name("lastbyte-exit".to_owned()).spawn(move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
            setter.ended.store(true, Ordering::Release);
            let waker = setter.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(waker) = waker {
                waker.wake();
            }
        })?;
        Ok(flag)
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        // Registered before the check, so that an end in between is not missed.
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        if self.ended.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::BufRead, os::unix::process::CommandExt, process};

    use super::*;
    use crate::blocking::{PollReactor, block_on};

    /// A child in a group of its own that has left a sleeper behind, and the sleeper's pid.
    #[expect(clippy::zombie_processes, reason = "reaping it is what is tested")]
    fn child_with_a_sleeper() -> (Pid, String) {
        let mut child = process::Command::new("sh")
            .args(["-c", "sleep 60 >&- 2>&- & echo $!; exit 3"])
            .stdout(process::Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("sh starts");
        let mut sleeper = String::new();
        io::BufReader::new(child.stdout.take().expect("piped"))
            .read_line(&mut sleeper)
            .expect("sh writes");
        (Pid::from_child(&child), sleeper.trim().to_owned())
    }

    fn state(pid: &str) -> Option<char> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit(") ").next()?.chars().next()
    }

    fn is_gone(pid: &str) -> bool {
        matches!(state(pid), None | Some('Z' | 'X'))
    }

    fn end_of(root: &mut Root<PollReactor>) -> Status {
        block_on(std::future::poll_fn(|cx| match root.try_exit() {
            Some(status) => Poll::Ready(status),
            None => root.poll_exit(cx).map(|status| {
                cx.waker().wake_by_ref();
                status
            }),
        }))
    }

    /// If this were red, a kernel without pidfds would leak zombies, or kill a stranger's group.
    #[test]
    fn c16_without_a_pidfd_the_zombie_keeps_the_group_reachable_until_the_end() {
        let (pid, sleeper) = child_with_a_sleeper();
        let name = pid.as_raw_nonzero().to_string();
        let mut root = Root::<PollReactor>::watch(pid, true, Means::Thread).expect("a thread");
        assert_eq!(end_of(&mut root), Status::Exited { code: 3 });
        assert_eq!(state(&name), Some('Z'), "its pid is kept");
        root.signal(Signal::KILL, Target::Group);
        while !is_gone(&sleeper) {
            thread::yield_now();
        }
        drop(root);
        assert_eq!(state(&name), None, "it is reaped");
    }

    /// If this were red, a root would stay a zombie for as long as a descendant holds its output,
    /// or that descendant could not be reached any more.
    #[test]
    fn c16_with_a_pidfd_the_group_of_a_reaped_root_is_reachable() {
        let (pid, sleeper) = child_with_a_sleeper();
        let name = pid.as_raw_nonzero().to_string();
        let mut root = Root::<PollReactor>::watch(pid, true, Means::Best).expect("a pidfd");
        while root.wait_exit(Duration::from_secs(60)).is_none() {}
        let Watch::Pidfd(pidfd) = &root.watch else { return };
        if !pidfd_names_group(pidfd.as_fd()) {
            assert_eq!(state(&name), Some('Z'), "an older kernel: its pid is kept");
            return;
        }
        assert_eq!(state(&name), None, "it is reaped at once");
        assert!(!is_gone(&sleeper));
        root.signal(Signal::KILL, Target::Group);
        while !is_gone(&sleeper) {
            thread::yield_now();
        }
    }
}
