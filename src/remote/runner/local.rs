//! This machine as a host: a directory for each box, process groups, an environment of its own,
//! resource limits.
//!
//! It is no sandbox: commands run as the runner's user and see its files. Processors are counted
//! and not enforced; memory and disk are limits of each process, not of the box.

use std::{fs, io, path::PathBuf};

use rustix::process::{Pid, Signal, kill_process};
use tokio::task::spawn_blocking;

use super::host::{Doing, Host, Order, Place};
use crate::{
    Command, Error, ErrorKind, Execution, Policy, PtySize, ResourceLimits, Stdio,
    remote::wire::StdinKind,
};

/// The variable by which what runs in a box is known, also when it has left its process group.
const MARK: &str = "LASTBYTE_BOX";

/// What a command finds programs by when the runner itself has no PATH.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// This machine.
#[derive(Clone, Debug)]
pub struct Local {
    root: PathBuf,
}

impl Local {
    /// Boxes have their directories below `root`, which is made when it is needed.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Local { root: root.into() }
    }

    fn directory(&self, place: &Place) -> PathBuf {
        self.root.join(&place.name)
    }

    /// Where commands of the box start. A relative path is one in the box's directory.
    fn workdir(&self, place: &Place) -> PathBuf {
        let directory = self.directory(place);
        match place.workdir.as_ref().or(place.profile.workdir.as_ref()) {
            Some(workdir) => directory.join(workdir),
            None => directory,
        }
    }

    fn mark(&self, place: &Place) -> String {
        self.directory(place).to_string_lossy().into_owned()
    }
}

impl Host for Local {
    fn set_up(&self, place: &Place, anew: bool) -> Doing<Result<(), Error>> {
        let (directory, workdir) = (self.directory(place), self.workdir(place));
        Box::pin(blocking(move || {
            if anew {
                clear(&directory)?;
            }
            let made = fs::create_dir_all(&directory)
                // A directory outside of the box's is not ours to make.
                .and_then(|()| match workdir.starts_with(&directory) {
                    true => fs::create_dir_all(&workdir),
                    false => fs::metadata(&workdir).map(drop),
                });
            made.map_err(|error| {
                if anew {
                    let _cleared = clear(&directory);
                }
                failed(format!("make `{}`", workdir.display()), error)
            })
        }))
    }

    fn launch(&self, place: &Place, order: &Order, policy: Policy) -> Result<Execution, Error> {
        let mut command = Command::new(&order.program);
        let home = self.directory(place);
        let path = std::env::var_os("PATH").unwrap_or_else(|| PATH.into());
        // Nothing of the runner's own environment: its token may be there.
        command.args(&order.args).env_clear().env("PATH", path).env("HOME", &home);
        command.envs(&place.profile.env).envs(&place.env).envs(&order.env);
        command.env(MARK, self.mark(place));
        // A runner that is killed leaves no box that anybody could reach.
        command.dies_with_us(true);
        let mut directory = self.workdir(place);
        if let Some(cwd) = &order.cwd {
            directory = directory.join(cwd);
        }
        command.current_dir(directory);
        if order.tty {
            command.pty(PtySize::default());
        }
        command.stdin(match order.stdin {
            StdinKind::Pipe => Stdio::Piped,
            StdinKind::Null => Stdio::Null,
        });
        command.resources(ResourceLimits {
            address_space: Some(place.share.memory_mib.saturating_mul(1 << 20)),
            file_size: Some(place.share.disk_gib.saturating_mul(1 << 30)),
        });
        command.policy(policy).spawn()
    }

    fn tear_down(&self, place: &Place) -> Doing<()> {
        let mark = format!("{MARK}={}", self.mark(place)).into_bytes();
        Box::pin(async move {
            // A panic there would be a defect, and nothing to wait for either.
            let _done = spawn_blocking(move || end_marked(&mark)).await;
        })
    }

    fn remove(&self, place: &Place) -> Doing<()> {
        let directory = self.directory(place);
        Box::pin(async move {
            if let Err(error) = blocking(move || clear(&directory)).await {
                tracing::warn!(%error, "files of a box are left behind");
            }
        })
    }
}

async fn blocking(f: impl FnOnce() -> Result<(), Error> + Send + 'static) -> Result<(), Error> {
    spawn_blocking(f).await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, format!("set a box up: {error}")))
    })
}

fn clear(directory: &PathBuf) -> Result<(), Error> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed(format!("delete `{}`", directory.display()), error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn failed(op: String, error: io::Error) -> Error {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let kind = if full { ErrorKind::OverQuota } else { ErrorKind::CannotSpawn };
    Error::new(kind, format!("{op}: {error}; check the path and its permissions"))
        .with_source(error)
}

/// Sends SIGKILL to every process whose environment has the mark, until there is none: one may
/// have forked while the list was read.
fn end_marked(mark: &[u8]) {
    const LOOKS: u32 = 16;
    for _ in 0..LOOKS {
        let mut found = false;
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
            let Some(pid) = pid.and_then(Pid::from_raw) else { continue };
            // Of a zombie, and of a stranger's process, there is nothing to read.
            let Ok(environment) = fs::read(entry.path().join("environ")) else { continue };
            if environment.split(|&byte| byte == 0).any(|variable| variable == mark) {
                found |= kill_process(pid, Signal::KILL).is_ok();
            }
        }
        if !found {
            return;
        }
    }
}
