//! The learning rate of each step of an epoch.

use crate::plan::Place;
use crate::{Plan, Progress, Schedule, ScheduledStep, TrainError};

/// The learning rates of an epoch's steps.
pub(crate) struct Rates<'a> {
    schedule: &'a dyn Schedule,
    peak: f64,
    /// The epoch's first step, 0-based in its phase.
    first: usize,
    /// Steps of the phase.
    steps: usize,
    /// At least one.
    pub(crate) steps_per_epoch: usize,
}

impl<'a> Rates<'a> {
    pub(crate) fn new(plan: &'a Plan, place: &Place<'a>, batches: usize) -> Self {
        let steps_per_epoch = batches.div_ceil(plan.batches_per_step()).max(1);
        Self {
            schedule: plan.schedule(place.phase),
            peak: place.phase.learning_rate,
            first: place.epoch * steps_per_epoch,
            steps: place.phase.epochs * steps_per_epoch,
            steps_per_epoch,
        }
    }

    /// The rate of the epoch's step `step`.
    pub(crate) fn of(&self, step: usize, progress: &Progress) -> Result<f64, TrainError> {
        let Self { schedule, peak, first, steps, steps_per_epoch } = *self;
        let state = &progress.schedule;
        let rate = schedule.rate(&ScheduledStep { peak, step: first + step, steps, steps_per_epoch, state });
        // What a long decay leaves is 0 in 32-bit floats.
        let rate = if rate < peak && (0.0..f64::from(f32::MIN_POSITIVE)).contains(&rate) { 0.0 } else { rate };
        if rate.is_finite() && rate >= 0.0 { Ok(rate) } else { Err(self.error(rate, progress.epoch, step)) }
    }

    /// What the schedule remembers must be readable in a checkpoint.
    pub(crate) fn check_state(&self, progress: &Progress) -> Result<(), TrainError> {
        match progress.schedule.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(self.error(*value, progress.epoch, 0)),
            None => Ok(()),
        }
    }

    fn error(&self, value: f64, epoch: usize, step: usize) -> TrainError {
        TrainError::Rate { schedule: format!("{:?}", self.schedule), value, epoch, step }
    }
}
