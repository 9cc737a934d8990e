//! What to run and under which policies, in the shape of `std::process::Command`.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::Command as StdCommand,
    sync::Arc,
    time::Duration,
};

use crate::{
    Data, Execution,
    backend::{
        Backend,
        process::{Process, Reactor},
        spawn::{Child, Wiring, spawn},
    },
    driver::{Clock, Driver},
    error::{Error, Kind, Stage},
    execution::Beside,
    machine::{
        BufferPolicy, Descendants, DrainPolicy, Errno, OutputLimit, Policy, Signal, StreamId,
        Streams, Target,
    },
    ordering::Core,
    record::Recorder,
    stdin::Stdin,
};

/// A command to run, with its policies. Can be started any number of times.
///
/// Where it differs from the standard library's builder: stdin is closed (`Null`) unless asked
/// for, stdout and stderr are piped, and the child leads a process group of its own, so that a
/// kill reaches what it has started.
#[derive(Debug)]
pub struct Command {
    program: OsString,
    args: Vec<OsString>,
    env_clear: bool,
    /// In the order they were asked for; `None` removes.
    env: Vec<(OsString, Option<OsString>)>,
    dir: Option<PathBuf>,
    stdin: Stdio,
    outputs: Outputs,
    process_group: bool,
    resources: ResourceLimits,
    dies_with_us: bool,
    timestamps: bool,
    monitored: bool,
    recorder: Option<Recorder>,
    policy: Policy,
}

/// What the child, and each process that it starts, may use (`setrlimit(2)`). Default: what we may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResourceLimits {
    /// Virtual memory, in bytes.
    pub address_space: Option<u64>,
    /// The size of a file it writes, in bytes.
    pub file_size: Option<u64>,
}

/// What one of the child's standard descriptors is.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stdio {
    /// A pipe to us.
    Piped,
    /// `/dev/null`.
    Null,
    /// The same as ours.
    Inherit,
    /// This descriptor. Its bytes are not ours to order.
    Fd(OwnedFd),
}

impl From<OwnedFd> for Stdio {
    fn from(fd: OwnedFd) -> Self {
        Stdio::Fd(fd)
    }
}

impl From<File> for Stdio {
    fn from(file: File) -> Self {
        Stdio::Fd(file.into())
    }
}

/// How the child's outputs are wired.
#[derive(Debug)]
pub(crate) enum Outputs {
    Separate { stdout: Stdio, stderr: Stdio },
    Combined,
    Pty(PtySize),
}

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PtySize {
    /// Lines.
    pub rows: u16,
    /// Columns.
    pub cols: u16,
}

impl Default for PtySize {
    fn default() -> Self {
        PtySize { rows: 24, cols: 80 }
    }
}

impl Command {
    /// A command for `program`: a path, or a name to look up on PATH. Nothing is looked up before a
    /// start, which refuses what it does not find (C14).
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Command {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            env_clear: false,
            env: Vec::new(),
            dir: None,
            stdin: Stdio::Null,
            outputs: Outputs::Separate { stdout: Stdio::Piped, stderr: Stdio::Piped },
            process_group: true,
            resources: ResourceLimits::default(),
            dies_with_us: false,
            timestamps: false,
            monitored: false,
            recorder: None,
            policy: Policy::default(),
        }
    }

    /// Adds an argument.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args(&mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    pub fn env(&mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.env.push((key.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Sets environment variables.
    pub fn envs(
        &mut self,
        vars: impl IntoIterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>,
    ) -> &mut Self {
        for (key, value) in vars {
            self.env(key, value);
        }
        self
    }

    /// Removes an environment variable.
    pub fn env_remove(&mut self, key: impl AsRef<OsStr>) -> &mut Self {
        self.env.push((key.as_ref().to_owned(), None));
        self
    }

    /// Inherits no environment variable, and forgets those set so far.
    pub fn env_clear(&mut self) -> &mut Self {
        self.env.clear();
        self.env_clear = true;
        self
    }

    /// The directory to start in. Default: ours. A start refuses one that is not there (C14).
    pub fn current_dir(&mut self, dir: impl AsRef<Path>) -> &mut Self {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    /// The child's stdin. Default: [`Stdio::Null`]. A pty replaces it. Piped, it is written through
    /// [`Execution::stdin`](crate::Execution::stdin) (C17).
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Self {
        self.stdin = stdin.into();
        self
    }

    /// The child's stdout. Default: [`Stdio::Piped`]. Undoes [`combined`](Command::combined) and
    /// [`pty`](Command::pty). Where it goes elsewhere it is no stream of the execution (C15).
    pub fn stdout(&mut self, to: impl Into<Stdio>) -> &mut Self {
        *self.separate().0 = to.into();
        self
    }

    /// The child's stderr. Default: [`Stdio::Piped`]. Undoes [`combined`](Command::combined) and
    /// [`pty`](Command::pty). Where it goes elsewhere it is no stream of the execution (C15).
    pub fn stderr(&mut self, to: impl Into<Stdio>) -> &mut Self {
        *self.separate().1 = to.into();
        self
    }

    fn separate(&mut self) -> (&mut Stdio, &mut Stdio) {
        if !matches!(self.outputs, Outputs::Separate { .. }) {
            self.outputs = Outputs::Separate { stdout: Stdio::Piped, stderr: Stdio::Piped };
        }
        match &mut self.outputs {
            Outputs::Separate { stdout, stderr } => (stdout, stderr),
            Outputs::Combined | Outputs::Pty(_) => unreachable!("made separate above"),
        }
    }

    /// Stdout and stderr through one pipe, as one stream in the order of the child's writes (C3).
    pub fn combined(&mut self) -> &mut Self {
        self.outputs = Outputs::Combined;
        self
    }

    /// Runs the child on a terminal of this size, which is its stdin, stdout and stderr, in a
    /// session of its own. What a descendant writes to it is best effort (C7).
    pub fn pty(&mut self, size: PtySize) -> &mut Self {
        self.outputs = Outputs::Pty(size);
        self
    }

    /// Whether the child leads a process group of its own. Default: true. Without one, signals
    /// reach the root alone; needed where the child shares our controlling terminal, which stops
    /// readers of other groups with SIGTTIN.
    pub fn process_group(&mut self, own: bool) -> &mut Self {
        self.process_group = own;
        self
    }

    /// Limits what the child may use. A start under limits costs a fork(2) of this process.
    /// Default: none beside ours.
    pub fn resources(&mut self, limits: ResourceLimits) -> &mut Self {
        self.resources = limits;
        self
    }

    /// Whether the root is sent SIGKILL when the thread that starts it ends, however it ends: SIGKILL to
    /// this process included, which leaves us no moment to kill anything ourselves.
    ///
    /// For a program whose starting threads live as long as it does. The kernel forgets it for what the
    /// root starts in its turn, and at the exec of a set-user-id program: those live on. A start costs a
    /// fork(2) of this process. Default: false.
    pub fn dies_with_us(&mut self, on: bool) -> &mut Self {
        self.dies_with_us = on;
        self
    }

    /// Kills the execution when it has run this long. Default: never. It is told beside the status,
    /// as [`Cause::timed_out`](crate::Cause::timed_out), and only of a root that it ended (C10).
    pub fn timeout(&mut self, timeout: Duration) -> &mut Self {
        self.policy.timeout = Some(timeout);
        self
    }

    /// The first signal of a kill. Default: SIGTERM. It goes to the group, or to the root where that
    /// has none of its own (C16).
    pub fn kill_signal(&mut self, signal: Signal) -> &mut Self {
        self.policy.kill.signal = signal;
        self
    }

    /// From the first signal of a kill to SIGKILL. Default: 2 s. Output that is written meanwhile is
    /// delivered (C16).
    pub fn grace(&mut self, grace: Duration) -> &mut Self {
        self.policy.kill.grace = grace;
        self
    }

    /// How long output may go on after the root's end. Default: until idle for 200 ms, at most 5 s
    /// (C6). What the root itself wrote to a pipe is delivered under each policy (C7).
    pub fn drain(&mut self, drain: DrainPolicy) -> &mut Self {
        self.policy.drain = drain;
        self
    }

    /// What happens at the root's end to the rest of its group. Default: it lives on.
    pub fn descendants(&mut self, descendants: Descendants) -> &mut Self {
        self.policy.descendants = descendants;
        self
    }

    /// The bound on output not yet taken. Default: 256 KiB and 1024 chunks for each stream, then
    /// the child waits (C12).
    pub fn buffer(&mut self, buffer: BufferPolicy) -> &mut Self {
        self.policy.buffer = buffer;
        self
    }

    /// A limit on the output of each stream. Default: none. What goes beyond it is counted and has a
    /// gap in its place (C8).
    pub fn limit(&mut self, limit: OutputLimit) -> &mut Self {
        self.policy.limit = Some(limit);
        self
    }

    /// All policies at once, replacing those set so far. A start refuses one that cannot be carried
    /// out, as [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument).
    pub fn policy(&mut self, policy: Policy) -> &mut Self {
        self.policy = policy;
        self
    }

    /// Gives each chunk the time it was read at: [`Data::at`](crate::Data::at). Default: off.
    pub fn timestamps(&mut self, on: bool) -> &mut Self {
        self.timestamps = on;
        self
    }

    /// Checks every step against the contract while it runs: [`Handle::verdict`]. Default: off.
    ///
    /// [`Handle::verdict`]: crate::Handle::verdict
    pub fn monitor(&mut self, on: bool) -> &mut Self {
        self.monitored = on;
        self
    }

    /// Writes what happens to each of its executions: see [`Recorder`]. Default: nobody does.
    pub fn record(&mut self, to: &Recorder) -> &mut Self {
        self.recorder = Some(to.clone());
        self
    }

    /// Starts the child and says what its driver needs.
    pub(crate) fn start(&self) -> Result<Started, Error> {
        let started = self.spawn_child();
        if let (Err(_), Some(recorder)) = (&started, &self.recorder) {
            recorder.refused();
        }
        started
    }

    fn spawn_child(&self) -> Result<Started, Error> {
        let mut policy = self.policy;
        if !self.process_group && !matches!(self.outputs, Outputs::Pty(_)) {
            policy.kill.target = Target::Leader;
        }
        policy.check().map_err(|invalid| {
            Error::new(Kind::InvalidArgument, format!("start an execution: {invalid}"))
        })?;
        let wiring = Wiring {
            stdin: &self.stdin,
            outputs: &self.outputs,
            process_group: self.process_group,
            resources: self.resources,
            dies_with_us: self.dies_with_us,
        };
        let child = spawn(self.builder(), &wiring)?;
        Ok(Started {
            streams: streams_of(&child),
            child,
            policy,
            timestamps: self.timestamps,
            monitored: self.monitored,
            recorder: self.recorder.clone(),
        })
    }

    /// A builder for one start: it is used up with the child's ends of the pipes in it.
    fn builder(&self) -> StdCommand {
        let mut builder = StdCommand::new(&self.program);
        builder.args(&self.args);
        if self.env_clear {
            builder.env_clear();
        }
        for (key, value) in &self.env {
            match value {
                Some(value) => builder.env(key, value),
                None => builder.env_remove(key),
            };
        }
        if let Some(dir) = &self.dir {
            builder.current_dir(dir);
        }
        builder
    }

    /// What whoever starts it elsewhere needs to know.
    #[cfg(feature = "remote")]
    pub(crate) fn parts(&self) -> Parts<'_> {
        Parts {
            args: &self.args,
            env_clear: self.env_clear,
            env: &self.env,
            dir: self.dir.as_deref(),
            stdin: &self.stdin,
            outputs: &self.outputs,
            monitored: self.monitored,
            policy: &self.policy,
        }
    }

    /// The program, as given.
    pub fn program(&self) -> &OsStr {
        &self.program
    }
}

/// What a command is made of.
#[cfg(feature = "remote")]
pub(crate) struct Parts<'a> {
    pub(crate) args: &'a [OsString],
    pub(crate) env_clear: bool,
    pub(crate) env: &'a [(OsString, Option<OsString>)],
    pub(crate) dir: Option<&'a Path>,
    pub(crate) stdin: &'a Stdio,
    pub(crate) outputs: &'a Outputs,
    pub(crate) monitored: bool,
    pub(crate) policy: &'a Policy,
}

impl Started {
    /// Puts core, driver and the child's stdin together.
    pub(crate) fn assemble<R, K>(self, clock: K) -> Result<Assembled<Process<R>, K>, Error>
    where
        R: Reactor,
        K: Clock,
    {
        let Started { mut child, streams, policy, timestamps, monitored, recorder } = self;
        let pid = u32::try_from(child.pid.as_raw_pid()).ok();
        let stdin = child.stdin.take().map(|fd| Stdin::new(fd, streams == Streams::Pty));
        let terminal = child.terminal.as_ref().map(Arc::downgrade);
        let beside = terminal.map_or(Beside::Nothing, Beside::Pty);
        let backend = Process::<R>::attach(child).map_err(|error| {
            let errno = Errno(error.raw_os_error().unwrap_or_default());
            Error::refused(Stage::Pipes, errno, "its watch", None)
        })?;
        let core = new_core(streams, policy, monitored)?;
        if let Some(recorder) = recorder {
            core.observe(recorder.begin(streams, policy, pid));
        }
        let driver = start_driver(core.clone(), backend, clock, policy, streams, timestamps)?;
        Ok(Assembled { execution: Execution::new(core, pid, stdin, beside), driver })
    }
}

/// An execution and what must run for it.
pub(crate) struct Assembled<B: Backend, K: Clock> {
    pub(crate) execution: Execution,
    pub(crate) driver: Driver<B, K>,
}

pub(crate) fn new_core(
    streams: Streams,
    policy: Policy,
    monitored: bool,
) -> Result<Core<Data>, Error> {
    let core =
        if monitored { Core::monitored(streams, policy) } else { Core::new(streams, policy) };
    core.map_err(|invalid| {
        Error::new(Kind::InvalidArgument, format!("start an execution: {invalid}"))
    })
}

pub(crate) fn start_driver<B: Backend, K: Clock>(
    core: Core<Data>,
    backend: B,
    clock: K,
    policy: Policy,
    streams: Streams,
    timestamps: bool,
) -> Result<Driver<B, K>, Error> {
    Driver::start(core, backend, clock, policy, streams, timestamps)
        .map_err(|illegal| Error::new(Kind::Internal, format!("start an execution: {illegal}")))
}

/// A child that runs, and the policies of its execution.
pub(crate) struct Started {
    pub(crate) child: Child,
    pub(crate) streams: Streams,
    pub(crate) policy: Policy,
    pub(crate) timestamps: bool,
    pub(crate) monitored: bool,
    pub(crate) recorder: Option<Recorder>,
}

fn streams_of(child: &Child) -> Streams {
    let has = |id| child.outputs.iter().any(|&(output, _)| output == id);
    match (has(StreamId::Stdout), has(StreamId::Stderr)) {
        (true, true) => Streams::Separate,
        (true, false) => Streams::Stdout,
        (false, true) => Streams::Stderr,
        (false, false) if has(StreamId::Combined) => Streams::Combined,
        (false, false) if has(StreamId::Pty) => Streams::Pty,
        (false, false) => Streams::None,
    }
}
