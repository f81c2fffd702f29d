//! The commands that end in the program: each checks what it can, builds, and passes its arguments on unchanged.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use anyhow::Context;
use strata_cli::{ConfigArguments, ExperimentArguments, SweepArguments};
use strata_config::{Config, read_text};
use strata_spec::DeviceChoice;
use strata_sweep::{Method, Sweep, SweepFolder, find_sweep};

use crate::cuda;
use crate::fault::Fault;
use crate::program;
use crate::rows::{Lists, Lock};
use crate::workspace;

/// `experiment`: the config is checked before anything is built.
pub(crate) fn experiment(arguments: &ExperimentArguments) -> anyhow::Result<ExitCode> {
    if let Some(message) = arguments.conflict() {
        return Err(Fault::Mistake(message.to_owned()).into());
    }
    let text = read_text(&arguments.config.config).map_err(Fault::Config)?;
    let ConfigArguments { config, sets, data } = &arguments.config;
    let experiment = Config::parse_with_data(&text, config, sets, data.as_deref()).map_err(Fault::Config)?;
    let device = arguments.machine.device.unwrap_or(experiment.device);
    let handed = if config.is_file() { None } else { Some(Handed::new(config, &text)?) };
    train(&experiment, device, handed)
}

/// The text of a config that can be read once, such as a pipe, on its way to the program: as the file behind its standard input.
struct Handed {
    config: PathBuf,
    text: File,
}

impl Handed {
    fn new(config: &Path, text: &str) -> anyhow::Result<Self> {
        let copy = || {
            let mut file = tempfile::tempfile()?;
            file.write_all(text.as_bytes())?;
            file.rewind()?;
            Ok::<_, std::io::Error>(file)
        };
        let text = copy().with_context(|| format!("cannot keep a copy of {}", config.display()))?;
        Ok(Self { config: config.to_owned(), text })
    }

    /// The arguments with standard input in the config's place.
    fn arguments(&self, arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
        arguments.map(|argument| if argument == self.config { "/dev/stdin".into() } else { argument }).collect()
    }
}

/// `resume` and `reproduce`: the run's own resolved config says which row and which device it needs.
pub(crate) fn resume(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let options = RunOptions::read(arguments);
    let Some(config) = options.config() else {
        // The program knows more ways to name a run, and says what is wrong with this one.
        return reader();
    };
    let experiment = Config::read(&config, &[]).map_err(Fault::Config)?;
    let device = match &options.device {
        Some(device) => device.parse().map_err(|error| Fault::Mistake(format!("--device: {error}")))?,
        None => experiment.device,
    };
    train(&experiment, device, None)
}

/// `sweep`: the whole of it is checked before anything is built, and every network that a member may need is built at once.
pub(crate) fn sweep(arguments: &SweepArguments) -> anyhow::Result<ExitCode> {
    let Some(run) = arguments.to_run() else { return reader() };
    let sweep = match run.file() {
        Some(file) => Sweep::read(file, &run.sets).map_err(Fault::Sweep)?,
        None => {
            let folder = find_sweep(run.sweep(), &run.runs).and_then(|folder| SweepFolder::open(&folder));
            folder.map_err(Fault::Sweep)?.sweep().clone()
        }
    };
    let checked = sweep.check().map_err(Fault::Sweep)?;
    let device = match run.devices.first() {
        Some(device) => *device,
        None => sweep.base().map_err(Fault::Config)?.device,
    };
    let root = workspace::root();
    let toolkit = cuda::choose(device)?;
    let lock = Lock::take(&root)?;
    Lists::of_program(&root).ensure(&checked.networks, &lock)?;
    let features: &[&str] = if sweep.method == Method::CmaEs { &["cma-es"] } else { &[] };
    program::start_with(&root, toolkit.as_ref(), features, env::args_os().skip(1), Stdio::inherit(), lock)
}

/// The commands that train nothing: any build will do, so the one that `auto` would choose is taken.
pub(crate) fn reader() -> anyhow::Result<ExitCode> {
    let root = workspace::root();
    let toolkit = cuda::choose(DeviceChoice::Auto)?;
    let lock = Lock::take(&root)?;
    program::start(&root, toolkit.as_ref(), env::args_os().skip(1), Stdio::inherit(), lock)
}

fn train(experiment: &Config, device: DeviceChoice, handed: Option<Handed>) -> anyhow::Result<ExitCode> {
    let root = workspace::root();
    let toolkit = cuda::choose(device)?;
    let lock = Lock::take(&root)?;
    Lists::of_program(&root).ensure(std::slice::from_ref(experiment.network()), &lock)?;
    let arguments = env::args_os().skip(1);
    match handed {
        None => program::start(&root, toolkit.as_ref(), arguments, Stdio::inherit(), lock),
        Some(handed) => {
            let arguments = handed.arguments(arguments);
            program::start(&root, toolkit.as_ref(), arguments, handed.text.into(), lock)
        }
    }
}

/// What of the arguments of `resume` and `reproduce` decides the build; the rest is the program's.
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
                "--data" | "--threads" | "--stop-after" if joined.is_none() => {
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
    fn a_run_is_named_by_its_folder_or_its_name() {
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
