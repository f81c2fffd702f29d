//! What a run is to do: phases of epochs, when to end early, how often to keep a checkpoint.

use std::num::NonZeroUsize;
use std::sync::Arc;

use strata_spec::{Criterion, EarlyStopping, Phase};

use crate::Schedule;

/// What is to be done.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// In order.
    pub phases: Vec<Phase>,
    /// A schedule of one's own, in place of the phases' own ones; each phase still has its peak and its steps.
    pub schedule: Option<Arc<dyn Schedule>>,
    /// By what the best epoch is chosen; the validation accuracy by default.
    pub best: Criterion,
    /// When to end before the last phase does.
    pub early_stopping: Option<EarlyStopping>,
    /// Steps between the checkpoints within an epoch; there is one at the end of each epoch in any case.
    pub checkpoint_every: Option<usize>,
    /// Batches whose gradients are added up for one step, by default one. The last step of an epoch may have fewer.
    pub accumulate: Option<NonZeroUsize>,
}

/// The place of an epoch in its phase.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The phase's number.
    pub(crate) number: usize,
    pub(crate) phase: &'a Phase,
    /// The epoch, 0-based in its phase.
    pub(crate) epoch: usize,
}

impl Plan {
    /// These phases, one after the other, and nothing else.
    ///
    /// ```
    /// use strata_trainer::{Phase, Plan};
    ///
    /// assert_eq!(Plan::new([Phase::constant(3, 0.1), Phase::constant(2, 0.01)]).epochs(), 5);
    /// ```
    pub fn new(phases: impl Into<Vec<Phase>>) -> Self {
        Self { phases: phases.into(), ..Self::default() }
    }

    /// Epochs of all phases.
    pub fn epochs(&self) -> usize {
        self.phases.iter().map(|phase| phase.epochs).sum()
    }

    /// Batches of a step.
    pub(crate) fn batches_per_step(&self) -> usize {
        self.accumulate.map_or(1, NonZeroUsize::get)
    }

    /// Where epoch `epoch` (0-based over the run) belongs.
    pub(crate) fn place_of(&self, epoch: usize) -> Option<Place<'_>> {
        let mut first = 0;
        for (number, phase) in self.phases.iter().enumerate() {
            if epoch < first + phase.epochs {
                return Some(Place { number, phase, epoch: epoch - first });
            }
            first += phase.epochs;
        }
        None
    }

    /// The schedule of `phase`.
    pub(crate) fn schedule<'a>(&'a self, phase: &'a Phase) -> &'a dyn Schedule {
        match &self.schedule {
            Some(schedule) => schedule.as_ref(),
            None => phase,
        }
    }
}
