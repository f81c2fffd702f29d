//! What "best" and "improved" mean: a key of the history, and which of its values are better.

use crate::HistoryRow;

/// Which values of a metric are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Lower ones, as of a loss.
    Lower,
    /// Higher ones, as of an accuracy.
    Higher,
}

impl Direction {
    /// `lower` or `higher`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
        }
    }

    /// `value` such that the higher is the better: negated where lower ones are.
    #[must_use]
    pub fn merit(self, value: f64) -> f64 {
        match self {
            Self::Lower => -value,
            Self::Higher => value,
        }
    }
}

/// A key of the history's rows by which epochs are judged, and which of its values are better.
///
/// ```
/// use strata_spec::{Criterion, HistoryRow};
///
/// let row = HistoryRow::initial(2.3, 0.1);
/// assert_eq!(Criterion::val_loss().merit(&row), Some(-2.3));
/// assert_eq!(Criterion::higher("val_macro_f1").merit(&row), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// The key: `train_loss`, `val_loss`, `val_acc`, or `val_` and a metric's name.
    pub key: String,
    /// Which values are better.
    pub direction: Direction,
}

impl Criterion {
    /// The validation loss.
    #[must_use]
    pub fn val_loss() -> Self {
        Self::lower("val_loss")
    }

    /// The validation accuracy.
    #[must_use]
    pub fn val_acc() -> Self {
        Self::higher("val_acc")
    }

    /// A key whose lower values are better.
    pub fn lower(key: impl Into<String>) -> Self {
        Self { key: key.into(), direction: Direction::Lower }
    }

    /// A key whose higher values are better.
    pub fn higher(key: impl Into<String>) -> Self {
        Self { key: key.into(), direction: Direction::Higher }
    }

    /// The row's value such that the higher is the better; none where the row has no such key.
    #[must_use]
    pub fn merit(&self, row: &HistoryRow) -> Option<f64> {
        row.get(&self.key).map(|value| self.direction.merit(value))
    }
}

/// The validation accuracy.
impl Default for Criterion {
    fn default() -> Self {
        Self::val_acc()
    }
}
