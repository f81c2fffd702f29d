//! The optimizer on a device, by dfdx's fused kernels: one launch a parameter, whatever the rule.
//!
//! dfdx's own optimizers keep their state to themselves; the updates they are made of are public and take ours.

use dfdx::prelude::*;
use strata_kernels::{AdamRule, MomentumRule, SgdRule};
use strata_model::{EachTensorMut, TrainingDevice, walk_mut};

use crate::optimizer::TensorRule;
use crate::{OptimizerState, ParameterState, TrainError};

type Buffer<D> = <D as Storage<f32>>::Vec;

/// What an optimizer remembers, in the device's memory: velocity, or first and second moment, of each parameter.
pub(crate) struct DeviceState<D: Storage<f32>> {
    moments: [Gradients<f32, D>; 2],
    /// How many of the two the rule keeps.
    states: usize,
    /// Where the rule keeps no velocity: dfdx's kernel reads and rewrites one in any case, so all parameters share this.
    unused: Option<Buffer<D>>,
}

impl<D: TrainingDevice> DeviceState<D> {
    /// Copies `state`, of a rule that keeps `states` buffers, to the device; it fits `network`.
    pub(crate) fn upload<M: TensorCollection<f32, D>>(
        device: &D,
        network: &mut M,
        state: &OptimizerState,
        states: usize,
    ) -> Result<Self, TrainError> {
        let moments = [Gradients::leaky(), Gradients::leaky()];
        let mut this = Self { moments, states, unused: None };
        let parts = state.parameters.iter().map(|parameter| &parameter.buffers);
        let mut visitor = Upload { device, parts, moments: &mut this.moments, largest: 0 };
        walk_mut(network, &mut visitor)?;
        if states == 0 {
            this.unused = Some(Storage::<f32>::try_alloc_len(device, visitor.largest).map_err(TrainError::device)?);
        }
        Ok(this)
    }

    /// Copies the state to host memory.
    pub(crate) fn download<M: TensorCollection<f32, D>>(
        &self,
        network: &mut M,
    ) -> Result<Vec<ParameterState>, TrainError> {
        let trained = strata_model::tensor_specs(network).into_iter().filter(|tensor| tensor.trained);
        let mut visitor = Download { moments: &self.moments[..self.states], parts: Vec::new() };
        walk_mut(network, &mut visitor)?;
        Ok(trained.zip(visitor.parts).map(|(tensor, buffers)| ParameterState { name: tensor.name, buffers }).collect())
    }

    /// Updates every parameter of `network` by its gradient: weights by the first rule, parameters of one size by the second.
    pub(crate) fn step<M: TensorCollection<f32, D>>(
        &mut self,
        network: &mut M,
        gradients: &mut Gradients<f32, D>,
        rules: [TensorRule; 2],
    ) -> Result<(), TrainError> {
        walk_mut(network, &mut Step { rules: rules.map(DeviceRule::new), gradients, state: self })
    }
}

/// A rule in the numbers of dfdx's kernels.
enum DeviceRule {
    Sgd(SgdConfig),
    Adam(AdamConfig),
}

impl DeviceRule {
    fn new(rule: TensorRule) -> Self {
        let l2 = |decay: f32| (decay != 0.0).then_some(WeightDecay::L2(decay.into()));
        match rule {
            TensorRule::Sgd(SgdRule { learning_rate, weight_decay }) => {
                Self::Sgd(SgdConfig { lr: learning_rate.into(), momentum: None, weight_decay: l2(weight_decay) })
            }
            TensorRule::Momentum(MomentumRule { learning_rate, weight_decay, momentum, nesterov }) => {
                let kind = if nesterov { Momentum::Nesterov } else { Momentum::Classic };
                let momentum = Some(kind(momentum.into()));
                Self::Sgd(SgdConfig { lr: learning_rate.into(), momentum, weight_decay: l2(weight_decay) })
            }
            // step · m / (√v / c + ε) is step · c · m / (√v + ε · c): the corrections are ours, worked out in double precision; dfdx's
            // are switched off by a step count at which they are 1.
            TensorRule::Adam(AdamRule {
                step_size,
                bias_correction2_sqrt,
                beta1,
                beta2,
                epsilon,
                weight_decay,
                decay_factor,
            }) => {
                let [step_size, correction, keep] = [step_size, bias_correction2_sqrt, decay_factor].map(f64::from);
                let lr = step_size * correction;
                let decoupled = (keep != 1.0).then(|| WeightDecay::Decoupled((1.0 - keep) / lr));
                Self::Adam(AdamConfig {
                    lr,
                    betas: [beta1.into(), beta2.into()],
                    eps: f64::from(epsilon) * correction,
                    weight_decay: decoupled.or(l2(weight_decay)),
                })
            }
        }
    }
}

/// A step at which `1 - βᵗ` is 1 in single precision for every β below 1 there.
const CORRECTED: i32 = i32::MAX;

struct Step<'a, D: Storage<f32>> {
    /// That of weights, and that of parameters of one size.
    rules: [DeviceRule; 2],
    gradients: &'a mut Gradients<f32, D>,
    state: &'a mut DeviceState<D>,
}

impl<D: Device<f32>> EachTensorMut<D> for Step<'_, D> {
    type Error = TrainError;

    fn visit<S: Shape>(&mut self, trained: bool, p: &mut Tensor<S, f32, D>) -> Result<(), TrainError> {
        if !trained {
            return Ok(());
        }
        let gradient = self.gradients.get_or_alloc_mut(p).map_err(TrainError::device)?;
        let DeviceState { moments: [first, second], unused, .. } = &mut *self.state;
        let first = match unused {
            Some(buffer) => buffer,
            None => first.get_or_alloc_mut(p).map_err(TrainError::device)?,
        };
        match &self.rules[usize::from(S::NUM_DIMS == 1)] {
            DeviceRule::Sgd(sgd) => sgd.try_update(p, first, gradient),
            DeviceRule::Adam(adam) => {
                let second = second.get_or_alloc_mut(p).map_err(TrainError::device)?;
                adam.try_update(CORRECTED, p, first, second, gradient)
            }
        }
        .map_err(TrainError::device)
    }
}

/// Makes the optimizer's buffers on the device, as long as the parameters are.
struct Upload<'a, D: Storage<f32>, P> {
    device: &'a D,
    parts: P,
    moments: &'a mut [Gradients<f32, D>; 2],
    largest: usize,
}

impl<'a, D: TrainingDevice, P: Iterator<Item = &'a Vec<Vec<f32>>>> EachTensorMut<D> for Upload<'_, D, P> {
    type Error = TrainError;

    fn visit<S: Shape>(&mut self, trained: bool, p: &mut Tensor<S, f32, D>) -> Result<(), TrainError> {
        if !trained {
            return Ok(());
        }
        self.largest = self.largest.max(p.shape().num_elements());
        let buffers = self.parts.next().into_iter().flatten();
        for (moment, values) in self.moments.iter_mut().zip(buffers) {
            let buffer = moment.get_or_alloc_mut(p).map_err(TrainError::device)?;
            self.device.try_write(buffer, values).map_err(TrainError::device)?;
        }
        Ok(())
    }
}

/// Copies the optimizer's buffers to host memory.
struct Download<'a, D: Storage<f32>> {
    moments: &'a [Gradients<f32, D>],
    parts: Vec<Vec<Vec<f32>>>,
}

impl<D: Device<f32>> EachTensorMut<D> for Download<'_, D> {
    type Error = TrainError;

    fn visit<S: Shape>(&mut self, trained: bool, p: &mut Tensor<S, f32, D>) -> Result<(), TrainError> {
        if !trained {
            return Ok(());
        }
        self.parts.push(self.moments.iter().map(|moment| moment.get(p).as_vec()).collect());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Optimizer, Sgd};
    use strata_kernels::{Parameter, UpdateRule, update};

    const N: usize = 1000;

    fn wave(frequency: f32, size: f32) -> Vec<f32> {
        (0..N).map(|i| (i as f32 * frequency).sin() * size).collect()
    }

    fn optimizers() -> Vec<Box<dyn Optimizer>> {
        let sgd = |momentum, nesterov, weight_decay| -> Box<dyn Optimizer> {
            Box::new(Sgd { momentum, nesterov, weight_decay })
        };
        let adam = |betas, epsilon, weight_decay, decoupled| -> Box<dyn Optimizer> {
            Box::new(crate::Adam { betas, epsilon, weight_decay, decoupled })
        };
        vec![
            sgd(0.0, false, 0.0),
            sgd(0.0, false, 0.01),
            sgd(0.9, false, 0.01),
            sgd(0.9, true, 0.0),
            adam([0.9, 0.999], 1e-8, 0.0, false),
            adam([0.9, 0.999], 1e-8, 0.01, false),
            adam([0.9, 0.999], 1e-8, 0.01, true),
            // The largest β below 1 in single precision, the smallest, and an ε that is felt.
            adam([0.0, 0.999_999_94], 1e-3, 0.0, false),
        ]
    }

    /// Five steps on one tensor, the state carried through host memory halfway, against the kernels of the CPU's path. dfdx's kernels
    /// round what ours fuse: a few units in the last place a step, of the value or of the step that changes it.
    #[test]
    fn tensor_updates_equal_the_kernels() {
        let device = Cpu::default();
        for optimizer in optimizers() {
            let mut p: Tensor<Rank1<N>, f32, _> = device.tensor(wave(0.37, 1.0));
            let (mut values, mut buffers) = (p.as_vec(), vec![vec![0.0; N]; optimizer.states().len()]);
            let state_of = |buffers: Vec<Vec<f32>>| vec![ParameterState { name: "p".into(), buffers }];
            let mut parameters = state_of(buffers.clone());
            let mut largest_step = 0f32;
            for step in 1..=5 {
                let rule = optimizer.tensor_rule(crate::Step {
                    learning_rate: 0.01,
                    number: step,
                    decays: true,
                    is_hidden_weight: false,
                });
                let rule = rule.unwrap().unwrap();
                let gradient = wave(0.11 * step as f32, 0.5);

                let before = values.clone();
                let parameter = Parameter { values: &mut values, shape: &[N], states: &mut buffers };
                update(parameter, &gradient, &*Box::<dyn UpdateRule>::from(rule));
                for (new, old) in values.iter().zip(&before) {
                    largest_step = largest_step.max((new - old).abs());
                }

                let state = OptimizerState { steps: step - 1, parameters };
                let mut on_device = DeviceState::upload(&device, &mut p, &state, optimizer.states().len()).unwrap();
                let mut gradients = Gradients::leaky();
                device.try_write(gradients.get_or_alloc_mut(&p).unwrap(), &gradient).unwrap();
                on_device.step(&mut p, &mut gradients, [rule; 2]).unwrap();
                let mut download = Download { moments: &on_device.moments[..on_device.states], parts: Vec::new() };
                walk_mut(&mut p, &mut download).unwrap();
                parameters = state_of(download.parts.remove(0));

                let tolerance = 1e-6 + 1e-5 * largest_step;
                for (i, (ours, theirs)) in values.iter().zip(p.as_vec()).enumerate() {
                    assert!((ours - theirs).abs() < tolerance, "{optimizer:?} step {step} [{i}]: {ours}, {theirs}");
                }
                for (ours, theirs) in buffers.iter().flatten().zip(parameters[0].buffers.iter().flatten()) {
                    assert!((ours - theirs).abs() < 1e-6, "{optimizer:?} step {step}: state {ours}, {theirs}");
                }
            }
            assert!(largest_step > 1e-4, "{optimizer:?} moves");
        }
    }
}
