//! Numbers from a seed, the same on every machine and with every version of every library:
//! SplitMix64 (Steele, Lea, Flood 2014).

/// A row of numbers.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The row of this seed.
    pub fn new(seed: u64) -> Self {
        Dice(seed)
    }

    /// The next one.
    pub fn number(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // The upper half is as good as the lower.
        ((z ^ (z >> 31)) >> 32) as u32
    }

    /// One of `0..n`, as good as evenly; `n` is small and not 0.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.number()).unwrap_or_default() % n
    }
}
