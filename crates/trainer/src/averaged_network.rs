//! The network that is evaluated in place of the trained one where weights are averaged.

use strata_model::{Weights, load_tensors, load_weights, own_storage, tensors_of};

use crate::cpu_network::AnyCpuNetwork;
use crate::{OptimizerState, TrainError};

/// A network of its own that is given the averaged weights when they are to be evaluated.
pub(crate) struct AveragedNetwork {
    network: Box<dyn AnyCpuNetwork>,
    holds: Holds,
}

/// What the network holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    /// Weights of an earlier step.
    Stale,
    /// The average, batch normalisation's statistics estimated over so many batches so far.
    Estimating(u64),
    /// What is to be evaluated.
    Current,
}

impl AveragedNetwork {
    /// Beside `network`, from whose tensors its own are apart.
    pub(crate) fn new(network: &dyn AnyCpuNetwork) -> Self {
        let mut network = network.copy();
        own_storage(&mut *network);
        Self { network, holds: Holds::Stale }
    }

    /// What it holds is of an earlier step from here on.
    pub(crate) fn forget(&mut self) {
        self.holds = Holds::Stale;
    }

    pub(crate) fn is_current(&self) -> bool {
        self.holds == Holds::Current
    }

    pub(crate) fn network(&self) -> &dyn AnyCpuNetwork {
        &*self.network
    }

    /// Takes the averages that `state` holds last for each parameter; the rest is that of `trained`.
    pub(crate) fn load(&mut self, trained: &dyn AnyCpuNetwork, state: &OptimizerState) -> Result<(), TrainError> {
        let mut tensors = tensors_of(trained);
        let mut averages = state.parameters.iter().peekable();
        for tensor in &mut tensors {
            if let Some(parameter) = averages.next_if(|parameter| parameter.name == tensor.name)
                && let Some(average) = parameter.buffers.last()
            {
                tensor.values.copy_from_slice(average);
            }
        }
        load_tensors(&mut *self.network, &tensors)?;
        self.holds = Holds::Current;
        Ok(())
    }

    /// Takes `weights`, whatever they are.
    pub(crate) fn load_weights(&mut self, weights: &Weights) -> Result<(), TrainError> {
        load_weights(&mut *self.network, weights)?;
        self.holds = Holds::Current;
        Ok(())
    }

    /// Runs `pass`, a training pass over a batch, so that batch normalisation's statistics become the mean over the batches since
    /// [`AveragedNetwork::forget`], each with the same share (`torch.optim.swa_utils.update_bn`).
    pub(crate) fn estimate(
        &mut self,
        trained: &dyn AnyCpuNetwork,
        state: &OptimizerState,
        pass: impl FnOnce(&mut dyn AnyCpuNetwork) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        let before = match self.holds {
            Holds::Estimating(batches) => batches,
            Holds::Stale | Holds::Current => {
                self.load(trained, state)?;
                0
            }
        };
        // Until it is whole.
        self.holds = Holds::Stale;
        self.network.set_momentum(1.0 / (before + 1) as f32);
        self.network.set_step(before);
        pass(&mut *self.network)?;
        self.holds = Holds::Estimating(before + 1);
        Ok(())
    }

    /// The statistics are those of all batches.
    pub(crate) fn finish_estimate(&mut self) {
        if matches!(self.holds, Holds::Estimating(_)) {
            self.holds = Holds::Current;
        }
    }
}
