//! The one table of refusals: kind to code, HTTP status, C number and exit code (C14).
//!
//! Whoever maps a failure to a number (command line, HTTP, C header, ports) reads it here, and
//! nowhere else is one written down. Three things never mix:
//!
//! - [`Error`]: the world refused. A start failed, a quota is used up, a runner has gone.
//! - [`Illegal`](crate::machine::Illegal): a driver or a port broke the protocol.
//! - Outcomes are values: a non-zero exit, a signal, a cut stream are in a
//!   [`Terminal`], never an `Err`. [`shell_exit_code`] flattens one for a shell.

use std::{fmt, io};

use crate::machine::{Errno, Status, Terminal};

/// What one kind of error is called in each place that has no room for an [`Error`].
struct Row {
    code: &'static str,
    http: u16,
    number: i32,
    exit: u8,
    summary: &'static str,
}

/// Makes [`Kind`], [`Kind::ALL`] and the match behind every conversion from one table, so that a
/// kind can neither lack a column nor be missing from the list.
macro_rules! kinds {
    ($($kind:ident: $code:literal, $http:literal, $number:literal, $exit:literal, $summary:literal;)+) => {
        /// What sort of refusal it is, as far as a caller can act on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Kind {
            $(#[doc = $summary] $kind,)+
        }

        impl Kind {
            /// Every kind, in the order of the table.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),+];

            const fn row(self) -> Row {
                match self {
                    $(Kind::$kind => Row {
                        code: $code, http: $http, number: $number, exit: $exit, summary: $summary,
                    },)+
                }
            }
        }
    };
}

// Columns: code, HTTP status, number, exit code, summary. Numbers are append-only; that of a
// retired kind is not used again. They lie outside the range in which Linux returns `-errno`
// (-4095 to -1), so that none can be read as one. Exit codes follow env(1) and timeout(1): 125
// when we failed, 126 and 127 when the command could not be run.
kinds! {
    NotFound: "not_found", 404, -5001, 125, "Nothing has this id.";
    Stopped: "stopped", 409, -5002, 125, "The execution has stopped already.";
    InvalidState: "invalid_state", 409, -5003, 125, "The call has no meaning in this state.";
    InvalidArgument: "invalid_argument", 400, -5004, 125, "An argument cannot be used.";
    CannotSpawn: "cannot_spawn", 422, -5005, 126, "The command cannot be started.";
    OverQuota: "over_quota", 429, -5006, 126, "A quota or a limit of the system is used up.";
    Unauthorized: "unauthorized", 401, -5007, 125, "The credentials are missing or wrong.";
    Gone: "gone", 410, -5008, 125, "The session is over and has been cleared away.";
    BackendLost: "backend_lost", 502, -5009, 125, "The connection to the runner broke.";
    BackendUnavailable: "backend_unavailable", 503, -5010, 125, "The runner cannot be reached.";
    Shutdown: "shutdown", 503, -5011, 125, "The runtime is shutting down.";
    Internal: "internal", 500, -5012, 125, "A defect of lastbyte itself.";
}

/// What a shell says of a program that does not exist.
const EXIT_MISSING: u8 = 127;

impl Kind {
    /// Its name in JSON and on the wire.
    pub const fn code(self) -> &'static str {
        self.row().code
    }

    /// The HTTP status of a response that carries it (RFC 9110 section 15, RFC 6585 section 4).
    pub const fn http_status(self) -> u16 {
        self.row().http
    }

    /// Its number in the C ABI: negative, never changed and never used again. Not an errno.
    pub const fn number(self) -> i32 {
        self.row().number
    }

    /// The exit code of a program that ends because of it. [`Error::exit_code`] knows more: it
    /// tells a missing program apart.
    pub const fn exit_code(self) -> u8 {
        self.row().exit
    }

    /// One sentence for a reader who has only the code.
    pub const fn summary(self) -> &'static str {
        self.row().summary
    }
}

/// How far a start came before it was refused (C14). Closed: the contract names these six.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Finding the program, on `PATH` or by its path.
    Lookup,
    /// Entering the working directory.
    Chdir,
    /// Loading the program that was found.
    Exec,
    /// Making the process.
    Fork,
    /// Making the pipes or the pty of its streams.
    Pipes,
    /// Being allowed to run it: its mode bits, a privilege, a security policy.
    Permission,
}

impl Stage {
    /// Its name in JSON and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Lookup => "lookup",
            Stage::Chdir => "chdir",
            Stage::Exec => "exec",
            Stage::Fork => "fork",
            Stage::Pipes => "pipes",
            Stage::Permission => "permission",
        }
    }

    /// Where its errors are described.
    const fn man_page(self) -> &'static str {
        match self {
            Stage::Lookup => "path_resolution(7)",
            Stage::Chdir => "chdir(2)",
            Stage::Exec => "execve(2)",
            Stage::Fork => "fork(2)",
            Stage::Pipes => "pipe(2)",
            Stage::Permission => "credentials(7)",
        }
    }
}

/// The world refused.
///
/// Its text is a fragment that reads after "failed to", and says what, where and what to do; what
/// the system said is in [`source`](std::error::Error::source), not in the text.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    op: String,
    stage: Option<Stage>,
    errno: Option<Errno>,
    source: Option<io::Error>,
}

impl Error {
    /// An error of this kind. `op` reads after "failed to": lowercase, one line, no full stop,
    /// for example "run `foo`: no such program on PATH; check the name or give a path".
    pub fn new(kind: Kind, op: impl Into<String>) -> Error {
        Error { kind, op: op.into(), stage: None, errno: None, source: None }
    }

    /// A start that the system refused with `errno` (C14).
    ///
    /// What a later try might get ([`Kind::OverQuota`]: descriptors, processes, memory, space) is
    /// told from what it will not ([`Kind::CannotSpawn`]). The text is written for people;
    /// control characters in `program` and `cwd` are escaped, so that it stays one line.
    pub fn refused(stage: Stage, errno: Errno, program: &str, cwd: Option<&str>) -> Error {
        let name = errno_name(errno);
        let kind = match name {
            Some("EMFILE" | "ENFILE" | "EAGAIN" | "ENOMEM" | "ENOSPC") => Kind::OverQuota,
            Some(_) | None => Kind::CannotSpawn,
        };
        let mut op = format!("run {}", quoted(program));
        if let Some(cwd) = cwd {
            op += &format!(" in {}", quoted(cwd));
        }
        op += ": ";
        match name.and_then(|name| limit(stage, name).or_else(|| reason(stage, name, program))) {
            Some(reason) => op += reason,
            None => op += &unexplained(stage, errno),
        }
        Error::new(kind, op)
            .with_stage(stage)
            .with_errno(errno)
            .with_source(io::Error::from_raw_os_error(errno.0))
    }

    /// Adds what the system said.
    #[must_use]
    pub fn with_source(self, source: io::Error) -> Error {
        Error { source: Some(source), ..self }
    }

    /// Adds how far a start came.
    #[must_use]
    pub fn with_stage(self, stage: Stage) -> Error {
        Error { stage: Some(stage), ..self }
    }

    /// Adds the error number. It goes before that of the source.
    #[must_use]
    pub fn with_errno(self, errno: Errno) -> Error {
        Error { errno: Some(errno), ..self }
    }

    /// What sort of refusal it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How far the start came, where a start was refused.
    pub fn stage(&self) -> Option<Stage> {
        self.stage
    }

    /// The error number that was given, or else that of the source.
    pub fn errno(&self) -> Option<Errno> {
        let of_source = || self.source.as_ref().and_then(io::Error::raw_os_error).map(Errno);
        self.errno.or_else(of_source)
    }

    /// The name of [`errno`](Error::errno), for example `ENOENT`; `None` where it has none here.
    /// The number is read as one of the system this runs on.
    pub fn errno_name(&self) -> Option<&'static str> {
        self.errno().and_then(errno_name)
    }

    /// [`Kind::code`].
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// [`Kind::http_status`].
    pub fn http_status(&self) -> u16 {
        self.kind.http_status()
    }

    /// The exit code of a program that ends because of it, as shells have it: 127 for a command
    /// that does not exist, 126 for one that cannot be run, 125 when it was not the command.
    pub fn exit_code(&self) -> u8 {
        if self.program_is_missing() { EXIT_MISSING } else { self.kind.exit_code() }
    }

    fn program_is_missing(&self) -> bool {
        self.kind == Kind::CannotSpawn
            && match self.stage {
                Some(Stage::Lookup) => true,
                Some(Stage::Exec) => self.errno_name() == Some("ENOENT"),
                Some(Stage::Chdir | Stage::Fork | Stage::Pipes | Stage::Permission) | None => false,
            }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.op)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

/// The exit code with which a shell would report this end.
///
/// 124 when our timeout killed it, as timeout(1) does; 128 plus the signal; the low eight bits of
/// an exit code, which are all that `waitpid(2)` keeps; 125 where there is no evidence of an end
/// (unknown, lost, forced). It loses what a [`Status`] tells apart (C9): use it at the edge only.
pub fn shell_exit_code(terminal: &Terminal) -> u8 {
    if terminal.cause.timed_out {
        return 124;
    }
    match terminal.status {
        Status::Exited { code } => (code & 0xff) as u8,
        Status::Signaled { signal, core: _ } => 128 + signal.number() as u8,
        Status::Unknown(_) | Status::Lost | Status::Forced => 125,
    }
}

/// A name between backquotes, on one line whatever is in it.
fn quoted(name: &str) -> String {
    let mut text = String::from("`");
    for c in name.chars() {
        if c.is_control() { text.extend(c.escape_default()) } else { text.push(c) }
    }
    text.push('`');
    text
}

/// The limit that was hit, and how to raise it.
fn limit(stage: Stage, name: &str) -> Option<&'static str> {
    Some(match (stage, name) {
        (_, "EMFILE") => "too many open files; raise `ulimit -n` or run fewer at once",
        (_, "ENFILE") => {
            "too many open files or pipes on this system; run fewer at once, or raise \
             `fs.file-max` or `fs.pipe-user-pages-hard`"
        }
        (_, "ENOMEM") => "out of memory; free some or raise the memory limit",
        // Pipes need neither: what ran out is /dev/ptmx, see pty(7).
        (Stage::Pipes, "EAGAIN" | "ENOSPC") => {
            "no pseudo-terminal is left; run fewer at once or raise `kernel.pty.max`"
        }
        (_, "EAGAIN") => {
            "too many processes; raise `ulimit -u` or the `pids.max` of the cgroup, or run fewer \
             at once"
        }
        (_, "ENOSPC") => "no space is left; free some or raise the limit",
        _ => return None,
    })
}

/// Why the program cannot be run, and what to do about it.
fn reason(stage: Stage, name: &str, program: &str) -> Option<&'static str> {
    Some(match (stage, name) {
        (Stage::Chdir, "ENOENT") => "no such working directory; create it or choose another",
        (Stage::Chdir, "ENOTDIR") => "the working directory is not a directory; choose another",
        (Stage::Chdir, "EACCES") => {
            "the working directory may not be entered; check its permissions and its parents'"
        }
        (Stage::Lookup, "ENOENT") if program.contains('/') => "no such file; check the path",
        (Stage::Lookup, "ENOENT") => "no such program on PATH; check the name or give a path",
        (Stage::Exec, "ENOENT") => {
            "it or its interpreter is missing; check its path, `#!` line and dynamic loader"
        }
        (Stage::Lookup | Stage::Exec, "ENOTDIR") => {
            "a part of its path is not a directory; check the path"
        }
        (Stage::Lookup | Stage::Exec | Stage::Permission, "EACCES") => {
            "not executable; `chmod +x` it, or check its directories and mount options"
        }
        (Stage::Exec | Stage::Permission, "EPERM") => {
            "not permitted; check the privileges of the user, the sandbox and the mount options"
        }
        (Stage::Exec, "ENOEXEC") => {
            "not a program that this system can run; check its architecture, or give a script a \
             `#!` line"
        }
        (Stage::Exec, "ETXTBSY") => "open for writing; wait until its writer has closed it",
        (_, "E2BIG") => "arguments and environment are too long; pass data by stdin or by file",
        (_, "ELOOP") => "too many symbolic links in a path; check where they lead",
        (_, "ENAMETOOLONG") => "a path is too long; shorten it",
        _ => return None,
    })
}

fn unexplained(stage: Stage, errno: Errno) -> String {
    let name = errno_name(errno).map_or_else(|| format!("errno {}", errno.0), String::from);
    format!("the system refused stage `{}` with {name}; see {}", stage.name(), stage.man_page())
}

fn errno_name(errno: Errno) -> Option<&'static str> {
    let names = COMMON_NAMES.iter().chain(OWN_NAMES);
    names.copied().find(|(number, _)| *number == errno.0).map(|(_, name)| name)
}

type Names = &'static [(i32, &'static str)];

/// Empty where the error numbers of the system are not errnos.
const COMMON_NAMES: Names = if cfg!(unix) { UNIX_NAMES } else { &[] };

/// Empty where the numbers above 34 are not known here; a few Linux architectures have their own.
const OWN_NAMES: Names = if cfg!(all(
    any(target_os = "linux", target_os = "android"),
    not(any(target_arch = "mips", target_arch = "mips64", target_arch = "sparc64"))
)) {
    LINUX_NAMES
} else if cfg!(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly"
)) {
    BSD_NAMES
} else {
    &[]
};

/// The numbers on which every Unix agrees (Seventh Edition, without 11).
const UNIX_NAMES: Names = &[
    (1, "EPERM"),
    (2, "ENOENT"),
    (3, "ESRCH"),
    (4, "EINTR"),
    (5, "EIO"),
    (6, "ENXIO"),
    (7, "E2BIG"),
    (8, "ENOEXEC"),
    (9, "EBADF"),
    (10, "ECHILD"),
    (12, "ENOMEM"),
    (13, "EACCES"),
    (14, "EFAULT"),
    (16, "EBUSY"),
    (17, "EEXIST"),
    (19, "ENODEV"),
    (20, "ENOTDIR"),
    (21, "EISDIR"),
    (22, "EINVAL"),
    (23, "ENFILE"),
    (24, "EMFILE"),
    (25, "ENOTTY"),
    (26, "ETXTBSY"),
    (27, "EFBIG"),
    (28, "ENOSPC"),
    (29, "ESPIPE"),
    (30, "EROFS"),
    (32, "EPIPE"),
];

/// More of them on Linux, from `asm-generic/errno.h`.
const LINUX_NAMES: Names = &[
    (11, "EAGAIN"),
    (36, "ENAMETOOLONG"),
    (38, "ENOSYS"),
    (40, "ELOOP"),
    (80, "ELIBBAD"),
    (95, "EOPNOTSUPP"),
    (98, "EADDRINUSE"),
    (104, "ECONNRESET"),
    (110, "ETIMEDOUT"),
    (111, "ECONNREFUSED"),
    (113, "EHOSTUNREACH"),
    (122, "EDQUOT"),
];

/// More of them on macOS and the BSDs, from `intro(2)`.
const BSD_NAMES: Names = &[
    (35, "EAGAIN"),
    (48, "EADDRINUSE"),
    (54, "ECONNRESET"),
    (60, "ETIMEDOUT"),
    (61, "ECONNREFUSED"),
    (62, "ELOOP"),
    (63, "ENAMETOOLONG"),
    (65, "EHOSTUNREACH"),
    (69, "EDQUOT"),
    (78, "ENOSYS"),
];
