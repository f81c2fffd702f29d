//! A config of any text under any `--set`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    strata_fuzzing::config(data);
});
