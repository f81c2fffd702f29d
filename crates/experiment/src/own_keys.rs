//! What the record of a run of one's own has as hyperparameters: what the run itself knows, and the keys of its text.

use serde_json::{Map, Value, json};
use strata_model::Architecture;
use strata_trainer::Plan;

use crate::sha256::sha256;

/// The most bytes that the text's keys may take in a record; of a longer text a record has the checksum alone.
const MOST: usize = 1 << 16;

/// Network, seed, epochs and rates under the names that the program's own runs have for them, then each key of `config` behind `config.`, so that
/// none is taken for a key of the program's.
pub(crate) fn hyperparameters(architecture: &Architecture, seed: u64, plan: &Plan, config: &str) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("arch".into(), json!(architecture.to_string()));
    map.insert("seed".into(), json!(seed));
    map.insert("epochs".into(), plan.phases.iter().map(|phase| json!(phase.epochs)).collect());
    map.insert("lrs".into(), plan.phases.iter().map(|phase| json!(phase.learning_rate)).collect());
    let mut keys = Map::new();
    if let Ok(table) = config.parse::<toml::Table>() {
        flatten("config", table, &mut keys);
    } else {
        keys.insert("config".into(), checksum(config));
    }
    if json!(keys).to_string().len() > MOST {
        keys = Map::from_iter([("config".to_owned(), checksum(config))]);
    }
    map.extend(keys);
    map
}

fn checksum(config: &str) -> Value {
    json!(format!("text, SHA-256 {}", sha256(config.as_bytes())))
}

fn flatten(path: &str, table: toml::Table, keys: &mut Map<String, Value>) {
    for (key, value) in table {
        let path = format!("{path}.{key}");
        match value {
            toml::Value::Table(table) => flatten(&path, table, keys),
            value => drop(keys.insert(path, json_of(value))),
        }
    }
}

fn json_of(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => json!(text),
        toml::Value::Integer(number) => json!(number),
        // JSON has neither infinity nor NaN.
        toml::Value::Float(number) if !number.is_finite() => json!(number.to_string()),
        toml::Value::Float(number) => json!(number),
        toml::Value::Boolean(value) => json!(value),
        toml::Value::Datetime(time) => json!(time.to_string()),
        toml::Value::Array(values) => values.into_iter().map(json_of).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, json_of(value))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strata_spec::NetworkSpec;
    use strata_trainer::Phase;

    fn of(config: &str) -> Map<String, Value> {
        let network: NetworkSpec = "4, 8 relu, 3".parse().unwrap();
        let plan = Plan::new([Phase::constant(2, 0.1), Phase::constant(1, 0.01)]);
        hyperparameters(&Architecture::from(network), 43, &plan, config)
    }

    #[test]
    fn keys_of_the_text_are_recorded_behind_config() {
        let found = of("hidden = [8]\nloss.gamma = 2.0\nlate = [{ day = 2026-11-26 }]\nmost = inf\n");
        let expected = json!({
            "seed": 43, "epochs": [2, 1], "lrs": [0.1, 0.01],
            "config.hidden": [8], "config.loss.gamma": 2.0, "config.late": [{"day": "2026-11-26"}], "config.most": "inf",
        });
        assert!(found["arch"].as_str().unwrap().contains("8 relu"), "{found:?}");
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&found[key], value, "{key}");
        }
        assert_eq!(found.len(), 8);
    }

    /// A record may have 128 KiB of hyperparameters and is refused beyond.
    #[test]
    fn a_text_that_is_no_toml_or_too_long_is_recorded_by_its_checksum() {
        let long = format!("words = \"{}\"\n", "a".repeat(MOST));
        for text in ["epochs: 3", long.as_str()] {
            let found = of(text);
            let told = found["config"].as_str().unwrap();
            assert!(told.ends_with(&sha256(text.as_bytes())) && found.len() == 5, "{told}");
        }
    }
}
