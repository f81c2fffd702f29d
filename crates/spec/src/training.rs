//! How long to train, at which rate, and when to stop.

use crate::criterion::Criterion;
use crate::schedule::ScheduleSpec;

/// How gradients are clipped before the optimizer sees them: by norm, then by value.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Clipping {
    /// The largest norm of all gradients together, [`ranges::CLIPPING`](crate::ranges::CLIPPING): larger ones are scaled down to it
    /// (`torch.nn.utils.clip_grad_norm_`).
    pub norm: Option<f64>,
    /// The largest absolute value of an element, [`ranges::CLIPPING`](crate::ranges::CLIPPING) (`torch.nn.utils.clip_grad_value_`).
    pub value: Option<f64>,
}

/// Epochs at one learning rate, or at rates below it.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// Passes over the training samples, [`ranges::EPOCHS`](crate::ranges::EPOCHS).
    pub epochs: usize,
    /// The rate, or the highest of the schedule's: above 0 and finite in 32 bits.
    pub learning_rate: f64,
    /// How the rate goes within the phase, after the warm-up.
    pub schedule: ScheduleSpec,
    /// The share of the phase's steps in which the rate rises before the schedule begins, [`ranges::WARMUP`](crate::ranges::WARMUP).
    pub warmup: f64,
}

impl Phase {
    /// Epochs of a schedule, without a warm-up before it.
    #[must_use]
    pub const fn new(epochs: usize, learning_rate: f64, schedule: ScheduleSpec) -> Self {
        Self { epochs, learning_rate, schedule, warmup: 0.0 }
    }

    /// Epochs at one learning rate.
    #[must_use]
    pub const fn constant(epochs: usize, learning_rate: f64) -> Self {
        Self::new(epochs, learning_rate, ScheduleSpec::Constant)
    }

    /// How many of the phase's `steps` the warm-up is, in which the rate rises; the last step, at least, is the schedule's.
    #[must_use]
    pub fn warmup_steps(&self, steps: usize) -> usize {
        ((self.warmup * steps as f64).round() as usize).min(steps.saturating_sub(1))
    }
}

/// Ends a run after `patience` epochs in a row without an improvement of more than `min_delta`.
#[derive(Debug, Clone, PartialEq)]
pub struct EarlyStopping {
    /// What is watched.
    pub metric: Criterion,
    /// Epochs, at least one.
    pub patience: usize,
    /// How much better than the best so far counts, in the metric's unit, at least 0.
    pub min_delta: f64,
}
