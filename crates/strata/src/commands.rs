//! What each command does.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use strata_cli::{ConfigArguments, ExperimentArguments, MachineArguments, escape_lines, note};
use strata_experiment::{
    Config, Display, ExperimentError, Runner, Stop, compare as compared, dataset_grid, dataset_info, dataset_show,
    find_run,
};
use strata_files::{escape_path, hide_credentials};
use strata_report::{Record, RunState, RunSummary, Status, list_runs, read_record, runs_table};

use crate::cli::{self, Command};
use crate::commit;
use crate::compiled::NETWORKS;
use crate::signals;

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Experiment(arguments) => experiment(&arguments),
        Command::Resume(arguments) => resume(&arguments),
        Command::Runs { runs } => {
            let listed = list_runs(&runs)?;
            if listed.is_empty() {
                return show("no runs yet: start one with `cargo xtask experiment CONFIG`\n");
            }
            show(&runs_table(&listed, width()))
        }
        Command::Compare { names, runs } => compare(&names, &runs),
        Command::Dataset(cli::Dataset::Info(config)) => {
            let experiment = read(&config)?;
            let stop = prepare()?;
            show(&dataset_info(&experiment, config.data.as_deref(), &mut Display::default(), &stop)?)
        }
        Command::Dataset(cli::Dataset::Grid { config, out, augmented }) => {
            let experiment = read(&config)?;
            let stop = prepare()?;
            let (folder, sheet) = (config.data.as_deref(), (out.as_path(), augmented));
            let labels = dataset_grid(&experiment, folder, sheet, &mut Display::default(), &stop)?;
            show(&format!("{labels}{}\n", escape_path(&out)))
        }
        Command::Dataset(cli::Dataset::Show { config, indices, part, out }) => {
            let experiment = read(&config)?;
            let stop = prepare()?;
            let images = (part.into(), indices.as_slice());
            let data = config.data.as_deref();
            show(&dataset_show(&experiment, data, images, out.as_deref(), &mut Display::default(), &stop)?)
        }
    }
}

fn read(config: &ConfigArguments) -> anyhow::Result<Config> {
    Ok(Config::read(&config.config, &config.sets)?)
}

/// `config` with what the command line says of the machine.
fn on_machine(mut config: Config, machine: &MachineArguments) -> Config {
    if let Some(device) = machine.device {
        config = config.on_device(device);
    }
    if machine.threads.is_some() {
        config = config.with_threads(machine.threads);
    }
    config
}

/// Heeds signals: whatever a command could wait for in vain is behind it.
fn prepare() -> anyhow::Result<Stop> {
    let stop = Stop::default();
    signals::heed(&stop)?;
    Ok(stop)
}

fn experiment(arguments: &ExperimentArguments) -> anyhow::Result<()> {
    let experiment = on_machine(read(&arguments.config)?, &arguments.machine);
    if let (Some(name), None) = (experiment.unusable_file_name(), &arguments.name) {
        note(&format!(
            "note: the config has no name and its file's, {name}, cannot be a run's; it is called {}, or as --name says",
            experiment.name
        ));
    }
    let data = arguments.config.data.as_deref().map(absolute).transpose()?;
    let stop = prepare()?;
    runner(data, stop).start(&experiment, &arguments.runs, arguments.name.as_deref())?;
    Ok(())
}

fn resume(arguments: &cli::Resume) -> anyhow::Result<()> {
    let run = find_run(&arguments.run, &arguments.runs)?;
    let data = arguments.data.as_deref().map(absolute).transpose()?;
    let stop = prepare()?;
    runner(data, stop).resume(&run, |config| on_machine(config, &arguments.machine))?;
    Ok(())
}

fn runner(data: Option<PathBuf>, stop: Stop) -> Runner<'static> {
    let command = std::env::args_os().map(|argument| {
        // Records are shown around: they hold no password.
        hide_credentials(&argument.to_string_lossy())
    });
    let command = command.collect();
    Runner { networks: NETWORKS, data, command, commit: commit::of_launcher(), stop, display: Display::default() }
}

/// A folder as the record keeps it, for a resume from elsewhere.
fn absolute(folder: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(folder).with_context(|| format!("--data {}", escape_path(folder)))
}

fn compare(names: &[PathBuf], runs: &Path) -> anyhow::Result<()> {
    let mut records: Vec<Record> = Vec::new();
    if names.is_empty() {
        for summary in list_runs(runs)? {
            match read_record(&summary.path) {
                Ok(record) => records.push(effective_status(record, &summary.state)),
                // Told and left out: one damaged run hides no other.
                Err(error) => note(&format!("left out: {error}")),
            }
        }
    }
    for name in names {
        let run = match find_run(name, runs) {
            // `compare runs/*` names whatever lies there; a name of nothing is a mistake.
            Err(ExperimentError::NoRun { .. }) if names.len() > 1 && name.exists() => {
                note(&format!("left out: {} is not a run's folder", escape_path(name)));
                continue;
            }
            found => found?,
        };
        records.push(effective_status(read_record(&run)?, &RunSummary::of(&run).state));
    }
    if records.is_empty() && !names.is_empty() {
        bail!("none of the {} names is a run's folder; `cargo xtask runs` lists the runs", names.len());
    }
    show(&compared(&records).table(width()))
}

/// The record of a run that died says "running" for ever; its lock tells that it is not.
fn effective_status(mut record: Record, state: &RunState) -> Record {
    if *state == RunState::Died {
        record.status = Status::Interrupted;
    }
    record
}

/// The terminal's width, where standard output is one.
fn width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let columns = terminal_width().or_else(|| std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()));
    Some(columns.unwrap_or(120))
}

fn terminal_width() -> Option<usize> {
    let (_, columns) = console::Term::stdout().size_checked()?;
    Some(usize::from(columns))
}

/// Writes to standard output, made safe; a reader that went away (`| head`) is no error.
fn show(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    match out.write_all(escape_lines(text).as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error).context("cannot write the output"),
        _ => Ok(()),
    }
}
