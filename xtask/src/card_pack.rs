//! `cargo xtask card-pack`: the CUDA build, its tests and the script that tries them, as one archive for a machine that has a card and neither
//! Rust nor a network.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use strata_config::Config;

use crate::cuda::Toolkit;
use crate::fault::Fault;
use crate::program;
use crate::rows::{Lists, Lock};
use crate::workspace;

/// What the archive may weigh, in bytes: it travels to machines that take little.
const LIMIT: u64 = 60_000_000;
/// The folder of the scripts, and those of them that run there.
const SCRIPTS: &str = "crates/bench/card";
const CARRIED: [&str; 3] = ["prove.py", "proof.py", "torch_steps.py"];
/// The configs that the script trains.
const CONFIGS: [&str; 2] = ["a", "quickstart"];
/// The package and the name of each program of tests that runs on a card.
const TESTS: [(&str, &str); 1] = [("strata-trainer", "card")];

/// Builds everything, and writes it to the archive `to`; with the networks of the configs `further`, which travel along, to be trained there.
pub(crate) fn run(to: &Path, further: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let root = workspace::root();
    let Some(toolkit) = Toolkit::find() else {
        let message = "card-pack needs a CUDA toolkit (nvcc on PATH, CUDA_PATH, CUDA_HOME, /usr/local/cuda) to build with; no card".to_owned();
        return Err(Fault::Mistake(message).into());
    };
    let lock = Lock::take(&root)?;
    let lists = Lists::of_program(&root);
    let own = CONFIGS.map(|config| root.join(format!("configs/{config}.toml")));
    let configs: Vec<&PathBuf> = own.iter().chain(further).collect();
    for (number, path) in configs.iter().enumerate() {
        if configs[..number].iter().any(|other| other.file_name() == path.file_name()) {
            let message = format!("{}: another config of the pack has this file's name", path.display());
            return Err(Fault::Mistake(message).into());
        }
        let config = Config::read(path, &[]).map_err(Fault::Config)?;
        lists.ensure(std::slice::from_ref(config.network()), &lock)?;
    }
    let pack = tempfile::tempdir().context("cannot make a folder for the pack")?;
    let tools = tempfile::tempdir().context("cannot make a folder for the build's tools")?;
    let toolkit = toolkit.for_any_card(tools.path()).context("cannot write what stands for nvidia-smi")?;
    let folder = pack.path().join("strata-card");
    for below in ["configs", "tests"] {
        fs::create_dir_all(folder.join(below)).context("cannot make a folder for the pack")?;
    }
    copy(&program::build_to_take_along(&root, &toolkit)?, &folder.join("strata"), true)?;
    for (package, name) in TESTS {
        let arguments = ["test", "--no-run", "--release", "--package", package, "--test", name];
        let test = program::build_with_cuda(&root, &toolkit, &arguments, name)?;
        copy(&test, &folder.join("tests").join(name), true)?;
    }
    for config in configs {
        let name = config.file_name().context("a config's path ends with its file's name")?;
        copy(config, &folder.join("configs").join(name), false)?;
    }
    for script in CARRIED {
        copy(&root.join(SCRIPTS).join(script), &folder.join(script), false)?;
    }
    count_calls(&root.join(SCRIPTS).join("calls.c"), &folder.join("calls.so"))?;
    let commit = workspace::commit_line(&root);
    fs::write(folder.join("COMMIT"), format!("{commit}\n")).context("cannot write the pack's COMMIT")?;
    archive(pack.path(), to, LIMIT)
}

fn copy(from: &Path, to: &Path, is_program: bool) -> anyhow::Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    if is_program {
        // Symbols are half of a program, and nobody debugs it there; where there is no `strip`, they travel.
        let _ = Command::new("strip").arg(to).status();
    }
    Ok(())
}

/// Compiles what counts the program's calls of the driver.
fn count_calls(source: &Path, library: &Path) -> anyhow::Result<()> {
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-shared", "-fPIC", "-o"]).arg(library).arg(source).arg("-ldl");
    run_to_its_end(cc, "cc")
}

/// Writes the folder `strata-card` in `parent` to the archive `to` of at most `limit` bytes, whole or not at all.
fn archive(parent: &Path, to: &Path, limit: u64) -> anyhow::Result<ExitCode> {
    let whole = parent.join("pack.tar.gz");
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(parent).arg("-czf").arg(&whole).arg("strata-card");
    run_to_its_end(tar, "tar")?;
    let bytes = fs::metadata(&whole).context("cannot read the archive's size")?.len();
    if bytes > limit {
        bail!("the archive would have {bytes} bytes, of {limit} that it may have");
    }
    let content = fs::read(&whole).context("cannot read the archive")?;
    strata_files::write_atomically(to, |file| std::io::Write::write_all(file, &content))
        .with_context(|| format!("cannot write {}", to.display()))?;
    println!("{}: {:.1} MB. Where the card is:", to.display(), bytes as f64 / 1e6);
    let name = to.file_name().map_or_else(|| to.to_owned(), PathBuf::from);
    println!("    tar -xzf {} && python3 strata-card/prove.py --out results", name.display());
    Ok(ExitCode::SUCCESS)
}

fn run_to_its_end(mut command: Command, name: &str) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot start {name}"))?;
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_packed_is_in_the_tree() {
        let root = workspace::root();
        for file in CARRIED.map(|script| root.join(SCRIPTS).join(script)) {
            assert!(file.is_file(), "{}", file.display());
        }
        assert!(root.join(SCRIPTS).join("calls.c").is_file());
        for config in CONFIGS {
            Config::read(&root.join(format!("configs/{config}.toml")), &[]).unwrap();
        }
    }

    #[test]
    fn an_archive_that_is_too_large_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let packed = folder.path().join("strata-card");
        fs::create_dir(&packed).unwrap();
        fs::write(packed.join("a"), "a").unwrap();
        let to = folder.path().join("to.tar.gz");
        let error = archive(folder.path(), &to, 10).unwrap_err();
        assert!(error.to_string().contains("of 10 that it may have") && !to.exists(), "{error}");
        archive(folder.path(), &to, LIMIT).unwrap();
        let listed = Command::new("tar").arg("-tzf").arg(&to).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&listed.stdout), "strata-card/\nstrata-card/a\n");
    }
}
