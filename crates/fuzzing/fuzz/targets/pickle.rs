//! A folder of torchvision's pickles of CIFAR-10.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    strata_fuzzing::pickle(data);
});
