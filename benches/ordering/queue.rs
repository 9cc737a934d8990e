//! The queue of the C ABI: how many events a second one thread hands to callbacks.
//!
//! A child writes packets, each of which is read as a chunk of its own; all of them are buffered
//! before the first is drained, so that what is measured is the drain: queue, core and call.
#![expect(
    unsafe_code,
    clippy::multiple_unsafe_ops_per_block,
    reason = "calls the C functions, as a C program would"
)]

use std::{
    ffi::{CString, c_void},
    io::Write,
    mem::MaybeUninit,
};

use lastbyte::capi::*;

use crate::processor_time;

const PACKET: u64 = 8;

/// The child: so many packets, each holding its number.
pub(crate) fn write_packets(count: u64) {
    let stdout = std::io::stdout();
    // A pipe so opened keeps each write apart (`pipe(2)`, O_DIRECT).
    rustix::fs::fcntl_setfl(&stdout, rustix::fs::OFlags::DIRECT).expect("a pipe of packets");
    let mut stdout = std::mem::ManuallyDrop::new(std::fs::File::from(
        rustix::io::dup(&stdout).expect("a descriptor"),
    ));
    for number in 0..count {
        stdout.write_all(&number.to_le_bytes()).expect("it is read");
    }
}

#[derive(Default)]
struct Seen {
    events: u64,
    bytes: u64,
    sum: u64,
    exits: u64,
}

unsafe extern "C-unwind" fn output(
    seen: *mut c_void,
    _: *mut lastbyte_execution,
    event: *const lastbyte_event,
) {
    // SAFETY: the pointers are those that were registered, and an event for the time of this call.
    let (seen, event) = unsafe { (&mut *seen.cast::<Seen>(), &*event) };
    seen.events += 1;
    if event.length == PACKET as usize {
        // SAFETY: the event says that so many bytes are there.
        let number = unsafe { event.bytes.cast::<u64>().read_unaligned() };
        seen.sum = seen.sum.wrapping_add(number);
    }
    seen.bytes += event.length as u64;
}

unsafe extern "C-unwind" fn exit(
    seen: *mut c_void,
    _: *mut lastbyte_execution,
    _: *const lastbyte_terminal,
) {
    // SAFETY: the pointer is the one that was registered.
    unsafe { (*seen.cast::<Seen>()).exits += 1 };
}

pub(crate) fn events(count: u64) {
    let mut seen = Seen::default();
    let mut runtime = MaybeUninit::uninit();
    // SAFETY: there is a place for the handle.
    assert_eq!(unsafe { lastbyte_runtime_new(1, Some(&mut runtime)) }, 0);
    // SAFETY: the call succeeded, so it has written.
    let runtime = unsafe { runtime.assume_init() };
    let execution = start(runtime, count);
    let userdata = std::ptr::from_mut(&mut seen).cast::<c_void>();
    // SAFETY: `seen` outlives the execution, which is freed below.
    let registered = unsafe {
        [
            lastbyte_execution_on_output(execution, 1, Some(output), userdata),
            lastbyte_execution_on_exit(execution, Some(exit), userdata),
        ]
    };
    assert_eq!(registered, [0, 0]);
    // Nobody drains meanwhile: all is buffered.
    // SAFETY: there is no place for a status, and none is needed.
    assert_eq!(unsafe { lastbyte_execution_exited(execution, -1, None) }, 0);
    let began = processor_time();
    let mut exits = 0;
    while exits == 0 {
        // SAFETY: there is no place for a number, and both callbacks can be called.
        assert_eq!(unsafe { lastbyte_runtime_drain(runtime, 0, -1, None) }, 0);
        // SAFETY: the callbacks have returned.
        exits = unsafe { (*userdata.cast::<Seen>()).exits };
    }
    let seconds = (processor_time() - began).as_secs_f64();
    // SAFETY: no place for the terminal; the handles are freed once.
    assert_eq!(unsafe { lastbyte_execution_free(execution, None) }, 0);
    assert_eq!(lastbyte_runtime_free(runtime), 0);
    assert_eq!(seen.bytes, count * PACKET, "every byte");
    assert_eq!(seen.sum, count * (count - 1) / 2, "every number");
    assert!(seen.events > count / 2, "packets are kept apart");
    println!(
        "{:44} {:>6.2} million a second {:>15}",
        format!("queue of the C ABI: {} events", seen.events),
        seen.events as f64 / seconds / 1e6,
        "5 million"
    );
}

/// A child that writes so many packets, with room for all of them.
fn start(runtime: *mut lastbyte_runtime, count: u64) -> *mut lastbyte_execution {
    let program = std::env::current_exe().expect("a program");
    let words = [program.to_string_lossy().into_owned(), "--packets".to_owned(), count.to_string()];
    let words = words.map(|word| CString::new(word).expect("no NUL"));
    let mut policy = MaybeUninit::uninit();
    let mut command = MaybeUninit::uninit();
    let mut execution = MaybeUninit::uninit();
    // SAFETY: there are places for all of them.
    unsafe {
        assert_eq!(lastbyte_policy_default(Some(&mut policy)), 0);
        let mut policy = policy.assume_init();
        policy.buffer_bytes_max = u64::from(u32::MAX);
        policy.buffer_chunks_max = u32::MAX;
        assert_eq!(lastbyte_command_new(words[0].as_ptr(), Some(&mut command)), 0);
        let command = command.assume_init();
        for word in &words[1..] {
            assert_eq!(lastbyte_command_arg(command, word.as_ptr()), 0);
        }
        assert_eq!(lastbyte_command_policy(command, Some(&policy)), 0);
        assert_eq!(lastbyte_execution_start(runtime, command, Some(&mut execution), None), 0);
        assert_eq!(lastbyte_command_free(command), 0);
        execution.assume_init()
    }
}
