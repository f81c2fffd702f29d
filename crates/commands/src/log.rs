//! What the program is doing, on standard error, as `STRATA_LOG` asks for it.

use std::io::IsTerminal;

use strata_cli::note;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

const VARIABLE: &str = "STRATA_LOG";
const EXPECTED: &str = "expected a level (error, warn, info, debug, trace, off), or a crate and its level as in strata_dataset=trace, or several \
                        with commas";

/// Whose lines can be asked for.
const CRATES: [&str; 10] = [
    "strata",
    "strata_config",
    "strata_dataset",
    "strata_experiment",
    "strata_files",
    "strata_kernels",
    "strata_model",
    "strata_report",
    "strata_rng",
    "strata_trainer",
];

/// Logs what `STRATA_LOG` asks for (`debug`, `info,strata_dataset=trace`), warnings by default. What it cannot mean is said once, and the
/// rest heeded.
pub(crate) fn to_standard_error() {
    let wanted = std::env::var_os(VARIABLE).map(|wanted| wanted.to_string_lossy().into_owned()).unwrap_or_default();
    let (filter, faults) = filter(&wanted);
    for fault in faults {
        note(&format!("warning: {VARIABLE}={wanted}: {fault}; {EXPECTED}"));
    }
    let default = filter.default_level().unwrap_or(LevelFilter::WARN);
    let mut lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if !std::io::stderr().is_terminal() {
        // Colours in a log file are escape codes.
        lines = lines.with_ansi(false);
    }
    tracing_subscriber::registry().with(lines.with_filter(filter.with_default(default))).init();
}

/// The filter that `wanted` describes, and what of it describes none.
fn filter(wanted: &str) -> (Targets, Vec<String>) {
    let mut filter = Targets::new();
    let mut faults = Vec::new();
    for part in wanted.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (target, level) = match part.split_once('=') {
            Some((target, level)) => (Some(target.trim()), Some(level.trim())),
            None if part.parse::<LevelFilter>().is_ok() => (None, Some(part)),
            None => (Some(part), None),
        };
        // Nothing after the sign would be read as `error`.
        let level = level.map_or(Some(LevelFilter::TRACE), |level| level.parse().ok().filter(|_| !level.is_empty()));
        let known = target.is_none_or(|target| CRATES.contains(&target.split("::").next().unwrap_or_default()));
        match (target, level) {
            _ if !known => faults.push(format!("no part of strata is called `{}`", target.unwrap_or_default())),
            (_, None) => faults.push(format!("`{part}` names no level")),
            (Some(target), Some(level)) => filter = filter.with_target(target, level),
            (None, Some(level)) => filter = filter.with_default(level),
        }
    }
    (filter, faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_log_filters_are_reported_and_the_rest_apply() {
        for right in
            ["", "debug", "INFO", "off", "info,strata_dataset=trace", "strata_dataset::download", "strata=debug, warn,"]
        {
            assert_eq!(filter(right).1, Vec::<String>::new(), "{right}");
        }
        for wrong in ["debgu", "strata_datset=trace", "strata_dataset=verbose", "=debug", "strata_dataset="] {
            let (found, faults) = filter(&format!("{wrong},strata_model=debug"));
            assert_eq!(faults.len(), 1, "{wrong}: {faults:?}");
            assert_eq!(found, Targets::new().with_target("strata_model", LevelFilter::DEBUG), "{wrong}");
        }
        assert_eq!(filter("info").0.default_level(), Some(LevelFilter::INFO));
    }

    #[test]
    fn every_crate_that_logs_is_known_to_the_filter() {
        let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut asked = 0;
        for folder in std::fs::read_dir(crates).unwrap().map(|entry| entry.unwrap().path()) {
            let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
            if manifest.lines().any(|line| line.starts_with("tracing.workspace")) {
                let name = folder.file_name().unwrap().to_string_lossy().into_owned();
                let name = if name == "strata" { name } else { format!("strata_{name}") };
                assert!(CRATES.contains(&name.as_str()), "{name}");
                asked += 1;
            }
        }
        assert!(asked > 0);
    }
}
