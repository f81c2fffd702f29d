//! `export`: a subcommand for each exporter that there is, its options as the exporter says them.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, Error, FromArgMatches, Subcommand, value_parser};
use strata_experiment::find_run;
use strata_export::{EXPORTERS, Exporter, Options, RecordedRun, exporter};

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Export {
    exporter: &'static str,
    runs: Vec<PathBuf>,
    to: PathBuf,
    options: Options,
    /// The folder of all runs' folders.
    folder: PathBuf,
}

/// Exports the runs; gives a line on each thing that was made.
pub(crate) fn export(asked: &Export) -> anyhow::Result<String> {
    let open =
        |name: &PathBuf| -> anyhow::Result<RecordedRun> { Ok(RecordedRun::open(&find_run(name, &asked.folder)?)?) };
    let runs = asked.runs.iter().map(open).collect::<anyhow::Result<Vec<_>>>()?;
    let made = exporter(asked.exporter)?.export(&runs, &asked.to, &asked.options)?;
    Ok(made.into_iter().map(|line| line + "\n").collect())
}

fn subcommand(exporter: &dyn Exporter) -> Command {
    let destination = exporter.destination();
    let mut runs = Arg::new("run").value_name("RUN").required(true).value_parser(value_parser!(PathBuf));
    runs = runs.help("A run, by folder or name");
    if !destination.is_of_one_run {
        runs = runs.num_args(1..).help("Runs, by folder or name");
    }
    let to = Arg::new("to").long(destination.option).value_name(destination.value).required(true);
    let folder = Arg::new("runs").long("runs").value_name("DIR").default_value("runs");
    let mut command = Command::new(exporter.name())
        .about(exporter.about())
        .arg(runs)
        .arg(to.value_parser(value_parser!(PathBuf)).help(destination.about))
        .arg(folder.value_parser(value_parser!(PathBuf)).help("The folder of all runs' folders"));
    for option in exporter.options() {
        let mut argument = Arg::new(option.name).long(option.name).value_name(option.value).help(option.about);
        if !option.choices.is_empty() {
            argument = argument.value_parser(option.choices.to_vec());
        }
        command = command.arg(argument);
    }
    command
}

impl FromArgMatches for Export {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let missing = || Error::new(clap::error::ErrorKind::MissingSubcommand);
        let (name, matches) = matches.subcommand().ok_or_else(missing)?;
        let exporter = exporter(name).map_err(|_| missing())?;
        let path = |name: &str| matches.get_one::<PathBuf>(name).cloned().unwrap_or_default();
        let mut options = Options::default();
        for option in exporter.options() {
            if let Some(value) = matches.get_one::<String>(option.name) {
                options = options.with(option.name, value);
            }
        }
        let runs = matches.get_many::<PathBuf>("run").into_iter().flatten().cloned().collect();
        Ok(Self { exporter: exporter.name(), runs, to: path("to"), options, folder: path("runs") })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for Export {
    fn augment_subcommands(command: Command) -> Command {
        let command = command.subcommand_required(true).arg_required_else_help(true);
        EXPORTERS.iter().fold(command, |command, exporter| command.subcommand(subcommand(*exporter)))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        exporter(name).is_ok()
    }
}
