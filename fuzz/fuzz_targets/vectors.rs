//! The target `vectors`: see `lastbyte_fuzzed::vectors`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastbyte_fuzzed::vectors(data));
