//! Builds the program `strata` and hands the process over to it.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context, bail};

use crate::cuda::Toolkit;
use crate::fault::Fault;
use crate::rows::{Lists, Lock};
use crate::workspace;

/// Builds, then becomes the program with `arguments` and `input`; returns only where processes cannot be replaced, or on an error.
pub(crate) fn start(
    root: &Path,
    toolkit: Option<&Toolkit>,
    arguments: impl IntoIterator<Item = OsString>,
    input: Stdio,
    held: Lock,
) -> anyhow::Result<ExitCode> {
    start_with(root, toolkit, &[], arguments, input, held)
}

/// As [`start`], the program built with further `features`.
pub(crate) fn start_with(
    root: &Path,
    toolkit: Option<&Toolkit>,
    features: &[&str],
    arguments: impl IntoIterator<Item = OsString>,
    input: Stdio,
    held: Lock,
) -> anyhow::Result<ExitCode> {
    let executable = build(root, toolkit, features)?;
    let mut program = Command::new(&executable);
    program.args(arguments).stdin(input);
    workspace::tell_commit(&mut program, root);
    if let Some(toolkit) = toolkit {
        toolkit.prepare_start(&mut program);
    }
    become_program(program, held).with_context(|| format!("cannot start {}", executable.display()))
}

/// Replaces this process, so that signals reach the program itself and its exit code is ours.
#[cfg(unix)]
fn become_program(mut program: Command, held: Lock) -> anyhow::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    let error = program.exec();
    drop(held);
    Err(error.into())
}

#[cfg(not(unix))]
fn become_program(mut program: Command, held: Lock) -> anyhow::Result<ExitCode> {
    let mut child = program.spawn()?;
    drop(held);
    let code = child.wait()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}

/// Becomes the benches' program with `arguments`, built with the networks of `lists`.
pub(crate) fn start_benches(
    root: &Path,
    lists: &Lists,
    arguments: impl IntoIterator<Item = OsString>,
    held: Lock,
) -> anyhow::Result<ExitCode> {
    let mut cargo = workspace::cargo();
    cargo.args(["bench", "--package", "strata-bench", "--bench", "figures", "--no-run"]);
    cargo.env("STRATA_ARCHITECTURES", &lists.own);
    let executable = executable_of(cargo, root, "figures", "")?;
    let mut program = Command::new(&executable);
    program.args(arguments);
    workspace::tell_commit(&mut program, root);
    become_program(program, held).with_context(|| format!("cannot start {}", executable.display()))
}

/// Builds the program, with CUDA where a toolkit is given and with further `features`, and gives its path.
pub(crate) fn build(root: &Path, toolkit: Option<&Toolkit>, features: &[&str]) -> anyhow::Result<PathBuf> {
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--package", "strata"]);
    match env::var("STRATA_PROFILE").as_deref() {
        Err(env::VarError::NotPresent) | Ok("release") => {
            cargo.arg("--release");
        }
        Ok("dev") => {}
        _ => {
            return Err(Fault::Mistake("STRATA_PROFILE: expected dev or release".to_owned()).into());
        }
    }
    for feature in features {
        cargo.args(["--features", feature]);
    }
    if let Some(toolkit) = toolkit {
        add_cuda(&mut cargo, root, toolkit);
    }
    let hint = if toolkit.is_some() { " with CUDA; --device cpu builds without" } else { "" };
    executable_of(cargo, root, "strata", hint)
}

/// Builds the program, with CUDA, for another machine, where no `cargo xtask` tells it the commit: it knows that itself.
pub(crate) fn build_to_take_along(root: &Path, toolkit: &Toolkit) -> anyhow::Result<PathBuf> {
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--release", "--package", "strata"]);
    workspace::tell_build(&mut cargo, root);
    add_cuda(&mut cargo, root, toolkit);
    executable_of(cargo, root, "strata", " with CUDA")
}

/// Builds with CUDA what cargo's `arguments` say, and gives the path of the executable of the target `name`.
pub(crate) fn build_with_cuda(
    root: &Path,
    toolkit: &Toolkit,
    arguments: &[&str],
    name: &str,
) -> anyhow::Result<PathBuf> {
    let mut cargo = workspace::cargo();
    cargo.args(arguments);
    add_cuda(&mut cargo, root, toolkit);
    executable_of(cargo, root, name, " with CUDA")
}

fn add_cuda(cargo: &mut Command, root: &Path, toolkit: &Toolkit) {
    // A folder of its own: the two builds would take turns at replacing each other's program.
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    cargo.args(["--features", "cuda", "--target-dir"]).arg(target.join("cuda"));
    toolkit.prepare_build(cargo);
}

/// Runs a build and gives the executable of the target `name`; `hint` goes to the error of a build that fails.
fn executable_of(cargo: Command, root: &Path, name: &str, hint: &str) -> anyhow::Result<PathBuf> {
    let built = executables_of(cargo, root, hint)?;
    let last = built.into_iter().rfind(|(target, _)| target == name);
    last.map(|(_, path)| path).with_context(|| format!("cargo named no executable {name}"))
}

/// Runs a build and gives what it names as executables, each with its target's name.
pub(crate) fn executables_of(mut cargo: Command, root: &Path, hint: &str) -> anyhow::Result<Vec<(String, PathBuf)>> {
    cargo.args(["--message-format", "json-render-diagnostics", "--manifest-path"]).arg(root.join("Cargo.toml"));
    let mut child = cargo.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let messages = child.stdout.take().context("cargo's output was not piped")?;
    let mut executables = Vec::new();
    for line in BufReader::new(messages).lines() {
        executables.extend(executable(&line.context("cannot read cargo's messages")?));
    }
    let status = child.wait().context("cannot wait for cargo")?;
    if interrupted(status) {
        return Err(Fault::Interrupted.into());
    }
    if !status.success() {
        bail!("the program did not build{hint} (cargo's messages are above)");
    }
    Ok(executables)
}

/// A target's name and its executable, where one of cargo's messages tells them.
fn executable(message: &str) -> Option<(String, PathBuf)> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let is_built = message["reason"] == "compiler-artifact";
    let executable = message["executable"].as_str().filter(|_| is_built)?;
    Some((message["target"]["name"].as_str()?.to_owned(), executable.into()))
}

#[cfg(unix)]
pub(crate) fn interrupted(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    // SIGINT and SIGTERM, which cargo passes to what it runs and dies of.
    matches!(status.signal(), Some(2 | 15)) || status.code() == Some(130)
}

#[cfg(not(unix))]
pub(crate) fn interrupted(status: ExitStatus) -> bool {
    status.code() == Some(130)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executable_is_found_in_cargo_messages() {
        let artifact = |name: &str, path: &str| {
            let target = format!(r#""target":{{"name":"{name}"}}"#);
            executable(&format!(r#"{{"reason":"compiler-artifact",{target},"executable":{path}}}"#))
        };
        let found = ("strata".to_owned(), PathBuf::from("target/release/strata"));
        assert_eq!(artifact("strata", "\"target/release/strata\""), Some(found));
        assert_eq!(artifact("strata", "null"), None);
        assert_eq!(executable("warning: not a message"), None);
    }
}
