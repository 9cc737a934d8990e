//! The ordering core between a driver, a consumer and waiters, each polled when he is woken: any
//! turns, by seed. The fuzzers make theirs by what they reach (`docs/fuzzing.md`).
#![expect(clippy::expect_used, reason = "a test that cannot go on must fail")]

#[path = "../../fuzzed/src/history.rs"]
mod history;
#[expect(unreachable_pub, reason = "the fuzzers have it in their library")]
#[path = "../../fuzzed/src/ordering.rs"]
mod ordering;
#[expect(dead_code, reason = "the tests of the machine use the rest")]
#[path = "../../../tests/machine/watched.rs"]
mod watched;
#[expect(dead_code, reason = "the tests of the machine use the rest")]
#[path = "../../../tests/machine/world.rs"]
mod world;

/// Numbers from a seed (splitmix64, Steele et al., OOPSLA 2014).
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// If this were red, somebody would sleep whose time has come, or be told another outcome than
/// the others.
#[test]
fn c04_whoever_is_due_is_woken_whatever_comes_in_between() {
    for seed in 0..4_000 {
        let mut state = seed;
        let len = 16 + next(&mut state) % 240;
        let mut bytes: Vec<u8> = (0..len).map(|_| next(&mut state) as u8).collect();
        // Half with the safe policy, which most tests of time and bounds are about.
        if seed % 2 == 0 {
            bytes.splice(0..9.min(bytes.len()), [0, 0, 4, 8, 0, 0, 6, 16, 3]);
        }
        ordering::ordering(&bytes);
    }
}
