//! The target `wire`: see `lastbyte_fuzzed::wire`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastbyte_fuzzed::wire(data));
