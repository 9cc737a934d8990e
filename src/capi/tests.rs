//! What only Rust can do to the C ABI: a callback that panics, and events without a child.

use std::{
    cell::Cell,
    ffi::{CStr, c_void},
    mem::MaybeUninit,
    ptr,
    sync::Arc,
    thread,
    time::Instant,
};

use bytes::Bytes;

use super::{
    dispatch::{Dispatch, Sink},
    entry::Entry,
    handle::Id,
    queue::Queue,
    *,
};
use crate::{
    Data, ErrorKind, Policy,
    machine::{Input, PerStream, Status, StreamId, Streams},
    ordering::Core,
};

unsafe extern "C-unwind" fn panics(
    _: *mut c_void,
    _: *mut lastbyte_execution,
    _: *const lastbyte_event,
) {
    panic!("on purpose");
}

unsafe extern "C-unwind" fn counts(
    userdata: *mut c_void,
    _: *mut lastbyte_execution,
    event: *const lastbyte_event,
) {
    // SAFETY: a callback's event lives until it returns.
    let event = unsafe { &*event };
    // SAFETY: it was registered with a cell that outlives its execution, and is of this thread.
    let count = unsafe { &*userdata.cast::<Cell<u64>>() };
    count.set(count.get() + u64::from(event.length == 1));
}

fn ok(code: i32) {
    assert_eq!(code, lastbyte_code::Ok as i32);
}

/// Calls what writes a handle.
fn made<T>(make: impl FnOnce(&mut MaybeUninit<*mut T>) -> i32) -> *mut T {
    let mut place = MaybeUninit::new(ptr::null_mut());
    ok(make(&mut place));
    // SAFETY: it was NULL, or was written.
    unsafe { place.assume_init() }
}

fn execution(runtime: *mut lastbyte_runtime, script: &CStr) -> *mut lastbyte_execution {
    // SAFETY: a string, and a place.
    let command = made(|place| unsafe { lastbyte_command_new(c"sh".as_ptr(), Some(place)) });
    // SAFETY: a string.
    ok(unsafe { lastbyte_command_arg(command, c"-c".as_ptr()) });
    // SAFETY: a string.
    ok(unsafe { lastbyte_command_arg(command, script.as_ptr()) });
    // SAFETY: a place.
    let execution =
        made(|place| unsafe { lastbyte_execution_start(runtime, command, Some(place), None) });
    ok(lastbyte_command_free(command));
    execution
}

/// If this were red, a panic in a callback written in Rust would take the program down, or leave
/// an execution that cannot be drained or freed.
#[test]
fn a_panic_in_a_callback_is_an_error_of_the_drain() {
    // SAFETY: a place.
    let runtime = made(|place| unsafe { lastbyte_runtime_new(0, Some(place)) });
    let (first, second) = (execution(runtime, c"echo x"), execution(runtime, c"printf y"));
    let count = Cell::new(0u64);
    let stdout = lastbyte_stream::Stdout as u32;
    // SAFETY: it needs no userdata.
    ok(unsafe { lastbyte_execution_on_output(first, stdout, Some(panics), ptr::null_mut()) });
    let mut codes = Vec::new();
    while !codes.contains(&ErrorKind::Internal.number()) {
        // SAFETY: what is registered can be called.
        codes.push(unsafe { lastbyte_runtime_drain(runtime, 0, 60_000, None) });
    }
    let userdata = ptr::from_ref(&count).cast_mut().cast();
    // SAFETY: the cell outlives the execution.
    ok(unsafe { lastbyte_execution_on_output(second, stdout, Some(counts), userdata) });
    while count.get() == 0 {
        // SAFETY: what is registered can be called. The first may panic again, at its end.
        let _code = unsafe { lastbyte_runtime_drain(runtime, 1, 60_000, None) };
    }
    // SAFETY: no place.
    ok(unsafe { lastbyte_execution_free(first, None) });
    // SAFETY: no place.
    ok(unsafe { lastbyte_execution_free(second, None) });
    ok(lastbyte_runtime_free(runtime));
}

/// An execution without a child, whose events this test posts.
fn childless() -> (Arc<Queue>, Arc<Entry>) {
    let queue = Arc::<Queue>::default();
    let core = Core::new(Streams::Stdout, Policy::default()).expect("a policy");
    let _orders = core.drive(Input::Started).expect("it starts");
    let dispatch = Dispatch::new(Streams::Stdout, Policy::default().buffer);
    let entry = Entry::new(Id::next(), core, None, None, Arc::clone(&queue), dispatch);
    (queue, Arc::new(entry))
}

/// If this were red, events would be lost on their way through the queue. It prints how fast they
/// pass: `cargo test --release --features capi --lib capi::tests::events -- --nocapture`.
#[test]
fn events_pass_through_the_queue_in_turns() {
    const ROUND: u64 = 1000;
    let rounds = if cfg!(debug_assertions) { 20 } else { 10_000 };
    let (queue, entry) = childless();
    let count = Cell::new(0u64);
    let sink =
        Sink::new(Some(counts), ptr::from_ref(&count).cast_mut().cast()).expect("a function");
    entry.register(|dispatch, _| dispatch.claim(StreamId::Stdout, sink)).expect("unclaimed");
    let (me, data) = (thread::current().id(), Data::new(Bytes::from_static(b"x")));
    let (began, mut draining) = (Instant::now(), std::time::Duration::ZERO);
    for _ in 0..rounds {
        for _ in 0..ROUND {
            let posted = entry.core.drive(Input::Chunk(StreamId::Stdout, data.clone()));
            assert!(posted.is_ok());
        }
        let drained = Instant::now();
        while let Some(entry) = queue.pop() {
            assert!(entry.turn(me, 64).calls <= 64);
        }
        draining += drained.elapsed();
    }
    assert_eq!(count.get(), rounds * ROUND);
    // Its core wakes it until it is over: it would keep itself.
    let standing = PerStream::default();
    let ends = [
        Input::Eof(StreamId::Stdout),
        Input::Reap { status: Status::Exited { code: 0 }, standing },
    ];
    for end in ends {
        assert!(entry.core.drive(end).is_ok());
    }
    while let Some(entry) = queue.pop() {
        let _turn = entry.turn(me, 64);
    }
    assert!(entry.core.is_done());
    let rate = |took: std::time::Duration| count.get() as f64 / took.as_secs_f64() / 1e6;
    println!("{:.1} million events/s posted and drained", rate(began.elapsed()));
    println!("{:.1} million events/s drained", rate(draining));
}
