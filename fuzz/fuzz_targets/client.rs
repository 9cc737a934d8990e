//! The target `client`: see `lastbyte_fuzzed::client`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastbyte_fuzzed::client(data));
