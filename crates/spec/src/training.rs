//! How long to train, at which rate, and when to stop.

use crate::named::named;

/// Epochs at one learning rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phase {
    /// Passes over the training samples, [`ranges::EPOCHS`](crate::ranges::EPOCHS).
    pub epochs: usize,
    /// Above 0 and finite in 32 bits.
    pub learning_rate: f64,
}

named! {
    /// What early stopping watches.
    #[derive(Default)]
    pub enum Metric {
        #[default]
        ValLoss = "val_loss", "the validation loss; lower is better";
        ValAcc = "val_acc", "the validation accuracy; higher is better";
    }
}

/// Ends a run after `patience` epochs in a row without an improvement of more than `min_delta`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EarlyStopping {
    /// What is watched.
    pub metric: Metric,
    /// Epochs, at least one.
    pub patience: usize,
    /// How much better than the best so far counts, in the metric's unit, at least 0.
    pub min_delta: f64,
}
