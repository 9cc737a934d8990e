//! The bytes of one read, as the drivers carry them.

use core::{fmt, num::NonZeroU64, ops::Deref, time::Duration};

use bytes::Bytes;

use crate::machine::Chunk;

/// One chunk of output: reference-counted bytes, and when they were read if that was asked for.
///
/// It dereferences to `[u8]`. At least one byte long.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Data {
    bytes: Bytes,
    read_at_ns: Option<NonZeroU64>,
}

impl Data {
    /// Bytes without a time.
    pub fn new(bytes: Bytes) -> Self {
        Data { bytes, read_at_ns: None }
    }

    /// The same bytes, read at this time after the start of the execution.
    #[must_use]
    pub fn read_at(mut self, at: Duration) -> Self {
        let nanoseconds = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        self.read_at_ns = NonZeroU64::new(nanoseconds.max(1));
        self
    }

    /// When they were read, on the monotonic clock, after the start of the execution. `None`
    /// unless [`Command::timestamps`](crate::Command::timestamps) asked for it.
    pub fn at(&self) -> Option<Duration> {
        self.read_at_ns.map(|at| Duration::from_nanos(at.get()))
    }

    /// The bytes, without copying.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

impl Deref for Data {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AsRef<[u8]> for Data {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.bytes, f)
    }
}

impl Chunk for Data {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn split_off(&mut self, at: u64) -> Self {
        // A chunk is in memory, so its length and any place in it are a usize.
        let at = usize::try_from(at).unwrap_or(usize::MAX).min(self.bytes.len());
        Data { bytes: self.bytes.split_off(at), read_at_ns: self.read_at_ns }
    }
}
