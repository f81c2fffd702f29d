//! A classifier of dfdx's own operations, on any of its devices: what trains on a card.
//!
//! The training set is held on the device as bytes and gathered by index; losses and hits are added up there until a score is asked for. A
//! step reads nothing back: its last word is the queue's.

use dfdx::prelude::*;
use strata_model::{
    Architecture, ByteSamples, HoldingDevice, Layers, Weights, correct_of, cross_entropy_of, initialise, load_weights,
    one_hot, weights_of,
};
use strata_rng::TorchRng;

use crate::tensor_update::DeviceState;
use crate::{Batch, Classifier, Optimizer, OptimizerState, Score, TrainError};

type Inputs<const I: usize, D, T = NoneTape> = Tensor<(usize, Const<I>), f32, D, T>;
type Traced<D> = OwnedTape<f32, D>;

/// What a network must be to be trained on `D`; every `mlp!` is.
pub trait TensorNetwork<D: Device<f32>, const I: usize, const C: usize>:
    Layers
    + TensorCollection<f32, D>
    + Module<Inputs<I, D>, Output = Inputs<C, D>, Error = D::Err>
    + Module<Inputs<I, D, Traced<D>>, Output = Inputs<C, D, Traced<D>>, Error = D::Err>
{
}

impl<M, D: Device<f32>, const I: usize, const C: usize> TensorNetwork<D, I, C> for M where
    M: Layers
        + TensorCollection<f32, D>
        + Module<Inputs<I, D>, Output = Inputs<C, D>, Error = D::Err>
        + Module<Inputs<I, D, Traced<D>>, Output = Inputs<C, D, Traced<D>>, Error = D::Err>
{
}

/// A network of `I` inputs and `C` classes and its optimizer, on any device of dfdx.
pub struct TensorClassifier<M, D: HoldingDevice, const I: usize, const C: usize> {
    device: D,
    network: M,
    architecture: Architecture,
    optimizer: Optimizer,
    steps: u64,
    state: DeviceState<D>,
    gradients: Option<Gradients<f32, D>>,
    /// The samples that batches name by index.
    held: Option<D::Held<I>>,
    training: Totals<D>,
    validation: Totals<D>,
}

/// A [`Score`] on the device.
struct Totals<D: Storage<f32>> {
    loss: Tensor<Rank0, f32, D>,
    correct: Tensor<Rank0, f32, D>,
    samples: usize,
}

impl<D: Device<f32>> Totals<D> {
    fn new(device: &D) -> Result<Self, D::Err> {
        Ok(Self { loss: device.try_zeros()?, correct: device.try_zeros()?, samples: 0 })
    }

    /// Adds a batch of `samples` and mean loss `loss`.
    fn add<T>(&mut self, loss: &Tensor<Rank0, f32, D, T>, samples: usize) -> Result<(), D::Err> {
        self.samples += samples;
        self.loss.try_axpy(1.0, loss, samples as f64)
    }

    /// Waits for the device, and starts anew.
    fn take(&mut self) -> Result<Score, D::Err> {
        if self.samples == 0 {
            return Ok(Score::default());
        }
        let value = |tensor: &Tensor<Rank0, f32, D>| f64::from(tensor.as_vec().first().copied().unwrap_or(f32::NAN));
        let (loss, correct) = (value(&self.loss), value(&self.correct));
        let samples = std::mem::take(&mut self.samples) as u64;
        self.loss.try_fill_with_zeros()?;
        self.correct.try_fill_with_zeros()?;
        Ok(Score { loss, correct: correct as u64, samples })
    }
}

impl<M, D, const I: usize, const C: usize> TensorClassifier<M, D, I, C>
where
    D: HoldingDevice,
    M: TensorNetwork<D, I, C>,
{
    /// Trains `network`, already configured, with `optimizer` on `device`, which takes a copy of `resident` for batches that carry indices
    /// only.
    ///
    /// # Errors
    /// Where the device fails, or `resident` is not whole samples of the network's inputs.
    pub fn new(
        device: D,
        mut network: M,
        optimizer: Optimizer,
        resident: Option<ByteSamples<'_>>,
    ) -> Result<Self, TrainError> {
        let architecture = network.architecture();
        let held = match resident {
            Some(samples) if !samples.fits(I) => {
                return Err(TrainError::Resident {
                    bytes: samples.bytes.len(),
                    tables: samples.tables.len(),
                    inputs: I,
                });
            }
            Some(samples) => Some(device.try_hold(samples).map_err(TrainError::device)?),
            None => None,
        };
        let zero = OptimizerState::new(&optimizer, &architecture);
        Ok(Self {
            state: DeviceState::upload(&device, &mut network, &zero, optimizer.states())?,
            training: Totals::new(&device).map_err(TrainError::device)?,
            validation: Totals::new(&device).map_err(TrainError::device)?,
            device,
            network,
            architecture,
            optimizer,
            steps: 0,
            gradients: None,
            held,
        })
    }

    fn inputs(&mut self, batch: &mut Batch) -> Result<Inputs<I, D>, TrainError> {
        let samples = batch.len();
        let features = std::mem::take(&mut batch.features);
        if let (Some(held), true) = (&mut self.held, features.is_empty()) {
            let count = D::held(held);
            if let Some(index) = batch.indices.iter().find(|index| **index as usize >= count) {
                return Err(TrainError::Index { index: *index, held: count });
            }
            if batch.indices.len() != samples {
                return Err(TrainError::Labels { labels: samples, indices: batch.indices.len() });
            }
            return self.device.try_gather(held, &batch.indices).map_err(TrainError::device);
        }
        if features.len() != samples * I {
            return Err(TrainError::Features { expected: I, found: features.len() / samples.max(1) });
        }
        self.device.try_tensor_from_vec(features, (samples, Const::<I>)).map_err(TrainError::device)
    }

    fn set_state(&mut self, state: &OptimizerState) -> Result<(), TrainError> {
        state.check(&self.optimizer, &self.architecture)?;
        self.steps = state.steps;
        self.state = DeviceState::upload(&self.device, &mut self.network, state, self.optimizer.states())?;
        Ok(())
    }
}

impl<M, D, const I: usize, const C: usize> Classifier for TensorClassifier<M, D, I, C>
where
    D: HoldingDevice,
    M: TensorNetwork<D, I, C>,
{
    fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    fn initialise(&mut self, rng: &mut TorchRng) -> Result<(), TrainError> {
        initialise(&mut self.network, rng);
        let zero = OptimizerState::new(&self.optimizer, &self.architecture);
        self.set_state(&zero)
    }

    fn training_step(&mut self, mut batch: Batch, learning_rate: f64) -> Result<(), TrainError> {
        let images = self.inputs(&mut batch)?;
        let targets = one_hot(&self.device, &batch.labels).map_err(TrainError::device)?;
        self.network.set_step(self.steps);
        let gradients = match self.gradients.take() {
            Some(gradients) => gradients,
            None => self.network.try_alloc_grads().map_err(TrainError::device)?,
        };
        let logits = self.network.try_forward(images.traced(gradients)).map_err(TrainError::device)?;
        let loss = cross_entropy_of(logits, targets).map_err(TrainError::device)?;
        self.training.add(&loss, batch.len()).map_err(TrainError::device)?;
        let mut gradients = loss.try_backward().map_err(TrainError::device)?;
        self.steps += 1;
        let rule = self.optimizer.update(learning_rate, self.steps);
        self.state.step(&mut self.network, &mut gradients, &rule)?;
        self.network.try_zero_grads(&mut gradients).map_err(TrainError::device)?;
        self.gradients = Some(gradients);
        Ok(())
    }

    fn training_score(&mut self) -> Result<Score, TrainError> {
        self.training.take().map_err(TrainError::device)
    }

    fn validation_step(&mut self, mut batch: Batch) -> Result<(), TrainError> {
        let images = self.inputs(&mut batch)?;
        let targets: Inputs<C, D> = one_hot(&self.device, &batch.labels).map_err(TrainError::device)?;
        let logits = self.network.try_forward(images).map_err(TrainError::device)?;
        let loss = cross_entropy_of(logits.clone(), targets.clone()).map_err(TrainError::device)?;
        self.validation.add(&loss, batch.len()).map_err(TrainError::device)?;
        let correct = correct_of(logits, targets).map_err(TrainError::device)?;
        self.validation.correct.try_axpy(1.0, &correct, 1.0).map_err(TrainError::device)
    }

    fn validation_score(&mut self) -> Result<Score, TrainError> {
        self.validation.take().map_err(TrainError::device)
    }

    fn reads_are_slow(&self) -> bool {
        true
    }

    fn snapshot(&mut self) -> Result<(Weights, OptimizerState), TrainError> {
        let layers = self.state.download(&mut self.network)?;
        Ok((weights_of(&mut self.network), OptimizerState { steps: self.steps, layers }))
    }

    fn restore(&mut self, weights: &Weights, state: &OptimizerState) -> Result<(), TrainError> {
        state.check(&self.optimizer, &self.architecture)?;
        load_weights(&mut self.network, weights)?;
        self.set_state(state)
    }
}
