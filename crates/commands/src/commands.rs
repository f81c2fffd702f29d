//! What each command does.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::bail;
use strata_cli::{ConfigArguments, ExperimentArguments, MachineArguments, Seeds, note};
use strata_config::read_text;
use strata_dataset::DatasetError;
use strata_experiment::{
    CompiledNetwork, Config, Display, ExperimentError, Runner, StartFrom, Stop, command_of_program, dataset_grid,
    dataset_info, dataset_show, find_run, seeds_table,
};
use strata_files::{escape, escape_path};
use strata_report::{Format, HistoryDifference};

use crate::cli::{self, Command};
use crate::commit;
use crate::export::export;
use crate::housekeeping;
use crate::output::{show, width};
use crate::predict::predict;
use crate::reading;
use crate::start::{absolute, note_unread, prepare};
use crate::sweep;

/// The networks that the program was built with.
type Networks = &'static [CompiledNetwork];

pub(crate) fn run(command: Command, networks: Networks) -> anyhow::Result<()> {
    match command {
        Command::Experiment(arguments) => experiment(&arguments, networks),
        Command::Resume(arguments) => resume(&arguments, networks),
        Command::Reproduce(arguments) => reproduce(&arguments, networks),
        Command::Prune { names, runs } => housekeeping::prune(&names, &runs),
        Command::Remove { names, yes, runs } => housekeeping::remove(&names, yes, &runs),
        Command::Sweep(arguments) => sweep::run(arguments, networks),
        Command::Runs(arguments) => reading::runs(arguments),
        Command::Compare { names, html, output } => reading::compare(&names, html.as_deref(), &output),
        Command::History { names, output } => reading::history(&names, &output),
        Command::Note(arguments) => reading::note(&arguments),
        Command::Report(arguments) => reading::report(&arguments, &prepare()?),
        Command::Evaluate(arguments) => reading::evaluate(&arguments, &prepare()?),
        Command::Dataset(cli::Dataset::Info(config)) => {
            let experiment = read(&config)?;
            let stop = prepare()?;
            let info = dataset_info(&experiment, config.data.as_deref(), &mut Display::default(), &stop);
            if let Err(ExperimentError::Data { source, .. }) = &info
                && let DatasetError::BrokenImages { broken, .. } = &**source
            {
                let line = |(path, reason): &(PathBuf, String)| format!("{}: {}\n", escape_path(path), escape(reason));
                show(&broken.iter().map(line).collect::<String>())?;
            }
            show(&info?)
        }
        Command::Dataset(cli::Dataset::Grid { config, out, augmented }) => {
            let experiment = read(&config)?;
            if augmented && experiment.augment.is_empty() {
                note(
                    "note: --augmented has no effect: the config has no [[augment]], and the images are drawn as they are",
                );
            }
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
        Command::Predict(asked) => predict(&asked),
        Command::Export(asked) => show(&export(&asked)?),
    }
}

fn read(config: &ConfigArguments) -> anyhow::Result<Config> {
    let read = Config::read_with_data(&config.config, &config.sets, config.data.as_deref())?;
    note_unread(&read, config.data.as_deref());
    Ok(read)
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

fn experiment(arguments: &ExperimentArguments, networks: Networks) -> anyhow::Result<()> {
    if let Some(seeds) = &arguments.seeds {
        return several_seeds(arguments, seeds, networks);
    }
    let experiment = on_machine(read(&arguments.config)?, &arguments.machine);
    if let (Some(name), None) = (experiment.unusable_file_name(), &arguments.name) {
        note(&format!(
            "note: the config has no name and its file's, {name}, cannot be a run's; it is called {}, or as --name says",
            experiment.name
        ));
    }
    let data = arguments.config.data.as_deref().map(absolute).transpose()?;
    let stop = until(prepare()?, arguments.stop_after);
    let (mut runner, name) = (runner(networks, data, stop, &arguments.machine), arguments.name.as_deref());
    match start_from(arguments)? {
        None => runner.start(&experiment, &arguments.runs, name)?,
        Some(from) => runner.start_from(&experiment, &arguments.runs, name, &from)?,
    };
    Ok(())
}

/// The weights that `--from` names.
fn start_from(arguments: &ExperimentArguments) -> anyhow::Result<Option<StartFrom>> {
    let Some(from) = &arguments.from else { return Ok(None) };
    let path = if from.is_file() { from.clone() } else { find_run(from, &arguments.runs)? };
    Ok(Some(StartFrom { path, new_last_layer: arguments.new_last_layer }))
}

/// Trains a run again; an error where it does not come to the same.
fn reproduce(arguments: &cli::Reproduce, networks: Networks) -> anyhow::Result<()> {
    let cli::Reproduce { run, machine, folders: cli::Folders { data, runs } } = arguments;
    let run = find_run(run, runs)?;
    let folder = data.as_deref().map(absolute).transpose()?;
    let found = runner(networks, folder, prepare()?, machine).reproduce(&run, runs, |config| {
        note_unread(&config, data.as_deref());
        on_machine(config, machine)
    })?;
    let (first, again) = (escape_path(&run), escape_path(&found.run));
    let weights = if found.has_same_weights { "the same weights as" } else { "other weights than" };
    match found.difference {
        None if found.has_same_weights => {
            show(&format!("{again}: the same weights and history as {first}, to the byte\n"))
        }
        None => bail!("{again} has {weights} {first}, and the same history"),
        Some(HistoryDifference { line, first: before, second: after }) => {
            let [before, after] = [before, after].map(|line| line.unwrap_or_else(|| "no line".to_owned()));
            bail!(
                "{again} has {weights} {first}; the history differs from line {line} on: {after}, where it was {before}"
            )
        }
    }
}

/// The config with each of the seeds, then mean and deviation.
fn several_seeds(arguments: &ExperimentArguments, seeds: &Seeds, networks: Networks) -> anyhow::Result<()> {
    // Read once: it may come through a pipe.
    let (path, text) = (&arguments.config.config, read_text(&arguments.config.config)?);
    let data = arguments.config.data.as_deref().map(absolute).transpose()?;
    let of_seed = |seed: &u64| {
        let sets: Vec<String> = arguments.config.sets.iter().cloned().chain([format!("seed={seed}")]).collect();
        Ok(on_machine(Config::parse_with_data(&text, path, &sets, data.as_deref())?, &arguments.machine))
    };
    let configs = seeds.as_slice().iter().map(of_seed).collect::<anyhow::Result<Vec<_>>>()?;
    configs.first().into_iter().for_each(|config| note_unread(config, arguments.config.data.as_deref()));
    let name = match (&arguments.name, configs.first()) {
        (Some(name), _) => name.clone(),
        (None, first) => format!("{}-seeds", first.map_or("experiment", |config| config.name.as_str())),
    };
    let (stop, from) = (prepare()?, start_from(arguments)?);
    let group = arguments.runs.join(name);
    let runs = runner(networks, data, stop, &arguments.machine).start_seeds(&configs, &group, from.as_ref())?;
    show(&format!("{}:\n{}", escape_path(&group), seeds_table(&runs)?.write(Format::Table, width())))
}

fn resume(arguments: &cli::Resume, networks: Networks) -> anyhow::Result<()> {
    let run = find_run(&arguments.run, &arguments.runs)?;
    let data = arguments.data.as_deref().map(absolute).transpose()?;
    let stop = until(prepare()?, arguments.stop_after);
    runner(networks, data, stop, &arguments.machine).resume(&run, |config| {
        note_unread(&config, arguments.data.as_deref());
        on_machine(config, &arguments.machine)
    })?;
    Ok(())
}

fn until(stop: Stop, epochs: Option<NonZeroUsize>) -> Stop {
    match epochs {
        Some(epochs) => stop.after_epochs(epochs.get()),
        None => stop,
    }
}

fn runner(networks: Networks, data: Option<PathBuf>, stop: Stop, machine: &MachineArguments) -> Runner<'static> {
    let display = if machine.plain { Display::plain() } else { Display::default() };
    Runner { networks, data, command: command_of_program(), commit: commit::of_program(), stop, display }
}
