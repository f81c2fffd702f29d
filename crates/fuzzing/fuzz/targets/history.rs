//! `history.jsonl` and `timing.jsonl` of any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    strata_fuzzing::history(data);
});
