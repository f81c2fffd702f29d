//! `cargo xtask bench`: step, evaluation, loader, epoch, save and load, timed by divan.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

use crate::fault::Fault;
use crate::program::interrupted;
use crate::workspace;

/// What cargo runs; `step` beside them is a program of its own, driven by `bench/compare.py`.
const BENCHES: [&str; 9] = [
    "bench",
    "--package",
    "strata-trainer",
    "--bench",
    "training",
    "--package",
    "strata-experiment",
    "--bench",
    "epoch",
];

/// Runs the benches; `arguments` are divan's: filters by name, `--sample-count`, `--list`.
pub(crate) fn run(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let status = command(&workspace::root(), arguments).status().context("cannot start cargo")?;
    if interrupted(status) {
        return Err(Fault::Interrupted.into());
    }
    if !status.success() {
        bail!("the benches failed (cargo's messages are above)");
    }
    Ok(ExitCode::SUCCESS)
}

fn command(root: &Path, arguments: &[OsString]) -> Command {
    let mut command = workspace::cargo();
    command.args(BENCHES).arg("--").args(arguments).current_dir(root);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bench_is_there_and_arguments_reach_them() {
        let root = workspace::root();
        let command = command(&root, &["loader".into()]);
        assert_eq!(command.get_args().last(), Some("loader".as_ref()));
        for pair in BENCHES[1..].chunks(4) {
            let [_, package, _, bench] = pair else { panic!("a package and its bench: {pair:?}") };
            let folder = root.join("crates").join(package.trim_start_matches("strata-"));
            assert!(folder.join("benches").join(bench).with_extension("rs").is_file(), "{package} {bench}");
        }
    }
}
