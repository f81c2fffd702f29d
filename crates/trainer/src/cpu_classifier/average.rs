//! Which network of a classifier is evaluated where its weights are averaged.

use super::CpuClassifier;
use crate::TrainError;
use crate::averaged_network::AveragedNetwork;
use crate::cpu_network::CpuNetwork;

impl<M: CpuNetwork<I, C>, const I: usize, const C: usize> CpuClassifier<M, I, C> {
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
    pub(super) fn evaluated(&mut self) -> Result<&M, TrainError> {
        if self.lacks_statistics() {
            return Err(TrainError::Statistics);
        }
        let is_averaged = self.is_averaged();
        match &mut self.averaged {
            Some(averaged) if is_averaged || averaged.is_current() => {
                if !averaged.is_current() {
                    averaged.load(&self.network, &self.state)?;
                }
                Ok(averaged.network())
            }
            _ => Ok(&self.network),
        }
    }

    pub(super) fn forget_average(&mut self) {
        self.averaged.iter_mut().for_each(AveragedNetwork::forget);
    }
}
