//! The runtime: the threads that read, and the drain that calls.

use std::{
    collections::BTreeMap,
    mem::MaybeUninit,
    sync::{Arc, Condvar, Mutex, PoisonError, Weak},
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use super::{
    boundary::{
        Answer, Done, INTERNAL, INVALID_ARGUMENT, INVALID_STATE, Refusal, boundary, lock, required,
        tell,
    },
    entry::Entry,
    execution::EXECUTIONS,
    handle::{Id, Table},
    queue::Queue,
    waits::Waiting,
};
use crate::{ErrorKind, machine::Input};

/// The threads that read for executions, and the queue that is drained.
#[derive(Debug)]
#[expect(non_camel_case_types, reason = "its name in C")]
pub struct lastbyte_runtime {
    _private: [u8; 0],
}

/// Threads that a runtime may have.
const THREADS_MAX: u32 = 1024;

/// Calls that one execution may have before the others have their turn.
const CALLS_PER_TURN: u64 = 64;

/// Calls of one drain that asks for no number.
const CALLS_PER_DRAIN: u64 = 65_536;

static RUNTIMES: Table<Runtime> = Table::new();

pub(super) struct Runtime {
    pub(super) queue: Arc<Queue>,
    pub(super) tokio: tokio::runtime::Handle,
    threads: Mutex<Option<tokio::runtime::Runtime>>,
    live: Mutex<BTreeMap<Id, Arc<Entry>>>,
    drain: Mutex<Drain>,
    drained: Condvar,
}

#[derive(Default)]
struct Drain {
    now: Option<ThreadId>,
    last: Option<ThreadId>,
    /// Freed from inside a callback: what is left of them is waited for when all have been served.
    deferred: Vec<Arc<Entry>>,
    /// The runtime was freed from inside a callback.
    freed: bool,
}

/// Makes a runtime, with so many threads that read; 0 stands for one. Free it with
/// `lastbyte_runtime_free`.
///
/// # Safety
///
/// `runtime` is NULL or a place for a handle.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_runtime_new(
    threads: u32,
    runtime: Option<&mut MaybeUninit<*mut lastbyte_runtime>>,
) -> i32 {
    boundary(|| {
        let place = required(runtime)?;
        if threads > THREADS_MAX {
            return Err(INVALID_ARGUMENT);
        }
        let threads = usize::try_from(threads.max(1)).unwrap_or(1);
        let built = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("lastbyte-runtime")
            .on_thread_start(block_signals)
            .enable_io()
            .enable_time()
            .build()
            .map_err(|_| Refusal(ErrorKind::OverQuota))?;
        place.write(RUNTIMES.add(Runtime {
            queue: Arc::default(),
            tokio: built.handle().clone(),
            threads: Mutex::new(Some(built)),
            live: Mutex::default(),
            drain: Mutex::default(),
            drained: Condvar::new(),
        }));
        Ok(Done::Now)
    })
}

/// Makes the calls that are due, on this thread, and sleeps until there are some: at most
/// `timeout_ms` milliseconds, for ever if it is negative, not at all if it is 0. Returns after at
/// most `calls_max` calls (0 stands for 65,536), and writes to `calls` (which may be NULL) how many
/// it made.
///
/// One thread at a time drains, and no callback does: otherwise `LASTBYTE_CODE_INVALID_STATE`.
///
/// # Safety
///
/// `calls` is NULL or a place for one. Every callback that is registered can be called.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_runtime_drain(
    runtime: *mut lastbyte_runtime,
    calls_max: u64,
    timeout_ms: i64,
    calls: Option<&mut MaybeUninit<u64>>,
) -> i32 {
    boundary(|| {
        let found = RUNTIMES.get(runtime)?;
        let most = if calls_max == 0 { CALLS_PER_DRAIN } else { calls_max };
        tell(calls, found.drain(most, deadline(timeout_ms))?);
        Ok(Done::Now)
    })
}

/// A descriptor that is readable while something is queued, for an event loop: poll it, and when it
/// is readable drain with a timeout of 0. It belongs to the runtime: do not read or close it.
///
/// # Safety
///
/// `fd` is NULL or a place for one.
#[expect(unsafe_code, reason = "exported by name, writes where the caller says")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lastbyte_runtime_fd(
    runtime: *mut lastbyte_runtime,
    fd: Option<&mut MaybeUninit<i32>>,
) -> i32 {
    boundary(|| {
        let (place, runtime) = (required(fd)?, RUNTIMES.get(runtime)?);
        place.write(runtime.queue.fd().map_err(|_| Refusal(ErrorKind::OverQuota))?);
        Ok(Done::Now)
    })
}

/// Starts nothing more, and ends every execution as a shutdown: kills by policy, and at the bound
/// of the teardown policy forces the end. Returns at once; drain until the exits have come. When
/// all have ended a drain does not sleep any more.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_runtime_shutdown(runtime: *mut lastbyte_runtime) -> i32 {
    boundary(|| {
        let runtime = RUNTIMES.get(runtime)?;
        runtime.queue.stop();
        for entry in runtime.entries() {
            // Legal in every state of an execution that was started.
            let _shutting_down = entry.core.step(Input::Shutdown);
        }
        Ok(Done::Now)
    })
}

/// Frees a runtime and every execution of it, as `lastbyte_execution_free` does: no callback runs
/// when it has returned, and nothing is left. From inside a callback it returns
/// `LASTBYTE_CODE_PENDING`, and the drain frees it when the callback has returned; so it does where
/// the two would wait for each other, as `lastbyte_execution_free` says.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_runtime_free(runtime: *mut lastbyte_runtime) -> i32 {
    boundary(|| RUNTIMES.remove(runtime)?.free())
}

/// Leaves signals to the program's own threads. A write to a child that does not read must not end
/// the program by SIGPIPE, which only a Rust program ignores.
#[expect(unsafe_code, reason = "pthread_sigmask(3), which has no safe form")]
fn block_signals() {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: there is a place for a set.
    let _filled = unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: the set was filled, which cannot fail; nobody asks for the old one.
    let _blocked =
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), std::ptr::null_mut()) };
}

/// The runtime of a handle.
pub(super) fn runtime_of(runtime: *const lastbyte_runtime) -> Result<Arc<Runtime>, Refusal> {
    RUNTIMES.get(runtime)
}

/// The end of a wait of so many milliseconds; `None` is never.
pub(super) fn deadline(timeout_ms: i64) -> Option<Instant> {
    let timeout = Duration::from_millis(u64::try_from(timeout_ms).ok()?);
    // A time too far to be told is never.
    Instant::now().checked_add(timeout)
}

impl Runtime {
    pub(super) fn add(&self, entry: &Arc<Entry>) {
        lock(&self.live).insert(entry.id, Arc::clone(entry));
    }

    fn entries(&self) -> Vec<Arc<Entry>> {
        lock(&self.live).values().cloned().collect()
    }

    /// Whether this thread is the one that drains, or was the last to do so.
    pub(super) fn is_drainer(&self) -> bool {
        let me = thread::current().id();
        let drain = lock(&self.drain);
        drain.now.or(drain.last) == Some(me)
    }

    fn drain(&self, most: u64, until: Option<Instant>) -> Result<u64, Refusal> {
        let me = thread::current().id();
        {
            let mut drain = lock(&self.drain);
            if drain.now.is_some() {
                return Err(INVALID_STATE);
            }
            (drain.now, drain.last) = (Some(me), Some(me));
        }
        let drained = self.serve(me, most, until);
        let (deferred, freed) = {
            let mut drain = lock(&self.drain);
            (std::mem::take(&mut drain.deferred), drain.freed)
        };
        for entry in deferred {
            let _terminal = entry.gone();
        }
        if freed {
            self.end();
        }
        lock(&self.drain).now = None;
        self.drained.notify_all();
        drained
    }

    fn serve(&self, me: ThreadId, most: u64, until: Option<Instant>) -> Result<u64, Refusal> {
        let mut calls = 0;
        loop {
            while calls < most
                && let Some(entry) = self.queue.pop()
            {
                let turn = entry.turn(me, CALLS_PER_TURN.min(most - calls));
                calls += turn.calls;
                if turn.panicked {
                    return Err(INTERNAL);
                }
            }
            if calls > 0 || !self.queue.sleep(until) {
                return Ok(calls);
            }
        }
    }

    // The end.

    /// Ends one execution. `Pending`: from inside its callback, and what is left of it ends when
    /// the callback has returned.
    pub(super) fn free_one(&self, entry: &Arc<Entry>) -> Done {
        lock(&self.live).remove(&entry.id);
        if entry.close() {
            lock(&self.drain).deferred.push(Arc::clone(entry));
            return Done::Pending;
        }
        Done::Now
    }

    fn free(&self) -> Answer {
        self.queue.close();
        for entry in self.entries() {
            // It may be freed at the same time.
            let _handle = EXECUTIONS.forget(entry.id);
            let _inside = entry.close();
        }
        let me = thread::current().id();
        let mut drain = lock(&self.drain);
        if drain.now == Some(me) {
            drain.freed = true;
            return Ok(Done::Pending);
        }
        while let Some(other) = drain.now {
            let Some(_waiting) = Waiting::begin(other) else {
                drain.freed = true;
                return Ok(Done::Pending);
            };
            drain = self.drained.wait(drain).unwrap_or_else(PoisonError::into_inner);
        }
        drop(drain);
        self.end();
        Ok(Done::Now)
    }

    /// Waits for all that is left, and ends the threads.
    fn end(&self) {
        let deferred = std::mem::take(&mut lock(&self.drain).deferred);
        let live = std::mem::take(&mut *lock(&self.live));
        for entry in deferred.into_iter().chain(live.into_values()) {
            let _terminal = entry.gone();
        }
        let threads = lock(&self.threads).take();
        drop(threads);
    }
}

/// The runtime of an execution, which does not keep it.
pub(super) type Home = Weak<Runtime>;
