//! Executions: started, listened to, given input, signalled, waited for and freed.

use std::{ffi::c_void, mem::MaybeUninit, sync::Arc};

use super::{
    boundary::{
        Answer, Done, INVALID_ARGUMENT, INVALID_STATE, Refusal, STOPPED, boundary, bytes, required,
        tell,
    },
    command::{self, lastbyte_command},
    dispatch::{Dispatch, Sink},
    entry::Entry,
    error::{hand_over, lastbyte_error},
    event::{
        lastbyte_on_output, lastbyte_on_status, lastbyte_on_stdin, lastbyte_on_terminal,
        lastbyte_stdin_report,
    },
    handle::{Id, Table},
    runtime::{Home, Runtime, deadline, lastbyte_runtime, runtime_of},
    status::lastbyte_status,
    stream::stream_of,
    terminal::lastbyte_terminal,
    writer::Writer,
};
use crate::{
    Command, Error,
    command::Assembled,
    machine::{Input, Reply, Signal},
    on_tokio::{TokioClock, TokioReactor},
};

/// One run of a command.
#[derive(Debug)]
#[expect(non_camel_case_types, reason = "its name in C")]
pub struct lastbyte_execution {
    _private: [u8; 0],
}

/// An execution that was not freed, and where it runs.
pub(super) struct Known {
    entry: Arc<Entry>,
    home: Home,
}

pub(super) static EXECUTIONS: Table<Known> = Table::new();

fn entry_of(execution: *const lastbyte_execution) -> Result<Arc<Entry>, Refusal> {
    EXECUTIONS.get(execution).map(|known| Arc::clone(&known.entry))
}

/// Starts `command`. Its callbacks are registered after: none is called but by a drain, and what
/// comes before they are registered is held. When it is refused nothing is left, and `error` (which
/// may be NULL) is one that says why, to be freed with `lastbyte_error_free`.
///
/// # Safety
///
/// `execution` is NULL or a place for a handle, and so is `error`.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_execution_start(
    runtime: *mut lastbyte_runtime,
    command: *const lastbyte_command,
    execution: Option<&mut MaybeUninit<*mut lastbyte_execution>>,
    error: Option<&mut MaybeUninit<*mut lastbyte_error>>,
) -> i32 {
    boundary(|| {
        let (place, runtime) = (required(execution)?, runtime_of(runtime)?);
        command::with(command, |command| {
            runtime.queue.begin()?;
            match start(&runtime, command) {
                Ok(entry) => {
                    place.write(entry.id.handle());
                    Ok(Done::Now)
                }
                Err(refused) => {
                    runtime.queue.end();
                    Err(hand_over(refused, error))
                }
            }
        })
    })
}

fn start(runtime: &Arc<Runtime>, command: &Command) -> Result<Arc<Entry>, Error> {
    let started = command.start()?;
    let (streams, bound) = (started.streams, started.policy.buffer);
    let _runtime = runtime.tokio.enter();
    let Assembled { execution, driver } =
        started.assemble::<TokioReactor, _>(TokioClock::start())?;
    let (core, pid, stdin) = execution.into_parts();
    let entry = Arc::new(Entry::new(
        Id::next(),
        core,
        pid,
        stdin.is_some().then(Writer::default),
        Arc::clone(&runtime.queue),
        Dispatch::new(streams, bound),
    ));
    runtime.add(&entry);
    let known = Known { entry: Arc::clone(&entry), home: Arc::downgrade(runtime) };
    EXECUTIONS.insert(entry.id, Arc::new(known));
    if let Some(stdin) = stdin {
        let task = Task::begin(&entry);
        runtime.tokio.spawn(async move {
            if let Some(writer) = &task.0.stdin {
                writer.run(stdin, Arc::clone(&task.0)).await;
            }
        });
    }
    let task = Task::begin(&entry);
    let queue = Arc::clone(&runtime.queue);
    runtime.tokio.spawn(async move {
        driver.await;
        queue.end();
        drop(task);
    });
    // Has the core know whom to wake.
    entry
        .register(|_, _| Ok(()))
        .map_err(|_| Error::new(crate::ErrorKind::Internal, "register"))?;
    Ok(entry)
}

/// A task that runs for an execution: whoever frees it waits for its end.
struct Task(Arc<Entry>);

impl Task {
    fn begin(entry: &Arc<Entry>) -> Self {
        entry.task_begins();
        Task(Arc::clone(entry))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.task_ends();
    }
}

/// Calls `callback` with each event of `stream`, from its first on, in a drain. Before the exit, or
/// it is `LASTBYTE_CODE_STOPPED`; once for each stream, or it is `LASTBYTE_CODE_INVALID_STATE`.
///
/// # Safety
///
/// `callback` is NULL, or can be called with `userdata` until the execution is freed.
#[expect(unsafe_code, reason = "exported by name, will call the caller's function")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_execution_on_output(
    execution: *mut lastbyte_execution,
    stream: u32,
    callback: lastbyte_on_output,
    userdata: *mut c_void,
) -> i32 {
    boundary(|| {
        let sink = Sink::new(callback, userdata)?;
        let (stream, entry) = (stream_of(stream)?, entry_of(execution)?);
        entry.register(|dispatch, _| dispatch.claim(stream, sink))?;
        Ok(Done::Now)
    })
}

/// Calls `callback` with the terminal, in a drain, once, after every event of every stream. Streams
/// that nobody has registered for by then are thrown away and reported so: register for them
/// first.
///
/// # Safety
///
/// `callback` is NULL, or can be called with `userdata` until the execution is freed.
#[expect(unsafe_code, reason = "exported by name, will call the caller's function")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_execution_on_exit(
    execution: *mut lastbyte_execution,
    callback: lastbyte_on_terminal,
    userdata: *mut c_void,
) -> i32 {
    boundary(|| {
        let sink = Sink::new(callback, userdata)?;
        entry_of(execution)?.register(|dispatch, _| dispatch.on_exit(sink))?;
        Ok(Done::Now)
    })
}

/// Calls `callback` with the terminal, in a drain, after the exit was told to whoever has
/// registered for it. Any number may wait, early or late; all are told the same.
///
/// # Safety
///
/// `callback` is NULL, or can be called with `userdata` until the execution is freed.
#[expect(unsafe_code, reason = "exported by name, will call the caller's function")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_execution_on_wait(
    execution: *mut lastbyte_execution,
    callback: lastbyte_on_terminal,
    userdata: *mut c_void,
) -> i32 {
    boundary(|| {
        let sink = Sink::new(callback, userdata)?;
        entry_of(execution)?.register(|dispatch, _| {
            dispatch.on_wait(sink);
            Ok(())
        })?;
        Ok(Done::Now)
    })
}

/// Calls `callback` with the status, in a drain, when the root has ended; that says nothing of its
/// output. Any number may wait, early or late.
///
/// # Safety
///
/// `callback` is NULL, or can be called with `userdata` until the execution is freed.
#[expect(unsafe_code, reason = "exported by name, will call the caller's function")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_execution_on_exited(
    execution: *mut lastbyte_execution,
    callback: lastbyte_on_status,
    userdata: *mut c_void,
) -> i32 {
    boundary(|| {
        let sink = Sink::new(callback, userdata)?;
        entry_of(execution)?.register(|dispatch, core| {
            dispatch.on_exited(sink, core);
            Ok(())
        })?;
        Ok(Done::Now)
    })
}

/// Calls `callback`, in a drain, when there is room for input that was not accepted, and when the
/// input has ended.
///
/// # Safety
///
/// `callback` is NULL, or can be called with `userdata` until the execution is freed.
#[expect(unsafe_code, reason = "exported by name, will call the caller's function")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_execution_on_stdin(
    execution: *mut lastbyte_execution,
    callback: lastbyte_on_stdin,
    userdata: *mut c_void,
) -> i32 {
    boundary(|| {
        let sink = Sink::new(callback, userdata)?;
        let entry = entry_of(execution)?;
        writer_of(&entry)?;
        entry.register(|dispatch, _| dispatch.on_stdin(sink))?;
        Ok(Done::Now)
    })
}

/// Nobody will take `stream`: it is read on and thrown away.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_execution_discard(
    execution: *mut lastbyte_execution,
    stream: u32,
) -> i32 {
    boundary(|| {
        let (stream, entry) = (stream_of(stream)?, entry_of(execution)?);
        entry.register(|dispatch, core| dispatch.discard(stream, core))?;
        Ok(Done::Now)
    })
}

/// Accepts input for the child, and writes to `accepted` how much. It never waits: what there is no
/// room for is not accepted, which is `LASTBYTE_CODE_PENDING`; `lastbyte_execution_on_stdin` tells
/// when there is room again. `LASTBYTE_CODE_STOPPED` when the child has stopped reading.
///
/// # Safety
///
/// `data` is NULL, or `length` bytes stand there; `accepted` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, reads and writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_execution_stdin_write(
    execution: *mut lastbyte_execution,
    data: *const u8,
    length: usize,
    accepted: Option<&mut MaybeUninit<usize>>,
) -> i32 {
    boundary(|| {
        let place = required(accepted)?;
        // SAFETY: the caller says that so many bytes stand there.
        let data = unsafe { bytes(data, length) }?;
        let entry = entry_of(execution)?;
        let taken = writer_of(&entry)?.accept(data)?;
        place.write(taken);
        Ok(if taken < length { Done::Pending } else { Done::Now })
    })
}

/// Ends the child's input when all that was accepted is written: its EOF, once.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_execution_stdin_close(execution: *mut lastbyte_execution) -> i32 {
    boundary(|| {
        writer_of(&*entry_of(execution)?)?.close()?;
        Ok(Done::Now)
    })
}

/// How far the child's input came.
///
/// # Safety
///
/// `report` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_execution_stdin_report(
    execution: *const lastbyte_execution,
    report: Option<&mut MaybeUninit<lastbyte_stdin_report>>,
) -> i32 {
    boundary(|| {
        let (place, entry) = (required(report)?, entry_of(execution)?);
        place.write(writer_of(&entry)?.report());
        Ok(Done::Now)
    })
}

/// An execution has a stdin that is ours if it was piped, or is a pty.
fn writer_of(entry: &Entry) -> Result<&Writer, Refusal> {
    entry.stdin.as_ref().ok_or(INVALID_STATE)
}

/// Sends a signal to the group, as it is. `LASTBYTE_CODE_STOPPED` after the root's end.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_execution_signal(
    execution: *mut lastbyte_execution,
    signal: i32,
) -> i32 {
    boundary(|| {
        let signal = Signal::new(signal).ok_or(INVALID_ARGUMENT)?;
        asked(&*entry_of(execution)?, Input::Signal(signal))
    })
}

/// Kills by policy: the first signal, the grace period, SIGKILL. Returns at once; output written in
/// answer is delivered. `LASTBYTE_CODE_STOPPED` after the root's end.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_execution_kill(execution: *mut lastbyte_execution) -> i32 {
    boundary(|| asked(&*entry_of(execution)?, Input::Kill))
}

fn asked(entry: &Entry, input: Input<crate::Data>) -> Answer {
    match entry.core.step(input) {
        Ok(Reply::Done | Reply::Latched) => Ok(Done::Now),
        Ok(Reply::AlreadyExited) | Err(_) => Err(STOPPED),
    }
}

/// Waits for the terminal: at most `timeout_ms` milliseconds, for ever if it is negative.
/// `LASTBYTE_CODE_PENDING` if it did not come.
///
/// The terminal comes after the last call for output and the exit, so where callbacks are
/// registered somebody must drain meanwhile: on the thread that drains, a wait that would sleep is
/// `LASTBYTE_CODE_INVALID_STATE`. Where none are, it needs no drain, and output is thrown away.
///
/// # Safety
///
/// `terminal` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_execution_wait(
    execution: *mut lastbyte_execution,
    timeout_ms: i64,
    terminal: Option<&mut MaybeUninit<lastbyte_terminal>>,
) -> i32 {
    boundary(|| {
        let known = EXECUTIONS.get(execution)?;
        let is_drainer = known.home.upgrade().is_some_and(|home| home.is_drainer());
        let Some(waited) = known.entry.wait(deadline(timeout_ms), is_drainer)? else {
            return Ok(Done::Pending);
        };
        tell(terminal, lastbyte_terminal::of(&waited));
        Ok(Done::Now)
    })
}

/// Waits for the root's end, which says nothing of its output: at most `timeout_ms` milliseconds,
/// for ever if it is negative. `LASTBYTE_CODE_PENDING` if it did not come. Needs no drain.
///
/// # Safety
///
/// `status` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_execution_exited(
    execution: *mut lastbyte_execution,
    timeout_ms: i64,
    status: Option<&mut MaybeUninit<lastbyte_status>>,
) -> i32 {
    boundary(|| {
        let entry = entry_of(execution)?;
        let Some(exited) = entry.exited(deadline(timeout_ms)) else {
            return Ok(Done::Pending);
        };
        tell(status, lastbyte_status::of(exited));
        Ok(Done::Now)
    })
}

/// The root's process id, for display: to signal it, use `lastbyte_execution_signal`, which cannot
/// reach a reused one.
///
/// # Safety
///
/// `pid` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_execution_pid(
    execution: *const lastbyte_execution,
    pid: Option<&mut MaybeUninit<u32>>,
) -> i32 {
    boundary(|| {
        let (place, entry) = (required(pid)?, entry_of(execution)?);
        place.write(entry.pid.ok_or(super::boundary::NOT_FOUND)?);
        Ok(Done::Now)
    })
}

/// Frees an execution, at any moment and from any thread: SIGKILL to the group, the root reaped,
/// nothing left, bounded by the teardown policy. No callback of it runs when this has returned; one
/// that runs on another thread is waited for. `terminal` (which may be NULL) is its one terminal,
/// the same that a callback was told, if one was; so of the exit callback and this, exactly one is
/// first, and they agree.
///
/// From inside one of its callbacks it returns `LASTBYTE_CODE_PENDING` and writes no terminal: the
/// rest is done when the callback has returned, before the drain does. The same where two threads,
/// each in a callback, free what the other is called for: the first waits, the second does not.
///
/// # Safety
///
/// `terminal` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_execution_free(
    execution: *mut lastbyte_execution,
    terminal: Option<&mut MaybeUninit<lastbyte_terminal>>,
) -> i32 {
    boundary(|| {
        let known = EXECUTIONS.remove(execution)?;
        let freed = match known.home.upgrade() {
            Some(home) => home.free_one(&known.entry),
            None => Done::Now,
        };
        if freed == Done::Pending {
            return Ok(freed);
        }
        if let Some(ended) = known.entry.gone() {
            tell(terminal, lastbyte_terminal::of(&ended));
        }
        Ok(Done::Now)
    })
}
