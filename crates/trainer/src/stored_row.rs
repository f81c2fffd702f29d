//! A row of history as a checkpoint holds it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strata_spec::HistoryRow;

/// The keys of a row in a checkpoint. JSON has no NaN: a value that is none is `null`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    phase: Option<usize>,
    epoch: Option<usize>,
    learning_rate: Option<f64>,
    train_loss: Option<f64>,
    val_loss: f64,
    val_acc: f64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    values: BTreeMap<String, Option<f64>>,
}

impl Stored {
    fn of(row: &HistoryRow) -> Self {
        let HistoryRow { phase, epoch, learning_rate, train_loss, val_loss, val_acc, ref values } = *row;
        let finite = |value: f64| value.is_finite().then_some(value);
        let values = values.iter().map(|(key, value)| (key.clone(), finite(*value))).collect();
        Self { phase, epoch, learning_rate, train_loss, val_loss, val_acc, values }
    }

    fn into_row(self) -> HistoryRow {
        let Self { phase, epoch, learning_rate, train_loss, val_loss, val_acc, values } = self;
        let values = values.into_iter().map(|(key, value)| (key, value.unwrap_or(f64::NAN))).collect();
        HistoryRow { phase, epoch, learning_rate, train_loss, val_loss, val_acc, values }
    }
}

/// For `#[serde(with = "…")]` of a row that may be missing.
pub(crate) mod option {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(row: &Option<HistoryRow>, to: S) -> Result<S::Ok, S::Error> {
        row.as_ref().map(Stored::of).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<HistoryRow>, D::Error> {
        Ok(Option::<Stored>::deserialize(from)?.map(Stored::into_row))
    }
}

/// For `#[serde(with = "…")]` of a list of rows.
pub(crate) mod list {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(rows: &[HistoryRow], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(rows.iter().map(Stored::of))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<HistoryRow>, D::Error> {
        Ok(Vec::<Stored>::deserialize(from)?.into_iter().map(Stored::into_row).collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::Progress;

    use super::*;

    #[test]
    fn a_metric_that_is_no_number_does_not_cost_the_checkpoint() {
        let mut progress = Progress::new(&strata_rng::TorchRng::new(43));
        let values = [("val_odd".to_owned(), f64::NAN), ("val_top_5".to_owned(), 0.5)].into();
        progress.last = Some(HistoryRow { values, ..HistoryRow::initial(2.0, 0.25) });
        let text = serde_json::to_string(&progress).unwrap();
        assert!(text.contains(r#""values":{"val_odd":null,"val_top_5":0.5}"#), "{text}");
        assert_eq!(serde_json::from_str::<Progress>(&text).unwrap(), progress);
    }
}
