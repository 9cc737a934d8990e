//! The target `options`: see `lastbyte_fuzzed::options`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastbyte_fuzzed::options(data));
