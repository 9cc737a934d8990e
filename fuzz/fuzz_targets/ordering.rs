//! The target `ordering`: see `lastbyte_fuzzed::ordering`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastbyte_fuzzed::ordering(data));
