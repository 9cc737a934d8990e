//! Executions of real commands: small ones, few, and freed in the end.

use std::{
    cell::Cell,
    ffi::{CString, c_char, c_void},
    mem::MaybeUninit,
    ptr,
};

use arbitrary::{Arbitrary, Result, Unstructured};
use lastbyte::capi::*;

use super::{Handles, Id, judge, machines::policy, number, place, quantity};

/// Commands that are started at most: each is a process.
const STARTS_MAX: usize = 3;

/// Runtimes that are made at most: each has threads.
const RUNTIMES_MAX: usize = 2;

/// What is run: a program and its arguments.
const PROGRAMS: [&[&str]; 5] = [
    &["true"],
    &["printf", "x"],
    &["sh", "-c", "printf x; printf y >&2; exit 3"],
    &["cat"],
    &["/nowhere/nothing"],
];

/// What a callback knows, and does.
#[derive(Default)]
struct Listener {
    freed: Cell<bool>,
    exited: Cell<bool>,
    /// What it does when it is called.
    does: Cell<u8>,
}

struct Started {
    execution: *mut lastbyte_execution,
    runtime: *mut lastbyte_runtime,
    listener: Box<Listener>,
}

#[derive(Default)]
pub(super) struct Executions {
    runtimes: Handles<lastbyte_runtime>,
    commands: Handles<lastbyte_command>,
    executions: Handles<lastbyte_execution>,
    errors: Handles<lastbyte_error>,
    started: Vec<Started>,
}

/// What every callback holds to.
fn called(userdata: *mut c_void, execution: *mut lastbyte_execution) -> &'static Listener {
    // SAFETY: a listener lives until the end of the calls.
    let listener = unsafe { &*userdata.cast::<Listener>().cast_const() };
    assert!(!listener.freed.get(), "a callback after the free (C11)");
    match listener.does.replace(0) % 8 {
        1 => {
            listener.freed.set(true);
            // SAFETY: no place.
            judge(unsafe { lastbyte_execution_free(execution, None) }, Id::Alive);
        }
        2 => judge(lastbyte_execution_kill(execution), Id::Alive),
        // SAFETY: no place.
        3 => judge(unsafe { lastbyte_execution_wait(execution, 0, None) }, Id::Alive),
        4 => {
            // SAFETY: the listener outlives the execution.
            let code = unsafe { lastbyte_execution_on_wait(execution, Some(on_end), userdata) };
            judge(code, Id::Alive);
        }
        _ => {}
    }
    listener
}

unsafe extern "C-unwind" fn on_output(
    userdata: *mut c_void,
    execution: *mut lastbyte_execution,
    event: *const lastbyte_event,
) {
    // SAFETY: an event lives until its callback returns.
    let event = unsafe { &*event };
    if event.kind == lastbyte_event_kind::Chunk as u32 {
        assert!(event.length > 0 && !event.bytes.is_null());
        // SAFETY: so many bytes stand there.
        let bytes = unsafe { std::slice::from_raw_parts(event.bytes, event.length) };
        // Whoever looks at memory that is not his is told by the sanitizer.
        assert!(bytes.iter().map(|&byte| usize::from(byte)).sum::<usize>() <= event.length * 255);
    }
    let listener = called(userdata, execution);
    assert!(!listener.exited.get(), "output after the exit (C1)");
}

unsafe extern "C-unwind" fn on_exit(
    userdata: *mut c_void,
    execution: *mut lastbyte_execution,
    _: *const lastbyte_terminal,
) {
    let listener = called(userdata, execution);
    assert!(!listener.exited.replace(true), "a second exit (C2)");
}

unsafe extern "C-unwind" fn on_end(
    userdata: *mut c_void,
    execution: *mut lastbyte_execution,
    _: *const lastbyte_terminal,
) {
    called(userdata, execution);
}

unsafe extern "C-unwind" fn on_status(
    userdata: *mut c_void,
    execution: *mut lastbyte_execution,
    _: *const lastbyte_status,
) {
    called(userdata, execution);
}

unsafe extern "C-unwind" fn on_stdin(
    userdata: *mut c_void,
    execution: *mut lastbyte_execution,
    _: *const lastbyte_stdin_report,
) {
    called(userdata, execution);
}
impl Executions {
    pub(super) fn call(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u8::arbitrary(u)? % 16 {
            0 => self.new_runtime(u),
            1 => self.new_command(u),
            2 | 3 => self.tell_command(u),
            4 => self.start(u),
            5 | 6 => self.listen(u),
            7..11 => self.ask(u),
            11..14 => self.drain(u),
            14 => self.free(u),
            _ => self.runtime(u),
        }
    }

    fn new_runtime(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let threads = match u8::arbitrary(u)? {
            u8::MAX => u32::MAX,
            few => u32::from(few) % 2,
        };
        if self.runtimes.len() < RUNTIMES_MAX {
            // SAFETY: a place or NULL.
            let make = |place: Option<&mut _>| unsafe { lastbyte_runtime_new(threads, place) };
            judge(self.runtimes.make(make, u8::arbitrary(u)? % 8 != 0), Id::Alive);
        }
        Ok(())
    }

    fn new_command(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Some((program, args)) = PROGRAMS
            .get(usize::from(u8::arbitrary(u)?) % PROGRAMS.len())
            .and_then(|words| words.split_first())
        else {
            return Ok(());
        };
        let word = |word: &str| CString::new(word).unwrap_or_default();
        let program = word(program);
        let here = u8::arbitrary(u)? % 8 != 0;
        // SAFETY: a string, and a place or NULL.
        let make = |place: Option<&mut _>| unsafe { lastbyte_command_new(program.as_ptr(), place) };
        let code = self.commands.make(make, here);
        judge(code, Id::Alive);
        let made = self.commands.alive().last().copied().filter(|_| code == 0);
        for arg in args {
            if let Some(command) = made {
                // SAFETY: a string.
                judge(unsafe { lastbyte_command_arg(command, word(arg).as_ptr()) }, Id::Alive);
            }
        }
        Ok(())
    }

    fn tell_command(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (command, id) = self.commands.pick(u)?;
        let what = u8::arbitrary(u)? % 14;
        let texts = [text(u)?, text(u)?];
        let [first, second] = texts.each_ref().map(|text| match text {
            Some(text) => text.as_ptr(),
            None => ptr::null::<c_char>(),
        });
        let (stdio, fd) = (number(u, 6)?, i32::from(i8::arbitrary(u)?) % 3);
        let code = match what {
            // SAFETY: a string or NULL.
            0 => unsafe { lastbyte_command_arg(command, first) },
            // SAFETY: strings or NULL.
            1 => unsafe { lastbyte_command_env(command, first, second) },
            // SAFETY: a string or NULL.
            2 => unsafe { lastbyte_command_env_remove(command, first) },
            3 => lastbyte_command_env_clear(command),
            // SAFETY: a string or NULL.
            4 => unsafe { lastbyte_command_dir(command, first) },
            5 | 6 => lastbyte_command_stdin(command, stdio, fd),
            // Not ours: it would be written to.
            7 => lastbyte_command_stdout(command, stdio.min(2), -1),
            8 => lastbyte_command_stderr(command, stdio.min(2), -1),
            9 => lastbyte_command_combined(command),
            10 => lastbyte_command_pty(command, u16::arbitrary(u)?, 80),
            11 => lastbyte_command_process_group(command, stdio),
            12 => lastbyte_command_timestamps(command, stdio),
            _ => {
                let policy = policy(u)?;
                // SAFETY: a policy or NULL.
                unsafe { lastbyte_command_policy(command, policy.as_ref()) }
            }
        };
        judge(code, id);
        Ok(())
    }

    fn start(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let ((runtime, home), (command, id)) = (self.runtimes.pick(u)?, self.commands.pick(u)?);
        let (here, told) = (u8::arbitrary(u)? % 8 != 0, u8::arbitrary(u)? % 2 == 0);
        if self.started.len() == STARTS_MAX {
            return Ok(());
        }
        let mut error = MaybeUninit::new(ptr::null_mut());
        let refused = told.then_some(&mut error);
        let code = self.executions.make(
            // SAFETY: places or NULL.
            |place| unsafe { lastbyte_execution_start(runtime, command, place, refused) },
            here,
        );
        judge(code, if home == Id::Alive { id } else { home });
        // SAFETY: it was NULL, and may have been written since.
        let error = unsafe { error.assume_init() };
        if !error.is_null() {
            assert!(code < 0, "an error is written when there is one");
            let write = |place: Option<&mut MaybeUninit<*mut lastbyte_error>>| {
                place.map(|place| place.write(error));
                0
            };
            self.errors.make(write, true);
        }
        if let (0, Some(&execution)) = (code, self.executions.alive().last()) {
            self.started.push(Started { execution, runtime, listener: Box::default() });
        }
        Ok(())
    }

    /// The listener of an execution, or another where it has none.
    fn listener(&self, execution: *mut lastbyte_execution) -> Option<*mut c_void> {
        let started = self.started.iter().find(|started| started.execution == execution)?;
        Some(ptr::from_ref(&*started.listener).cast_mut().cast())
    }

    fn listen(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (execution, id) = self.executions.pick(u)?;
        let userdata = self.listener(execution).unwrap_or(ptr::null_mut());
        let (what, stream, does) = (u8::arbitrary(u)?, number(u, 6)?, u8::arbitrary(u)?);
        if let Some(started) = self.started.iter().find(|it| it.execution == execution) {
            started.listener.does.set(does);
        }
        // No function is NULL.
        let is = what < 224;
        let code = match what % 6 {
            0 | 1 => {
                let sink = is.then_some(on_output as unsafe extern "C-unwind" fn(_, _, _));
                // SAFETY: the listener outlives the execution.
                unsafe { lastbyte_execution_on_output(execution, stream, sink, userdata) }
            }
            2 => {
                let sink = is.then_some(on_exit as unsafe extern "C-unwind" fn(_, _, _));
                // SAFETY: the listener outlives the execution.
                unsafe { lastbyte_execution_on_exit(execution, sink, userdata) }
            }
            3 => {
                let sink = is.then_some(on_end as unsafe extern "C-unwind" fn(_, _, _));
                // SAFETY: the listener outlives the execution.
                unsafe { lastbyte_execution_on_wait(execution, sink, userdata) }
            }
            4 => {
                let sink = is.then_some(on_status as unsafe extern "C-unwind" fn(_, _, _));
                // SAFETY: the listener outlives the execution.
                unsafe { lastbyte_execution_on_exited(execution, sink, userdata) }
            }
            _ => {
                let sink = is.then_some(on_stdin as unsafe extern "C-unwind" fn(_, _, _));
                // SAFETY: the listener outlives the execution.
                unsafe { lastbyte_execution_on_stdin(execution, sink, userdata) }
            }
        };
        judge(code, id);
        Ok(())
    }

    fn ask(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (execution, id) = self.executions.pick(u)?;
        let (what, stream) = (u8::arbitrary(u)? % 10, number(u, 6)?);
        // Milliseconds: what is waited for may never come.
        let patience = i64::from(stream % 3);
        let (mut size, mut pid) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        let (mut report, mut status) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        let mut terminal = MaybeUninit::uninit();
        let data = [b'z'; 64];
        let code = match what {
            0 => lastbyte_execution_discard(execution, stream),
            1 => {
                let length = if stream == u32::MAX { usize::MAX } else { 64 };
                let from = if stream == 0 { ptr::null() } else { data.as_ptr() };
                let place = place(u, &mut size)?;
                // SAFETY: so many bytes stand there, or what it says is refused; a place or NULL.
                unsafe { lastbyte_execution_stdin_write(execution, from, length, place) }
            }
            2 => lastbyte_execution_stdin_close(execution),
            // SAFETY: a place or NULL.
            3 => unsafe { lastbyte_execution_stdin_report(execution, place(u, &mut report)?) },
            4 => lastbyte_execution_signal(execution, i32::from(u8::arbitrary(u)?) % 70),
            5 => lastbyte_execution_kill(execution),
            // SAFETY: a place or NULL.
            6 => unsafe { lastbyte_execution_wait(execution, patience, place(u, &mut terminal)?) },
            // SAFETY: a place or NULL.
            7 => unsafe { lastbyte_execution_exited(execution, patience, place(u, &mut status)?) },
            // SAFETY: a place or NULL.
            8 => unsafe { lastbyte_execution_pid(execution, place(u, &mut pid)?) },
            // A handle of one type is none of another.
            _ => {
                judge(lastbyte_runtime_free(execution.cast()), absent(id));
                return Ok(());
            }
        };
        judge(code, id);
        Ok(())
    }

    fn drain(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (runtime, id) = self.runtimes.pick(u)?;
        let (most, patience) = (quantity(u)?, i64::from(u8::arbitrary(u)? % 4));
        // SAFETY: every callback that is registered can be called.
        let code = unsafe { lastbyte_runtime_drain(runtime, most, patience, None) };
        judge(code, id);
        // What was freed in a callback is freed when the drain has returned.
        let freed = self.started.iter().filter(|started| started.listener.freed.get());
        freed.for_each(|started| self.executions.freed(started.execution));
        Ok(())
    }

    fn free(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u8::arbitrary(u)? % 4 {
            0 => {
                let (command, id) = self.commands.pick(u)?;
                judge(lastbyte_command_free(command), id);
                self.commands.freed(command);
            }
            1 => {
                let (error, id) = self.errors.pick(u)?;
                let mut info = MaybeUninit::uninit();
                // SAFETY: a place or NULL.
                judge(unsafe { lastbyte_error_read(error, place(u, &mut info)?) }, id);
                judge(lastbyte_error_free(error), id);
                self.errors.freed(error);
            }
            _ => {
                let (execution, id) = self.executions.pick(u)?;
                let mut terminal = MaybeUninit::uninit();
                // SAFETY: a place or NULL.
                let code = unsafe { lastbyte_execution_free(execution, place(u, &mut terminal)?) };
                judge(code, id);
                self.forget(|started| started.execution == execution);
            }
        }
        Ok(())
    }

    /// From now on no callback of these may run.
    fn forget(&mut self, of: impl Fn(&Started) -> bool) {
        for started in self.started.iter().filter(|started| of(started)) {
            started.listener.freed.set(true);
            self.executions.freed(started.execution);
        }
    }

    fn runtime(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (runtime, id) = self.runtimes.pick(u)?;
        let mut fd = MaybeUninit::uninit();
        match u8::arbitrary(u)? % 4 {
            0 => judge(lastbyte_runtime_shutdown(runtime), id),
            1 => self.free_runtime(runtime, id),
            // SAFETY: a place or NULL.
            _ => judge(unsafe { lastbyte_runtime_fd(runtime, place(u, &mut fd)?) }, id),
        }
        Ok(())
    }

    fn free_runtime(&mut self, runtime: *mut lastbyte_runtime, id: Id) {
        judge(lastbyte_runtime_free(runtime), id);
        self.runtimes.freed(runtime);
        self.forget(|started| started.runtime == runtime);
    }

    pub(super) fn end(mut self) {
        for runtime in self.runtimes.alive() {
            self.free_runtime(runtime, Id::Alive);
        }
        // What outlives its runtime is freed none the less.
        for execution in self.executions.alive() {
            // SAFETY: no place.
            judge(unsafe { lastbyte_execution_free(execution, None) }, Id::Alive);
        }
        for command in self.commands.alive() {
            judge(lastbyte_command_free(command), Id::Alive);
        }
        for error in self.errors.alive() {
            judge(lastbyte_error_free(error), Id::Alive);
        }
    }
}

/// What a handle of one type is of another.
fn absent(id: Id) -> Id {
    match id {
        Id::Null => Id::Null,
        Id::Absent | Id::Alive => Id::Absent,
    }
}

/// A short string, or NULL.
fn text(u: &mut Unstructured<'_>) -> Result<Option<CString>> {
    let len = usize::from(u8::arbitrary(u)? % 8);
    if len == 7 {
        return Ok(None);
    }
    let bytes: Vec<u8> = u.bytes(len.min(u.len()))?.iter().map(|&byte| byte.max(1)).collect();
    Ok(CString::new(bytes).ok())
}
