//! Configs and `--set` arguments.

use std::path::Path;

use strata_config::Config;

/// A config's text, and after each NUL (which TOML cannot hold) a `--set` argument.
pub fn config(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let mut parts = text.split('\0').map(str::to_owned);
    let text = parts.next().unwrap_or_default();
    let sets: Vec<String> = parts.collect();
    let origin = Path::new("fuzzed.toml");
    match Config::parse(&text, origin, &sets) {
        Ok(experiment) => {
            let resolved = experiment.to_toml();
            let again = Config::parse(&resolved, origin, &[]);
            assert_eq!(again.expect("the resolved config is a config"), experiment, "{resolved}");
            true
        }
        Err(error) => {
            let told = error.to_string();
            assert!(!told.is_empty() && told.len() < 4_096, "an error of {} bytes", told.len());
            false
        }
    }
}
