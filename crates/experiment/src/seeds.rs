//! One config's runs with several seeds, in a folder of their own.

use std::path::{Path, PathBuf};

use strata_config::Config;
use strata_report::{Fields, ReportError, RunState, RunSummary, Sheet, Status, read_record, seeds_sheet};
use strata_spec::DeviceChoice;

use crate::parent::{Beginning, ExpectedParent};
use crate::recorded_config::read_recorded;
use crate::resumption::refused;
use crate::run::{RunName, Runner};
use crate::{ExperimentError, Listing, StartFrom};

/// What tells a run's folder from others.
const CONFIG: &str = "config.toml";

impl Runner<'_> {
    /// Trains each of `configs`, which differ in their seeds alone, in the folder `group`: as `seed-1`, `seed-43`. Those that are finished there are left out, one
    /// that was stopped is resumed, so that the same call goes on wherever an earlier one ended. Gives the runs' folders, in order.
    ///
    /// With `from` each starts from those weights in place of drawn ones ([`Runner::start_from`]): what differs is the split, the order and whatever else a seed decides.
    ///
    /// # Errors
    /// [`ExperimentError::OtherConfig`] and [`ExperimentError::OtherParent`] where a run in the folder follows another config or started from other weights, before
    /// anything is trained; [`ExperimentError::Resume`] where the config of a run there was changed; what [`Runner::start_from`] and [`Runner::resume`] fail with, of the first run that fails.
    pub fn start_seeds(
        &mut self,
        configs: &[Config],
        group: &Path,
        from: Option<&StartFrom>,
    ) -> Result<Vec<PathBuf>, ExperimentError> {
        if group.join(CONFIG).exists() {
            return Err(ReportError::Taken { path: group.to_owned() }.into());
        }
        let named = |config: &Config| format!("seed-{}", config.seed);
        let parent = ExpectedParent::of(from)?;
        for config in configs {
            let run = group.join(named(config));
            if run.join(CONFIG).exists() {
                check_config(&run, config)?;
                parent.check(&run)?;
            }
        }
        let beginning = from.map_or(Beginning::Drawn, Beginning::From);
        let mut runs = Vec::new();
        for config in configs {
            let (name, run) = (named(config), group.join(named(config)));
            if !run.join(CONFIG).exists() {
                self.start_with(config, group, RunName::Exact(&name), beginning, None)?;
            } else if is_finished(&run) {
                self.display.line(&format!("{}: finished before", run.display()));
            } else {
                self.resume(&run, |stored| stored.on_device(config.device).with_threads(config.threads))?;
            }
            runs.push(run);
        }
        Ok(runs)
    }
}

fn is_finished(run: &Path) -> bool {
    RunSummary::of(run).state == RunState::Known(Status::Finished)
}

/// That the run in `run` follows `config`, in all but what a resume may change.
fn check_config(run: &Path, config: &Config) -> Result<(), ExperimentError> {
    let stored = match run.join("record.json").exists() {
        true => read_recorded(run, &read_record(run)?, |reason| refused(run, reason))?,
        // Killed before its first record.
        false => Config::read(&run.join(CONFIG), &[])?,
    };
    let [stored, asked] =
        [stored, config.clone()].map(|config| config.on_device(DeviceChoice::Auto).with_threads(None));
    if stored == asked {
        return Ok(());
    }
    let [stored, asked] = [stored, asked].map(|config| config.to_toml());
    let only_in = |text: &str, other: &str| {
        text.lines().find(|line| !other.lines().any(|other| other == *line)).map(|line| line.trim().to_owned())
    };
    let (found, asked) = (only_in(&stored, &asked), only_in(&asked, &stored));
    Err(ExperimentError::OtherConfig { run: run.to_owned(), found, asked })
}

/// A row for each of these runs of different seeds, and one with the mean and the sample deviation of each metric.
///
/// # Errors
/// [`ExperimentError::Report`] where a record cannot be read.
pub fn seeds_table(runs: &[PathBuf]) -> Result<Sheet, ExperimentError> {
    let summaries = runs.iter().map(|run| read_record(run).map(|_| RunSummary::of(run)));
    let summaries = summaries.collect::<Result<Vec<_>, _>>()?;
    let fields: Vec<Fields> = Listing::new(summaries, &mut |_| ()).into_fields();
    Ok(seeds_sheet(&fields))
}
