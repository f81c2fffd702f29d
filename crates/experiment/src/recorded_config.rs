//! The config of a recorded run, for whoever computes something of the run again: the one that it was started with, or none.

use std::path::Path;

use strata_config::{Config, read_text};
use strata_report::Record;

use crate::ExperimentError;
use crate::sha256::sha256;

/// The config in the folder `run`, which must be the one that `record` names; why it is not becomes an error by `refused`. A record that names none, of
/// another program, is taken at the file's word.
///
/// # Errors
/// That of `refused`; [`ExperimentError::Config`] where the file cannot be read.
pub(crate) fn read_recorded(
    run: &Path,
    record: &Record,
    refused: impl Fn(String) -> ExperimentError,
) -> Result<Config, ExperimentError> {
    let path = run.join("config.toml");
    let text = read_text(&path)?;
    if !record.config_sha256.is_empty() {
        // Before the text is understood: what an edit broke is an edit first.
        refuse_other(&sha256(text.as_bytes()), record).map_err(refused)?;
    }
    Ok(Config::parse(&text, &path, &[])?)
}

/// Why a config of the SHA-256 `found` is not the one that `record` names, unless it is.
pub(crate) fn refuse_other(found: &str, record: &Record) -> Result<(), String> {
    let recorded = &record.config_sha256;
    if found == recorded {
        return Ok(());
    }
    Err(format!(
        "its config.toml is not the one it was started with: its SHA-256 is {found}, its record has {recorded}; \
         restore the file from a copy"
    ))
}
