//! 128 bits that stand for a state: the same in every run, without a secret.
//!
//! States are trees of small enums and counts. Each small value takes one byte; the bytes are
//! gathered, and then mixed eight at a time, by folded multiplication in two lanes with unlike odd
//! constants. Values of the same type are written in a form that says where it ends, so unlike
//! states give unlike bytes; that unlike bytes give unlike fingerprints is likely, not sure: if they
//! were random, two of 10 million states would be taken for one with odds below 1 in 10^24.

use std::hash::Hasher;

/// A hasher of 128 bits.
#[derive(Clone, Debug)]
pub struct Fingerprint {
    low: u64,
    high: u64,
    /// Bytes mixed in so far.
    mixed: u64,
    /// Bytes that are not mixed in yet, and zeros.
    bytes: [u8; GATHERED],
    /// How many they are. No place outside of `bytes` can be named by it.
    len: u8,
}

/// Bytes gathered before they are mixed: most states take less.
const GATHERED: usize = 1 << u8::BITS;

/// Stands for a value that does not fit into one byte.
const WIDE: u8 = 0xff;

const LOW: u64 = 0x9e37_79b9_7f4a_7c15;
const HIGH: u64 = 0xd6e8_feb8_6659_fd93;

fn fold(lane: u64, word: u64, odd: u64) -> u64 {
    let product = u128::from(lane ^ word) * u128::from(odd);
    // Both halves: no bit of the input is lost to the top.
    (product as u64).rotate_left(23) ^ (product >> 64) as u64 ^ word
}

impl Fingerprint {
    /// A hasher that was given nothing.
    pub fn new() -> Self {
        let (low, high) = (0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344);
        Fingerprint { low, high, mixed: 0, bytes: [0; GATHERED], len: 0 }
    }

    /// All 128 bits.
    #[inline]
    pub fn both(&self) -> u128 {
        let bytes = self.mixed + u64::from(self.len);
        let (low, high) = self.mixed_in(usize::from(self.len));
        let (low, high) = (fold(low, bytes, LOW), fold(high, bytes, HIGH));
        u128::from(high) << 64 | u128::from(low)
    }

    /// Both lanes, after so many of the bytes that are not mixed in yet.
    #[inline]
    fn mixed_in(&self, len: usize) -> (u64, u64) {
        let (words, _) = self.bytes.as_chunks();
        let (mut low, mut high) = (self.low, self.high);
        for &word in &words[..len.div_ceil(8)] {
            let word = u64::from_le_bytes(word);
            low = fold(low, word, LOW);
            high = fold(high, word.rotate_left(32), HIGH);
        }
        (low, high)
    }

    #[inline(always)]
    fn byte(&mut self, byte: u8) {
        self.bytes[usize::from(self.len)] = byte;
        self.len = self.len.wrapping_add(1);
        if self.len == 0 {
            self.begin_again();
        }
    }

    #[cold]
    #[inline(never)]
    fn begin_again(&mut self) {
        (self.low, self.high) = self.mixed_in(GATHERED);
        self.mixed += GATHERED as u64;
        self.bytes = [0; GATHERED];
    }

    #[cold]
    #[inline(never)]
    fn wide(&mut self, value: u64) {
        self.byte(WIDE);
        value.to_le_bytes().into_iter().for_each(|byte| self.byte(byte));
    }

    /// A variant beyond the 256th changes the lanes at once: it has no mark of its own.
    #[cold]
    #[inline(never)]
    fn vast(&mut self, value: isize) {
        self.low = fold(self.low, value as u64, HIGH);
        self.high = fold(self.high, value as u64, LOW);
        self.byte(WIDE);
    }

    /// A value that does not fit into one byte takes a mark and eight.
    #[inline(always)]
    fn value(&mut self, value: u64) {
        if value < u64::from(WIDE) {
            self.byte(value as u8);
        } else {
            self.wide(value);
        }
    }
}

impl Default for Fingerprint {
    fn default() -> Self {
        Fingerprint::new()
    }
}

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.byte(byte));
    }

    #[inline(always)]
    fn write_u8(&mut self, value: u8) {
        self.byte(value);
    }

    #[inline(always)]
    fn write_u16(&mut self, value: u16) {
        self.write_u64(u64::from(value));
    }

    #[inline(always)]
    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    #[inline(always)]
    fn write_u64(&mut self, value: u64) {
        self.value(value);
    }

    #[inline(always)]
    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    #[inline(always)]
    fn write_isize(&mut self, value: isize) {
        // The variant of an enum, which is known to fit into a byte.
        match u8::try_from(value) {
            Ok(byte) => self.byte(byte),
            Err(_) => self.vast(value),
        }
    }

    fn finish(&self) -> u64 {
        self.both() as u64
    }
}
