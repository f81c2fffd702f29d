//! What a command that trains begins with.

use std::path::{Path, PathBuf};

use anyhow::Context;
use strata_experiment::Stop;
use strata_files::escape_path;

use crate::signals;

/// Heeds signals: whatever a command could wait for in vain is behind it.
pub(crate) fn prepare() -> anyhow::Result<Stop> {
    let stop = Stop::default();
    signals::heed(&stop)?;
    Ok(stop)
}

/// A folder as the record keeps it, for a resume from elsewhere.
pub(crate) fn absolute(folder: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(folder).with_context(|| format!("--data {}", escape_path(folder)))
}
