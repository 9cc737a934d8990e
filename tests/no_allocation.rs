//! A step allocates nothing: what is queued stands in buffers that are used again.
//!
//! A file of its own, because counting needs the allocator of the whole program.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use lastbyte::{
    Policy, StreamId, Streams,
    machine::{Chunk, Event, Input, Machine},
    ordering::Core,
};

struct Counting;

thread_local! {
    // Made without allocating, and never dropped: safe to use from the allocator itself.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
}

#[expect(unsafe_code, reason = "an allocator is unsafe to write; this one passes all on")]
// SAFETY: every call is passed on unchanged to the system's allocator, which keeps the contract of
// `GlobalAlloc`; counting touches a number that is this thread's own, and does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: our caller upholds for this layout what the system's allocator asks.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: our caller got `place` from us with this layout, and we got it from the system.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: our caller got `place` from us with this layout, and we got it from the system;
        // he upholds for `size` what the system's allocator asks.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How many times this thread allocates in `work`.
fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

/// A chunk that owns nothing, so that every allocation is the machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Length(u64);

impl Chunk for Length {
    fn len(&self) -> u64 {
        self.0
    }

    fn split_off(&mut self, at: u64) -> Self {
        let rest = Length(self.0 - at);
        self.0 = at;
        rest
    }
}

const STREAMS: [StreamId; 2] = [StreamId::Stdout, StreamId::Stderr];

/// Fills both buffers to their bound, so that both pumps pause, and empties them.
fn fill_and_empty(
    mut pump: impl FnMut(StreamId, Length) -> bool,
    mut drain: impl FnMut() -> bool,
) -> u64 {
    let mut steps = 0;
    for stream in STREAMS {
        while pump(stream, Length(1024)) {
            steps += 1;
        }
    }
    while drain() {
        steps += 1;
    }
    steps
}

/// If this were red, a busy command would cost an allocation for each read, and its latency.
#[test]
fn c12_a_million_steps_of_the_machine_allocate_nothing() {
    let mut machine = Machine::new(Streams::Separate, Policy::default()).expect("the default");
    let _started = machine.step(Input::Started).expect("a start is legal");
    let machine = std::cell::RefCell::new(machine);
    let round = || {
        fill_and_empty(
            |stream, chunk| {
                let mut machine = machine.borrow_mut();
                machine.room(stream) > 0 && machine.step(Input::Chunk(stream, chunk)).is_ok()
            },
            || {
                let step = machine.borrow_mut().step(Input::Drain).expect("a drain is legal");
                matches!(step.event, Some(Event::Chunk { .. }))
            },
        )
    };
    let warm = round();
    assert_eq!(warm, 4 * 256, "two buffers of 256 KiB, filled and emptied");
    let mut steps = 0;
    let allocated = allocations(|| {
        while steps < 1_000_000 {
            steps += round();
        }
    });
    println!("{steps} steps, {allocated} allocations");
    assert_eq!(allocated, 0);
}

/// If this were red, the lock and the wakers around the machine would cost what it does not.
#[test]
fn c12_a_million_steps_of_the_ordering_core_allocate_nothing() {
    let core = Core::new(Streams::Separate, Policy::default()).expect("the default");
    let _orders = core.drive(Input::Started).expect("a start is legal");
    let round = || {
        fill_and_empty(
            |stream, chunk| {
                core.orders().room[stream] > 0 && core.drive(Input::Chunk(stream, chunk)).is_ok()
            },
            || matches!(core.try_event(), Some(Event::Chunk { .. })),
        )
    };
    let _warm = round();
    let mut steps = 0;
    let allocated = allocations(|| {
        while steps < 1_000_000 {
            steps += round();
        }
    });
    println!("{steps} steps, {allocated} allocations");
    assert_eq!(allocated, 0);
}

/// If this were red, the counting would see nothing, and the tests above would mean nothing.
#[test]
fn an_allocation_is_counted() {
    let boxed = |size: usize| drop(std::hint::black_box(vec![0_u8; std::hint::black_box(size)]));
    assert_eq!(allocations(|| boxed(10)), 1);
}
