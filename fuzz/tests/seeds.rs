//! Every committed seed goes through its target without a fault, and there are some for each.

use std::fs;
use std::path::Path;

#[test]
fn the_seeds_pass() {
    let targets: [(&str, fn(&[u8])); 7] = [
        ("archive", strata_fuzz::archive),
        ("checkpoint", strata_fuzz::checkpoint),
        ("cifar_files", strata_fuzz::cifar_files),
        ("config", strata_fuzz::config),
        ("history", strata_fuzz::history),
        ("record", strata_fuzz::record),
        ("weights", strata_fuzz::weights),
    ];
    for (name, target) in targets {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
        let seeds: Vec<_> = fs::read_dir(&folder).unwrap().map(|seed| seed.unwrap().path()).collect();
        assert!(!seeds.is_empty(), "{name}");
        seeds.iter().for_each(|seed| target(&fs::read(seed).unwrap()));
    }
}
