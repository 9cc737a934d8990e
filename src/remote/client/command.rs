//! A command as a request to a runner.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

use crate::{
    Command, Error, ErrorKind, Policy, Stdio,
    command::Outputs,
    remote::{
        policy::words,
        wire::{ExecRequest, StdinKind},
    },
};

/// The request for a command, and the policy that applies here.
pub(super) fn request(command: &Command) -> Result<(ExecRequest, Policy), Error> {
    let parts = command.parts();
    let tty = match parts.outputs {
        Outputs::Pty(_) => true,
        Outputs::Separate { stdout: Stdio::Piped, stderr: Stdio::Piped } => false,
        Outputs::Separate { .. } | Outputs::Combined => {
            return Err(refused("its outputs are not pipes of their own or a pty"));
        }
    };
    let stdin = match parts.stdin {
        _ if tty => StdinKind::Pipe,
        Stdio::Piped => StdinKind::Pipe,
        Stdio::Null => StdinKind::Null,
        Stdio::Inherit | Stdio::Fd(_) => return Err(refused("its stdin is a descriptor of ours")),
    };
    if parts.env_clear {
        return Err(refused("its environment is cleared, and that of a box is the runner's"));
    }
    let mut env = BTreeMap::new();
    for (key, value) in parts.env {
        let Some(value) = value else {
            return Err(refused("it removes a variable, and those of a box are the runner's"));
        };
        env.insert(text(key)?, text(value)?);
    }
    let policy = *parts.policy;
    let request = ExecRequest {
        command: text(command.program())?,
        args: parts.args.iter().map(|arg| text(arg)).collect::<Result<_, _>>()?,
        env,
        cwd: parts.dir.map(|dir| text(dir.as_os_str())).transpose()?,
        timeout_seconds: policy.timeout.map(|timeout| timeout.as_secs_f64()),
        grace_seconds: Some(policy.kill.grace.as_secs_f64()),
        tty,
        detach: false,
        drain: Some(words(policy.drain)),
        stdin,
    };
    Ok((request, policy))
}

fn text(text: &OsStr) -> Result<String, Error> {
    let text: OsString = text.to_owned();
    text.into_string().map_err(|text| {
        refused(&format!("`{}` is not Unicode", text.to_string_lossy().escape_default()))
    })
}

fn refused(why: &str) -> Error {
    let op = format!("start a command at a runner: {why}; that cannot be carried there");
    Error::new(ErrorKind::InvalidArgument, op)
}
