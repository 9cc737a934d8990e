//! Buffers to read into, used again: no allocation for each chunk in steady state.

use std::{cell::RefCell, collections::VecDeque};

use bytes::{Bytes, BytesMut};

/// Bytes of one read at most: a quarter of the system calls of 64 KiB, and what a default buffer
/// holds.
pub(super) const BLOCK: usize = 256 * 1024;

/// A chunk this small is copied out, so that a consumer who keeps one byte does not keep a block.
const SMALL: usize = 4 * 1024;

/// Blocks kept for use again; as many as a default buffer holds, and one being read into.
const KEPT: usize = 3;

thread_local! {
    /// The block that the next read of this thread goes into. Whoever finds nothing, or little,
    /// leaves it here: thousands of quiet executions have one between them.
    static SPARE: RefCell<Option<BytesMut>> = const { RefCell::new(None) };
}

/// Hands out zeroed blocks, then the same ones again when every chunk in them is gone.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    lent: VecDeque<Bytes>,
    small: BytesMut,
}

impl Blocks {
    /// Has `read` fill the front of a block of [`BLOCK`] bytes and say how much of it; that much is
    /// the chunk.
    pub(super) fn read<E>(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<Bytes, E> {
        let spare = SPARE.try_with(RefCell::take).unwrap_or_default();
        let mut block = spare.or_else(|| self.take_back()).unwrap_or_else(fresh);
        let filled = read(&mut block);
        if let Ok(len @ SMALL..) = filled {
            return Ok(self.lend(block, len));
        }
        let chunk = filled.map(|len| {
            self.small.extend_from_slice(&block[..len]);
            self.small.split().freeze()
        });
        // Refused only while the thread ends, which then has no use for it.
        let _kept = SPARE.try_with(|spare| spare.replace(Some(block)));
        chunk
    }

    fn lend(&mut self, block: BytesMut, len: usize) -> Bytes {
        let whole = block.freeze();
        let chunk = whole.slice(..len);
        if self.lent.len() == KEPT {
            self.lent.pop_front();
        }
        self.lent.push_back(whole);
        chunk
    }

    /// The oldest block, if its chunks are gone.
    fn take_back(&mut self) -> Option<BytesMut> {
        let oldest = self.lent.pop_front()?;
        match oldest.try_into_mut() {
            Ok(block) => Some(block),
            Err(busy) => {
                self.lent.push_front(busy);
                None
            }
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
    use core::convert::Infallible;

    use super::*;

    /// A chunk of so many bytes of this value, and where its block stood.
    fn chunk(blocks: &mut Blocks, value: u8, len: usize) -> (Bytes, *const u8) {
        let mut place = core::ptr::null();
        let Ok(chunk) = blocks.read(|space| {
            assert_eq!(space.len(), BLOCK);
            place = space.as_ptr();
            space[..len].fill(value);
            Ok::<_, Infallible>(len)
        });
        assert!(chunk.iter().all(|&byte| byte == value) && chunk.len() == len);
        (chunk, place)
    }

    /// If this were red, every chunk of a fast stream would cost an allocation.
    #[test]
    fn a_block_comes_back_when_its_chunk_is_gone() {
        let mut blocks = Blocks::default();
        let (first, place) = chunk(&mut blocks, 7, 5000);
        assert_eq!(first.as_ptr(), place);
        drop(first);
        assert_eq!(chunk(&mut blocks, 8, BLOCK).1, place);
    }

    /// If this were red, a chunk in a consumer's hand would be overwritten by a later read.
    #[test]
    fn a_block_whose_chunk_is_held_is_left_alone() {
        let mut blocks = Blocks::default();
        let (held, _) = chunk(&mut blocks, 1, BLOCK);
        for _ in 0..2 * KEPT {
            drop(chunk(&mut blocks, 2, BLOCK));
        }
        assert!(held.iter().all(|&byte| byte == 1));
    }

    /// If this were red, one retained line would keep a block alive.
    #[test]
    fn a_small_chunk_does_not_hold_a_block() {
        let mut blocks = Blocks::default();
        let (small, place) = chunk(&mut blocks, 3, 3);
        assert_ne!(small.as_ptr(), place);
        assert_eq!(chunk(&mut blocks, 4, BLOCK).1, place);
    }

    /// If this were red, a thousand executions that say a line would have a thousand blocks.
    #[test]
    fn the_quiet_executions_of_a_thread_have_one_block() {
        let (mut one, mut other) = (Blocks::default(), Blocks::default());
        let (_, place) = chunk(&mut one, 1, 3);
        assert_eq!(chunk(&mut other, 2, 3).1, place);
        let nothing = one.read(|space| {
            assert_eq!(space.as_ptr(), place);
            Err(())
        });
        assert_eq!(nothing, Err(()));
        assert_eq!(chunk(&mut other, 2, 3).1, place);
    }
}
