//! A folder of CIFAR-10's data files, of any lengths and labels.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    strata_fuzzing::cifar_files(data);
});
