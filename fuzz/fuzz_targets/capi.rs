//! The target `capi`: see `lastbyte_fuzzed::capi`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastbyte_fuzzed::capi(data));
