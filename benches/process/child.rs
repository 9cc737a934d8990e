//! The children: what they write, and what of it a peer must report.

use std::io::{self, Write};

/// After so many bytes what is written begins again.
const PERIOD: usize = 1 << 20;

/// Bytes of one write of a long output, as `cat` makes it.
const BLOCK: usize = 128 * 1024;

/// One line.
pub(crate) const LINE: usize = 32;

fn pattern() -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(next).take(PERIOD).collect()
}

/// A child: so many bytes to stdout, in blocks of this size, and nothing to stderr.
pub(crate) fn write(bytes: u64, block: usize) -> io::Result<()> {
    let pattern = pattern();
    let mut stdout = io::stdout().lock();
    let mut place = 0;
    let mut left = bytes;
    while left > 0 {
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(block);
        // Unbuffered: stdout of the standard library would gather lines.
        write_all(&mut stdout, &pattern[place..place + len])?;
        place = (place + len) % PERIOD;
        left -= len as u64;
    }
    Ok(())
}

fn write_all(stdout: &mut impl std::os::fd::AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = rustix::io::write(&stdout, bytes)?;
        bytes = &bytes[written..];
    }
    Ok(())
}

pub(crate) fn write_long(bytes: u64) -> io::Result<()> {
    write(bytes, BLOCK)
}

/// What a peer must have seen of so many bytes.
pub(crate) fn expected(bytes: u64, stride: usize) -> u32 {
    let pattern = pattern();
    let mut sampler = Sampler::new(stride);
    let mut left = bytes;
    while left > 0 {
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(PERIOD);
        sampler.take(&pattern[..len]);
        left -= len as u64;
    }
    sampler.hash()
}

/// Counts bytes, and hashes every so many-th, whatever the boundaries of chunks.
pub(crate) struct Sampler {
    stride: usize,
    /// Bytes before the next sample.
    skip: usize,
    crc: u32,
    pub(crate) bytes: u64,
}

impl Sampler {
    pub(crate) fn new(stride: usize) -> Self {
        Sampler { stride, skip: 0, crc: !0, bytes: 0 }
    }

    pub(crate) fn take(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        while self.skip < chunk.len() {
            self.crc = step(self.crc, chunk[self.skip]);
            self.skip += self.stride;
        }
        self.skip -= chunk.len();
    }

    /// The CRC-32 of the sampled bytes, as zlib has it.
    pub(crate) fn hash(&self) -> u32 {
        !self.crc
    }
}

fn step(crc: u32, byte: u8) -> u32 {
    static TABLE: [u32; 256] = table();
    TABLE[usize::from(crc as u8 ^ byte)] ^ crc >> 8
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut place = 0;
    while place < 256 {
        let mut crc = place as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[place] = crc;
        place += 1;
    }
    table
}

/// Keeps what is measured from being said by a buffered writer.
pub(crate) fn say(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
