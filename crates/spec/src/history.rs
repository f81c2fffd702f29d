//! What is known of a run after each of its evaluations.

use std::collections::BTreeMap;

/// One row of a run's history: the initial evaluation (`epoch` none), or an epoch.
///
/// ```
/// use strata_spec::HistoryRow;
///
/// let row = HistoryRow { values: [("val_top_5".to_owned(), 0.9)].into(), ..HistoryRow::initial(2.3, 0.1) };
/// assert_eq!((row.get("val_loss"), row.get("val_top_5"), row.get("train_loss")), (Some(2.3), Some(0.9), None));
/// ```
#[derive(Debug, Clone)]
pub struct HistoryRow {
    /// The phase, 0-based; none for the initial evaluation.
    pub phase: Option<usize>,
    /// The epoch, 0-based over the run; none for the initial evaluation.
    pub epoch: Option<usize>,
    /// The learning rate of the epoch's first step, `lr` in files; that of the last one, where it is another, is `lr_last` among `values`.
    pub learning_rate: Option<f64>,
    /// The mean over the epoch's samples of the loss each had when it was trained on.
    pub train_loss: Option<f64>,
    /// The mean loss over the validation samples.
    pub val_loss: f64,
    /// The share of validation samples whose class was predicted, in `0..=1`.
    pub val_acc: f64,
    /// Whatever else was measured, by its key: `val_` and a metric's name. NaN where a value is not finite. At most 64.
    pub values: BTreeMap<String, f64>,
}

impl HistoryRow {
    /// An evaluation before the first step.
    #[must_use]
    pub fn initial(val_loss: f64, val_acc: f64) -> Self {
        let (phase, epoch, learning_rate, train_loss) = (None, None, None, None);
        Self { phase, epoch, learning_rate, train_loss, val_loss, val_acc, values: BTreeMap::new() }
    }

    /// What was measured under `key`: `train_loss`, `val_loss`, `val_acc`, or a key of `values`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<f64> {
        match key {
            "train_loss" => self.train_loss,
            "val_loss" => Some(self.val_loss),
            "val_acc" => Some(self.val_acc),
            _ => self.values.get(key).copied(),
        }
    }

    /// Its numbers, each as bits with one NaN and one zero: a row that went through a file is the row that was written.
    fn numbers(&self) -> impl Iterator<Item = Option<u64>> {
        let fixed = [self.learning_rate, self.train_loss, Some(self.val_loss), Some(self.val_acc)];
        let bits = |value: f64| if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() };
        fixed.into_iter().chain(self.values.values().copied().map(Some)).map(move |value| value.map(bits))
    }
}

/// Equal where all numbers are, a NaN being equal to a NaN.
impl PartialEq for HistoryRow {
    fn eq(&self, other: &Self) -> bool {
        (self.phase, self.epoch) == (other.phase, other.epoch)
            && self.values.keys().eq(other.values.keys())
            && self.numbers().eq(other.numbers())
    }
}
