//! The vocabulary of the vectors: each value as a string of words.
//!
//! A word is the name that the code has, in snake case; what belongs to it follows, each part after
//! one space. `docs/conformance.md` has the list. [`told`] writes it and [`read`] reads it.

pub mod policy;
pub mod read;
pub mod told;

use lastbyte::machine::Chunk;

/// The bytes of one read, told as text: each character is one byte, U+0000 to U+00FF.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Text(pub Vec<u8>);

impl Chunk for Text {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn split_off(&mut self, at: u64) -> Self {
        let at = usize::try_from(at).unwrap_or(self.0.len()).min(self.0.len());
        Text(self.0.split_off(at))
    }
}

impl Text {
    /// The bytes as characters.
    pub fn told(&self) -> String {
        self.0.iter().copied().map(char::from).collect()
    }

    /// The bytes of these characters; `None` where one is above U+00FF.
    pub fn read(text: &str) -> Option<Self> {
        text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<_>>().map(Text)
    }
}
