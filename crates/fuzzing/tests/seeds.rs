//! Every committed seed goes through its target without a fault; the right ones are read, the wrong ones refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;

type Target = fn(&[u8]) -> bool;

/// Inputs from which the fuzzer shall start although their reader refuses them.
const REFUSED: &[&str] = &["cifar_files/cut", "pickle/call"];

const TARGETS: [(&str, Target); 8] = [
    ("archive", strata_fuzzing::archive),
    ("checkpoint", strata_fuzzing::checkpoint),
    ("cifar_files", strata_fuzzing::cifar_files),
    ("config", strata_fuzzing::config),
    ("history", strata_fuzzing::history),
    ("pickle", strata_fuzzing::pickle),
    ("record", strata_fuzzing::record),
    ("weights", strata_fuzzing::weights),
];

#[test]
fn valid_seeds_are_read_and_damaged_seeds_refused() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    for (name, target) in TARGETS {
        let seeds: Vec<_> =
            fs::read_dir(fuzz.join("seeds").join(name)).unwrap().map(|seed| seed.unwrap().path()).collect();
        assert!(!seeds.is_empty(), "{name}");
        for seed in seeds {
            let place = format!("{name}/{}", seed.file_name().unwrap().to_string_lossy());
            assert_eq!(target(&fs::read(&seed).unwrap()), !REFUSED.contains(&&*place), "{place}");
        }
    }
}

/// The fuzzer's own packages are not built here: that costs a minute. They are a call each.
#[test]
fn each_target_calls_its_function_and_has_its_seeds() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    for (name, _) in TARGETS {
        let call = format!("fuzz_target!(|data: &[u8]| {{\n    strata_fuzzing::{name}(data);\n}});");
        assert!(fs::read_to_string(fuzz.join(format!("targets/{name}.rs"))).unwrap().contains(&call), "{name}");
    }
    let names = |folder: &str| {
        let mut names: Vec<_> = fs::read_dir(fuzz.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names.iter().map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let all: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        (names("targets"), names("seeds")),
        (all.iter().map(ToString::to_string).collect(), all.iter().map(ToString::to_string).collect())
    );
}
