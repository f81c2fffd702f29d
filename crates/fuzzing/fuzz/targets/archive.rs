//! A `.tar.gz` release of any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    strata_fuzzing::archive(data);
});
