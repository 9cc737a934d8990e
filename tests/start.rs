//! How children start: refusals are typed and leave nothing, and a child that starts is clean.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use common::{no_hang, sh};
use lastbyte::{Command, Errno, Error, ErrorKind, PtySize, Stdio, blocking, error::Stage};

/// A directory of this test alone, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lastbyte-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a scratch directory");
        Scratch(path)
    }

    fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a scratch file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _removed = fs::remove_dir_all(&self.0);
    }
}

fn refused(command: &Command) -> Error {
    match blocking::spawn(command) {
        Err(error) => error,
        Ok(execution) => panic!("it starts: {execution:?}"),
    }
}

fn told(error: &Error) -> (ErrorKind, Option<Stage>, Option<Errno>, u8) {
    (error.kind(), error.stage(), error.errno(), error.exit_code())
}

const SPAWN: ErrorKind = ErrorKind::CannotSpawn;
const ENOENT: Option<Errno> = Some(Errno(2));
const EACCES: Option<Errno> = Some(Errno(13));

/// If this were red, a caller could not tell a missing program from one that is not executable, or
/// from a missing directory.
#[test]
fn c14_each_refusal_says_its_stage() {
    let scratch = Scratch::new("refusals");
    let plain = scratch.file("plain", "text", 0o644);
    let orphan = scratch.file("orphan", "#!/no/such/interpreter\n", 0o755);
    let lookup = (SPAWN, Some(Stage::Lookup), ENOENT, 127);
    assert_eq!(told(&refused(&Command::new("no-such-program-here"))), lookup);
    assert_eq!(told(&refused(&Command::new("/no/such/program"))), lookup);
    assert_eq!(
        told(&refused(&Command::new(&plain))),
        (SPAWN, Some(Stage::Permission), EACCES, 126)
    );
    assert_eq!(told(&refused(&Command::new(&orphan))), (SPAWN, Some(Stage::Exec), ENOENT, 127));
    let mut elsewhere = Command::new("true");
    elsewhere.current_dir("/no/such/directory");
    assert_eq!(told(&refused(&elsewhere)), (SPAWN, Some(Stage::Chdir), ENOENT, 126));
    elsewhere.current_dir(&plain);
    assert_eq!(told(&refused(&elsewhere)), (SPAWN, Some(Stage::Chdir), Some(Errno(20)), 126));
}

/// If this were red, arguments that no kernel takes would be blamed on something else.
#[test]
fn c14_what_no_kernel_takes_is_refused_by_name() {
    let error = refused(Command::new("echo").arg("a\0b"));
    assert_eq!((error.kind(), error.errno()), (ErrorKind::InvalidArgument, None));
    let mut long = Command::new("echo");
    long.args((0..100).map(|_| "x".repeat(100_000)));
    assert_eq!(told(&refused(&long)), (SPAWN, Some(Stage::Exec), Some(Errno(7)), 126));
}

/// If this were red, a policy that makes no sense would be carried out somehow.
#[test]
fn c14_a_policy_that_makes_no_sense_is_refused() {
    let policy = lastbyte::Policy {
        buffer: lastbyte::BufferPolicy { bytes_max: 0, ..Default::default() },
        ..Default::default()
    };
    let error = refused(Command::new("true").policy(policy));
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

/// If this were red, a start without a runtime would panic.
#[test]
fn c14_a_start_outside_of_a_runtime_is_refused() {
    let error = Command::new("true").spawn().expect_err("there is no runtime");
    assert_eq!(error.kind(), ErrorKind::InvalidState);
}

/// What whoever runs the tests has left open for every child: it is not ours to close.
fn inherited() -> Vec<u32> {
    const CLOEXEC: u32 = 0o2_000_000;
    let open_across_exec = |fd: &u32| {
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).map(str::trim);
        flags
            .and_then(|flags| u32::from_str_radix(flags, 8).ok())
            .is_some_and(|flags| flags & CLOEXEC == 0)
    };
    let fds = fs::read_dir("/proc/self/fd").expect("proc is mounted").flatten();
    let numbers = fds.filter_map(|fd| fd.file_name().to_str()?.parse().ok());
    numbers.filter(|&fd| fd > 3).filter(open_across_exec).collect()
}

/// If this were red, a child would hold descriptors that are none of its business.
#[tokio::test]
async fn c18_a_child_has_its_three_descriptors_and_no_other() {
    let inherited = inherited();
    // Some of ours to leak, if they could.
    let _busy: Vec<_> = (0..5).map(|_| sh("read x").stdin(Stdio::Piped).spawn()).collect();
    for pty in [false, true] {
        let mut command = Command::new("ls");
        command.arg("/proc/self/fd");
        if pty {
            command.pty(PtySize::default());
        }
        let output = no_hang(command.output()).await.expect("ls starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut fds: Vec<u32> = text.split_whitespace().filter_map(|fd| fd.parse().ok()).collect();
        fds.sort_unstable();
        let strays: Vec<u32> = fds.into_iter().filter(|fd| !inherited.contains(fd)).collect();
        // The fourth is the directory that it reads.
        assert_eq!(strays, [0, 1, 2, 3], "{text:?}");
    }
}

/// If this were red, `yes | head` would never end in a child of a program that ignores SIGPIPE.
#[tokio::test]
async fn c18_signals_and_pipes_of_a_child_are_the_defaults() {
    let mut command = Command::new("cat");
    command.arg("/proc/self/status");
    let output = no_hang(command.output()).await.expect("cat starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mask = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        u64::from_str_radix(line.expect("the kernel tells").trim(), 16).expect("a mask")
    };
    assert_eq!(mask("SigBlk:"), 0);
    assert_eq!(mask("SigIgn:") & 1 << 12, 0, "SIGPIPE is ignored");
    // A blocking pipe: 04000 is O_NONBLOCK.
    let flags = no_hang(sh("cat /proc/self/fdinfo/1").output()).await.expect("sh starts");
    let text = String::from_utf8_lossy(&flags.stdout).into_owned();
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:")).expect("flags");
    let flags = u32::from_str_radix(flags.trim(), 8).expect("octal");
    assert_eq!(flags & 0o4000, 0, "the child's end does not block");
}

/// If this were red, a kill could not reach what a command has started, or would reach ourselves.
#[tokio::test]
async fn c16_a_child_leads_its_group_unless_asked_not_to() {
    let script = "ps -o pgid= -p $$ 2>/dev/null || cut -d' ' -f5 /proc/$$/stat; echo $$";
    let groups = |text: &[u8]| -> Vec<i32> {
        String::from_utf8_lossy(text).split_whitespace().filter_map(|n| n.parse().ok()).collect()
    };
    let output = no_hang(sh(script).output()).await.expect("sh starts");
    let [group, pid] = groups(&output.stdout)[..] else { panic!("{output:?}") };
    assert_eq!(group, pid);
    let output = no_hang(sh(script).process_group(false).output()).await.expect("sh starts");
    let [group, pid] = groups(&output.stdout)[..] else { panic!("{output:?}") };
    assert_ne!(group, pid);
}

/// If this were red, a builder used twice would wire its second child to the first one's pipes.
#[tokio::test]
async fn c18_a_command_can_be_started_again() {
    let mut command = sh("echo $X; pwd");
    command.env("X", "kept").current_dir("/");
    for _ in 0..3 {
        let output = no_hang(command.output()).await.expect("sh starts");
        assert_eq!(output.stdout, b"kept\n/\n");
    }
    command.pty(PtySize::default());
    for _ in 0..3 {
        let output = no_hang(command.output()).await.expect("sh starts");
        assert_eq!(output.stdout, b"kept\r\n/\r\n");
    }
    command.stdout(Stdio::Piped).env_clear().env("PATH", "/usr/bin:/bin");
    let output = no_hang(command.output()).await.expect("sh starts");
    assert_eq!(output.stdout, b"\n/\n");
}
