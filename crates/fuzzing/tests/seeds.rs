//! Every committed seed goes through its target without a fault, and there are some for each.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;

type Target = fn(&[u8]);

#[test]
fn the_seeds_pass() {
    let targets: [(&str, Target); 7] = [
        ("archive", strata_fuzzing::archive),
        ("checkpoint", strata_fuzzing::checkpoint),
        ("cifar_files", strata_fuzzing::cifar_files),
        ("config", strata_fuzzing::config),
        ("history", strata_fuzzing::history),
        ("record", strata_fuzzing::record),
        ("weights", strata_fuzzing::weights),
    ];
    for (name, target) in targets {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        // The fuzzer's own packages are not built here: that costs a minute. They are a line each.
        let call = format!("fuzz_target!(|data: &[u8]| strata_fuzzing::{name}(data));");
        assert!(fs::read_to_string(fuzz.join(format!("targets/{name}.rs"))).unwrap().contains(&call), "{name}");
        let folder = fuzz.join("seeds").join(name);
        let seeds: Vec<_> = fs::read_dir(&folder).unwrap().map(|seed| seed.unwrap().path()).collect();
        assert!(!seeds.is_empty(), "{name}");
        seeds.iter().for_each(|seed| target(&fs::read(seed).unwrap()));
    }
}
