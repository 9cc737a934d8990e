//! The target `tasks`: see `lastbyte_fuzzed::tasks`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastbyte_fuzzed::tasks(data));
