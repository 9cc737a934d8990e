//! How a pipe is read: grown when it is always full, left to gather when it is flooded with lines.
//!
//! A reader that looks at once at each small write takes the pipe's lock from the writer each time
//! and finds a line or two. One that rests for a millisecond finds thousands, and the child is
//! faster for it. A rest is worth nothing when the writer waits for the reader, be it that the pipe
//! is full or that it asks and wants an answer: whoever gathers little or too much has to show
//! twice as many small reads before the next rest.

use std::time::{Duration, Instant};

/// The largest pipe that an unprivileged user may ask for by default (`pipe(7)`).
pub(super) const GROWN_PIPE: usize = 1024 * 1024;

/// What a pipe holds unless it is grown (`pipe(7)`).
const PIPE: usize = 64 * 1024;

/// Full reads in a row that show that a pipe's size is what limits its stream.
const FULL_READS: u32 = 4;

/// A read of less than this is a small one.
const SMALL: usize = 4 * 1024;

/// Small reads in a row that make a flood, at first and at most.
const PATIENCE: (u32, u32) = (64, 64 << 10);

/// Small reads are a flood when they come faster than one in this time.
const FLOOD: Duration = Duration::from_micros(20);

/// How long a flooded pipe is left alone: the resolution of tokio's timers.
pub(crate) const REST: Duration = Duration::from_millis(1);

/// What a successful I/O call says of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// There may be more at once.
    More,
    /// The descriptor was emptied: a call before it is told to be readable would find nothing.
    Emptied,
    /// It was emptied, and is worth looking at after [`REST`], not before.
    Gather,
}

/// What the reads of one pipe have shown.
#[derive(Debug)]
pub(super) struct Pace {
    holds: usize,
    full_reads: u32,
    small_reads: u32,
    first_small: Option<Instant>,
    patience: u32,
    resting: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            holds: PIPE,
            full_reads: 0,
            small_reads: 0,
            first_small: None,
            patience: PATIENCE.0,
            resting: false,
        }
    }
}

impl Pace {
    /// Takes note of a read of `len` bytes where `asked` were asked for.
    pub(super) fn next(&mut self, len: usize, asked: usize, now: impl Fn() -> Instant) -> Next {
        if self.full_reads < FULL_READS {
            self.full_reads = if len >= PIPE { self.full_reads + 1 } else { 0 };
        }
        let rested = core::mem::take(&mut self.resting);
        // A pipe that gave less than was asked for is empty (`epoll(7)`).
        if len >= asked {
            self.small_reads = 0;
            return Next::More;
        }
        self.resting = if rested { self.rest_was_worth(len) } else { self.is_flood(len, now) };
        if self.resting { Next::Gather } else { Next::Emptied }
    }

    /// Has the pipe grown by `grow`, which says how much it holds then, once its size is what
    /// limits its stream. The kernel limits pipe memory per user; a pipe that may not grow stays as
    /// it is.
    pub(super) fn grow(&mut self, grow: impl FnOnce(usize) -> Option<usize>) {
        if self.full_reads == FULL_READS {
            self.full_reads += 1;
            self.holds = grow(GROWN_PIPE).unwrap_or(self.holds);
        }
    }

    fn is_flood(&mut self, len: usize, now: impl Fn() -> Instant) -> bool {
        if len >= SMALL {
            self.small_reads = 0;
            return false;
        }
        self.small_reads += 1;
        if self.small_reads == 1 {
            self.first_small = Some(now());
        }
        if self.small_reads < self.patience {
            return false;
        }
        self.small_reads = 0;
        self.first_small
            .is_some_and(|first| now().duration_since(first) < FLOOD * (self.patience - 1))
    }

    fn rest_was_worth(&mut self, len: usize) -> bool {
        if (SMALL..self.holds).contains(&len) {
            return true;
        }
        if len >= self.holds && self.full_reads < FULL_READS {
            // That it was filled within a rest shows as much as full reads in a row.
            self.full_reads = FULL_READS;
            return true;
        }
        self.patience = (self.patience * 2).min(PATIENCE.1);
        false
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;

    const ASKED: usize = 4 * GROWN_PIPE;

    /// A pipe whose reads come so far apart.
    struct Reads {
        pace: Pace,
        now: Cell<Instant>,
        apart: Duration,
    }

    impl Reads {
        fn every(apart: Duration) -> Self {
            Reads { pace: Pace::default(), now: Cell::new(Instant::now()), apart }
        }

        fn read(&mut self, len: usize) -> Next {
            self.now.set(self.now.get() + self.apart);
            self.pace.next(len, ASKED, || self.now.get())
        }

        /// Small reads until the pipe is to rest.
        fn until_rest(&mut self) -> u32 {
            let most = 2 * PATIENCE.1;
            (1..=most).find(|_| self.read(32) == Next::Gather).expect("a flood rests at last")
        }

        fn grown(&mut self) -> Option<usize> {
            let mut asked = None;
            self.pace.grow(|size| {
                asked = Some(size);
                asked
            });
            asked
        }
    }

    /// If this were red, a flood of lines would be read a line at a time.
    #[test]
    fn a_flood_of_small_reads_rests_as_long_as_it_gathers() {
        let mut reads = Reads::every(FLOOD / 2);
        assert_eq!(reads.until_rest(), PATIENCE.0);
        for _ in 0..10 * PATIENCE.0 {
            assert_eq!(reads.read(SMALL), Next::Gather);
        }
    }

    /// If this were red, lines that come one by one would be late.
    #[test]
    fn reads_that_are_slow_or_large_do_not_rest() {
        let mut slow = Reads::every(FLOOD);
        assert!((0..4 * PATIENCE.0).all(|_| slow.read(32) == Next::Emptied));
        let mut mixed = Reads::every(FLOOD / 2);
        let large = |read| if read % PATIENCE.0 == 1 { SMALL } else { 32 };
        assert!((0..4 * PATIENCE.0).all(|read| mixed.read(large(read)) == Next::Emptied));
    }

    /// If this were red, each of a child's questions would wait for a millisecond.
    #[test]
    fn a_rest_that_gathers_little_is_twice_as_long_in_coming() {
        let mut reads = Reads::every(FLOOD / 2);
        let mut patience = PATIENCE.0;
        while patience < PATIENCE.1 {
            assert_eq!(reads.until_rest(), patience);
            assert_eq!(reads.read(32), Next::Emptied);
            patience *= 2;
        }
        assert_eq!(reads.until_rest(), PATIENCE.1);
        assert_eq!(reads.read(32), Next::Emptied);
        assert_eq!(reads.until_rest(), PATIENCE.1);
    }

    /// If this were red, a writer would stand before a full pipe while its reader rests.
    #[test]
    fn a_rest_that_fills_the_pipe_grows_it_and_then_ends() {
        let mut reads = Reads::every(FLOOD / 2);
        reads.until_rest();
        assert_eq!(reads.read(PIPE), Next::Gather);
        assert_eq!(reads.grown(), Some(GROWN_PIPE));
        assert_eq!(reads.read(PIPE), Next::Gather);
        assert_eq!(reads.read(GROWN_PIPE), Next::Emptied);
        assert_eq!(reads.until_rest(), 2 * PATIENCE.0);
    }

    /// If this were red, a long output would go through 64 KiB, and its two sides sleep in turns.
    #[test]
    fn a_pipe_that_is_always_full_is_grown_once() {
        let mut reads = Reads::every(FLOOD);
        for read in 1..FULL_READS {
            assert_eq!((reads.read(PIPE), reads.grown()), (Next::Emptied, None), "read {read}");
        }
        reads.read(PIPE);
        assert_eq!(reads.grown(), Some(GROWN_PIPE));
        reads.read(GROWN_PIPE);
        assert_eq!(reads.grown(), None);
    }

    /// If this were red, a read for which the consumer had no more room would pass for an emptied
    /// pipe.
    #[test]
    fn a_read_of_all_that_was_asked_for_may_have_left_something() {
        let mut pace = Pace::default();
        assert_eq!(pace.next(32, 32, Instant::now), Next::More);
    }
}
