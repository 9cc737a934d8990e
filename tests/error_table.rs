//! C14 and C9: what a refusal is called in every place, and what it says to people.
#![cfg(all(feature = "std", unix))]

use std::{collections::BTreeSet, error::Error as _, io, process::Command};

use lastbyte::{
    error::{Error, Kind, Stage, shell_exit_code},
    machine::{Cause, Errno, Killed, PerStream, Signal, Status, Terminal},
};

const EPERM: i32 = 1;
const ENOENT: i32 = 2;
const E2BIG: i32 = 7;
const ENOEXEC: i32 = 8;
const EAGAIN: i32 = if cfg!(target_os = "linux") { 11 } else { 35 };
const ENOMEM: i32 = 12;
const EACCES: i32 = 13;
const ENOTDIR: i32 = 20;
const EINVAL: i32 = 22;
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;
const ETXTBSY: i32 = 26;
const ENOSPC: i32 = 28;
const ENAMETOOLONG: i32 = if cfg!(target_os = "linux") { 36 } else { 63 };
const ELOOP: i32 = if cfg!(target_os = "linux") { 40 } else { 62 };

const STAGES: [Stage; 6] =
    [Stage::Lookup, Stage::Chdir, Stage::Exec, Stage::Fork, Stage::Pipes, Stage::Permission];

/// What the docs list, in that order.
const REFUSALS: &[(Stage, &[i32])] = &[
    (Stage::Lookup, &[ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG]),
    (Stage::Chdir, &[ENOENT, ENOTDIR, EACCES]),
    (Stage::Exec, &[ENOENT, EACCES, EPERM, ENOTDIR, ENOEXEC, ETXTBSY, E2BIG, ENOMEM, EINVAL]),
    (Stage::Fork, &[EAGAIN, ENOMEM, ENOSPC]),
    (Stage::Pipes, &[EMFILE, ENFILE, EAGAIN, ENOSPC]),
    (Stage::Permission, &[EACCES, EPERM]),
];

fn refused(stage: Stage, errno: i32) -> Error {
    Error::refused(stage, Errno(errno), "foo", Some("/srv"))
}

/// Every stage with every number that has a name, and some that have none.
fn every_refusal() -> impl Iterator<Item = Error> {
    STAGES.into_iter().flat_map(|stage| (-1..140).map(move |errno| refused(stage, errno)))
}

/// A published code, status or number has changed, and some SDK now reads an error as another.
/// The numbers are written out here on purpose: rows are added at the end, none is ever edited.
#[test]
fn c14_published_names_and_numbers_never_change() {
    let published = [
        (Kind::NotFound, "not_found", 404, -5001, 125),
        (Kind::Stopped, "stopped", 409, -5002, 125),
        (Kind::InvalidState, "invalid_state", 409, -5003, 125),
        (Kind::InvalidArgument, "invalid_argument", 400, -5004, 125),
        (Kind::CannotSpawn, "cannot_spawn", 422, -5005, 126),
        (Kind::OverQuota, "over_quota", 429, -5006, 126),
        (Kind::Unauthorized, "unauthorized", 401, -5007, 125),
        (Kind::Gone, "gone", 410, -5008, 125),
        (Kind::BackendLost, "backend_lost", 502, -5009, 125),
        (Kind::BackendUnavailable, "backend_unavailable", 503, -5010, 125),
        (Kind::Shutdown, "shutdown", 503, -5011, 125),
        (Kind::Internal, "internal", 500, -5012, 125),
    ];
    let row = |kind: Kind| (kind, kind.code(), kind.http_status(), kind.number(), kind.exit_code());
    let table: Vec<_> = Kind::ALL.iter().copied().map(row).collect();
    assert_eq!(table, published);
}

/// Two kinds share a code or a number, so that a port cannot tell them apart, or a number can be
/// read as `-errno`.
#[test]
fn c14_each_kind_has_a_code_and_a_number_of_its_own() {
    let codes: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.code()).collect();
    let numbers: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.number()).collect();
    assert_eq!(codes.len(), Kind::ALL.len(), "{codes:?}");
    assert_eq!(numbers.len(), Kind::ALL.len(), "{numbers:?}");
    for kind in Kind::ALL {
        assert!(kind.number() < -4095, "{kind:?} can be read as -errno: {}", kind.number());
        assert!((400..600).contains(&kind.http_status()), "{kind:?} is no HTTP error");
        assert!(kind.exit_code() != 0, "{kind:?} would exit as a success");
        let snake = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(kind.code().chars().all(snake), "{}", kind.code());
    }
}

/// The error carries other numbers than its kind, so that HTTP and C disagree about one failure.
#[test]
fn c14_an_error_answers_with_the_row_of_its_kind() {
    for &kind in Kind::ALL {
        let error = Error::new(kind, "do it");
        let got = (error.kind(), error.code(), error.http_status(), error.exit_code());
        assert_eq!(got, (kind, kind.code(), kind.http_status(), kind.exit_code()));
        assert_eq!((error.stage(), error.errno(), error.errno_name()), (None, None, None));
        assert!(error.source().is_none());
    }
}

/// A reported stage is not one of the six words that the contract knows.
#[test]
fn c14_stages_have_the_names_of_the_contract() {
    let names = STAGES.map(Stage::name);
    assert_eq!(names, ["lookup", "chdir", "exec", "fork", "pipes", "permission"]);
}

/// A caller retries what cannot succeed, or gives up on what only had to wait.
#[test]
fn c14_only_a_used_up_limit_is_over_quota() {
    let limits = [EMFILE, ENFILE, EAGAIN, ENOMEM, ENOSPC];
    for error in every_refusal() {
        let Some(Errno(errno)) = error.errno() else { panic!("{error:?} has lost its errno") };
        let kind = if limits.contains(&errno) { Kind::OverQuota } else { Kind::CannotSpawn };
        assert_eq!(error.kind(), kind, "{error:?}");
    }
}

/// A script that tells "not installed" (127) from "cannot be started" (126) or "not the command" (125)
/// takes the wrong branch.
#[test]
fn c14_only_a_missing_program_exits_with_127() {
    for error in every_refusal() {
        let missing = error.stage() == Some(Stage::Lookup)
            || (error.stage() == Some(Stage::Exec) && error.errno() == Some(Errno(ENOENT)));
        let code = match (error.kind() == Kind::CannotSpawn, missing) {
            (true, true) => 127,
            (true, false) => 126,
            (false, _) => 126,
        };
        assert_eq!(error.exit_code(), code, "{error:?}");
    }
    let elsewhere = Error::new(Kind::NotFound, "wait").with_stage(Stage::Lookup);
    assert_eq!(elsewhere.exit_code(), 125, "an execution that is not found is no missing program");
}

/// Our exit codes for a missing program and one that cannot be run are not those of the shell.
#[test]
fn c14_refusals_exit_as_sh_does() {
    for (script, program) in [
        ("/no/such/program", "/no/such/program"),
        ("exec /no/such/program", "/no/such/program"),
        ("/", "/"),
    ] {
        let shell = Command::new("sh").args(["-c", script]).output().unwrap().status.code();
        let error = Command::new(program).spawn().unwrap_err();
        let errno = Errno(error.raw_os_error().unwrap());
        let ours = Error::refused(Stage::Exec, errno, program, None).exit_code();
        assert_eq!(Some(i32::from(ours)), shell, "{script}: {error}");
    }
}

/// An errno is reported under the name of another: our list is not that of this system. The
/// standard library's own reading is the judge.
#[test]
fn c14_errno_names_are_those_of_this_system() {
    use io::ErrorKind as Std;
    let judged = [
        ("EPERM", Std::PermissionDenied),
        ("ENOENT", Std::NotFound),
        ("EINTR", Std::Interrupted),
        ("E2BIG", Std::ArgumentListTooLong),
        ("EAGAIN", Std::WouldBlock),
        ("ENOMEM", Std::OutOfMemory),
        ("EACCES", Std::PermissionDenied),
        ("EBUSY", Std::ResourceBusy),
        ("EEXIST", Std::AlreadyExists),
        ("ENOTDIR", Std::NotADirectory),
        ("EISDIR", Std::IsADirectory),
        ("EINVAL", Std::InvalidInput),
        ("ETXTBSY", Std::ExecutableFileBusy),
        ("EFBIG", Std::FileTooLarge),
        ("ENOSPC", Std::StorageFull),
        ("ESPIPE", Std::NotSeekable),
        ("EROFS", Std::ReadOnlyFilesystem),
        ("EPIPE", Std::BrokenPipe),
        ("ENAMETOOLONG", Std::InvalidFilename),
        ("ENOSYS", Std::Unsupported),
        ("EADDRINUSE", Std::AddrInUse),
        ("ECONNRESET", Std::ConnectionReset),
        ("ETIMEDOUT", Std::TimedOut),
        ("ECONNREFUSED", Std::ConnectionRefused),
        ("EHOSTUNREACH", Std::HostUnreachable),
        ("EDQUOT", Std::QuotaExceeded),
    ];
    let named: Vec<_> = (-1..200)
        .filter_map(|errno| Some((errno, refused(Stage::Exec, errno).errno_name()?)))
        .collect();
    let names: BTreeSet<_> = named.iter().map(|(_, name)| *name).collect();
    assert_eq!(names.len(), named.len(), "two numbers have one name: {named:?}");
    for (name, kind) in judged {
        let errno = named.iter().find(|(_, of)| *of == name).map(|(errno, _)| *errno);
        let errno = errno.unwrap_or_else(|| panic!("no number has the name {name}"));
        assert_eq!(io::Error::from_raw_os_error(errno).kind(), kind, "{errno} is not {name}");
    }
    assert_eq!(refused(Stage::Exec, 0).errno_name(), None);
    assert_eq!(refused(Stage::Exec, -1).errno_name(), None);
}

/// The errno of the system is lost on the way to the caller, or shadows the one that was given.
#[test]
fn c14_the_errno_is_the_given_one_or_else_that_of_the_source() {
    let source = || io::Error::from_raw_os_error(EMFILE);
    let error = Error::new(Kind::OverQuota, "open a pipe").with_source(source());
    assert_eq!((error.errno(), error.errno_name()), (Some(Errno(EMFILE)), Some("EMFILE")));
    let error = error.with_errno(Errno(ENFILE));
    assert_eq!((error.errno(), error.errno_name()), (Some(Errno(ENFILE)), Some("ENFILE")));
    let unnumbered = Error::new(Kind::BackendLost, "read a frame")
        .with_source(io::Error::new(io::ErrorKind::UnexpectedEof, "half a frame"));
    assert_eq!(unnumbered.errno(), None);
}

/// A report reads as two sentences run together, twice the same cause, or several log lines.
#[test]
fn c14_texts_read_after_failed_to_and_leave_the_source_to_the_chain() {
    for error in every_refusal() {
        let text = error.to_string();
        assert!(text.starts_with("run `foo` in `/srv`: "), "{text}");
        assert!(!text.ends_with('.') && !text.contains('\n') && !text.contains("  "), "{text}");
        assert!(text.contains("; "), "says what, not what to do: {text}");
        let source = error.source().unwrap().to_string();
        assert_eq!(source, io::Error::from_raw_os_error(error.errno().unwrap().0).to_string());
        assert!(!text.contains(&source), "{text}");
    }
}

/// The advice sends its reader to the wrong place: to PATH for a path, to the program for a
/// missing directory.
#[test]
fn c14_texts_name_what_was_missing() {
    let text =
        |stage, errno, program, cwd| Error::refused(stage, Errno(errno), program, cwd).to_string();
    assert_eq!(
        text(Stage::Lookup, ENOENT, "foo", None),
        "run `foo`: no such program on PATH; check the name or give a path"
    );
    assert_eq!(
        text(Stage::Lookup, ENOENT, "./foo", Some("/srv")),
        "run `./foo` in `/srv`: no such file; check the path"
    );
    assert_eq!(
        text(Stage::Chdir, ENOENT, "foo", Some("/gone")),
        "run `foo` in `/gone`: no such working directory; create it or choose another"
    );
    assert_eq!(
        text(Stage::Fork, 4242, "foo", None),
        "run `foo`: the system refused stage `fork` with errno 4242; see fork(2)"
    );
}

/// A program's name writes to the terminal or forges a second line of a log.
#[test]
fn c14_control_characters_in_names_are_escaped() {
    let error = Error::refused(Stage::Lookup, Errno(ENOENT), "a\n\u{1b}[2Jü'b", Some("/x\r"));
    let expected = r"run `a\n\u{1b}[2Jü'b` in `/x\r`: ";
    assert!(error.to_string().starts_with(expected), "{error}");
}

/// An error can no longer be sent to the task that waits for it, or boxed by `?`.
#[test]
fn c14_an_error_crosses_threads_and_boxes() {
    fn crosses<T: Send + Sync + 'static>(value: T) -> T {
        value
    }
    let boxed: Box<dyn std::error::Error + Send + Sync> =
        crosses(refused(Stage::Exec, EACCES)).into();
    assert!(boxed.downcast::<Error>().is_ok());
}

fn ended(status: Status, timed_out: bool) -> Terminal {
    let killed_by_us = timed_out.then_some(Killed { signal: Signal::TERM, escalated: false });
    let cause = Cause { timed_out, killed_by_us, ..Cause::default() };
    Terminal { status, cause, streams: PerStream::default() }
}

/// `lastbyte run` ends with another code than the same command under a shell and timeout(1), or
/// takes an end without evidence for a success.
#[test]
fn c09_shell_exit_codes_follow_the_evidence() {
    let signaled = |signal, core| Status::Signaled { signal, core };
    let codes = [
        (Status::Exited { code: 0 }, 0),
        (Status::Exited { code: 3 }, 3),
        (Status::Exited { code: 255 }, 255),
        (Status::Exited { code: 256 + 7 }, 7),
        (Status::Exited { code: -1 }, 255),
        (signaled(Signal::KILL, false), 137),
        (signaled(Signal::new(11).unwrap(), true), 139),
        (signaled(Signal::new(64).unwrap(), false), 192),
        (Status::Unknown(Errno(10)), 125),
        (Status::Lost, 125),
        (Status::Forced, 125),
    ];
    for (status, code) in codes {
        assert_eq!(shell_exit_code(&ended(status, false)), code, "{status:?}");
        assert_eq!(shell_exit_code(&ended(status, true)), 124, "{status:?}, by our timeout");
    }
}

/// A kill that was no timeout is reported as one.
#[test]
fn c10_only_our_timeout_is_124() {
    let killed_by_us = Some(Killed { signal: Signal::TERM, escalated: true });
    let cause = Cause {
        cancelled: true,
        output_limit: true,
        stalled: true,
        killed_by_us,
        timed_out: false,
    };
    let status = Status::Signaled { signal: Signal::KILL, core: false };
    let terminal = Terminal { cause, ..ended(status, false) };
    assert_eq!(shell_exit_code(&terminal), 137);
}

/// Our code for a signal is not the one that a shell reports for it.
#[test]
fn c09_a_signal_exits_as_sh_reports_it() {
    // Under nohup(1) a child is deaf for SIGHUP.
    for signal in [Signal::KILL, Signal::TERM] {
        let script = format!("sh -c 'kill -{} $$'; exit $?", signal.number());
        let shell = Command::new("sh").args(["-c", &script]).output().unwrap().status.code();
        let ours = shell_exit_code(&ended(Status::Signaled { signal, core: false }, false));
        assert_eq!(Some(i32::from(ours)), shell, "{signal}");
    }
}

fn kinds_table() -> String {
    let mut table = String::from(
        "| kind | code | HTTP status | number | exit code | meaning |\n|---|---|---|---|---|---|\n",
    );
    for kind in Kind::ALL {
        let or_missing = if *kind == Kind::CannotSpawn { ", or 127" } else { "" };
        let exit = format!("{}{or_missing}", kind.exit_code());
        let (code, http, number) = (kind.code(), kind.http_status(), kind.number());
        let summary = kind.summary();
        table += &format!("| {kind:?} | `{code}` | {http} | {number} | {exit} | {summary} |\n");
    }
    table
}

fn refusals_table() -> String {
    let mut table = String::from(
        "| stage | errno | kind | exit code | failed to ... |\n|---|---|---|---|---|\n",
    );
    for (stage, errnos) in REFUSALS {
        for errno in *errnos {
            let error = refused(*stage, *errno);
            let (stage, errno, kind) =
                (stage.name(), error.errno_name().unwrap_or("?"), error.kind());
            let exit = error.exit_code();
            table += &format!("| {stage} | {errno} | {kind:?} | {exit} | {error} |\n");
        }
    }
    table
}

/// The page that ports and users read says other numbers than the code.
#[test]
fn c14_the_docs_show_the_tables_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md");
    let mut page = std::fs::read_to_string(path).unwrap();
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    for (name, table) in [("kinds", kinds_table()), ("refusals", refusals_table())] {
        let (begin, end) = (format!("<!-- begin: {name} -->\n"), format!("<!-- end: {name} -->"));
        let from = page.find(&begin).expect("the page has lost its begin marker") + begin.len();
        let to = page.find(&end).expect("the page has lost its end marker");
        if update {
            page.replace_range(from..to, &table);
        } else {
            let shown = &page[from..to];
            assert!(shown == table, "docs/errors.md shows\n{shown}\nand the code has\n{table}");
        }
    }
    if update {
        std::fs::write(path, page).unwrap();
    }
}
