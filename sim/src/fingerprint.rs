//! 128 bits that stand for a state: the same in every run, without a secret.
//!
//! States are trees of small enums and counts. Each small value takes one byte, and eight bytes are
//! mixed at a time, by folded multiplication in two lanes with unlike odd constants. Values of the
//! same type are written in a form that says where it ends, so unlike states give unlike bytes; that
//! unlike bytes give unlike fingerprints is likely, not sure: if they were random, two of 10 million
//! states would be taken for one with odds below 1 in 10^24.

use std::hash::Hasher;

/// A hasher of 128 bits.
#[derive(Clone, Debug)]
pub struct Fingerprint {
    low: u64,
    high: u64,
    /// Bytes that are not mixed in yet, the first of them lowest, and eight times their number.
    word: u64,
    bits: u32,
    words: u64,
}

/// Stands for a value that does not fit into one byte.
const WIDE: u8 = 0xff;

fn fold(lane: u64, word: u64, odd: u64) -> u64 {
    let product = u128::from(lane ^ word) * u128::from(odd);
    // Both halves: no bit of the input is lost to the top.
    (product as u64).rotate_left(23) ^ (product >> 64) as u64 ^ word
}

impl Fingerprint {
    /// A hasher that was given nothing.
    pub fn new() -> Self {
        let (low, high) = (0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344);
        Fingerprint { low, high, word: 0, bits: 0, words: 0 }
    }

    /// All 128 bits.
    pub fn both(mut self) -> u128 {
        let bytes = self.words << 6 | u64::from(self.bits);
        self.mix(self.word);
        self.mix(bytes);
        u128::from(self.high) << 64 | u128::from(self.low)
    }

    #[inline]
    fn mix(&mut self, word: u64) {
        self.low = fold(self.low, word, 0x9e37_79b9_7f4a_7c15);
        self.high = fold(self.high, word.rotate_left(32), 0xd6e8_feb8_6659_fd93);
        self.words += 1;
    }

    #[inline]
    fn byte(&mut self, byte: u8) {
        self.word |= u64::from(byte) << self.bits;
        self.bits += 8;
        if self.bits == 64 {
            self.mix(self.word);
            (self.word, self.bits) = (0, 0);
        }
    }

    /// A value that does not fit into one byte leaves a mark in its place and is mixed in whole.
    #[inline]
    fn value(&mut self, value: u64) {
        if value < u64::from(WIDE) {
            self.byte(value as u8);
        } else {
            self.byte(WIDE);
            self.mix(value);
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

    #[inline]
    fn write_u8(&mut self, value: u8) {
        self.byte(value);
    }

    #[inline]
    fn write_u16(&mut self, value: u16) {
        self.write_u64(u64::from(value));
    }

    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.value(value);
    }

    #[inline]
    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    #[inline]
    fn write_isize(&mut self, value: isize) {
        self.write_u64(value as u64);
    }

    fn finish(&self) -> u64 {
        self.clone().both() as u64
    }
}
