//! Gathers the events of an execution into its output.

use crate::{
    Event, Output,
    machine::{StreamId, Terminal},
};

/// Collects events into an [`Output`].
#[derive(Debug, Default)]
pub(crate) struct Collected {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Collected {
    /// Takes one event; the terminal completes it.
    pub(crate) fn take(&mut self, event: Event) -> Option<Output> {
        match event {
            Event::Chunk { stream, chunk } => {
                let collected = match stream {
                    StreamId::Stdout | StreamId::Combined | StreamId::Pty => &mut self.stdout,
                    StreamId::Stderr => &mut self.stderr,
                };
                if chunk.len() >= WORTH {
                    make_ready(collected, chunk.len());
                }
                collected.extend_from_slice(&chunk);
                None
            }
            // Gaps and ends are in the terminal's reports.
            Event::Gap { .. } | Event::End { .. } => None,
            Event::Exit(terminal) => Some(std::mem::take(self).finish(terminal)),
        }
    }

    pub(crate) fn finish(self, terminal: Terminal) -> Output {
        Output { terminal, stdout: self.stdout, stderr: self.stderr }
    }
}

/// A chunk of this size is worth a system call more.
const WORTH: usize = 64 * 1024;

/// Makes room for so many bytes. The kernel gives a page when it is first written to, each by a
/// fault of its own; asked for all pages of a chunk at once it takes two thirds of the time.
#[expect(unsafe_code, reason = "madvise(2), which has no safe form")]
fn make_ready(collected: &mut Vec<u8>, len: usize) {
    const PAGE: usize = 4096;
    collected.reserve(len);
    let room = &mut collected.spare_capacity_mut()[..len];
    let place = room.as_mut_ptr();
    // What is left of the page before is there already.
    let skip = place.align_offset(PAGE);
    let whole = len.saturating_sub(skip) / PAGE * PAGE;
    // SAFETY: the pages lie wholly in the unused part of an allocation that is ours. They are
    // given now and not later; what stands there is not changed. A kernel that does not know the
    // advice (before 5.14) gives them one by one.
    let _given = unsafe {
        let pages = place.wrapping_add(skip).cast();
        rustix::mm::madvise(pages, whole, rustix::mm::Advice::LinuxPopulateWrite)
    };
}
