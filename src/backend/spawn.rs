//! Starting a child: pipes, a process group, and what a refusal was about.
//!
//! Our ends are close-on-exec from their creation and non-blocking; the child's are blocking, for
//! the two ends of a pipe do not share that flag. The standard library resets the signal mask and
//! SIGPIPE in the child (C18). A start that fails leaves nothing behind (C14).

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::Path,
    process::{Command as StdCommand, Stdio as StdStdio},
    sync::{Arc, Mutex, PoisonError},
};

use rustix::{
    io::Errno as OsErrno,
    pipe::{PipeFlags, pipe_with},
    process::Pid,
};

use super::{limits, pty, tether};
use crate::{
    command::{Outputs, ResourceLimits, Stdio},
    error::{Error, Kind, Stage},
    machine::{Errno, StreamId},
};

/// A child that runs, with our ends of its streams.
pub(crate) struct Child {
    pub(crate) pid: Pid,
    pub(crate) leads_group: bool,
    pub(crate) outputs: Vec<(StreamId, OwnedFd)>,
    pub(crate) stdin: Option<OwnedFd>,
    /// The master side of its terminal, to be resized through.
    pub(crate) terminal: Option<Arc<OwnedFd>>,
}

/// What a child is started with, beside what the standard library's builder holds.
pub(crate) struct Wiring<'a> {
    pub(crate) stdin: &'a Stdio,
    pub(crate) outputs: &'a Outputs,
    pub(crate) process_group: bool,
    pub(crate) resources: ResourceLimits,
    pub(crate) dies_with_us: bool,
}

/// Starts a child. The builder is used up: it holds the child's ends of the pipes, and these must
/// be closed here for an EOF ever to come.
pub(crate) fn spawn(mut command: StdCommand, wiring: &Wiring<'_>) -> Result<Child, Error> {
    // From here to the end no other child is started: until its exec it would have copies of this
    // one's ends, and hold back their EOF. Close-on-exec does not help before the exec. A process
    // that is forked by other code in this program can still do so, for that moment.
    static STARTS: Mutex<()> = Mutex::new(());
    let _alone = STARTS.lock().unwrap_or_else(PoisonError::into_inner);
    let wired = wire(&mut command, wiring);
    let spawned =
        wired.map_err(|error| (Some(Stage::Pipes), error)).and_then(|(outputs, stdin)| {
            if wiring.process_group && !matches!(wiring.outputs, Outputs::Pty(_)) {
                command.process_group(0);
            }
            limits::wire(&mut command, wiring.resources);
            tether::wire(&mut command, wiring.dies_with_us);
            let terminal = match wiring.outputs {
                Outputs::Pty(_) => stdin.as_ref().map(OwnedFd::try_clone).transpose(),
                Outputs::Separate { .. } | Outputs::Combined => Ok(None),
            };
            let terminal = terminal.map_err(|error| (Some(Stage::Pipes), error))?.map(Arc::new);
            let child = command.spawn().map_err(|error| (None, error))?;
            Ok((child.id(), outputs, stdin, terminal))
        });
    let (pid, outputs, stdin, terminal) =
        spawned.map_err(|(stage, error)| refusal(&command, stage, &error))?;
    // The child's ends are closed before the next start.
    drop(command);
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let Some(pid) = pid else {
        return Err(Error::new(Kind::Internal, "start a child: the system gave it no valid pid"));
    };
    let leads_group = wiring.process_group || matches!(wiring.outputs, Outputs::Pty(_));
    Ok(Child { pid, leads_group, outputs, stdin, terminal })
}

type Ends = (Vec<(StreamId, OwnedFd)>, Option<OwnedFd>);

fn wire(command: &mut StdCommand, wiring: &Wiring<'_>) -> io::Result<Ends> {
    if let Outputs::Pty(size) = wiring.outputs {
        let master = pty::wire(command, *size)?;
        let input = master.try_clone()?;
        return Ok((vec![(StreamId::Pty, master)], Some(input)));
    }
    let mut outputs = Vec::new();
    match wiring.outputs {
        Outputs::Separate { stdout, stderr } => {
            command.stdout(child_end(stdout, StreamId::Stdout, &mut outputs)?);
            command.stderr(child_end(stderr, StreamId::Stderr, &mut outputs)?);
        }
        Outputs::Combined => {
            let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
            set_nonblocking(&ours)?;
            command.stdout(theirs.try_clone()?).stderr(theirs);
            outputs.push((StreamId::Combined, ours));
        }
        Outputs::Pty(_) => {}
    }
    let mut stdin = None;
    command.stdin(match wiring.stdin {
        Stdio::Piped => {
            let (theirs, ours) = pipe_with(PipeFlags::CLOEXEC)?;
            set_nonblocking(&ours)?;
            stdin = Some(ours);
            StdStdio::from(theirs)
        }
        Stdio::Null => StdStdio::null(),
        Stdio::Inherit => StdStdio::inherit(),
        Stdio::Fd(fd) => StdStdio::from(fd.try_clone()?),
    });
    Ok((outputs, stdin))
}

fn child_end(
    stdio: &Stdio,
    id: StreamId,
    outputs: &mut Vec<(StreamId, OwnedFd)>,
) -> io::Result<StdStdio> {
    Ok(match stdio {
        Stdio::Piped => {
            let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
            set_nonblocking(&ours)?;
            outputs.push((id, ours));
            StdStdio::from(theirs)
        }
        Stdio::Null => StdStdio::null(),
        Stdio::Inherit => StdStdio::inherit(),
        Stdio::Fd(fd) => StdStdio::from(fd.try_clone()?),
    })
}

pub(super) fn set_nonblocking(fd: impl AsFd) -> io::Result<()> {
    // One call; by F_SETFL it would be two.
    rustix::io::ioctl_fionbio(fd, true)?;
    Ok(())
}

/// What a refused start was about. The kernel says only an errno, so the stage is found by looking
/// at what could have caused it, after the fact.
fn refusal(command: &StdCommand, stage: Option<Stage>, error: &io::Error) -> Error {
    let program = command.get_program().to_string_lossy().into_owned();
    let cwd = command.get_current_dir();
    let Some(errno) = error.raw_os_error() else {
        // The standard library refuses a NUL byte without asking the kernel.
        let op = format!("run {program:?}: a NUL byte in it or its arguments; remove it");
        return Error::new(Kind::InvalidArgument, op);
    };
    let os = OsErrno::from_raw_os_error(errno);
    let (stage, errno) = match stage {
        Some(stage) => (stage, errno),
        None => match cwd.and_then(chdir_error) {
            Some(cwd_errno) if cwd_errno == errno => (Stage::Chdir, errno),
            Some(_) | None => (stage_of(os, &program), errno),
        },
    };
    Error::refused(stage, Errno(errno), &program, cwd.map(Path::to_string_lossy).as_deref())
}

fn chdir_error(cwd: &Path) -> Option<i32> {
    match std::fs::metadata(cwd) {
        Ok(found) if !found.is_dir() => Some(OsErrno::NOTDIR.raw_os_error()),
        Ok(_) => {
            rustix::fs::access(cwd, rustix::fs::Access::EXEC_OK).err().map(OsErrno::raw_os_error)
        }
        Err(error) => error.raw_os_error(),
    }
}

fn stage_of(errno: OsErrno, program: &str) -> Stage {
    match errno {
        OsErrno::AGAIN | OsErrno::NOMEM => Stage::Fork,
        OsErrno::MFILE | OsErrno::NFILE => Stage::Pipes,
        OsErrno::ACCESS | OsErrno::PERM => Stage::Permission,
        // A path that exists and is not found is a script whose interpreter is missing.
        OsErrno::NOENT if program.contains('/') && File::open(program).is_ok() => Stage::Exec,
        OsErrno::NOENT => Stage::Lookup,
        _ => Stage::Exec,
    }
}
