//! Things that stay where they were put: a list that grows without moving what it holds.

/// A list in blocks of the same length.
#[derive(Clone, Debug)]
pub(crate) struct Arena<T> {
    blocks: Vec<Vec<T>>,
}

const BLOCK: usize = 1 << 8;

impl<T> Arena<T> {
    pub(crate) fn new() -> Self {
        Arena { blocks: Vec::new() }
    }

    pub(crate) fn get(&self, number: u32) -> &T {
        let number = number as usize;
        &self.blocks[number / BLOCK][number % BLOCK]
    }

    pub(crate) fn push(&mut self, thing: T) {
        match self.blocks.last_mut() {
            Some(block) if block.len() < BLOCK => block.push(thing),
            Some(_) | None => {
                let mut block = Vec::with_capacity(BLOCK);
                block.push(thing);
                self.blocks.push(block);
            }
        }
    }
}
