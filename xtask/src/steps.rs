//! `cargo xtask test`: every check, cheapest first, up to the first that fails.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::fault::Fault;
use crate::program::interrupted;
use crate::tidy;
use crate::workspace;

/// One check: a cargo command, or the house rules of this program.
struct Step {
    name: &'static str,
    environment: Option<(&'static str, &'static str)>,
    /// Cargo's arguments.
    arguments: Vec<OsString>,
}

impl Step {
    fn cargo(name: &'static str, arguments: &str) -> Self {
        Self { name, environment: None, arguments: arguments.split(' ').map(OsString::from).collect() }
    }

    /// The line that repeats this step alone.
    fn command(&self) -> String {
        let arguments: Vec<_> = self.arguments.iter().map(|argument| argument.to_string_lossy()).collect();
        let environment = self.environment.map_or_else(String::new, |(name, value)| format!("{name}='{value}' "));
        format!("{environment}cargo {}", arguments.join(" "))
    }

    fn passes(&self, root: &Path) -> anyhow::Result<bool> {
        if self.name == TIDY {
            return Ok(tidy::passes(root));
        }
        let mut command: Command = workspace::cargo();
        command.args(&self.arguments).current_dir(root).envs(self.environment);
        let status = command.status().context("cannot start cargo")?;
        if interrupted(status) {
            return Err(Fault::Interrupted.into());
        }
        Ok(status.success())
    }
}

const TIDY: &str = "house rules";

/// The steps in order; `extra` goes to the tests' programs.
fn steps(extra: &[OsString]) -> Vec<Step> {
    let mut documents = Step::cargo("documents", "doc --workspace --no-deps");
    documents.environment = Some(("RUSTDOCFLAGS", "-D warnings"));
    let mut steps = vec![
        Step::cargo("format", "fmt --all --check"),
        Step::cargo(TIDY, "xtask tidy"),
        Step::cargo("clippy", "clippy --workspace --all-targets -- -D warnings"),
        documents,
        Step::cargo("tests", "test --workspace --exclude strata-tests"),
        Step::cargo("CUDA type-check", "check --package strata --features cuda,ci-check"),
        // The commands driven from outside take the longest: after everything else.
        Step::cargo("commands from outside", "test --package strata-tests"),
    ];
    if !extra.is_empty() {
        for step in steps.iter_mut().filter(|step| step.arguments[0] == "test") {
            step.arguments.push("--".into());
            step.arguments.extend(extra.iter().cloned());
        }
    }
    steps
}

/// Runs the steps; the first that fails ends it with the command to repeat that step.
pub(crate) fn run(extra: &[OsString]) -> anyhow::Result<ExitCode> {
    let root = workspace::root();
    let begin = Instant::now();
    let steps = steps(extra);
    for (index, step) in steps.iter().enumerate() {
        eprintln!("[{}/{}] {}: {}", index + 1, steps.len(), step.name, step.command());
        let begin = Instant::now();
        let passed = step.passes(&root)?;
        let seconds = begin.elapsed().as_secs_f64();
        if !passed {
            bail!("{} failed after {seconds:.1} s; repeat it with: {}", step.name, step.command());
        }
        eprintln!("[{}/{}] {}: passed in {seconds:.1} s", index + 1, steps.len(), step.name);
    }
    eprintln!("all {} checks passed in {:.0} s", steps.len(), begin.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_arguments_reach_the_tests_alone() {
        let commands: Vec<_> = steps(&["--nocapture".into()]).iter().map(Step::command).collect();
        assert_eq!(
            commands,
            [
                "cargo fmt --all --check",
                "cargo xtask tidy",
                "cargo clippy --workspace --all-targets -- -D warnings",
                "RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps",
                "cargo test --workspace --exclude strata-tests -- --nocapture",
                "cargo check --package strata --features cuda,ci-check",
                "cargo test --package strata-tests -- --nocapture",
            ]
        );
        assert!(steps(&[]).iter().all(|step| !step.command().contains(" -- --nocapture")));
    }
}
