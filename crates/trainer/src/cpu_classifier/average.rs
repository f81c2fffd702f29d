//! What an evaluation measures, and of which network where weights are averaged.

use dfdx::prelude::*;

use super::CpuClassifier;
use crate::averaged_network::AveragedNetwork;
use crate::cpu_network::AnyCpuNetwork;
use crate::{Batch, Outputs, Score, TrainError};

impl CpuClassifier {
    /// Whether an average is evaluated, once it is up to date.
    pub(super) fn is_averaged(&self) -> bool {
        self.step.averaging.is_some_and(|averaging| averaging.has_begun(self.state.steps))
    }

    /// Whether an average is to be evaluated whose activations batch normalisation knows nothing of.
    pub(super) fn lacks_statistics(&self) -> bool {
        let is_stale = self.averaged.as_ref().is_some_and(|averaged| !averaged.is_current());
        is_stale && self.is_averaged() && self.architecture.network().has_batch_norm()
    }

    /// Brings the averaged network up to date where it is what is evaluated; what is.
    pub(super) fn evaluated(&mut self) -> Result<&dyn AnyCpuNetwork, TrainError> {
        if self.lacks_statistics() {
            return Err(TrainError::Statistics);
        }
        let is_averaged = self.is_averaged();
        match &mut self.averaged {
            Some(averaged) if is_averaged || averaged.is_current() => {
                if !averaged.is_current() {
                    averaged.load(&*self.network, &self.state)?;
                }
                Ok(averaged.network())
            }
            _ => Ok(&*self.network),
        }
    }

    /// Adds what a batch says to the score, and what becomes of each sample where that is asked for.
    pub(super) fn validate(&mut self, mut batch: Batch) -> Result<(), TrainError> {
        let images = self.inputs(&mut batch)?;
        let logits = self.evaluated()?.evaluate(images).map_err(TrainError::device)?;
        let logits = logits.as_vec();
        let total = self.step.loss.loss(&logits, batch.targets(), self.classes);
        let outputs = Outputs { logits: &logits, labels: &batch.labels, classes: self.classes };
        self.validation.measure(&outputs);
        if let Some(results) = &mut self.results {
            results.extend(outputs.samples().map(|sample| sample.result()));
        }
        let (correct, samples) = (total.correct as u64, batch.len() as u64);
        let (weight, count) = (self.step.loss.weight(batch.targets()), samples as f64);
        let loss = if weight == count { total.loss } else { total.loss * (weight / count) };
        self.validation.add(Score { loss, correct, samples, excess: weight - count, ..Score::default() });
        Ok(())
    }

    /// Takes the statistics of a batch of training samples into those of the average.
    pub(super) fn estimate(&mut self, mut batch: Batch) -> Result<(), TrainError> {
        batch.check_size(self.smallest_batch)?;
        let images = self.inputs(&mut batch)?;
        let Some(averaged) = &mut self.averaged else { return Ok(()) };
        averaged.estimate(&*self.network, &self.state, |network| {
            network.train(images.leaky_traced()).map(drop).map_err(TrainError::device)
        })
    }

    pub(super) fn forget_average(&mut self) {
        self.averaged.iter_mut().for_each(AveragedNetwork::forget);
    }
}
