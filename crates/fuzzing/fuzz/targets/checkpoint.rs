//! A checkpoint of any bytes, and one whose seal is right whatever it holds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    strata_fuzzing::checkpoint(data);
});
