//! A classifier on the CPU: `strata-kernels` under dfdx's tape, weights updated by the product that is their gradient.

use dfdx::prelude::*;
use strata_kernels::{UpdateRule, cross_entropy as score};
use strata_model::{Architecture, CpuLayers, Layers, Weights, cross_entropy, initialise, load_weights, weights_of};
use strata_rng::TorchRng;

use crate::optimizer::LayerState;
use crate::{Batch, Classifier, Optimizer, OptimizerState, Score, TrainError};

type Inputs<const I: usize, T = NoneTape> = Tensor<(usize, Const<I>), f32, Cpu, T>;
type Traced = OwnedTape<f32, Cpu>;

/// What a network must be to be trained on the CPU; every `mlp!` is.
pub trait CpuNetwork<const I: usize, const C: usize>:
    Layers
    + CpuLayers
    + Module<Inputs<I>, Output = Inputs<C>, Error = CpuError>
    + Module<Inputs<I, Traced>, Output = Inputs<C, Traced>, Error = CpuError>
{
}

impl<M, const I: usize, const C: usize> CpuNetwork<I, C> for M where
    M: Layers
        + CpuLayers
        + Module<Inputs<I>, Output = Inputs<C>, Error = CpuError>
        + Module<Inputs<I, Traced>, Output = Inputs<C, Traced>, Error = CpuError>
{
}

/// A network of `I` inputs and `C` classes and its optimizer, on the CPU.
pub struct CpuClassifier<M, const I: usize, const C: usize> {
    device: Cpu,
    network: M,
    architecture: Architecture,
    optimizer: Optimizer,
    state: OptimizerState,
    training: Score,
    validation: Score,
}

impl<M: CpuNetwork<I, C>, const I: usize, const C: usize> CpuClassifier<M, I, C> {
    /// Trains `network`, already configured, with `optimizer`.
    pub fn new(mut network: M, optimizer: Optimizer) -> Self {
        network.defer_gradients();
        let architecture = network.architecture();
        let state = OptimizerState::new(&optimizer, &architecture);
        let device = Cpu::default();
        Self {
            device,
            network,
            architecture,
            optimizer,
            state,
            training: Score::default(),
            validation: Score::default(),
        }
    }

    fn inputs(&self, batch: &mut Batch) -> Result<Inputs<I>, TrainError> {
        let features = std::mem::take(&mut batch.features);
        if features.len() != batch.len() * I {
            return Err(TrainError::Features { expected: I, found: features.len() / batch.len().max(1) });
        }
        self.device.try_tensor_from_vec(features, (batch.len(), Const::<I>)).map_err(TrainError::device)
    }
}

impl<M: CpuNetwork<I, C>, const I: usize, const C: usize> Classifier for CpuClassifier<M, I, C> {
    fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    fn initialise(&mut self, rng: &mut TorchRng) -> Result<(), TrainError> {
        initialise(&mut self.network, rng);
        self.state = OptimizerState::new(&self.optimizer, &self.architecture);
        Ok(())
    }

    fn training_step(&mut self, mut batch: Batch, learning_rate: f64) -> Result<(), TrainError> {
        let images = self.inputs(&mut batch)?;
        self.network.set_step(self.state.steps);
        let logits = self.network.try_forward(images.leaky_traced()).map_err(TrainError::device)?;
        let loss = cross_entropy(logits, &batch.labels).map_err(TrainError::device)?;
        let mean = loss.array();
        loss.try_backward().map_err(TrainError::device)?;
        self.training.add(Score {
            loss: f64::from(mean) * batch.len() as f64,
            correct: 0,
            samples: batch.len() as u64,
        });

        self.state.steps += 1;
        let rule: Box<dyn UpdateRule> = self.optimizer.rule(learning_rate, self.state.steps).into();
        let mut states = self.state.layers.iter_mut();
        self.network.for_each_on_cpu(&mut |mut layer| {
            if let Some(LayerState { weight, bias }) = states.next() {
                layer.update(&*rule, weight, bias);
            }
        });
        Ok(())
    }

    fn training_score(&mut self) -> Result<Score, TrainError> {
        Ok(std::mem::take(&mut self.training))
    }

    fn validation_step(&mut self, mut batch: Batch) -> Result<(), TrainError> {
        let images = self.inputs(&mut batch)?;
        let logits = self.network.try_forward(images).map_err(TrainError::device)?;
        let total = score(&logits.as_vec(), &batch.labels, C);
        self.validation.add(Score { loss: total.loss, correct: total.correct as u64, samples: batch.len() as u64 });
        Ok(())
    }

    fn validation_score(&mut self) -> Result<Score, TrainError> {
        Ok(std::mem::take(&mut self.validation))
    }

    fn reads_are_slow(&self) -> bool {
        false
    }

    fn snapshot(&mut self) -> Result<(Weights, OptimizerState), TrainError> {
        Ok((weights_of(&mut self.network), self.state.clone()))
    }

    fn restore(&mut self, weights: &Weights, state: &OptimizerState) -> Result<(), TrainError> {
        state.check(&self.optimizer, &self.architecture)?;
        load_weights(&mut self.network, weights)?;
        self.state = state.clone();
        Ok(())
    }
}
