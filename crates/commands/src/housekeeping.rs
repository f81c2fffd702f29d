//! `prune` and `remove`: what is taken from the folder of runs.

use std::collections::HashSet;
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};
use strata_cli::note;
use strata_experiment::{ExperimentError, find_run};
use strata_files::escape_path;
use strata_report::{ReportError, RunFolder, RunState, Status, free_checkpoints, list_runs, remove_run};

use crate::output::show;

/// Frees the checkpoints of the runs that are named, or of all that are finished.
pub(crate) fn prune(names: &[PathBuf], runs: &Path) -> anyhow::Result<()> {
    let is_finished = |state: &RunState| *state == RunState::Known(Status::Finished);
    let found: Vec<PathBuf> = if names.is_empty() {
        list_runs(runs)?.into_iter().filter(|run| is_finished(&run.state)).map(|run| run.path).collect()
    } else {
        found_once(names, runs)?
    };
    let (mut freed, mut count) = (0, 0);
    for run in found {
        match free_checkpoints(&run) {
            Ok(None) => note(&format!("left as it is: {} is not finished, and may be resumed", escape_path(&run))),
            // One that somebody looks after at this moment hides no other.
            Err(error @ ReportError::Held { .. }) => note(&format!("left as it is: {error}")),
            Ok(Some(0)) => {}
            Ok(Some(bytes)) => {
                show(&format!("{}: {bytes} bytes\n", escape_path(&run)))?;
                (freed, count) = (freed + bytes, count + 1);
            }
            Err(error) => return Err(error.into()),
        }
    }
    let plural = if count == 1 { "" } else { "s" };
    show(&format!("{freed} bytes freed, the checkpoints of {count} run{plural}\n"))
}

/// Removes the runs, all of which must be there, once a person has said so.
pub(crate) fn remove(names: &[PathBuf], yes: bool, runs: &Path) -> anyhow::Result<()> {
    names.iter().try_for_each(|name| refuse_two_of(name, runs))?;
    let found = found_once(names, runs)?;
    let named: Vec<String> = found.iter().map(|run| escape_path(run)).collect();
    if !yes {
        if !std::io::stdin().is_terminal() {
            bail!("nobody can be asked whether to remove {}; --yes says so", named.join(", "));
        }
        let mut error = std::io::stderr();
        let asked = write!(error, "Remove {} with all that is in there? [y/N] ", named.join(", "));
        asked.and_then(|()| error.flush()).context("cannot ask")?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
        if !["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) {
            return show("nothing is removed\n");
        }
    }
    for (run, name) in found.iter().zip(named) {
        let bytes = remove_run(run)?;
        show(&format!("{name}: removed, {bytes} bytes\n"))?;
    }
    Ok(())
}

/// Refuses a bare name that is a run's here and another's in `runs`: what is removed is not to be guessed.
fn refuse_two_of(name: &Path, runs: &Path) -> Result<(), ExperimentError> {
    let below = runs.join(name);
    let is_bare = matches!(name.components().collect::<Vec<_>>()[..], [Component::Normal(_)]);
    let is_run = |folder: &Path| RunFolder::is_at(folder).unwrap_or(false);
    let one = |folder: &Path| folder.canonicalize().ok();
    if is_bare && is_run(name) && is_run(&below) && one(name) != one(&below) {
        return Err(ExperimentError::TwoRuns { here: Path::new(".").join(name), below });
    }
    Ok(())
}

/// The runs that are named, each once, however often and by whatever way to its folder.
fn found_once(names: &[PathBuf], runs: &Path) -> Result<Vec<PathBuf>, ExperimentError> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    for name in names {
        let run = find_run(name, runs)?;
        if seen.insert(run.canonicalize().unwrap_or_else(|_| run.clone())) {
            found.push(run);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_is_named_twice_is_removed_once() {
        let runs = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            RunFolder::create_exact(runs.path(), name).unwrap().write_config("").unwrap();
        }
        let names = ["a".into(), "a".into(), runs.path().join("a"), "b".into(), runs.path().join("b/../a")];
        remove(&names, true, runs.path()).unwrap();
        assert_eq!(std::fs::read_dir(runs.path()).unwrap().count(), 0);
    }
}
