//! What is looked at: each thing is tried where it can be tried.

use std::fs;

use lastbyte::backend::group_by_pidfd;
use rustix::{
    fs::{Access, OFlags, access},
    io::ioctl_fionread,
    pipe::{fcntl_setpipe_size, pipe},
    process::{PidfdFlags, Resource, getpid, getrlimit, pidfd_open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    system::uname,
};

use super::{Finding, State};

/// All of it.
pub(super) fn all() -> Vec<Finding> {
    vec![
        kernel(),
        pidfd(),
        group(),
        reaping(),
        fionread(),
        pipe_size(),
        pipe_pages(),
        pty(),
        files(),
        processes(),
        cgroup(),
        proc(),
        yama(),
    ]
}

fn finding(
    name: &'static str,
    state: State,
    found: impl Into<String>,
    means: &'static str,
) -> Finding {
    Finding { name, state, found: found.into(), means }
}

fn kernel() -> Finding {
    let name = uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let (system, release) = (text(name.sysname()), text(name.release()));
    let state = if system == "Linux" { State::Ok } else { State::Missing };
    let found = format!("{system} {release} on {}", text(name.machine()));
    finding("kernel", state, found, "local processes are run on Linux")
}

fn pidfd() -> Finding {
    let means = "without pidfds (pidfd_open(2), Linux 5.3, or a filter of system calls) a thread waits \
                 for each command, and signals rely on a lock shared with the reap";
    match pidfd_open(getpid(), PidfdFlags::empty()) {
        Ok(_) => finding("pidfd", State::Ok, "pidfd_open works", means),
        Err(errno) => finding("pidfd", State::Note, format!("pidfd_open fails: {errno}"), means),
    }
}

fn group() -> Finding {
    let means = "Linux 6.9 signals a group by a pidfd; without it a reaped root is kept as a zombie \
                 until its group needs no more signals";
    match group_by_pidfd() {
        true => finding("group-signals", State::Ok, "a group is signaled by its pidfd", means),
        false => finding("group-signals", State::Note, "a group has only its number", means),
    }
}

/// Where SIGCHLD is ignored the kernel reaps, and no status is left for us.
fn reaping() -> Finding {
    let means = "SIGCHLD is ignored here, so the kernel throws statuses away: commands end as \
                 `unknown`; start lastbyte from a program that does not ignore it";
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGCHLD is 17 where there are pidfds and procfs has this form.
    match mask.map(|mask| mask >> 16 & 1) {
        Some(0) => finding("statuses", State::Ok, "SIGCHLD is not ignored", means),
        Some(_) => finding("statuses", State::Missing, "SIGCHLD is ignored", means),
        None => finding("statuses", State::Note, "/proc/self/status tells nothing", means),
    }
}

fn fionread() -> Finding {
    let means = "how much stands in a pipe at the exit bounds what is still read (C7); without it a \
                 bound of zero reads as much as a pipe can hold";
    let asked = pipe().and_then(|(reader, _writer)| ioctl_fionread(reader));
    match asked {
        Ok(_) => finding("unread-bytes", State::Ok, "FIONREAD works on pipes", means),
        Err(errno) => {
            finding("unread-bytes", State::Note, format!("FIONREAD fails: {errno}"), means)
        }
    }
}

/// The size to which a busy pipe is grown.
const GROWN: usize = 1024 * 1024;

fn pipe_size() -> Finding {
    let means = "pipes that are always full are grown to 1 MiB; where they cannot be, large output is \
                 slower: raise `fs.pipe-max-size`, or `fs.pipe-user-pages-soft`";
    let grown = pipe().and_then(|(reader, _writer)| fcntl_setpipe_size(reader, GROWN));
    match grown {
        Ok(size) => finding("pipe-size", State::Ok, format!("a pipe grows to {size} bytes"), means),
        Err(errno) => {
            finding("pipe-size", State::Note, format!("a pipe cannot be grown: {errno}"), means)
        }
    }
}

fn pipe_pages() -> Finding {
    let means =
        "beyond the soft limit of pages new pipes are small, beyond the hard one there are none";
    let limit = |name: &str| number(&format!("/proc/sys/fs/pipe-{name}"));
    match (limit("user-pages-soft"), limit("user-pages-hard")) {
        (Some(soft), Some(hard)) => {
            let found = format!(
                "pages of pipes for each user: soft {}, hard {}",
                or_none(soft),
                or_none(hard)
            );
            finding("pipe-pages", State::Ok, found, means)
        }
        (Some(_), None) | (None, Some(_) | None) => {
            finding("pipe-pages", State::Note, "/proc/sys/fs tells nothing", means)
        }
    }
}

/// There a limit of 0 is none.
fn or_none(limit: u64) -> String {
    if limit == 0 { "none".to_owned() } else { limit.to_string() }
}

fn number(file: &str) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

fn pty() -> Finding {
    let means =
        "`--pty` needs /dev/ptmx and devpts at /dev/pts: mount them, or raise `kernel.pty.max`";
    let opened = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).and_then(|leader| {
        grantpt(&leader)?;
        unlockpt(&leader)?;
        let name = ptsname(&leader, Vec::new())?;
        rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, rustix::fs::Mode::empty())
    });
    match opened {
        Ok(_) => {
            let count = |name: &str| number(&format!("/proc/sys/kernel/pty/{name}"));
            let found = match (count("nr"), count("max")) {
                (Some(open), Some(max)) => format!("a pty opens; {open} of at most {max} are open"),
                (Some(_), None) | (None, Some(_) | None) => "a pty opens".to_owned(),
            };
            finding("pty", State::Ok, found, means)
        }
        Err(errno) => finding("pty", State::Note, format!("no pty opens: {errno}"), means),
    }
}

/// Descriptors of a command while it starts and runs: its pipes, and what watches it.
const FILES_EACH: u64 = 8;

fn files() -> Finding {
    let means = "each command takes up to 8 descriptors: raise `ulimit -n`, or run fewer at once";
    let limit = getrlimit(Resource::Nofile);
    let few = limit.current.is_some_and(|files| files < 32 * FILES_EACH);
    let state = if few { State::Note } else { State::Ok };
    finding("open-files", state, told(limit.current, limit.maximum), means)
}

fn processes() -> Finding {
    let means = "a command that cannot be forked is refused with EAGAIN: raise `ulimit -u`";
    let limit = getrlimit(Resource::Nproc);
    let few = limit.current.is_some_and(|processes| processes < 64);
    let state = if few { State::Note } else { State::Ok };
    finding("processes", state, told(limit.current, limit.maximum), means)
}

fn told(current: Option<u64>, maximum: Option<u64>) -> String {
    let limit =
        |limit: Option<u64>| limit.map_or_else(|| "no limit".to_owned(), |it| it.to_string());
    format!("soft {}, hard {}", limit(current), limit(maximum))
}

/// The `pids.max` of our cgroup, and of those above it, bounds processes too.
fn cgroup() -> Finding {
    let means = "a cgroup's `pids.max` bounds all processes in it: raise it, or run fewer at once";
    let ours = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let Some(path) = ours.lines().find_map(|line| line.strip_prefix("0::")) else {
        return finding(
            "cgroup",
            State::Ok,
            "no unified hierarchy; its limits are not looked at",
            means,
        );
    };
    let mut folder = format!("/sys/fs/cgroup{path}");
    let mut least: Option<u64> = None;
    while folder.starts_with("/sys/fs/cgroup") {
        if let Some(max) = number(&format!("{folder}/pids.max")) {
            least = Some(least.map_or(max, |least| least.min(max)));
        }
        let Some((above, _)) = folder.rsplit_once('/') else { break };
        above.to_owned().clone_into(&mut folder);
    }
    match least {
        Some(max) if max < 64 => {
            finding("cgroup", State::Note, format!("at most {max} processes"), means)
        }
        Some(max) => finding("cgroup", State::Ok, format!("at most {max} processes"), means),
        None => finding("cgroup", State::Ok, "no bound on processes", means),
    }
}

fn proc() -> Finding {
    let means = "a runner finds what has left the group of a command by /proc; without it that is left behind";
    match access("/proc/self/stat", Access::READ_OK) {
        Ok(()) => finding("proc", State::Ok, "/proc is there", means),
        Err(errno) => finding("proc", State::Note, format!("/proc cannot be read: {errno}"), means),
    }
}

/// Nothing here traces a process: it is told because debuggers of a hang need it.
fn yama() -> Finding {
    let means = "lastbyte traces no process; with 2 or 3, strace(1) and gdb(1) on a command that hangs \
                 need root";
    match number("/proc/sys/kernel/yama/ptrace_scope") {
        Some(scope @ 0..=1) => {
            finding("ptrace", State::Ok, format!("yama's ptrace_scope is {scope}"), means)
        }
        Some(scope) => {
            finding("ptrace", State::Note, format!("yama's ptrace_scope is {scope}"), means)
        }
        None => finding("ptrace", State::Ok, "no yama", means),
    }
}
