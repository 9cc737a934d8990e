//! Bugs on purpose, one for each sanitizer: one that does not find its own finds none
//! (`.ci/sanitizers`).

use std::{cell::UnsafeCell, env, hint::black_box, thread};

struct Shared(UnsafeCell<u64>);

// SAFETY: it is not; that is the bug.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared(UnsafeCell::new(0));

fn main() {
    match env::args().nth(1).as_deref() {
        Some("use-after-free") => {
            let pointer = Box::into_raw(Box::new(7_u64));
            // SAFETY: it came from a box.
            drop(unsafe { Box::from_raw(black_box(pointer)) });
            // SAFETY: it is freed; that is the bug.
            println!("{}", unsafe { *black_box(pointer) });
        }
        Some("leak") => {
            black_box(Box::into_raw(Box::new([7_u64; 99])));
        }
        Some("race") => {
            // SAFETY: another thread writes too; that is the bug.
            let write = || (0..1000).for_each(|_| unsafe { *SHARED.0.get() += 1 });
            thread::scope(|scope| {
                scope.spawn(write);
                scope.spawn(write);
            });
        }
        Some(_) | None => panic!("name a bug: use-after-free, leak, race"),
    }
}
