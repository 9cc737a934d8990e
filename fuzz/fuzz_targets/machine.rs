//! The target `machine`: see `lastbyte_fuzzed::machine`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastbyte_fuzzed::machine(data));
