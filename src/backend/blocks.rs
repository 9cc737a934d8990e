//! Buffers to read into, used again: no allocation for each chunk in steady state.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Bytes of one read at most. Larger buffers fall out of the processor's cache and are slower.
pub(super) const BLOCK: usize = 64 * 1024;

/// A chunk this small is copied out, so that a consumer who keeps one byte does not keep a block.
const SMALL: usize = 4 * 1024;

/// Blocks kept for use again; as many as a default buffer holds, and one being read into.
const KEPT: usize = 5;

/// Hands out zeroed blocks, then the same ones again when every chunk in them is gone.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    current: Option<BytesMut>,
    lent: VecDeque<Bytes>,
    small: BytesMut,
}

impl Blocks {
    /// A buffer of [`BLOCK`] bytes to read into.
    pub(super) fn space(&mut self) -> &mut [u8] {
        let lent = &mut self.lent;
        self.current.get_or_insert_with(|| take_back(lent).unwrap_or_else(fresh))
    }

    /// The first `len` bytes of the buffer, as a chunk.
    pub(super) fn chunk(&mut self, len: usize) -> Bytes {
        let Some(block) = self.current.take() else { return Bytes::new() };
        if len <= SMALL {
            self.small.extend_from_slice(&block[..len]);
            self.current = Some(block);
            return self.small.split().freeze();
        }
        let whole = block.freeze();
        let chunk = whole.slice(..len);
        if self.lent.len() == KEPT {
            self.lent.pop_front();
        }
        self.lent.push_back(whole);
        chunk
    }
}

/// The oldest block, if its chunks are gone.
fn take_back(lent: &mut VecDeque<Bytes>) -> Option<BytesMut> {
    let oldest = lent.pop_front()?;
    match oldest.try_into_mut() {
        Ok(block) => Some(block),
        Err(busy) => {
            lent.push_front(busy);
            None
        }
    }
}

fn fresh() -> BytesMut {
    let mut block = BytesMut::zeroed(BLOCK);
    // Splitting makes the block reference-counted in place: handing it out and taking it back
    // then allocate nothing.
    drop(block.split_off(BLOCK));
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this were red, every chunk of a fast stream would cost a 64 KiB allocation.
    #[test]
    fn a_block_comes_back_when_its_chunk_is_gone() {
        let mut blocks = Blocks::default();
        blocks.space()[..5000].fill(7);
        let chunk = blocks.chunk(5000);
        let first = chunk.as_ptr();
        assert!(chunk.iter().all(|&byte| byte == 7) && chunk.len() == 5000);
        drop(chunk);
        assert_eq!(blocks.space().as_ptr(), first);
        assert_eq!(blocks.space().len(), BLOCK);
    }

    /// If this were red, a chunk in a consumer's hand would be overwritten by a later read.
    #[test]
    fn a_block_whose_chunk_is_held_is_left_alone() {
        let mut blocks = Blocks::default();
        blocks.space().fill(1);
        let held = blocks.chunk(BLOCK);
        for _ in 0..2 * KEPT {
            blocks.space().fill(2);
            drop(blocks.chunk(BLOCK));
        }
        assert!(held.iter().all(|&byte| byte == 1));
    }

    /// If this were red, one retained line would keep 64 KiB alive.
    #[test]
    fn a_small_chunk_does_not_hold_a_block() {
        let mut blocks = Blocks::default();
        blocks.space()[..3].copy_from_slice(b"abc");
        let block = blocks.space().as_ptr();
        let small = blocks.chunk(3);
        assert_eq!(&small[..], b"abc");
        assert_ne!(small.as_ptr(), block);
        assert_eq!(blocks.space().as_ptr(), block);
    }
}
