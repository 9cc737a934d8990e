//! Which number a thing has: an open table of numbers, beside the list of the things themselves.
//!
//! A slot holds a number and 32 bits of a hash, so that most slots of other things are passed over
//! without a look at the thing, and the table grows without hashing anything again.

/// Numbers by hash. What they number is kept by the caller, who compares.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    slots: Vec<Slot>,
    taken: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u32,
    /// [`VACANT`] when the slot is free.
    number: u32,
}

/// A slot as it was. One that was taken then holds the same number now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peeked(Slot);

impl Peeked {
    /// The number, if there is one for which `is` holds.
    #[inline]
    pub(crate) fn number(self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let Peeked(Slot { tag: found, number }) = self;
        (number != VACANT && found == tag(hash) && is(number)).then_some(number)
    }
}

fn tag(hash: u64) -> u32 {
    (hash ^ hash >> 32) as u32
}

const VACANT: u32 = u32::MAX;
const SLOTS_AT_FIRST: usize = 1 << 12;

impl Index {
    pub(crate) fn new() -> Self {
        Index { slots: vec![Slot { tag: 0, number: VACANT }; SLOTS_AT_FIRST], taken: 0 }
    }

    /// What stands where the thing with this hash is looked for first. To ask for several, one
    /// after the other, before they are looked up keeps the waits for memory from adding up.
    #[inline]
    pub(crate) fn peek(&self, hash: u64) -> Peeked {
        Peeked(self.slots[tag(hash) as usize & (self.slots.len() - 1)])
    }

    /// The number of the thing with this hash for which `is` holds; if there is none, `new`, which
    /// is from now on its number.
    #[inline]
    pub(crate) fn number(&mut self, hash: u64, new: u32, is: impl Fn(u32) -> bool) -> u32 {
        let tag = tag(hash);
        let mask = self.slots.len() - 1;
        let mut at = tag as usize & mask;
        loop {
            let slot = self.slots[at & mask];
            if slot.number == VACANT {
                self.slots[at & mask] = Slot { tag, number: new };
                self.taken += 1;
                if self.taken * 2 > self.slots.len() {
                    self.grow();
                }
                return new;
            }
            if slot.tag == tag && is(slot.number) {
                return slot.number;
            }
            at += 1;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        let before =
            std::mem::replace(&mut self.slots, vec![Slot { tag: 0, number: VACANT }; mask + 1]);
        for slot in before.into_iter().filter(|slot| slot.number != VACANT) {
            let mut at = slot.tag as usize & mask;
            while self.slots[at].number != VACANT {
                at = (at + 1) & mask;
            }
            self.slots[at] = slot;
        }
    }
}
