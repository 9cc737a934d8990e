//! Fake children: a kernel with processes that follow scripts, pipes that are held open by every
//! process that has them, and signals.
//!
//! Each step of a script is a scheduling choice of its own. What a child does and what a stack
//! learns of it is told to the execution's [`Witness`].

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::VecDeque,
    fmt,
    future::Future,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use lastbyte::{
    Data,
    backend::Read,
    machine::{Errno, PerStream, Signal, Status, StreamId},
};

use super::{
    footprint::ObjectId,
    run::{self, At, choice, glance, hold, learn, look, note_value, see, set, wait},
    task, time,
    witness::{Seen, Witness, Writer},
};

/// One thing that a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Do {
    /// Writes to a stream; waits while its pipe is full.
    Write(StreamId, &'static [u8]),
    /// Closes its end of a stream.
    Close(StreamId),
    /// Leaves a descendant that has the same streams and does this. Without an exit it stays.
    Fork(&'static [Do]),
    /// Goes into a group of its own: a kill of the group does not reach it.
    Setsid,
    /// Does nothing for so many milliseconds.
    Sleep(u64),
    /// Waits for the end of its stdin.
    ReadStdin,
    /// Is stopped for so many milliseconds, and continued.
    Stop(u64),
    /// Ends.
    Exit(i32),
}

/// What a root does, and what the world does to it.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// What it does. It exits with code 0 at the end.
    pub does: &'static [Do],
    /// What it does when it is sent SIGTERM; `None`: it dies of it.
    pub on_term: Option<&'static [Do]>,
    /// Bytes that a pipe holds.
    pub pipe: usize,
    /// The stream of which a read fails after this many bytes, and how.
    pub read_error: Option<(StreamId, u64, Errno)>,
    /// Waiting for it fails.
    pub wait_error: Option<Errno>,
    /// Its pid is known only after it was started: somebody may ask for a kill before.
    pub pid_is_late: bool,
    /// What its caller wants written to its stdin.
    pub input: &'static [u8],
    /// It has a stderr that is the stack's to read.
    pub has_stderr: bool,
}

impl Script {
    /// A root that does this, and nothing goes wrong.
    pub const fn new(does: &'static [Do]) -> Self {
        Script {
            does,
            on_term: None,
            pipe: 1 << 16,
            read_error: None,
            wait_error: None,
            pid_is_late: false,
            input: b"",
            has_stderr: true,
        }
    }
}

const EPIPE: Errno = Errno(32);
const ESRCH: Errno = Errno(3);
const SIGPIPE: Signal = match Signal::new(13) {
    Some(signal) => signal,
    None => Signal::KILL,
};

const SIGSTOP: Signal = match Signal::new(19) {
    Some(signal) => signal,
    None => Signal::KILL,
};

struct Pipe {
    object: ObjectId,
    bytes: VecDeque<u8>,
    read: u64,
    /// Processes that hold the writing end.
    writers: u32,
    reader_gone: bool,
    capacity: usize,
    wakers: Vec<Waker>,
}

struct Root {
    object: ObjectId,
    status: Option<Status>,
    ended_at: Option<Duration>,
    reaped: bool,
    stdin_open: bool,
    /// It waits for the end of its stdin.
    stdin_awaited: bool,
    stdin_taken: u64,
    stopped: bool,
    /// What it was sent and has not acted on.
    pending: VecDeque<Signal>,
    wakers: Vec<Waker>,
}

impl Pipe {
    fn holds(&self) {
        hold(self.object, &(&self.bytes, self.read, self.writers, self.reader_gone));
    }

    /// Whoever waits looks again.
    fn changed(&mut self) {
        set(self.object, &(&self.bytes, self.read, self.writers, self.reader_gone));
        self.wakers.drain(..).for_each(Waker::wake);
    }

    fn wait(&mut self, cx: &Context<'_>) {
        wait(self.object);
        register(&mut self.wakers, cx);
    }
}

impl Root {
    fn state(&self) -> impl std::hash::Hash {
        let Root { status, ended_at, reaped, stdin_open, stdin_taken, stopped, .. } = *self;
        let pending = self.pending.clone();
        (status, ended_at, reaped, stdin_open, self.stdin_awaited, stdin_taken, stopped, pending)
    }

    fn holds(&self) {
        hold(self.object, &self.state());
    }

    /// Whoever waits looks again.
    fn changed(&mut self) {
        set(self.object, &self.state());
        self.wakers.drain(..).for_each(Waker::wake);
    }

    fn wait(&mut self, cx: &Context<'_>) {
        wait(self.object);
        register(&mut self.wakers, cx);
    }
}

/// What all of one execution share.
struct Kernel {
    script: Script,
    pipes: PerStream<RefCell<Pipe>>,
    root: RefCell<Root>,
    /// Set when the group is killed: descendants in it end.
    group_killed: sync::Flag,
    /// Set when the pid is known.
    pid_known: sync::Flag,
    witness: RefCell<Witness>,
    /// Which execution of the run it is.
    execution: usize,
}

mod sync {
    //! A flag that descendants look at.
    use std::cell::RefCell;

    use super::{Context, ObjectId, Waker, glance, learn, register, set, wait};

    pub(super) struct Flag {
        pub(super) object: ObjectId,
        pub(super) set: RefCell<bool>,
        pub(super) wakers: RefCell<Vec<Waker>>,
    }

    impl Flag {
        pub(super) fn set(&self) {
            set(self.object, &true);
            self.set.replace(true);
            self.wakers.take().into_iter().for_each(Waker::wake);
        }

        /// Or has the task woken.
        pub(super) fn is_set(&self, cx: &Context<'_>) -> bool {
            let is_set = *self.set.borrow();
            if is_set {
                glance(self.object);
                learn(&());
            } else {
                register(&mut self.wakers.borrow_mut(), cx);
                wait(self.object);
            }
            is_set
        }
    }
}

/// A child that has just been spawned: what a stack takes over.
#[derive(Debug)]
pub struct Child {
    /// The reading end of its stdout.
    pub stdout: Source,
    /// The reading end of its stderr.
    pub stderr: Source,
    /// The writing end of its stdin.
    pub stdin: Stdin,
    /// The process.
    pub process: Process,
    /// What its caller wants written to its stdin.
    pub input: &'static [u8],
    /// It is a box, or lives in one: the first that is started is the box.
    pub boxed: bool,
    /// The bug that a stack has which can be told to have one; 0: none.
    pub bug: u8,
}

/// Spawns a child, whose script runs as a task.
pub(crate) fn spawn(name: &str, script: Script, execution: usize) -> Child {
    let pipe = |place| {
        RefCell::new(Pipe {
            object: run::object(),
            bytes: VecDeque::new(),
            read: 0,
            writers: u32::from(place == 0 || script.has_stderr),
            reader_gone: false,
            capacity: script.pipe,
            wakers: Vec::new(),
        })
    };
    let root = Root {
        object: run::object(),
        status: None,
        ended_at: None,
        reaped: false,
        stdin_open: true,
        stdin_awaited: false,
        stopped: false,
        stdin_taken: 0,
        pending: VecDeque::new(),
        wakers: Vec::new(),
    };
    let kernel = Rc::new(Kernel {
        script,
        pipes: PerStream::from_fn(pipe),
        root: RefCell::new(root),
        group_killed: sync::Flag {
            object: run::object(),
            set: RefCell::default(),
            wakers: RefCell::default(),
        },
        pid_known: sync::Flag {
            object: run::object(),
            set: RefCell::new(!script.pid_is_late),
            wakers: RefCell::default(),
        },
        witness: RefCell::new(Witness::new()),
        execution,
    });
    task::spawn(name.to_owned(), live(Rc::clone(&kernel), name.to_owned()));
    if script.pid_is_late {
        let kernel = Rc::clone(&kernel);
        task::spawn("fork", async move {
            run::note(|| "the pid is known".to_owned());
            kernel.pid_known.set();
        });
    }
    let source = |stream| Source { kernel: Rc::clone(&kernel), stream };
    Child {
        stdout: source(StreamId::Stdout),
        stderr: source(StreamId::Stderr),
        stdin: Stdin { kernel: Rc::clone(&kernel) },
        process: Process { kernel },
        input: script.input,
        boxed: false,
        bug: 0,
    }
}

/// The root's life.
async fn live(kernel: Rc<Kernel>, name: String) {
    let mut open = PerStream::from_fn(|place| place == 0 || kernel.script.has_stderr);
    let mut does: VecDeque<Do> = kernel.script.does.iter().copied().collect();
    let status = loop {
        task::remember(&(&does, &open.iter().collect::<Vec<_>>()));
        let what = does.pop_front().unwrap_or(Do::Exit(0));
        let ended = kernel.until_signalled(kernel.step(what, &mut open, Writer::Root, &name)).await;
        match ended {
            Ok(Step::Done) => {}
            Ok(Step::Ends(status)) => break status,
            Err(Signal::TERM) if kernel.script.on_term.is_some() => {
                does = kernel.script.on_term.unwrap_or_default().iter().copied().collect();
            }
            Err(signal) => break Status::Signaled { signal, core: false },
        }
    };
    run::note(|| format!("ends: {status}"));
    kernel.release(&open);
    let now = time::now();
    let mut root = kernel.root.borrow_mut();
    (root.status, root.ended_at) = (Some(status), Some(now));
    root.stdin_open = false;
    root.changed();
    drop(root);
    kernel.see(Seen::Ended(status));
}

/// A descendant's life.
async fn linger(kernel: Rc<Kernel>, does: &'static [Do], mut open: PerStream<bool>, name: String) {
    let mut in_group = true;
    for &what in does {
        if what == Do::Setsid {
            in_group = false;
            continue;
        }
        let step = kernel.step(what, &mut open, Writer::Descendant, &name);
        let killed = if in_group { kernel.until_killed(step).await } else { Some(step.await) };
        match killed {
            Some(Step::Done) => {}
            Some(Step::Ends(_)) | None => {
                kernel.release(&open);
                return;
            }
        }
    }
    // It stays, and holds what it has.
    if in_group {
        let _killed = kernel.until_killed(std::future::pending::<()>()).await;
        kernel.release(&open);
    } else {
        std::future::pending::<()>().await;
    }
}

/// Whoever registers is woken once by the next change; a waker is kept once.
fn register(wakers: &mut Vec<Waker>, cx: &Context<'_>) {
    if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
        wakers.push(cx.waker().clone());
    }
}

enum Step {
    Done,
    Ends(Status),
}

impl Kernel {
    fn see(&self, seen: Seen) {
        run::tell(self.execution, &seen);
        if let Err(broken) = self.witness.borrow_mut().see(&seen) {
            run::with(|run| run.find(broken));
        }
    }

    /// The next signal ends what the root is at.
    async fn until_signalled<T>(&self, work: impl Future<Output = T>) -> Result<T, Signal> {
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|cx| {
            let mut root = self.root.borrow_mut();
            if let Some(signal) = root.pending.pop_front() {
                learn(&signal);
                root.holds();
                return Poll::Ready(Err(signal));
            }
            root.wait(cx);
            drop(root);
            work.as_mut().poll(cx).map(Ok)
        })
        .await
    }

    async fn until_killed<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|cx| {
            if self.group_killed.is_set(cx) {
                return Poll::Ready(None);
            }
            work.as_mut().poll(cx).map(Some)
        })
        .await
    }

    async fn step(
        self: &Rc<Self>,
        what: Do,
        open: &mut PerStream<bool>,
        writer: Writer,
        name: &str,
    ) -> Step {
        choice(At::Await, None).await;
        match what {
            Do::Write(stream, bytes) => {
                if !open[stream] {
                    return Step::Done;
                }
                if self.write(stream, bytes, writer).await.is_err() {
                    return Step::Ends(Status::Signaled { signal: SIGPIPE, core: false });
                }
            }
            Do::Close(stream) => {
                run::note(|| format!("closes {stream}"));
                if std::mem::replace(&mut open[stream], false) {
                    self.close(stream);
                }
            }
            Do::Fork(does) => {
                run::note(|| "leaves a descendant".to_owned());
                for id in [StreamId::Stdout, StreamId::Stderr] {
                    if open[id] {
                        let mut pipe = self.pipes[id].borrow_mut();
                        pipe.writers += 1;
                        pipe.holds();
                    }
                }
                let name = format!("{name}'s descendant");
                task::spawn(name.clone(), linger(Rc::clone(self), does, *open, name));
            }
            Do::Setsid => {}
            Do::Sleep(milliseconds) => time::sleep(Duration::from_millis(milliseconds)).await,
            Do::ReadStdin => self.stdin_end().await,
            Do::Stop(milliseconds) => {
                self.set_stopped(true);
                time::sleep_until(time::now() + Duration::from_millis(milliseconds)).await;
                self.set_stopped(false);
            }
            Do::Exit(code) => return Step::Ends(Status::Exited { code }),
        }
        Step::Done
    }

    async fn write(
        &self,
        stream: StreamId,
        bytes: &'static [u8],
        writer: Writer,
    ) -> Result<(), Errno> {
        std::future::poll_fn(|cx| {
            let mut pipe = self.pipes[stream].borrow_mut();
            if pipe.reader_gone {
                see(pipe.object);
                drop(pipe);
                self.see(Seen::Refused { stream, writer });
                return Poll::Ready(Err(EPIPE));
            }
            // Up to PIPE_BUF a write is atomic, pipe(7).
            if pipe.bytes.len() + bytes.len() > pipe.capacity {
                pipe.wait(cx);
                return Poll::Pending;
            }
            pipe.bytes.extend(bytes);
            pipe.changed();
            Poll::Ready(Ok(()))
        })
        .await?;
        run::note(|| format!("writes {:?} to {stream}", String::from_utf8_lossy(bytes)));
        self.see(Seen::Wrote { stream, bytes: Cow::Borrowed(bytes), writer });
        Ok(())
    }

    fn set_stopped(&self, stopped: bool) {
        run::note(|| if stopped { "is stopped" } else { "is continued" }.to_owned());
        let mut root = self.root.borrow_mut();
        root.stopped = stopped;
        root.changed();
    }

    async fn stdin_end(&self) {
        std::future::poll_fn(|cx| {
            let mut root = self.root.borrow_mut();
            if !root.stdin_open {
                glance(root.object);
                learn(&());
                root.stdin_awaited = false;
                note_value(root.object, &root.state());
                return Poll::Ready(());
            }
            // For the witness alone: no task asks for it.
            root.stdin_awaited = true;
            note_value(root.object, &root.state());
            root.wait(cx);
            Poll::Pending
        })
        .await;
        run::note(|| "reads the end of its stdin".to_owned());
    }

    fn close(&self, stream: StreamId) {
        let mut pipe = self.pipes[stream].borrow_mut();
        pipe.writers -= 1;
        if pipe.writers == 0 { pipe.changed() } else { pipe.holds() }
    }

    fn release(&self, open: &PerStream<bool>) {
        for stream in [StreamId::Stdout, StreamId::Stderr] {
            if open[stream] {
                self.close(stream);
            }
        }
    }

    /// A signal arrives.
    fn deliver(&self, signal: Signal, group: bool) {
        let mut root = self.root.borrow_mut();
        glance(root.object);
        if root.status.is_none() {
            root.pending.push_back(signal);
            root.changed();
        }
        drop(root);
        if group && signal == Signal::KILL {
            self.group_killed.set();
        }
    }
}

/// The reading end of a pipe.
pub struct Source {
    kernel: Rc<Kernel>,
    stream: StreamId,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.stream).finish()
    }
}

/// The largest read, unless the reader asks for less.
const READ_MAX: u64 = 1 << 16;

impl Source {
    /// Which stream it is.
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// Whether anybody was given the writing end.
    pub fn is_ours(&self) -> bool {
        self.stream == StreamId::Stdout || self.kernel.script.has_stderr
    }

    /// Reads once: what stands in the pipe, its end, or an error.
    ///
    /// Cancel safety: bytes are taken only if they are returned.
    pub async fn read(&mut self) -> Read {
        choice(At::Await, None).await;
        std::future::poll_fn(|cx| self.poll_read(cx, READ_MAX)).await
    }

    /// As [`Source::read`], for at most `max` bytes.
    pub async fn read_at_most(&mut self, max: u64) -> Read {
        choice(At::Await, None).await;
        std::future::poll_fn(|cx| self.poll_read(cx, max)).await
    }

    /// Reads once, or has the task woken.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, max: u64) -> Poll<Read> {
        if let Some(read) = self.try_read(max) {
            return Poll::Ready(read);
        }
        self.kernel.pipes[self.stream].borrow_mut().wait(cx);
        Poll::Pending
    }

    /// Reads what stands there now. `None`: nothing.
    pub fn try_read(&mut self, max: u64) -> Option<Read> {
        let mut pipe = self.kernel.pipes[self.stream].borrow_mut();
        glance(pipe.object);
        if let Some((stream, at, errno)) = self.kernel.script.read_error
            && stream == self.stream
            && pipe.read >= at
        {
            learn(&errno);
            drop(pipe);
            run::note(|| format!("a read of {stream} fails"));
            self.kernel.see(Seen::ReadFailed { stream, errno });
            return Some(Read::Error(errno));
        }
        let stream = self.stream;
        if pipe.bytes.is_empty() {
            learn(&(pipe.writers > 0));
            if pipe.writers > 0 {
                return None;
            }
            drop(pipe);
            run::note(|| format!("reads the end of {stream}"));
            self.kernel.see(Seen::ReadEof { stream });
            return Some(Read::Eof);
        }
        let len = pipe.bytes.len().min(usize::try_from(max).unwrap_or(usize::MAX));
        let bytes: Vec<u8> = pipe.bytes.drain(..len).collect();
        pipe.read += bytes.len() as u64;
        learn(&bytes);
        pipe.changed();
        drop(pipe);
        run::note(|| format!("reads {:?} from {stream}", String::from_utf8_lossy(&bytes)));
        self.kernel.see(Seen::Read { stream, bytes: bytes.len() as u64 });
        Some(Read::Chunk(Data::new(bytes.into())))
    }

    /// Bytes that stand unread now, as of `FIONREAD`.
    pub fn standing(&self) -> u64 {
        let pipe = self.kernel.pipes[self.stream].borrow();
        look(pipe.object, &pipe.bytes.len());
        pipe.bytes.len() as u64
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let mut pipe = self.kernel.pipes[self.stream].borrow_mut();
        pipe.reader_gone = true;
        pipe.changed();
        drop(pipe);
        self.kernel.see(Seen::LetGo { stream: self.stream });
    }
}

/// The writing end of a child's stdin; dropping it closes it.
pub struct Stdin {
    kernel: Rc<Kernel>,
}

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stdin")
    }
}

impl Stdin {
    /// Writes to it.
    ///
    /// # Errors
    ///
    /// `EPIPE`: nobody reads it any more.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        choice(At::Await, None).await;
        let mut root = self.kernel.root.borrow_mut();
        look(root.object, &root.status.is_some());
        if root.status.is_some() {
            return Err(EPIPE);
        }
        root.stdin_taken += bytes.len() as u64;
        root.holds();
        Ok(())
    }
}

impl Drop for Stdin {
    fn drop(&mut self) {
        let mut root = self.kernel.root.borrow_mut();
        root.stdin_open = false;
        root.changed();
    }
}

/// The process of a child. Clones are the same process.
#[derive(Clone)]
pub struct Process {
    kernel: Rc<Kernel>,
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
