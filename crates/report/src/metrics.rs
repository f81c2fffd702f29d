//! What a run reached, and by what its epochs are judged.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use strata_spec::{Criterion, Direction};

/// What a run reached. Losses are mean cross-entropies in nats, accuracies fractions 0..1, both exact over samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// Validation loss before the first step.
    pub initial_val_loss: Option<f64>,
    /// Validation accuracy before the first step.
    pub initial_val_acc: Option<f64>,
    /// Validation loss of the weights that were saved; until they are, of the last epoch.
    pub val_loss: Option<f64>,
    /// Validation accuracy of the weights that were saved; until they are, of the last epoch.
    pub val_acc: Option<f64>,
    /// Test loss of the weights that were saved.
    pub test_loss: Option<f64>,
    /// Test accuracy of the weights that were saved.
    pub test_acc: Option<f64>,
    /// Wall time in seconds from the first step of the work to its end, images and files included; the parts of a resumed run added up.
    pub seconds: Option<f64>,
    /// The epoch of the highest validation accuracy, the first of equals; 0-based over the run.
    pub best_epoch: Option<usize>,
    /// Validation accuracy at that epoch.
    pub best_val_acc: Option<f64>,
    /// Validation loss at that epoch.
    pub best_val_loss: Option<f64>,
    /// What else was measured, by its key: `val_`, `initial_val_`, `best_val_` or `test_` and a metric's name. At most 256.
    #[serde(flatten, deserialize_with = "numbers")]
    pub values: BTreeMap<String, f64>,
}

impl Metrics {
    /// The number under `key`, as the record has it: `val_acc`, `test_loss`, `best_val_macro_f1`.
    pub fn get(&self, key: &str) -> Option<f64> {
        match key {
            "initial_val_loss" => self.initial_val_loss,
            "initial_val_acc" => self.initial_val_acc,
            "val_loss" => self.val_loss,
            "val_acc" => self.val_acc,
            "test_loss" => self.test_loss,
            "test_acc" => self.test_acc,
            "seconds" => self.seconds,
            "best_epoch" => self.best_epoch.map(|epoch| epoch as f64),
            "best_val_acc" => self.best_val_acc,
            "best_val_loss" => self.best_val_loss,
            _ => self.values.get(key).copied(),
        }
    }
}

/// By what the best epoch is chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Best {
    /// The key of the history.
    pub metric: String,
    /// Whether its higher values are better; of equal ones the first epoch's is.
    pub higher_is_better: bool,
}

impl Best {
    /// By `criterion`.
    pub fn of(criterion: &Criterion) -> Self {
        Self { metric: criterion.key.clone(), higher_is_better: criterion.direction == Direction::Higher }
    }

    /// The criterion that it names.
    pub fn criterion(&self) -> Criterion {
        match self.higher_is_better {
            true => Criterion::higher(&self.metric),
            false => Criterion::lower(&self.metric),
        }
    }
}

/// The most further metrics of a record.
const MAX_VALUES: usize = 256;

/// The numbers among a map's values.
fn numbers<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, f64>, D::Error> {
    let values: Map<String, Value> = Map::deserialize(from)?;
    let numbers: BTreeMap<_, _> = values.into_iter().filter_map(|(key, value)| Some((key, value.as_f64()?))).collect();
    match numbers.len() <= MAX_VALUES {
        true => Ok(numbers),
        false => Err(serde::de::Error::custom(format!("more than {MAX_VALUES} metrics, which no run writes"))),
    }
}
