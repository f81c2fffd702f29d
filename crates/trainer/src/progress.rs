//! How far a run has come.

use serde::{Deserialize, Serialize};
use strata_rng::{RngState, TorchRng};
use strata_spec::EarlyStopping;

use crate::early_stopping::{StoppingState, is_better, is_over};
use crate::{HistoryRow, Plan, Score, TrainError, stored_row};

/// How far a run has come; with weights and optimizer state, all that is needed to go on as if it had never stopped. Its size does not
/// depend on how many epochs there were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The epoch that is under way or comes next, 0-based over the run.
    pub epoch: usize,
    /// Batches of that epoch that were trained on.
    pub batches: usize,
    /// Their scores.
    pub score: Score,
    /// The generator as it was before that epoch drew its order.
    pub rng: RngState,
    /// The last line of the history: the initial evaluation, or the epoch before this one; none before the initial evaluation.
    #[serde(with = "stored_row::option")]
    pub last: Option<HistoryRow>,
    /// The best epoch so far by the plan's criterion, the first of equals; the initial evaluation is no epoch.
    #[serde(with = "stored_row::option")]
    pub best: Option<HistoryRow>,
    /// What the schedule remembers, where it remembers anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedule: Vec<f64>,
    /// What early stopping remembers, where the plan has it and an epoch has ended.
    pub stopping: Option<StoppingState>,
}

impl Progress {
    /// Before the initial evaluation.
    pub fn new(rng: &TorchRng) -> Self {
        Self {
            epoch: 0,
            batches: 0,
            score: Score::default(),
            rng: rng.state(),
            last: None,
            best: None,
            schedule: Vec::new(),
            stopping: None,
        }
    }

    /// Takes from a whole history, its first line first, what is remembered of it: for a checkpoint of format 1, which holds the history
    /// itself.
    pub fn replay(&mut self, history: &[HistoryRow], plan: &Plan) {
        (self.last, self.best, self.stopping) = (None, None, None);
        self.schedule.clear();
        for line in history {
            self.add(line.clone(), plan);
        }
    }

    /// Remembers a new line of the history.
    pub(crate) fn add(&mut self, line: HistoryRow, plan: &Plan) {
        if let Some(epoch) = line.epoch {
            if self.best.as_ref().is_none_or(|best| is_better(&plan.best, &line, best)) {
                self.best = Some(line.clone());
            }
            if let Some(stopping) = &plan.early_stopping {
                self.stopping.get_or_insert_default().observe(stopping, &line);
            }
            if let Some(place) = plan.place_of(epoch) {
                plan.schedule(place.phase).epoch_ended(&line, &mut self.schedule);
                // Each phase's own schedule begins with nothing; one of a user's own is the whole run's.
                if plan.schedule.is_none() && place.epoch + 1 == place.phase.epochs {
                    self.schedule.clear();
                }
            }
        }
        self.last = Some(line);
    }

    /// Whether it stands where a run of `plan` can, whose epochs have `batches` training batches each.
    pub(crate) fn check_place(&self, plan: &Plan, batches: usize) -> Result<(), String> {
        let Self { epoch, batches: done, .. } = self;
        let (epochs, group) = (plan.epochs(), plan.batches_per_step());
        if *epoch > epochs || *done > batches {
            return Err(format!(
                "it stands at batch {done} of epoch {epoch}; there are {epochs} epochs of {batches} batches"
            ));
        }
        if !done.is_multiple_of(group) && *done != batches {
            return Err(format!(
                "it stands at batch {done} of epoch {epoch}, in the middle of a step of {group} batches"
            ));
        }
        Ok(())
    }

    /// Whether the last line is the best epoch's.
    pub fn is_best(&self) -> bool {
        let epoch = |line: &Option<HistoryRow>| line.as_ref().and_then(|line| line.epoch);
        self.best.is_some() && epoch(&self.best) == epoch(&self.last)
    }

    /// Whether the run ends here by the rule `stopping`. A function of what was reached alone, so that a resumed run decides as
    /// the first would have.
    pub(crate) fn is_over(&self, stopping: Option<&EarlyStopping>) -> Result<bool, TrainError> {
        match (stopping, &self.stopping) {
            (None, _) => Ok(false),
            (Some(stopping), Some(state)) => Ok(is_over(stopping, state)),
            (Some(_), None) if self.epoch == 0 => Ok(false),
            (Some(_), None) => Err(TrainError::Progress {
                reason: format!(
                    "the plan stops early, but the progress, at epoch {}, remembers nothing of the metric; Progress::replay \
                     takes it from the history",
                    self.epoch
                ),
            }),
        }
    }
}
