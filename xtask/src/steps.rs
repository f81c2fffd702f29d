//! `cargo xtask test`: every check, cheapest first, up to the first that fails.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::cuda::{self, Toolkit};
use crate::fault::Fault;
use crate::members::{self, Member};
use crate::program::interrupted;
use crate::tidy;
use crate::tools;
use crate::workspace;

/// One check: cargo commands, or the house rules of this program.
struct Step {
    name: &'static str,
    environment: Option<(&'static str, &'static str)>,
    /// Cargo's arguments, for each command.
    commands: Vec<Vec<OsString>>,
    /// Its tests are chosen by a filter: that none is chosen is a failure too.
    is_filtered: bool,
    /// Runs with the CUDA toolkit's programs and libraries.
    toolkit: Option<Toolkit>,
    /// What this machine lacks for it.
    lacks: Option<Lack>,
}

/// Why a step is left out, said where all that passed is.
struct Lack {
    what: &'static str,
    /// A machine that tests for others must have it.
    fails_in_ci: bool,
}

impl Step {
    fn cargo(name: &'static str, arguments: &str) -> Self {
        Self::all(name, [arguments.to_owned()])
    }

    fn all(name: &'static str, commands: impl IntoIterator<Item = String>) -> Self {
        let commands = commands.into_iter().map(|command| command.split(' ').map(OsString::from).collect()).collect();
        Self { name, environment: None, commands, is_filtered: false, toolkit: None, lacks: None }
    }

    fn environment(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment = Some((name, value));
        self
    }

    fn filtered(name: &'static str, arguments: &str) -> Self {
        Self { is_filtered: true, ..Self::cargo(name, arguments) }
    }

    fn needs(mut self, is_there: bool, what: &'static str, fails_in_ci: bool) -> Self {
        self.lacks = (!is_there).then_some(Lack { what, fails_in_ci });
        self
    }

    /// The line that repeats one command of this step.
    fn line(&self, arguments: &[OsString]) -> String {
        let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
        let environment = self.environment.map_or_else(String::new, |(name, value)| format!("{name}='{value}' "));
        format!("{environment}cargo {}", arguments.join(" "))
    }

    /// The first command that fails, as the line that repeats it.
    fn first_failure(&self, root: &Path) -> anyhow::Result<Option<String>> {
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
                if self.is_filtered { some_test_passes(command)? } else { succeeds(command)? }
            };
            if !passes {
                return Ok(Some(self.line(arguments)));
            }
        }
        Ok(None)
    }
}

fn succeeds(mut command: Command) -> anyhow::Result<bool> {
    let status = command.status().context("cannot start cargo")?;
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

const TIDY: &str = "house rules";

/// The steps in order; `extra` goes to the tests' programs.
fn steps(members: &[Member], extra: &[OsString]) -> Vec<Step> {
    let toolkit = Toolkit::find();
    let with_cuda = members.iter().filter(|member| member.has_cuda);
    let gpu_packages: String = with_cuda.map(|member| format!("--package {} ", member.name)).collect();
    let alone = members.iter().filter(|member| member.is_library);
    let mut steps = vec![
        Step::cargo("format", "fmt --all --check"),
        Step::cargo(TIDY, "xtask tidy"),
        Step::cargo("clippy", "clippy --workspace --all-targets -- -D warnings"),
        // Tests too: without the feature none of their text is so much as parsed.
        Step::cargo(
            "clippy of the CUDA build",
            &format!("clippy {gpu_packages}--all-targets --features cuda,ci-check -- -D warnings"),
        ),
        // What the whole workspace switches on, a crate that is used alone has not.
        Step::all(
            "each library with its own features",
            alone.map(|member| format!("check --quiet --package {}", member.name)),
        ),
        Step::cargo("documents", "doc --workspace --no-deps").environment("RUSTDOCFLAGS", "-D warnings"),
        Step::cargo("tests", "test --workspace --exclude strata-tests"),
        Step::filtered("the GPU's kernels on the host", "test --package strata-model --lib -- --ignored --skip nvrtc")
            .needs(tools::cxx(), "no C++ compiler (CXX, c++, g++, clang++)", true),
        Step::filtered("the GPU's kernels by NVRTC", "test --package strata-model --lib -- --ignored nvrtc").needs(
            tools::cxx() && toolkit.as_ref().is_some_and(Toolkit::has_nvrtc),
            "no CUDA toolkit with NVRTC (nvcc on PATH, CUDA_PATH, CUDA_HOME, /usr/local/cuda)",
            false,
        ),
        on_gpu(toolkit),
        // The commands driven from outside take the longest: after everything else.
        Step::cargo("commands from outside", "test --package strata-tests"),
    ];
    for command in steps.iter_mut().flat_map(|step| &mut step.commands).filter(|command| command[0] == "test") {
        if !extra.is_empty() && !command.contains(&"--".into()) {
            command.push("--".into());
            command.extend(extra.iter().cloned());
        }
    }
    steps
}

/// Training on a GPU against training on the CPU; in the folder of the CUDA build, which the program shares.
fn on_gpu(toolkit: Option<Toolkit>) -> Step {
    let arguments = "test --package strata-trainer --features cuda --test card --target-dir target/cuda -- --ignored";
    let is_possible = toolkit.is_some() && cuda::has_gpu();
    let mut step = Step::filtered("training on the GPU", arguments);
    step.toolkit = toolkit;
    step.needs(is_possible, "no CUDA toolkit or no GPU", false)
}

/// The tests of `packages`, or of every crate, each by a command of its own and so with its own features alone.
fn steps_alone(members: &[Member], packages: &[String]) -> anyhow::Result<Vec<Step>> {
    if let Some(unknown) = packages.iter().find(|package| members.iter().all(|member| member.name != **package)) {
        let known: Vec<_> = members.iter().map(|member| member.name.as_str()).collect();
        return Err(Fault::Mistake(format!("--alone {unknown}: no such crate; there are {}", known.join(", "))).into());
    }
    let chosen = members.iter().filter(|member| packages.is_empty() || packages.contains(&member.name));
    Ok(vec![Step::all(
        "each crate's tests alone",
        chosen.map(|member| format!("test --quiet --package {}", member.name)),
    )])
}

/// Runs the steps; the first that fails ends it with the command to repeat that step.
pub(crate) fn run(alone: Option<&[String]>, extra: &[OsString]) -> anyhow::Result<ExitCode> {
    let root = workspace::root();
    let begin = Instant::now();
    let members = members::read(&root)?;
    let steps = match alone {
        Some(packages) => steps_alone(&members, packages)?,
        None => steps(&members, extra),
    };
    let is_ci = env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    let missing = steps.iter().find_map(|step| step.lacks.as_ref().filter(|lack| is_ci && lack.fails_in_ci));
    if let Some(lack) = missing {
        bail!("{}; where CI is set, nothing that it could have is left out", lack.what);
    }
    let mut left_out = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let place = format!("[{}/{}] {}", index + 1, steps.len(), step.name);
        if let Some(lack) = &step.lacks {
            eprintln!("{place}: LEFT OUT, {}", lack.what);
            left_out.push(format!("{} ({})", step.name, lack.what));
            continue;
        }
        let first = step.commands.first().map(|command| step.line(command)).unwrap_or_default();
        let more = if step.commands.len() > 1 { ", …" } else { "" };
        eprintln!("{place}: {first}{more}");
        let begin = Instant::now();
        let failure = step.first_failure(&root)?;
        let seconds = begin.elapsed().as_secs_f64();
        if let Some(line) = failure {
            bail!("{} failed after {seconds:.1} s; repeat it with: {line}", step.name);
        }
        eprintln!("{place}: passed in {seconds:.1} s");
    }
    let passed = steps.len() - left_out.len();
    eprintln!("all {passed} checks passed in {:.0} s", begin.elapsed().as_secs_f64());
    for step in left_out {
        eprintln!("left out: {step}");
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members() -> Vec<Member> {
        let member = |name: &str, has_cuda, is_library| Member { name: name.to_owned(), has_cuda, is_library };
        vec![member("strata-rng", false, true), member("strata-model", true, true), member("strata", true, false)]
    }

    fn lines(steps: &[Step]) -> Vec<String> {
        steps.iter().flat_map(|step| step.commands.iter().map(|command| step.line(command))).collect()
    }

    #[test]
    fn extra_arguments_reach_the_tests_alone() {
        assert_eq!(
            lines(&steps(&members(), &["--nocapture".into()])),
            [
                "cargo fmt --all --check",
                "cargo xtask tidy",
                "cargo clippy --workspace --all-targets -- -D warnings",
                "cargo clippy --package strata-model --package strata --all-targets --features cuda,ci-check -- -D warnings",
                "cargo check --quiet --package strata-rng",
                "cargo check --quiet --package strata-model",
                "RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps",
                "cargo test --workspace --exclude strata-tests -- --nocapture",
                "cargo test --package strata-model --lib -- --ignored --skip nvrtc",
                "cargo test --package strata-model --lib -- --ignored nvrtc",
                "cargo test --package strata-trainer --features cuda --test card --target-dir target/cuda -- --ignored",
                "cargo test --package strata-tests -- --nocapture",
            ]
        );
        assert!(lines(&steps(&members(), &[])).iter().all(|line| !line.contains("--nocapture")));
    }

    #[test]
    fn tests_that_a_filter_left_over_are_counted() {
        let summary =
            |passed| format!("running {passed} tests\n\ntest result: ok. {passed} passed; 0 failed; 9 ignored\n");
        assert_eq!(passed_tests(&(summary(0) + &summary(3) + &summary(1))), 4);
        assert_eq!(passed_tests(&summary(0)), 0);
    }

    #[test]
    fn crates_are_tested_alone_by_their_names() {
        let two = ["strata".to_owned(), "strata-rng".to_owned()];
        let expected = ["cargo test --quiet --package strata-rng", "cargo test --quiet --package strata"];
        assert_eq!(lines(&steps_alone(&members(), &two).unwrap()), expected);
        assert_eq!(lines(&steps_alone(&members(), &[]).unwrap()).len(), 3);
        let error = steps_alone(&members(), &["strata-rgn".to_owned()]).err().unwrap();
        assert!(error.to_string().starts_with("--alone strata-rgn: no such crate; there are strata-rng,"), "{error}");
    }
}
