//! The commands that end in the program: each checks what it can, builds, and passes its arguments on unchanged.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use strata_config::{ConfigError, DeviceChoice, Experiment};

use crate::cli;
use crate::cuda;
use crate::fault::Fault;
use crate::program;
use crate::rows::{Lists, Lock};
use crate::workspace;

/// `experiment`: the config is checked before anything is built.
pub(crate) fn experiment(arguments: &cli::Experiment) -> anyhow::Result<ExitCode> {
    let experiment = Experiment::read(&arguments.config, &arguments.sets).map_err(mistake)?;
    let device = arguments.device.unwrap_or(experiment.device);
    train(&experiment, device)
}

/// `resume`: the run's own resolved config says which row and which device it needs.
pub(crate) fn resume(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let options = RunOptions::read(arguments);
    let Some(config) = options.config() else {
        // The program knows more ways to name a run, and says what is wrong with this one.
        return reader();
    };
    let experiment = Experiment::read(&config, &[]).map_err(mistake)?;
    let device = match &options.device {
        Some(device) => device.parse().map_err(|error| Fault::Mistake(format!("--device: {error}")))?,
        None => experiment.device,
    };
    train(&experiment, device)
}

/// The commands that train nothing: any build will do, so the one that `auto` would choose is taken.
pub(crate) fn reader() -> anyhow::Result<ExitCode> {
    let root = workspace::root();
    let toolkit = cuda::choose(DeviceChoice::Auto)?;
    let lock = Lock::take(&root)?;
    program::start(&root, toolkit.as_ref(), env::args_os().skip(1), lock)
}

fn train(experiment: &Experiment, device: DeviceChoice) -> anyhow::Result<ExitCode> {
    let root = workspace::root();
    let toolkit = cuda::choose(device)?;
    let lock = Lock::take(&root)?;
    Lists::of_program(&root).ensure(&experiment.widths(), &lock)?;
    program::start(&root, toolkit.as_ref(), env::args_os().skip(1), lock)
}

fn mistake(error: ConfigError) -> Fault {
    Fault::Mistake(error.to_string())
}

/// What of `resume`'s arguments decides the build; the rest is the program's.
#[derive(Debug, Default, PartialEq, Eq)]
struct RunOptions {
    run: Option<OsString>,
    runs: Option<OsString>,
    device: Option<String>,
}

impl RunOptions {
    fn read(arguments: &[OsString]) -> Self {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let text = argument.to_string_lossy();
            let (name, joined) = match text.split_once('=') {
                Some((name, value)) => (name, Some(OsString::from(value))),
                None => (text.as_ref(), None),
            };
            match name {
                "--runs" => options.runs = joined.or_else(|| arguments.next().cloned()),
                "--device" => {
                    let value = joined.or_else(|| arguments.next().cloned());
                    options.device = value.map(|value| value.to_string_lossy().into_owned());
                }
                "--data" | "--threads" if joined.is_none() => {
                    arguments.next();
                }
                _ if name.starts_with('-') => {}
                _ if options.run.is_none() => options.run = Some(argument.clone()),
                _ => {}
            }
        }
        options
    }

    /// The run's resolved config: RUN names a folder, or one in the folder of runs.
    fn config(&self) -> Option<PathBuf> {
        let run = self.run.as_ref()?;
        let runs = self.runs.clone().unwrap_or_else(|| "runs".into());
        let folders = [PathBuf::from(run), Path::new(&runs).join(run)];
        folders.into_iter().map(|folder| folder.join("config.toml")).find(|config| config.is_file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> RunOptions {
        RunOptions::read(&arguments.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_run_is_found_among_the_options() {
        let expected = RunOptions { run: Some("r".into()), runs: Some("x".into()), device: Some("cpu".into()) };
        assert_eq!(read(&["r", "--runs", "x", "--device", "cpu"]), expected);
        assert_eq!(read(&["--device=cpu", "--runs=x", "--threads", "2", "--data", "d", "r"]), expected);
        assert_eq!(read(&["--help"]), RunOptions::default());
        assert_eq!(read(&["--runs"]), RunOptions::default());
    }

    #[test]
    fn a_run_is_a_folder_or_a_name_in_the_folder_of_runs() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("r");
        std::fs::create_dir(&run).unwrap();
        let options = |name: OsString| RunOptions { run: Some(name), runs: Some(folder.path().into()), device: None };
        assert_eq!(options("r".into()).config(), None);
        std::fs::write(run.join("config.toml"), "").unwrap();
        assert_eq!(options("r".into()).config(), Some(run.join("config.toml")));
        assert_eq!(options(run.clone().into()).config(), Some(run.join("config.toml")));
        assert_eq!(RunOptions::default().config(), None);
    }
}
