//! Which output streams an execution has, and values kept once per stream.

use core::{
    hash::{Hash, Hasher},
    ops::{Index, IndexMut},
};

/// One output of an execution.
///
/// A pipe that carries stdout and stderr together, and a pty, are streams of their own: their
/// order is the kernel's, which two separate pipes do not have (C3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StreamId {
    /// File descriptor 1 of the child.
    Stdout,
    /// File descriptor 2 of the child.
    Stderr,
    /// Descriptors 1 and 2 of the child through one pipe, in kernel order.
    Combined,
    /// The master side of the child's terminal.
    Pty,
}

impl StreamId {
    /// Every stream there is.
    pub const ALL: [StreamId; 4] =
        [StreamId::Stdout, StreamId::Stderr, StreamId::Combined, StreamId::Pty];

    /// The name used in JSON, reports and diagrams.
    pub const fn name(self) -> &'static str {
        match self {
            StreamId::Stdout => "stdout",
            StreamId::Stderr => "stderr",
            StreamId::Combined => "combined",
            StreamId::Pty => "pty",
        }
    }

    /// Where this stream's values live in a [`PerStream`]. Only stdout and stderr coexist.
    #[inline]
    pub(crate) const fn slot(self) -> usize {
        match self {
            StreamId::Stdout | StreamId::Combined | StreamId::Pty => 0,
            StreamId::Stderr => 1,
        }
    }
}

impl core::fmt::Display for StreamId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// The streams of one execution, fixed at its start (C15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Streams {
    /// No output is ours: inherited, or thrown away by the kernel.
    None,
    /// Only stdout.
    Stdout,
    /// Only stderr.
    Stderr,
    /// Stdout and stderr, each through a pipe of its own.
    Separate,
    /// Both through one pipe.
    Combined,
    /// A terminal.
    Pty,
}

impl Streams {
    /// The streams, stdout before stderr.
    #[inline]
    pub const fn ids(self) -> &'static [StreamId] {
        match self {
            Streams::None => &[],
            Streams::Stdout => &[StreamId::Stdout],
            Streams::Stderr => &[StreamId::Stderr],
            Streams::Separate => &[StreamId::Stdout, StreamId::Stderr],
            Streams::Combined => &[StreamId::Combined],
            Streams::Pty => &[StreamId::Pty],
        }
    }

    /// Whether `stream` is one of them.
    #[inline]
    pub const fn contains(self, stream: StreamId) -> bool {
        const SETS: u64 = Streams::sets();
        SETS >> (4 * self as u32 + stream as u32) & 1 == 1
    }

    /// For each value its set of streams, four bits wide: asked at each read, and two jumps less.
    const fn sets() -> u64 {
        let all = [
            Streams::None,
            Streams::Stdout,
            Streams::Stderr,
            Streams::Separate,
            Streams::Combined,
            Streams::Pty,
        ];
        let (mut sets, mut place) = (0, 0);
        while place < all.len() {
            let ids = all[place].ids();
            let mut number = 0;
            while number < ids.len() {
                sets |= 1 << (4 * all[place] as u32 + ids[number] as u32);
                number += 1;
            }
            place += 1;
        }
        sets
    }

    /// The stream whose values live in this place of a [`PerStream`], if there is one.
    #[inline]
    pub(crate) const fn at(self, slot: usize) -> StreamId {
        match (slot, self) {
            (0, Streams::Combined) => StreamId::Combined,
            (0, Streams::Pty) => StreamId::Pty,
            (0, Streams::None | Streams::Stdout | Streams::Stderr | Streams::Separate) => {
                StreamId::Stdout
            }
            (_, _) => StreamId::Stderr,
        }
    }
}

/// One value for each stream an execution can have at once, by [`StreamId`].
#[derive(Copy, Debug, Default, PartialEq, Eq)]
pub struct PerStream<T>([T; 2]);

// An array would say its length each time.
impl<T: Hash> Hash for PerStream<T> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [first, second] = &self.0;
        (first, second).hash(state);
    }
}

impl<T: Clone> Clone for PerStream<T> {
    #[inline]
    fn clone(&self) -> Self {
        let [first, second] = &self.0;
        PerStream([first.clone(), second.clone()])
    }

    #[inline]
    fn clone_from(&mut self, source: &Self) {
        for (value, source) in self.0.iter_mut().zip(&source.0) {
            value.clone_from(source);
        }
    }
}

impl<T> PerStream<T> {
    /// The same construction for each place.
    pub fn from_fn(f: impl FnMut(usize) -> T) -> Self {
        PerStream(core::array::from_fn(f))
    }

    /// References to the values.
    #[inline]
    pub(crate) fn each_ref(&self) -> [&T; 2] {
        self.0.each_ref()
    }

    /// The values, in the order of [`Streams::ids`].
    #[inline]
    pub fn iter(&self) -> core::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// The values, to be changed.
    pub fn iter_mut(&mut self) -> core::slice::IterMut<'_, T> {
        self.0.iter_mut()
    }
}

impl<T> Index<StreamId> for PerStream<T> {
    type Output = T;

    #[inline]
    fn index(&self, stream: StreamId) -> &T {
        &self.0[stream.slot()]
    }
}

impl<T> IndexMut<StreamId> for PerStream<T> {
    #[inline]
    fn index_mut(&mut self, stream: StreamId) -> &mut T {
        &mut self.0[stream.slot()]
    }
}
