//! `[early_stopping]`: when to stop before the last epoch.

use strata_spec::ranges;
use strata_spec::{Criterion, EarlyStopping};

use crate::key::Fallback::{Is, Required};
use crate::key::{Section, When, keys, table};
use crate::takes::Takes::{Choice, Integer, Number};
use crate::takes::criteria;
use crate::value::{criterion, number, size};
use crate::values::Values;

pub(super) const EARLY_STOPPING_SECTION: Section =
    table("early_stopping", "Without this section every epoch is trained.", ENTRIES);

keys! {
    /// what is watched, after each epoch
    METRIC: Criterion, criterion => "early_stopping.metric", Choice(criteria), Is("\"val_loss\""), Some(WITH_EARLY_STOPPING), Some("early_stopping.metric"), always;
    /// epochs without improvement that end the run
    PATIENCE: usize, size => "early_stopping.patience", Integer(ranges::EPOCHS), Required, Some(WITH_EARLY_STOPPING), Some("early_stopping.patience");
    /// how much better counts as improvement, in the metric's unit
    MIN_DELTA: f64, number => "early_stopping.min_delta", Number(ranges::MIN_DELTA), Is("0.0"), Some(WITH_EARLY_STOPPING), Some("early_stopping.min_delta"), always;
}

/// When to stop, where there is such a section.
pub(crate) fn early_stopping(values: &Values) -> Option<EarlyStopping> {
    values.get(&PATIENCE).map(|patience| EarlyStopping {
        metric: values.get(&METRIC).unwrap_or_else(Criterion::val_loss),
        patience,
        min_delta: values.get(&MIN_DELTA).unwrap_or_default(),
    })
}

const WITH_EARLY_STOPPING: When = When {
    holds: |values| values.has_early_stopping,
    in_phase: None,
    otherwise: |_, name| format!("`{name}` needs the section [early_stopping]"),
};
