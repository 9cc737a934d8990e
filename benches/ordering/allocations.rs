//! Counts what is allocated, and how much of it lives.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// The system's allocator, counting.
pub(crate) struct Counting;

static MADE: AtomicU64 = AtomicU64::new(0);
static LIVING: AtomicU64 = AtomicU64::new(0);

/// Allocations so far.
pub(crate) fn made() -> u64 {
    MADE.load(Relaxed)
}

/// Bytes that are allocated now.
pub(crate) fn living() -> u64 {
    LIVING.load(Relaxed)
}

fn grown(by: usize) {
    MADE.fetch_add(1, Relaxed);
    LIVING.fetch_add(by as u64, Relaxed);
}

#[expect(unsafe_code, reason = "an allocator is unsafe to write; this one passes all on")]
// SAFETY: every call is passed on unchanged to the system's allocator, which keeps the contract of
// `GlobalAlloc`; counting touches two numbers, and does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        // SAFETY: our caller upholds for this layout what the system's allocator asks.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVING.fetch_sub(layout.size() as u64, Relaxed);
        // SAFETY: our caller got `place` from us with this layout, and we got it from the system.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LIVING.fetch_sub(layout.size() as u64, Relaxed);
        grown(size);
        // SAFETY: our caller got `place` from us with this layout, and we got it from the system;
        // he upholds for `size` what the system's allocator asks.
        unsafe { System.realloc(place, layout, size) }
    }
}
