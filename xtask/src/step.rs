//! A check of `cargo xtask test`: its cargo commands, and what they need.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::cuda::Toolkit;
use crate::fault::Fault;
use crate::program::{executables_of, interrupted};
use crate::tidy;
use crate::workspace;

/// The name of the one check that is no cargo command.
pub(crate) const TIDY: &str = "house rules";

/// One check: cargo commands, or the house rules of this program.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) environment: Option<(&'static str, &'static str)>,
    /// Cargo's arguments, for each command.
    pub(crate) commands: Vec<Vec<OsString>>,
    /// Targets that the commands build, to be run after them.
    pub(crate) programs: Vec<String>,
    /// Its tests are chosen by a filter: that none is chosen is a failure too.
    pub(crate) is_filtered: bool,
    /// Runs with the CUDA toolkit's programs and libraries.
    pub(crate) toolkit: Option<Toolkit>,
    /// What this machine lacks for it.
    pub(crate) lacks: Option<Lack>,
}

/// Why a step is left out, said where all that passed is.
pub(crate) struct Lack {
    pub(crate) what: &'static str,
    /// A machine that tests for others must have it.
    pub(crate) fails_in_ci: bool,
}

impl Step {
    pub(crate) fn cargo(name: &'static str, arguments: &str) -> Self {
        Self::all(name, [arguments.to_owned()])
    }

    pub(crate) fn all(name: &'static str, commands: impl IntoIterator<Item = String>) -> Self {
        let commands = commands.into_iter().map(|command| command.split(' ').map(OsString::from).collect()).collect();
        Self { name, environment: None, commands, programs: Vec::new(), is_filtered: false, toolkit: None, lacks: None }
    }

    /// Runs `programs`, each a target that cargo builds with `arguments`.
    pub(crate) fn programs(name: &'static str, arguments: &str, programs: impl Iterator<Item = String>) -> Self {
        Self { programs: programs.collect(), ..Self::cargo(name, arguments) }
    }

    pub(crate) fn environment(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment = Some((name, value));
        self
    }

    pub(crate) fn filtered(name: &'static str, arguments: &str) -> Self {
        Self { is_filtered: true, ..Self::cargo(name, arguments) }
    }

    pub(crate) fn needs(mut self, is_there: bool, what: &'static str, fails_in_ci: bool) -> Self {
        self.lacks = (!is_there).then_some(Lack { what, fails_in_ci });
        self
    }

    /// The line that repeats one command of this step.
    pub(crate) fn line(&self, arguments: &[OsString]) -> String {
        let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
        let environment = self.environment.map_or_else(String::new, |(name, value)| format!("{name}='{value}' "));
        format!("{environment}cargo {}", arguments.join(" "))
    }

    /// The first command that fails, as the line that repeats it.
    pub(crate) fn first_failure(&self, root: &Path) -> anyhow::Result<Option<String>> {
        for arguments in &self.commands {
            let passes = if self.name == TIDY {
                tidy::passes(root)
            } else {
                let mut command: Command = workspace::cargo();
                command.args(arguments).current_dir(root).envs(self.environment);
                without_leniency(&mut command);
                if let Some(toolkit) = &self.toolkit {
                    toolkit.prepare_build(&mut command);
                    toolkit.prepare_start(&mut command);
                }
                if !self.programs.is_empty() {
                    if let Some(failed) = self.failing_program(command, root)? {
                        return Ok(Some(failed));
                    }
                    true
                } else if self.is_filtered {
                    some_test_passes(command)?
                } else {
                    succeeds(&mut command)?
                }
            };
            if !passes {
                return Ok(Some(self.line(arguments)));
            }
        }
        Ok(None)
    }

    /// Builds by `command` and runs the programs; the first that fails, as a line that repeats it.
    fn failing_program(&self, command: Command, root: &Path) -> anyhow::Result<Option<String>> {
        let built = executables_of(command, root, "")?;
        for name in &self.programs {
            let (_, program) =
                built.iter().find(|(target, _)| target == name).with_context(|| format!("cargo built no {name}"))?;
            if !succeeds(Command::new(program).current_dir(root))? {
                return Ok(Some(program.display().to_string()));
            }
        }
        Ok(None)
    }
}

fn succeeds(command: &mut Command) -> anyhow::Result<bool> {
    let status = command.status().with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if interrupted(status) {
        return Err(Fault::Interrupted.into());
    }
    Ok(status.success())
}

/// Whether the tests succeed and there are any.
fn some_test_passes(mut command: Command) -> anyhow::Result<bool> {
    let output = command.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    if interrupted(output.status) {
        return Err(Fault::Interrupted.into());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    eprint!("{text}");
    let passed = passed_tests(&text);
    if output.status.success() && passed == 0 {
        eprintln!("error: the filter chose no test");
    }
    Ok(output.status.success() && passed > 0)
}

/// How many tests passed, by the summaries of the tests' programs.
fn passed_tests(text: &str) -> usize {
    let counts = text
        .lines()
        .filter_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse::<usize>().ok());
    counts.sum()
}

/// Takes away what in a user's environment would let a test pass that should fail, or try fewer cases.
fn without_leniency(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("INSTA_") || text.starts_with("PROPTEST_") {
            command.env_remove(&name);
        }
    }
    // A snapshot that differs fails, and leaves no proposal in the tree.
    command.env("INSTA_UPDATE", "no");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passed_tests_are_counted_from_summaries() {
        let summary =
            |passed| format!("running {passed} tests\n\ntest result: ok. {passed} passed; 0 failed; 9 ignored\n");
        assert_eq!(passed_tests(&(summary(0) + &summary(3) + &summary(1))), 4);
        assert_eq!(passed_tests(&summary(0)), 0);
    }
}
