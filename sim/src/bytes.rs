//! What streams carry in the simulation: bytes that tell themselves apart by their place.

use lastbyte::machine::Chunk;

/// The bytes of one read, by their place in their stream. Descendants' bytes follow the root's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bytes {
    /// Bytes of the stream before these.
    pub at: u8,
    /// How many these are.
    pub len: u8,
}

impl Bytes {
    /// One byte, the n-th of its stream, counted from 1.
    pub fn nth(n: u8) -> Self {
        Bytes { at: n - 1, len: 1 }
    }
}

impl Chunk for Bytes {
    fn len(&self) -> u64 {
        u64::from(self.len)
    }

    fn split_off(&mut self, at: u64) -> Self {
        // A length below that of a chunk of at most 255 bytes.
        let kept = u8::try_from(at).unwrap_or(self.len);
        let rest = Bytes { at: self.at + kept, len: self.len - kept };
        self.len = kept;
        rest
    }
}
