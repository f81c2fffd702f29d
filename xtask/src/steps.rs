//! `cargo xtask test`: every check, cheapest first, up to the first that fails.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;

use crate::cuda::{self, Toolkit};
use crate::fault::Fault;
use crate::members::{self, Member};
use crate::step::{Step, TIDY};
use crate::tools;
use crate::workspace;

/// The steps in order; `extra` goes to the tests' programs.
fn steps(members: &[Member], extra: &[OsString]) -> Vec<Step> {
    let toolkit = Toolkit::find();
    let with_cuda = members.iter().filter(|member| member.has_cuda);
    let gpu_packages: String = with_cuda.map(|member| format!("--package {} ", member.name)).collect();
    let public = members.iter().filter(|member| member.is_public);
    let libraries: String = public.map(|member| format!(" --package {}", member.name)).collect();
    let mut steps = vec![
        Step::cargo("format", "fmt --all --check"),
        Step::cargo(TIDY, "xtask tidy"),
        Step::cargo("clippy", "clippy --workspace --all-targets -- -D warnings"),
        // Tests too: without the feature none of their text is so much as parsed.
        Step::cargo(
            "clippy of the CUDA build",
            &format!("clippy {gpu_packages}--all-targets --features cuda,ci-check -- -D warnings"),
        ),
        // What the programs and the tests switch on, a crate that is used by others has not. Each by itself is `--alone`.
        Step::cargo("libraries with their own features", &format!("check{libraries}")),
        Step::cargo("documents", "doc --workspace --no-deps").environment("RUSTDOCFLAGS", "-D warnings"),
        Step::cargo("tests", "test --workspace --exclude strata-tests"),
        // Built by the tests before, with the same features, so this compiles nothing.
        Step::programs(
            "examples",
            "build --workspace --exclude strata-tests --examples",
            members.iter().flat_map(|member| member.examples.iter().cloned()),
        ),
        Step::filtered("the GPU's kernels on the host", "test --package strata-model --lib -- --ignored --skip nvrtc")
            .needs(tools::cxx(), "no C++ compiler (CXX, c++, g++, clang++)", true),
        Step::filtered("the GPU's kernels by NVRTC", "test --package strata-model --lib -- --ignored nvrtc").needs(
            tools::cxx() && toolkit.as_ref().is_some_and(Toolkit::has_nvrtc),
            "no CUDA toolkit with NVRTC (nvcc on PATH, CUDA_PATH, CUDA_HOME, /usr/local/cuda)",
            false,
        ),
        on_gpu(toolkit),
        // The commands driven from outside take the longest: after everything else.
        // With the features of the tests before, so that what they have in common is built once.
        Step::cargo("commands from outside", "test --workspace --test outside"),
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

/// The commands that run a crate's examples, which check what they show, each with the crate's own features.
fn examples(member: &Member) -> Vec<String> {
    let command = |example| format!("run --quiet --package {} --example {example}", member.name);
    member.examples.iter().map(command).collect()
}

/// The tests of `packages`, or of every crate, each by a command of its own and so with its own features alone.
fn steps_alone(members: &[Member], packages: &[String]) -> anyhow::Result<Vec<Step>> {
    if let Some(unknown) = packages.iter().find(|package| members.iter().all(|member| member.name != **package)) {
        let known: Vec<_> = members.iter().map(|member| member.name.as_str()).collect();
        return Err(Fault::Mistake(format!("--alone {unknown}: no such crate; there are {}", known.join(", "))).into());
    }
    let chosen = members.iter().filter(|member| packages.is_empty() || packages.contains(&member.name));
    let commands = |member: &Member| {
        let tests = format!("test --quiet --package {}", member.name);
        std::iter::once(tests).chain(examples(member)).collect::<Vec<_>>()
    };
    Ok(vec![Step::all("each crate's tests alone", chosen.flat_map(commands))])
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
        let member = |name: &str, has_cuda, is_public, examples: &[&str]| Member {
            name: name.to_owned(),
            has_cuda,
            is_public,
            has_readme: true,
            examples: examples.iter().map(ToString::to_string).collect(),
        };
        vec![
            member("strata-rng", false, true, &["draws"]),
            member("strata-model", true, true, &[]),
            member("strata", true, false, &[]),
        ]
    }

    fn lines(steps: &[Step]) -> Vec<String> {
        steps.iter().flat_map(|step| step.commands.iter().map(|command| step.line(command))).collect()
    }

    #[test]
    fn every_example_runs_and_no_two_have_one_name() {
        let members = members::read(&workspace::root()).unwrap();
        let steps = steps(&members, &[]);
        let mut programs: Vec<_> = steps.iter().flat_map(|step| &step.programs).collect();
        assert!(programs.iter().any(|name| *name == "own_layer"), "{programs:?}");
        // Cargo would put the one over the other.
        programs.sort();
        assert!(programs.is_sorted_by(|a, b| a < b), "{programs:?}");
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
                "cargo check --package strata-rng --package strata-model",
                "RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps",
                "cargo test --workspace --exclude strata-tests -- --nocapture",
                "cargo build --workspace --exclude strata-tests --examples",
                "cargo test --package strata-model --lib -- --ignored --skip nvrtc",
                "cargo test --package strata-model --lib -- --ignored nvrtc",
                "cargo test --package strata-trainer --features cuda --test card --target-dir target/cuda -- --ignored",
                "cargo test --workspace --test outside -- --nocapture",
            ]
        );
        assert!(lines(&steps(&members(), &[])).iter().all(|line| !line.contains("--nocapture")));
    }

    #[test]
    fn crates_are_tested_alone_by_their_names() {
        let two = ["strata".to_owned(), "strata-rng".to_owned()];
        let expected = [
            "cargo test --quiet --package strata-rng",
            "cargo run --quiet --package strata-rng --example draws",
            "cargo test --quiet --package strata",
        ];
        assert_eq!(lines(&steps_alone(&members(), &two).unwrap()), expected);
        assert_eq!(lines(&steps_alone(&members(), &[]).unwrap()).len(), 4);
        let error = steps_alone(&members(), &["strata-rgn".to_owned()]).err().unwrap();
        assert!(error.to_string().starts_with("--alone strata-rgn: no such crate; there are strata-rng,"), "{error}");
    }
}
