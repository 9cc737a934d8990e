//! The target `trace`: see `lastbyte_fuzzed::trace`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastbyte_fuzzed::trace(data));
