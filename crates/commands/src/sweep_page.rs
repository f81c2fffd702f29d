//! The page of a sweep: its members side by side, how much each key mattered and what the objective was at each value.

use std::path::PathBuf;

use strata_cli::note;
use strata_experiment::{ShownKey, SweptKeys, write_comparison};
use strata_report::{Record, read_record_as_it_stands};
use strata_sweep::{State, SweepFolder, best_members, importance};

/// Members that the page shows at most, the best: more make a file that a browser is slow with.
const SHOWN: usize = 2_000;

/// Writes `compare.html` into the sweep's folder; gives its path, none where no member has a result yet.
pub(crate) fn write(folder: &SweepFolder, state: &State) -> anyhow::Result<Option<PathBuf>> {
    let names = best_members(folder, state);
    let mut records: Vec<(PathBuf, Record)> = Vec::new();
    for name in names.iter().take(SHOWN) {
        let run = folder.run(name);
        match read_record_as_it_stands(&run) {
            Ok(record) => records.push((run, record)),
            // Told and left out: one damaged run hides no other.
            Err(error) => note(&format!("left out of the page: {error}")),
        }
    }
    if records.is_empty() {
        return Ok(None);
    }
    if names.len() > SHOWN {
        note(&format!("the page shows the best {SHOWN} of {} members, and the keys over all points", names.len()));
    }
    let found = importance(folder, state);
    let keys: Vec<ShownKey<'_>> =
        found.iter().map(|key| ShownKey { name: &key.key, share: key.share, groups: &key.groups }).collect();
    let path = folder.path().join("compare.html");
    write_comparison(&records, Some(SweptKeys { objective: &folder.sweep().objective.key, keys: &keys }), &path)?;
    Ok(Some(path))
}
