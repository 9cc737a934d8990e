//! Fingerprints: unlike values, unlike numbers, however long the value and wide its parts.

use std::{collections::BTreeSet, hash::Hash};

use lastbyte_sim::fingerprint::Fingerprint;

fn fingerprint(value: &impl Hash) -> u128 {
    let mut hasher = Fingerprint::new();
    value.hash(&mut hasher);
    hasher.both()
}

/// If this were red, long states could be taken for one where the gathered bytes are mixed.
#[test]
fn a_change_anywhere_changes_the_fingerprint() {
    for len in [1, 7, 8, 9, 254, 255, 256, 257, 300, 511, 512, 513, 1000] {
        let plain = vec![0u64; len];
        let mut seen = BTreeSet::from([fingerprint(&plain)]);
        let mut expected = 1;
        for place in 0..len {
            for value in [1, 254, 255, 256, u64::MAX] {
                let mut changed = plain.clone();
                changed[place] = value;
                seen.insert(fingerprint(&changed));
                expected += 1;
            }
        }
        assert_eq!(seen.len(), expected, "{len} values");
    }
}

/// If this were red, a state could be taken for the beginning of a longer one.
#[test]
fn zeros_at_the_end_count() {
    let all: BTreeSet<u128> = (0..1000).map(|len| fingerprint(&vec![0u8; len])).collect();
    assert_eq!(all.len(), 1000);
}
