//! A classifier of dfdx's own operations, on any of its devices: what trains on a card.
//!
//! The training set is held on the device as bytes and gathered by index; losses and hits stay there until a score is asked for. A step
//! reads nothing back, so a card's queue never runs dry for it.

use dfdx::prelude::*;
use strata_model::{
    Architecture, ByteSamples, Layers, TensorSpec, TrainingDevice, Weights, check_description, check_generators,
    initialise_by, load_weights, tensor_specs, weights_of,
};
use strata_rng::TorchRng;
use strata_spec::Initialisation;

use crate::classifier::smallest_batch;
use crate::tensor_update::DeviceState;
use crate::{Batch, Classifier, OptimizerState, Outputs, Score, TrainError, TrainingStep};

type Inputs<const I: usize, D, T = NoneTape> = Tensor<(usize, Const<I>), f32, D, T>;
type Traced<D> = OwnedTape<f32, D>;

/// What a network must be to be trained on `D`; every `mlp!` and every `net!` is.
pub trait TensorNetwork<D: Device<f32>, const I: usize, const C: usize>:
    Layers
    + TensorCollection<f32, D>
    + Module<Inputs<I, D>, Output = Inputs<C, D>, Error = D::Err>
    + ModuleMut<Inputs<I, D, Traced<D>>, Output = Inputs<C, D, Traced<D>>, Error = D::Err>
{
}

impl<M, D: Device<f32>, const I: usize, const C: usize> TensorNetwork<D, I, C> for M where
    M: Layers
        + TensorCollection<f32, D>
        + Module<Inputs<I, D>, Output = Inputs<C, D>, Error = D::Err>
        + ModuleMut<Inputs<I, D, Traced<D>>, Output = Inputs<C, D, Traced<D>>, Error = D::Err>
{
}

/// A network of `I` inputs and `C` classes and its optimizer, on any device of dfdx.
pub struct TensorClassifier<M, D: TrainingDevice, const I: usize, const C: usize> {
    device: D,
    network: M,
    architecture: Architecture,
    smallest_batch: usize,
    tensors: Vec<TensorSpec>,
    step: TrainingStep,
    /// Of the labels, in the loss.
    smoothing: f32,
    steps: u64,
    state: DeviceState<D>,
    gradients: Option<Gradients<f32, D>>,
    /// The samples that batches name by index.
    held: Option<D::Held<I>>,
    training: D::Scores,
    validation: D::Scores,
    /// What the metrics have added up in validation, on the host.
    measured: Score,
}

impl<M, D, const I: usize, const C: usize> TensorClassifier<M, D, I, C>
where
    D: TrainingDevice,
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
        step: impl Into<TrainingStep>,
        resident: Option<ByteSamples<'_>>,
    ) -> Result<Self, TrainError> {
        let step = step.into();
        let smoothing = step.check_tensors()?;
        step.check_for(C)?;
        check_generators(&network)?;
        check_description(&network, I, C)?;
        let architecture = network.architecture();
        let tensors = tensor_specs(&network);
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
        let zero = OptimizerState::new(step.optimizer.states().len(), &tensors);
        let measured = step.nothing_measured(C)?;
        Ok(Self {
            measured,
            state: DeviceState::upload(&device, &mut network, &zero, step.optimizer.states().len())?,
            training: D::Scores::default(),
            validation: D::Scores::default(),
            device,
            network,
            smallest_batch: smallest_batch(&architecture),
            architecture,
            tensors,
            step,
            smoothing,
            steps: 0,
            gradients: None,
            held,
        })
    }

    fn inputs(&mut self, batch: &mut Batch) -> Result<Inputs<I, D>, TrainError> {
        batch.check(C)?;
        let samples = batch.len();
        if let (Some(held), true) = (&mut self.held, batch.features.is_empty()) {
            let count = D::held(held);
            if batch.indices.len() != samples {
                return Err(TrainError::Labels { labels: samples, indices: batch.indices.len() });
            }
            if let Some(index) = batch.indices.iter().find(|index| **index as usize >= count) {
                return Err(TrainError::Index { index: *index, held: count });
            }
            return self.device.try_gather(held, &batch.indices).map_err(TrainError::device);
        }
        let features = batch.take_features(I)?;
        self.device.try_tensor_from_vec(features, (samples, Const::<I>)).map_err(TrainError::device)
    }

    /// The scores of training, or of validation, since they were last taken.
    fn take(&mut self, training: bool) -> Result<Score, TrainError> {
        let scores = if training { &mut self.training } else { &mut self.validation };
        let (total, samples) = self.device.try_take(scores).map_err(TrainError::device)?;
        let (correct, samples) = (total.correct as u64, samples as u64);
        Ok(Score { loss: total.loss, correct, samples, ..Score::default() })
    }

    fn set_state(&mut self, state: &OptimizerState) -> Result<(), TrainError> {
        state.check(self.step.optimizer.states().len(), &self.tensors, |_, _| false)?;
        self.steps = state.steps;
        self.state = DeviceState::upload(&self.device, &mut self.network, state, self.step.optimizer.states().len())?;
        Ok(())
    }
}

impl<M, D, const I: usize, const C: usize> Classifier for TensorClassifier<M, D, I, C>
where
    D: TrainingDevice,
    M: TensorNetwork<D, I, C>,
{
    fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    fn smallest_training_batch(&self) -> usize {
        self.smallest_batch
    }

    fn initialise_by(&mut self, how: Initialisation, rng: &mut TorchRng) -> Result<(), TrainError> {
        initialise_by(&mut self.network, how, rng);
        let zero = OptimizerState::new(self.step.optimizer.states().len(), &self.tensors);
        self.set_state(&zero)
    }

    fn training_step(&mut self, mut batch: Batch, learning_rate: f64) -> Result<(), TrainError> {
        batch.check_size(self.smallest_batch)?;
        let rules = self.step.tensor_rules(learning_rate, self.steps + 1)?;
        let images = self.inputs(&mut batch)?;
        self.network.set_step(self.steps);
        let gradients = match self.gradients.take() {
            Some(gradients) => gradients,
            None => self.network.try_alloc_grads().map_err(TrainError::device)?,
        };
        let logits = self.network.try_forward_mut(images.traced(gradients)).map_err(TrainError::device)?;
        let loss = self
            .device
            .try_score(logits, batch.targets(), self.smoothing, &mut self.training)
            .map_err(TrainError::device)?;
        let mut gradients = loss.try_backward().map_err(TrainError::device)?;
        self.steps += 1;
        self.state.step(&mut self.network, &mut gradients, rules)?;
        self.network.try_zero_grads(&mut gradients).map_err(TrainError::device)?;
        self.gradients = Some(gradients);
        Ok(())
    }

    fn training_score(&mut self) -> Result<Score, TrainError> {
        // Training counts no hits.
        let score = self.take(true)?;
        Ok(Score { correct: 0, ..score })
    }

    fn validation_step(&mut self, mut batch: Batch) -> Result<(), TrainError> {
        let images = self.inputs(&mut batch)?;
        let logits = self.network.try_forward(images).map_err(TrainError::device)?;
        if !self.measured.sums.is_empty() {
            self.measured.measure(&Outputs { logits: &logits.as_vec(), labels: &batch.labels, classes: C });
        }
        self.device
            .try_score(logits, batch.targets(), self.smoothing, &mut self.validation)
            .map(drop)
            .map_err(TrainError::device)
    }

    fn validation_score(&mut self) -> Result<Score, TrainError> {
        let nothing = self.step.nothing_measured(C)?;
        let Score { sums, .. } = std::mem::replace(&mut self.measured, nothing);
        Ok(Score { sums, ..self.take(false)? })
    }

    fn reads_are_slow(&self) -> bool {
        true
    }

    fn snapshot(&mut self) -> Result<(Weights, OptimizerState), TrainError> {
        let parameters = self.state.download(&mut self.network)?;
        Ok((weights_of(&self.network), OptimizerState { steps: self.steps, parameters }))
    }

    fn restore(&mut self, weights: &Weights, state: &OptimizerState) -> Result<(), TrainError> {
        state.check(self.step.optimizer.states().len(), &self.tensors, |_, _| false)?;
        load_weights(&mut self.network, weights)?;
        self.set_state(state)
    }
}
