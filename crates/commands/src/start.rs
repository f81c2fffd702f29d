//! What a command that trains begins with.

use std::path::{Path, PathBuf};

use anyhow::Context;
use strata_cli::note;
use strata_experiment::{Config, Stop};
use strata_files::escape_path;
use strata_spec::DatasetKind;

use crate::signals;

/// Heeds signals: whatever a command could wait for in vain is behind it.
pub(crate) fn prepare() -> anyhow::Result<Stop> {
    let stop = Stop::default();
    signals::heed(&stop)?;
    Ok(stop)
}

/// Says so where `--data` has no effect.
pub(crate) fn note_unread(config: &Config, data: Option<&Path>) {
    if data.is_some() && config.dataset.kind.kind() == DatasetKind::Synthetic {
        note("note: --data has no effect: images of dataset.kind = \"synthetic\" are drawn from a seed, not read");
    }
}

/// A folder as the record keeps it, for a resume from elsewhere.
pub(crate) fn absolute(folder: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(folder).with_context(|| format!("--data {}", escape_path(folder)))
}
