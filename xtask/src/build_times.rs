//! `cargo xtask bench build`: what a fresh clone waits for its first trained network, and what a new list of widths costs.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::fault::Fault;
use crate::program::interrupted;
use crate::workspace;

/// Clones this tree's commit into a temporary folder and times the quick start there: first with nothing built, then with
/// widths that no list has, then again.
pub(crate) fn run(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    if let Some(argument) = arguments.first() {
        let known = "`bench build` takes no options";
        return Err(Fault::Mistake(format!("{}: {known}", argument.to_string_lossy())).into());
    }
    let root = workspace::root();
    // Beside the tree's own build: on the same disk, ignored by git.
    let folder = root.join("target/bench-build");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let begin = Instant::now();
    let mut git = Command::new("git");
    git.args(["clone", "--quiet", "--no-hardlinks"]).arg(&root).arg(&folder);
    succeed(git)?;
    let cloned = begin.elapsed().as_secs_f64();
    let columns = ["what", "command", "s"];
    println!("| {} |\n|{}", columns.join(" | "), " --- |".repeat(columns.len()));
    let first = quick_start(&folder, &[])?;
    let quick = "cargo xtask experiment configs/quickstart.toml";
    println!("| clone to the end of the first run | `git clone …; {quick}` | {:.1} |", cloned + first);
    let once = quick_start(&folder, &[])?;
    println!("| the same again, nothing built | `{quick}` | {once:.1} |");
    let new = "model.hidden=[301, 203, 97]";
    let row = quick_start(&folder, &["--set", new])?;
    println!("| a new network, training included | `{quick} --set '{new}'` | {row:.1} |");
    let widths = "model.hidden=[302, 204, 98]";
    let another = quick_start(&folder, &["--set", widths])?;
    println!("| another | `{quick} --set '{widths}'` | {another:.1} |");
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Seconds of the quick start in the clone.
fn quick_start(folder: &Path, options: &[&str]) -> anyhow::Result<f64> {
    // The clone builds into its own folder, as a stranger's would.
    let mut cargo = workspace::cargo();
    cargo.env_remove("CARGO_TARGET_DIR").env_remove("STRATA_ARCHITECTURES").env_remove("STRATA_PROFILE");
    cargo.args(["xtask", "experiment", "configs/quickstart.toml"]).args(options).current_dir(folder);
    let begin = Instant::now();
    succeed(cargo)?;
    Ok(begin.elapsed().as_secs_f64())
}

/// Runs a command, silently but for its errors.
fn succeed(mut command: Command) -> anyhow::Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {command:?}"))?;
    if interrupted(output.status) {
        return Err(Fault::Interrupted.into());
    }
    if !output.status.success() {
        bail!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
