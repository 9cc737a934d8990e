//! What streams carry in the simulation: chunks of one byte that tell themselves apart.

use lastbyte::machine::Chunk;

/// A chunk of one byte: the n-th of its stream. Descendants' bytes follow the root's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Byte(pub u8);

impl Chunk for Byte {
    fn len(&self) -> u64 {
        1
    }

    fn split_off(&mut self, at: u64) -> Self {
        unreachable!("one byte has no place {at} inside it")
    }
}
