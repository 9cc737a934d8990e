//! Reading requests: queries, bodies, and what their fields may be. Nothing is guessed or clamped.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::Uri,
};
use bytes::BytesMut;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::{
    config::Config,
    fault::invalid,
    host::{Order, Place},
};
use crate::{
    BufferPolicy, DrainPolicy, Error, ErrorKind, KillPolicy, Policy, Signal,
    error::Stage,
    machine::Errno,
    remote::{
        lifecycle::{Refusal, Resources},
        policy,
        wire::{BoxRequest, ExecRequest, SignalName},
    },
};

/// The largest body of a request, stdin aside. Arguments and environment of a command are at most
/// 2 MiB on Linux (`execve(2)`), and JSON escapes make them longer.
const BODY_MAX: usize = 8 * 1024 * 1024;

/// What is read of a body that is too large, so that whoever sends it gets to read why it is
/// refused.
const READ_MAX: usize = 128 * 1024 * 1024;

/// How long a body may take: the largest there is, through a slow line.
const BODY_TIME: Duration = Duration::from_secs(120);

/// A hundred years: longer than that is never, and no number of seconds to be computed with.
const SECONDS_MAX: f64 = 3.2e9;

/// What a runner's executions keep of a stream that its recorder has not taken.
const BUFFER: u64 = 256 * 1024;

/// The parameters of a query.
pub(super) struct Query<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Query<'a> {
    /// Those of `uri`, which may have these.
    pub(super) fn parse(uri: &'a Uri, known: &[&str]) -> Result<Self, Error> {
        let mut parameters = BTreeMap::new();
        for part in uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if !known.contains(&name) {
                let op = format!("read the query: no parameter `{name}` here; known: {known:?}");
                return Err(invalid(op));
            }
            if parameters.insert(name, value).is_some() {
                return Err(invalid(format!("read the query: `{name}` twice; give it once")));
            }
        }
        Ok(Query(parameters))
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Error> {
        let parse = |value: &&str| {
            value.parse().map_err(|_| {
                let op = format!("read the query: `{name}` is `{value}`; use a number from 0 on");
                invalid(op)
            })
        };
        self.0.get(name).map(parse).transpose()
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Error> {
        match self.0.get(name) {
            None | Some(&"false") => Ok(false),
            Some(&"true") => Ok(true),
            Some(value) => {
                Err(invalid(format!("read the query: `{name}` is `{value}`; use true or false")))
            }
        }
    }

    pub(super) fn seconds(&self, name: &str) -> Result<Option<Duration>, Error> {
        Ok(self.number(name)?.map(Duration::from_secs))
    }

    pub(super) fn word(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied()
    }
}

/// A body that is one JSON object.
pub(super) async fn json<T: DeserializeOwned>(body: Body) -> Result<T, Error> {
    let bytes = whole(body).await?;
    // A list would be taken for the fields in their order.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(invalid("read the body: no JSON object; send one, {} at least"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
    let object = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| invalid(format!("read the body: {error}")))?;
    deserializer.end().map_err(|error| invalid(format!("read the body: {error}")))?;
    Ok(object)
}

/// A body of at most [`BODY_MAX`] bytes, within [`BODY_TIME`].
async fn whole(body: Body) -> Result<Bytes, Error> {
    timeout(BODY_TIME, gather(body)).await.unwrap_or_else(|_| {
        let seconds = BODY_TIME.as_secs();
        Err(invalid(format!("read the body: it took longer than {seconds} s; send it faster")))
    })
}

async fn gather(mut body: Body) -> Result<Bytes, Error> {
    let (mut bytes, mut len) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| invalid(format!("read the body: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        len += data.len();
        if len <= BODY_MAX {
            bytes.extend_from_slice(&data);
        } else if len > READ_MAX {
            break;
        } else {
            bytes.clear();
        }
    }
    if len > BODY_MAX {
        let op = format!("read the body: it is too large; it may have {BODY_MAX} bytes at most");
        return Err(invalid(op));
    }
    Ok(bytes.freeze())
}

/// What a new box is to be: its share and its place.
pub(super) fn new_box(request: BoxRequest, config: &Config) -> Result<(Resources, Place), Error> {
    let op = "create a box";
    let asked = Resources::from(config.asked);
    let or = |number: Option<i64>, default: u64| {
        number.unwrap_or_else(|| i64::try_from(default).unwrap_or(i64::MAX))
    };
    let share = Resources::requested(
        or(request.cpus, asked.cpus),
        or(request.memory_mib, asked.memory_mib),
        or(request.disk_size_gb, asked.disk_gib),
    )
    .map_err(|refusal: Refusal| refusal.error(op))?;
    let image = request.image.unwrap_or_else(|| config.default_image.clone());
    let Some(profile) = config.images.get(&image).cloned() else {
        let known: Vec<&String> = config.images.keys().collect();
        let op = format!("{op}: no image `{}`; known: {known:?}", image.escape_default());
        return Err(Error::new(ErrorKind::CannotSpawn, op)
            .with_stage(Stage::Lookup)
            .with_errno(Errno(rustix::io::Errno::NOENT.raw_os_error())));
    };
    check_variables(op, &request.env)?;
    check_path(op, "workdir", request.workdir.as_deref())?;
    let place = Place {
        name: String::new(),
        image,
        profile,
        share,
        env: request.env,
        workdir: request.workdir,
    };
    Ok((share, place))
}

/// What is to be run.
pub(super) fn new_order(request: ExecRequest) -> Result<Order, Error> {
    let op = "start a command";
    if request.command.is_empty() {
        return Err(invalid(format!("{op}: `command` is empty; give a program")));
    }
    let words = std::iter::once(&request.command).chain(&request.args);
    if words.into_iter().any(|word| word.contains('\0')) {
        return Err(invalid(format!("{op}: a NUL byte in `command` or `args`; remove it")));
    }
    check_variables(op, &request.env)?;
    check_path(op, "cwd", request.cwd.as_deref())?;
    let drain = match &request.drain {
        None => DrainPolicy::default(),
        Some(words) => {
            policy::drain(words).map_err(|why| invalid(format!("{op}: `drain`: {why}")))?
        }
    };
    let timeout = seconds(op, "timeout_seconds", request.timeout_seconds)?;
    let mut kill = KillPolicy::default();
    if let Some(grace) = seconds(op, "grace_seconds", request.grace_seconds)? {
        kill.grace = grace;
    }
    let buffer = BufferPolicy { bytes_max: BUFFER, ..BufferPolicy::default() };
    Ok(Order {
        program: request.command,
        args: request.args,
        env: request.env,
        cwd: request.cwd,
        tty: request.tty,
        stdin: request.stdin,
        detach: request.detach,
        policy: Policy { drain, timeout, kill, buffer, ..Policy::default() },
    })
}

fn check_variables(op: &str, env: &BTreeMap<String, String>) -> Result<(), Error> {
    match env
        .iter()
        .find(|(name, value)| name.is_empty() || name.contains(['=', '\0']) || value.contains('\0'))
    {
        None => Ok(()),
        Some((name, _)) => Err(invalid(format!(
            "{op}: `env` has a variable `{}` that no system can have; a name has at least one \
             character and no `=`, and nothing has a NUL byte",
            name.escape_default()
        ))),
    }
}

fn check_path(op: &str, field: &str, path: Option<&str>) -> Result<(), Error> {
    match path {
        Some(path) if path.is_empty() || path.contains('\0') => {
            Err(invalid(format!("{op}: `{field}` is empty or has a NUL byte; give a directory")))
        }
        Some(_) | None => Ok(()),
    }
}

fn seconds(op: &str, field: &str, number: Option<f64>) -> Result<Option<Duration>, Error> {
    match number {
        None => Ok(None),
        Some(number) if (0.0..=SECONDS_MAX).contains(&number) => {
            Ok(Some(Duration::from_secs_f64(number)))
        }
        Some(number) => Err(invalid(format!(
            "{op}: `{field}` is {number}; use seconds from 0 to {SECONDS_MAX}"
        ))),
    }
}

/// The signals that have a name, as `kill -l` has them; `signal(7)`.
const SIGNALS: &[(&str, i32)] = &[
    ("HUP", libc::SIGHUP),
    ("INT", libc::SIGINT),
    ("QUIT", libc::SIGQUIT),
    ("ILL", libc::SIGILL),
    ("TRAP", libc::SIGTRAP),
    ("ABRT", libc::SIGABRT),
    ("BUS", libc::SIGBUS),
    ("FPE", libc::SIGFPE),
    ("KILL", libc::SIGKILL),
    ("USR1", libc::SIGUSR1),
    ("SEGV", libc::SIGSEGV),
    ("USR2", libc::SIGUSR2),
    ("PIPE", libc::SIGPIPE),
    ("ALRM", libc::SIGALRM),
    ("TERM", libc::SIGTERM),
    ("CHLD", libc::SIGCHLD),
    ("CONT", libc::SIGCONT),
    ("STOP", libc::SIGSTOP),
    ("TSTP", libc::SIGTSTP),
    ("TTIN", libc::SIGTTIN),
    ("TTOU", libc::SIGTTOU),
    ("URG", libc::SIGURG),
    ("XCPU", libc::SIGXCPU),
    ("XFSZ", libc::SIGXFSZ),
    ("VTALRM", libc::SIGVTALRM),
    ("PROF", libc::SIGPROF),
    ("WINCH", libc::SIGWINCH),
    ("IO", libc::SIGIO),
    ("SYS", libc::SIGSYS),
];

/// A signal by its number or its name.
pub(super) fn signal(name: &SignalName) -> Result<Signal, Error> {
    let found = match name {
        SignalName::Number(number) => i32::try_from(*number).ok().and_then(Signal::new),
        SignalName::Name(name) => {
            let name = name.strip_prefix("SIG").unwrap_or(name);
            let named = SIGNALS.iter().find(|(known, _)| *known == name);
            named.and_then(|(_, number)| Signal::new(*number))
        }
    };
    found.ok_or_else(|| {
        invalid("send a signal: no such signal; use 1 to 64, or a name as in SIGTERM or TERM")
    })
}
