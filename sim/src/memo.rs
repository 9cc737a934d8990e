//! What is known to follow from what: for each thing, a short list of keys and values.
//!
//! The lists of all things share one vector. A list is mostly written in one go and asked for in
//! the order in which it was written, so that a cursor finds most of it without a search.

/// For each thing, by its number, what follows from which key.
#[derive(Clone, Debug)]
pub(crate) struct Memo<K, V> {
    first: Vec<u32>,
    links: Vec<Link<K, V>>,
}

#[derive(Clone, Copy, Debug)]
struct Link<K, V> {
    next: u32,
    key: K,
    value: V,
}

/// Where the next key of a list is expected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor(u32);

/// Where a missing key goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Missing(u32);

const NONE: u32 = u32::MAX;

impl<K: Copy + Eq, V: Copy> Memo<K, V> {
    pub(crate) fn new() -> Self {
        Memo { first: Vec::new(), links: Vec::new() }
    }

    /// One more thing, from which nothing is known to follow.
    pub(crate) fn push(&mut self) {
        self.first.push(NONE);
    }

    pub(crate) fn cursor(&self, thing: u32) -> Cursor {
        Cursor(self.first[thing as usize])
    }

    #[inline]
    pub(crate) fn get(&self, thing: u32, cursor: &mut Cursor, key: K) -> Result<V, Missing> {
        if let Some(link) = self.links.get(cursor.0 as usize)
            && link.key == key
        {
            cursor.0 = link.next;
            return Ok(link.value);
        }
        let (mut at, mut last) = (self.first[thing as usize], NONE);
        while let Some(link) = self.links.get(at as usize) {
            if link.key == key {
                cursor.0 = link.next;
                return Ok(link.value);
            }
            (last, at) = (at, link.next);
        }
        Err(Missing(last))
    }

    pub(crate) fn put(&mut self, thing: u32, Missing(last): Missing, key: K, value: V) {
        let new = u32::try_from(self.links.len()).unwrap_or(NONE);
        match self.links.get_mut(last as usize) {
            Some(link) => link.next = new,
            None => self.first[thing as usize] = new,
        }
        self.links.push(Link { next: NONE, key, value });
    }
}
