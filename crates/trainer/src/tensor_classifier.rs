//! A classifier of dfdx's own operations, on any of its devices: what trains on a card.
//!
//! The training set is held on the device and gathered by index; losses and logits stay there until a score is asked for.

use std::any::Any;

use dfdx::prelude::*;
use strata_kernels::Update;
use strata_model::{
    Architecture, DenseDevice, Layers, LossDevice, Weights, cross_entropy, initialise, load_weights, weights_of,
};
use strata_rng::TorchRng;

use crate::optimizer::LayerState;
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
pub struct TensorClassifier<M, D: Device<f32>, const I: usize, const C: usize> {
    device: D,
    network: M,
    architecture: Architecture,
    optimizer: Optimizer,
    steps: u64,
    /// A tensor's buffers in the order in which the network's tensors are visited.
    states: Vec<Vec<Box<dyn Any>>>,
    gradients: Option<Gradients<f32, D>>,
    /// The samples that batches name by index.
    resident: Option<Inputs<I, D>>,
    losses: Vec<(Tensor<Rank0, f32, D>, usize)>,
    logits: Vec<(Inputs<C, D>, Vec<u8>)>,
}

impl<M, D, const I: usize, const C: usize> TensorClassifier<M, D, I, C>
where
    D: DenseDevice + LossDevice,
    M: TensorNetwork<D, I, C>,
{
    /// Trains `network`, already configured, with `optimizer` on `device`. `resident` (`[samples, I]`) is copied there, for batches that
    /// carry indices only.
    ///
    /// # Errors
    /// Where the device fails, or `resident` is not whole samples.
    pub fn new(
        device: D,
        mut network: M,
        optimizer: Optimizer,
        resident: Option<Vec<f32>>,
    ) -> Result<Self, TrainError> {
        let architecture = network.architecture();
        let resident = match resident {
            Some(values) if values.len() % I != 0 => {
                return Err(TrainError::Features { expected: I, found: values.len() % I });
            }
            Some(values) => {
                let samples = values.len() / I;
                Some(device.try_tensor_from_vec(values, (samples, Const::<I>)).map_err(TrainError::device)?)
            }
            None => None,
        };
        let mut this = Self {
            device,
            network,
            architecture,
            optimizer,
            steps: 0,
            states: Vec::new(),
            gradients: None,
            resident,
            losses: Vec::new(),
            logits: Vec::new(),
        };
        let zero = OptimizerState::new(&this.optimizer, &this.architecture);
        this.set_state(&zero)?;
        Ok(this)
    }

    fn inputs(&self, batch: &mut Batch) -> Result<Inputs<I, D>, TrainError> {
        let samples = batch.len();
        let features = std::mem::take(&mut batch.features);
        if let (Some(resident), true) = (&self.resident, features.is_empty()) {
            let indices = batch.indices.iter().map(|index| *index as usize).collect();
            let indices: Tensor<(usize,), usize, D> =
                self.device.try_tensor_from_vec(indices, (samples,)).map_err(TrainError::device)?;
            return resident.clone().try_gather(indices).map_err(TrainError::device);
        }
        if features.len() != samples * I {
            return Err(TrainError::Features { expected: I, found: features.len() / samples.max(1) });
        }
        self.device.try_tensor_from_vec(features, (samples, Const::<I>)).map_err(TrainError::device)
    }

    fn set_state(&mut self, state: &OptimizerState) -> Result<(), TrainError> {
        state.check(&self.optimizer, &self.architecture)?;
        self.steps = state.steps;
        // The layers' tensors in the order in which they are visited: weight, bias, weight, …
        let parts = state.layers.iter().flat_map(|layer| [layer.weight.clone(), layer.bias.clone()]);
        let mut visitor = Upload { device: self.device.clone(), parts: parts.collect(), at: 0, states: Vec::new() };
        walk(&mut self.network, &mut visitor)?;
        self.states = visitor.states;
        Ok(())
    }
}

/// Shows every parameter of `network` to `visitor`.
fn walk<M, D, V>(network: &mut M, visitor: &mut V) -> Result<(), TrainError>
where
    M: TensorCollection<f32, D>,
    D: Device<f32>,
    V: TensorVisitor<f32, D, Viewer = ViewTensorMut, Err = TrainError, E2 = f32, D2 = D>,
{
    M::iter_tensors(&mut RecursiveWalker { m: network, f: visitor }).map(drop)
}

impl<M, D, const I: usize, const C: usize> Classifier for TensorClassifier<M, D, I, C>
where
    D: DenseDevice + LossDevice,
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
        self.network.set_step(self.steps);
        let gradients = match self.gradients.take() {
            Some(gradients) => gradients,
            None => self.network.try_alloc_grads().map_err(TrainError::device)?,
        };
        let logits = self.network.try_forward(images.traced(gradients)).map_err(TrainError::device)?;
        let loss = cross_entropy(logits, &batch.labels).map_err(TrainError::device)?;
        self.losses.push((loss.retaped::<NoneTape>(), batch.len()));
        let mut gradients = loss.try_backward().map_err(TrainError::device)?;
        self.steps += 1;
        let rule = self.optimizer.update(learning_rate, self.steps);
        let mut visitor = Step { rule, gradients: &gradients, states: &mut self.states, at: 0 };
        walk(&mut self.network, &mut visitor)?;
        self.network.try_zero_grads(&mut gradients).map_err(TrainError::device)?;
        self.gradients = Some(gradients);
        Ok(())
    }

    fn training_score(&mut self) -> Result<Score, TrainError> {
        let mut score = Score::default();
        for (loss, samples) in self.losses.drain(..) {
            let mean = loss.as_vec().first().copied().unwrap_or(f32::NAN);
            score.add(Score { loss: f64::from(mean) * samples as f64, correct: 0, samples: samples as u64 });
        }
        Ok(score)
    }

    fn validation_step(&mut self, mut batch: Batch) -> Result<(), TrainError> {
        let images = self.inputs(&mut batch)?;
        let logits = self.network.try_forward(images).map_err(TrainError::device)?;
        self.logits.push((logits, batch.labels));
        Ok(())
    }

    fn validation_score(&mut self) -> Result<Score, TrainError> {
        let mut score = Score::default();
        for (logits, labels) in self.logits.drain(..) {
            let total = strata_kernels::cross_entropy(&logits.as_vec(), &labels, C);
            score.add(Score { loss: total.loss, correct: total.correct as u64, samples: labels.len() as u64 });
        }
        Ok(score)
    }

    fn reads_are_slow(&self) -> bool {
        true
    }

    fn snapshot(&mut self) -> Result<(Weights, OptimizerState), TrainError> {
        let mut visitor = Download { states: &self.states, at: 0, parts: Vec::new() };
        walk(&mut self.network, &mut visitor)?;
        let mut parts = visitor.parts.into_iter();
        let mut layers = Vec::new();
        while let (Some(weight), Some(bias)) = (parts.next(), parts.next()) {
            layers.push(LayerState { weight, bias });
        }
        Ok((weights_of(&mut self.network), OptimizerState { steps: self.steps, layers }))
    }

    fn restore(&mut self, weights: &Weights, state: &OptimizerState) -> Result<(), TrainError> {
        state.check(&self.optimizer, &self.architecture)?;
        load_weights(&mut self.network, weights)?;
        self.set_state(state)
    }
}

type Buffer<S, D> = Tensor<S, f32, D>;

/// One step of the optimizer in dfdx's tensor operations: formulas as in [`Update`].
struct Step<'a, D: Device<f32>> {
    rule: Update,
    gradients: &'a Gradients<f32, D>,
    states: &'a mut [Vec<Box<dyn Any>>],
    at: usize,
}

impl<D: Device<f32>> TensorVisitor<f32, D> for Step<'_, D> {
    type Viewer = ViewTensorMut;
    type Err = TrainError;
    type E2 = f32;
    type D2 = D;

    fn visit<S: Shape>(
        &mut self,
        _: TensorOptions<S, f32, D>,
        p: &mut Buffer<S, D>,
    ) -> Result<Option<Buffer<S, D>>, TrainError> {
        let mut g = self.gradients.get(p);
        let states = &mut self.states[self.at];
        self.at += 1;
        apply(&self.rule, p, &mut g, states).map_err(TrainError::device)?;
        Ok(None)
    }
}

fn apply<S: Shape, D: Device<f32>>(
    rule: &Update,
    p: &mut Buffer<S, D>,
    g: &mut Buffer<S, D>,
    states: &mut [Box<dyn Any>],
) -> Result<(), D::Err> {
    let mut buffers = states.iter_mut().filter_map(|state| state.downcast_mut::<Buffer<S, D>>());
    match *rule {
        Update::Sgd { learning_rate, weight_decay } => {
            decay(g, p, weight_decay)?;
            p.try_axpy(1.0, g, -learning_rate)
        }
        Update::Momentum { learning_rate, weight_decay, momentum, nesterov } => {
            let Some(v) = buffers.next() else { return Ok(()) };
            decay(g, p, weight_decay)?;
            v.try_axpy(momentum, g, 1.0)?;
            if nesterov {
                g.try_axpy(1.0, v, momentum)?;
                p.try_axpy(1.0, g, -learning_rate)
            } else {
                p.try_axpy(1.0, v, -learning_rate)
            }
        }
        Update::Adam { step_size, correction, beta1, beta2, epsilon, weight_decay, keep } => {
            let (Some(m), Some(v)) = (buffers.next(), buffers.next()) else { return Ok(()) };
            decay(g, p, weight_decay)?;
            m.try_axpy(beta1, g, 1.0 - beta1)?;
            v.try_axpy(beta2, &g.clone().try_square()?, 1.0 - beta2)?;
            let denominator = v.clone().try_sqrt()?.try_div(correction)?.try_add(epsilon)?;
            p.try_axpy(keep, &m.clone().try_div(denominator)?, -step_size)
        }
    }
}

/// Adds the L2 penalty to the gradient.
fn decay<S: Shape, D: Device<f32>>(g: &mut Buffer<S, D>, p: &Buffer<S, D>, weight_decay: f32) -> Result<(), D::Err> {
    if weight_decay == 0.0 { Ok(()) } else { g.try_axpy(1.0, p, weight_decay) }
}

/// Makes the optimizer's buffers on the device, shaped as the parameters are.
struct Upload<D> {
    device: D,
    parts: Vec<Vec<Vec<f32>>>,
    at: usize,
    states: Vec<Vec<Box<dyn Any>>>,
}

impl<D: Device<f32>> TensorVisitor<f32, D> for Upload<D> {
    type Viewer = ViewTensorMut;
    type Err = TrainError;
    type E2 = f32;
    type D2 = D;

    fn visit<S: Shape>(
        &mut self,
        _: TensorOptions<S, f32, D>,
        p: &mut Buffer<S, D>,
    ) -> Result<Option<Buffer<S, D>>, TrainError> {
        let mut buffers: Vec<Box<dyn Any>> = Vec::new();
        for values in std::mem::take(&mut self.parts[self.at]) {
            buffers.push(Box::new(self.device.try_tensor_from_vec(values, *p.shape()).map_err(TrainError::device)?));
        }
        self.at += 1;
        self.states.push(buffers);
        Ok(None)
    }
}

/// Copies the optimizer's buffers to host memory.
struct Download<'a> {
    states: &'a [Vec<Box<dyn Any>>],
    at: usize,
    parts: Vec<Vec<Vec<f32>>>,
}

impl<D: Device<f32>> TensorVisitor<f32, D> for Download<'_> {
    type Viewer = ViewTensorMut;
    type Err = TrainError;
    type E2 = f32;
    type D2 = D;

    fn visit<S: Shape>(
        &mut self,
        _: TensorOptions<S, f32, D>,
        _: &mut Buffer<S, D>,
    ) -> Result<Option<Buffer<S, D>>, TrainError> {
        let buffers = self.states[self.at].iter().filter_map(|state| state.downcast_ref::<Buffer<S, D>>());
        self.parts.push(buffers.map(|buffer| buffer.as_vec()).collect());
        self.at += 1;
        Ok(None)
    }
}
