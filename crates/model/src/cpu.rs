//! Dense layers on the CPU: one operation of the tape over `strata-kernels`, and updates that never store a gradient.

use dfdx::prelude::*;
use strata_kernels as kernels;
use strata_kernels::{Parameter, UpdateRule, derivative_needs_input};

use crate::dense::{DenseDevice, DenseLayer, Factors};
use crate::storage::{values, values_mut};

/// What the derivative of an activation is worked out from.
enum Saved<S: Shape> {
    /// The activation's input, or its output before dropout.
    Values(Vec<f32>),
    /// The layer's output itself.
    Output(Tensor<S, f32, Cpu>),
}

impl DenseDevice for Cpu {
    fn try_dense<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        layer: &DenseLayer<I, O, f32, Self>,
        x: Tensor<(B, Const<I>), f32, Self, T>,
    ) -> Result<Tensor<(B, Const<O>), f32, Self, T>, CpuError> {
        let (x, mut tape) = x.split_tape();
        let samples = x.shape().0;
        let shape = kernels::GemmShape { batch: samples.size(), inputs: I, outputs: O };
        let activation = layer.activation;
        let mut y = vec![0.0; shape.batch * O];
        kernels::affine(shape, values(&x), values(&layer.weight), values(&layer.bias), &mut y);
        let mut saved = (T::OWNS_TAPE && derivative_needs_input(activation)).then(|| y.clone());
        kernels::activate(activation, &mut y);
        let dropout = layer.dropout;
        if T::OWNS_TAPE && dropout.is_active() {
            saved.get_or_insert_with(|| y.clone());
            dropout.apply(&mut y);
        }
        let y = x.device().try_tensor_from_vec(y, (samples, Const::<O>))?;

        let (output, weight, bias) = (y.clone(), layer.weight.clone(), layer.bias.clone());
        let (deferred, input_gradient) = (layer.deferred.clone(), layer.input_gradient);
        tape.add_backward_op(move |gradients| {
            let gradient: &mut Vec<f32> = gradients.get_or_alloc_mut(&output)?;
            // Nobody but the layer asks for the output's gradient where the weights' is deferred, so it is taken.
            let mut dy = if deferred.is_some() { std::mem::take(gradient) } else { gradient.clone() };
            dropout.apply(&mut dy);
            let saved = saved.map_or(Saved::Output(output), Saved::Values);
            let at = match &saved {
                Saved::Values(values) => values,
                Saved::Output(output) => values(output),
            };
            kernels::activation_gradient(activation, at, &mut dy);
            if input_gradient {
                let mut dx = vec![0.0; shape.batch * I];
                kernels::input_gradient(shape, &dy, values(&weight), &mut dx);
                add_to(gradients.get_or_alloc_mut(&x)?, dx, deferred.is_some());
            }
            match deferred {
                Some(place) => {
                    let factors = Factors { batch: shape.batch, dy, x: Box::new(x) };
                    *place.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(factors);
                }
                None => {
                    kernels::weight_gradient(shape, &dy, values(&x), gradients.get_or_alloc_mut(&weight)?);
                    kernels::bias_gradient(&dy, gradients.get_or_alloc_mut(&bias)?);
                }
            }
            Ok(())
        });
        Ok(y.put_tape(tape))
    }
}

/// Adds `dx` to a gradient, or puts it in its place where the gradient is known to be zero.
fn add_to(gradient: &mut Vec<f32>, dx: Vec<f32>, is_zero: bool) {
    if is_zero {
        *gradient = dx;
    } else {
        gradient.iter_mut().zip(dx).for_each(|(gradient, dx)| *gradient += dx);
    }
}

/// A dense layer on the CPU, its sizes known at run time only.
#[derive(Debug)]
pub struct CpuLayer<'a> {
    /// Features of the layer's input.
    pub inputs: usize,
    /// Features of its output.
    pub outputs: usize,
    /// `[outputs, inputs]`.
    pub weight: &'a mut [f32],
    /// `[outputs]`.
    pub bias: &'a mut [f32],
    factors: Option<Factors>,
}

impl CpuLayer<'_> {
    /// Updates weight and bias by the gradient that the last backward pass deferred; `weight_states` and `bias_states` are the
    /// buffers that `rule` keeps, each as long as its parameter.
    ///
    /// Does nothing and says `false` where no backward pass came before.
    pub fn update(
        &mut self,
        rule: &dyn UpdateRule,
        weight_states: &mut [Vec<f32>],
        bias_states: &mut [Vec<f32>],
    ) -> bool {
        let Some(factors) = self.factors.take() else { return false };
        let shape = kernels::GemmShape { batch: factors.batch, inputs: self.inputs, outputs: self.outputs };
        let mut gradient = vec![0.0; self.outputs];
        kernels::bias_gradient(&factors.dy, &mut gradient);
        let bias = Parameter { values: self.bias, shape: &[self.outputs], states: bias_states };
        kernels::update(bias, &gradient, rule);
        let weight = Parameter { values: self.weight, shape: &[self.outputs, self.inputs], states: weight_states };
        kernels::update_by_product(shape, &factors.dy, factors.x.values(), weight, rule);
        true
    }
}

/// Networks of [`Dense`](crate::Dense) layers on the CPU: a layer, or a pair of networks.
pub trait CpuLayers {
    /// Calls `visit` with each layer, the first first.
    fn for_each_on_cpu(&mut self, visit: &mut dyn FnMut(CpuLayer<'_>));

    /// From now on a backward pass leaves the weights' gradients as factors for [`CpuLayer::update`] instead of writing
    /// them to dfdx's `Gradients`: 34 MB less to write, read and clear in each step of the notebook's network.
    fn defer_gradients(&mut self);
}

impl<const I: usize, const O: usize> CpuLayers for DenseLayer<I, O, f32, Cpu> {
    fn for_each_on_cpu(&mut self, visit: &mut dyn FnMut(CpuLayer<'_>)) {
        let take = |place: &std::sync::Mutex<Option<Factors>>| {
            place.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
        };
        visit(CpuLayer {
            inputs: I,
            outputs: O,
            factors: self.deferred.as_deref().and_then(take),
            weight: values_mut(&mut self.weight),
            bias: values_mut(&mut self.bias),
        });
    }

    fn defer_gradients(&mut self) {
        self.deferred = Some(Default::default());
    }
}

impl<A: CpuLayers, B: CpuLayers> CpuLayers for (A, B) {
    fn for_each_on_cpu(&mut self, visit: &mut dyn FnMut(CpuLayer<'_>)) {
        self.0.for_each_on_cpu(visit);
        self.1.for_each_on_cpu(visit);
    }

    fn defer_gradients(&mut self) {
        self.0.defer_gradients();
        self.1.defer_gradients();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Layers, mlp, tensors};

    fn wave(count: usize, frequency: f32) -> Vec<f32> {
        (0..count).map(|i| (i as f32 * frequency).sin()).collect()
    }

    fn close(ours: &[f32], theirs: &[f32], what: &str) {
        for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
            assert!((a - b).abs() <= 2e-5 * b.abs().max(1.0), "{what}[{i}]: {a}, but dfdx has {b}");
        }
    }

    /// Output, weight, bias and input gradients of our operation and of dfdx's own, for every activation, with dropout,
    /// at odd shapes.
    fn agrees_with_dfdx<const I: usize, const O: usize>(batch: usize) {
        let device = Cpu::seed_from_u64(7);
        for (activation, dropout) in Activation::ALL.into_iter().flat_map(|a| [(a, 0.0), (a, 0.4)]) {
            let mut layer = device.build_module::<crate::Dense<I, O>, f32>();
            crate::Layer::configure(&mut layer, activation, dropout, 43, 1);
            crate::Layer::set_step(&mut layer, 5);
            let x = device.tensor_from_vec(wave(batch * I, 0.37), (batch, Const::<I>));
            let up = device.tensor_from_vec(wave(batch * O, 0.91), (batch, Const::<O>));
            let ours = layer.forward(x.leaky_trace());
            let theirs = tensors::dense(&layer, x.leaky_trace()).unwrap();
            let what = format!("[{batch}, {I}] to {O}, {activation:?}, dropout {dropout}: ");
            close(&ours.as_vec(), &theirs.as_vec(), &(what.clone() + "output"));
            let ours = (ours * up.clone()).sum().backward();
            let theirs = (theirs * up).sum().backward();
            close(&ours.get(&layer.weight).as_vec(), &theirs.get(&layer.weight).as_vec(), &(what.clone() + "weight"));
            close(&ours.get(&layer.bias).as_vec(), &theirs.get(&layer.bias).as_vec(), &(what.clone() + "bias"));
            close(&ours.get(&x).as_vec(), &theirs.get(&x).as_vec(), &(what + "input"));
        }
    }

    #[test]
    fn output_and_gradients_are_those_of_dfdx() {
        agrees_with_dfdx::<1, 1>(1);
        agrees_with_dfdx::<3, 17>(1);
        agrees_with_dfdx::<17, 3>(5);
        agrees_with_dfdx::<40, 33>(19);
    }

    /// (L(w + h) - L(w - h)) / 2h of the whole network's loss, weight by weight, against its backward pass.
    #[test]
    fn gradients_are_the_slopes_of_the_loss() {
        let device = Cpu::seed_from_u64(1);
        let labels = [2u8, 0, 1];
        for activation in Activation::ALL {
            let mut network = device.build_module::<mlp!(4, 5, 3), f32>();
            network.configure(activation, 0.0, 43);
            let x = device.tensor_from_vec(wave(12, 1.3), (3, Const::<4>));
            let loss = crate::cross_entropy(network.forward(x.leaky_trace()), &labels).unwrap();
            let gradient = loss.backward().get(&network.0.weight).array();
            for (o, row) in gradient.iter().enumerate() {
                for (i, slope) in row.iter().enumerate() {
                    let before = network.0.weight[[o, i]];
                    let h = 1e-2;
                    let mut at = |value: f32| {
                        network.0.weight[[o, i]] = value;
                        crate::cross_entropy(network.forward(x.clone()), &labels).unwrap().array()
                    };
                    let measured = (at(before + h) - at(before - h)) / (2.0 * h);
                    at(before);
                    assert!((measured - slope).abs() < 2e-3, "{activation:?} [{o}, {i}]: {slope}, measured {measured}");
                }
            }
        }
    }

    #[test]
    fn the_loss_and_its_gradient_are_those_of_dfdx() {
        let device = Cpu::default();
        let logits = device.tensor_from_vec(wave(50, 2.1), (5, Const::<10>));
        let labels = [3u8, 9, 0, 1, 1];
        let ours = crate::cross_entropy(logits.leaky_trace(), &labels).unwrap();
        let theirs = crate::loss::by_tensors(logits.leaky_trace(), &labels).unwrap();
        close(&[ours.array()], &[theirs.array()], "loss");
        let (ours, theirs) = (ours.backward(), theirs.backward());
        close(&ours.get(&logits).as_vec(), &theirs.get(&logits).as_vec(), "gradient");
    }

    /// A deferred gradient applied with the plain rule p -= lr · g, against the gradient that dfdx's tape holds.
    #[test]
    fn a_deferred_update_is_the_update() {
        let device = Cpu::seed_from_u64(3);
        let mut plain = device.build_module::<mlp!(6, 9, 3), f32>();
        plain.configure(Activation::Tanh, 0.2, 43);
        let mut deferred = plain.clone();
        deferred.defer_gradients();
        let x = device.tensor_from_vec(wave(24, 0.7), (4, Const::<6>));
        let loss = |network: &dyn Fn() -> Tensor<(usize, Const<3>), f32, Cpu, OwnedTape<f32, Cpu>>| {
            crate::cross_entropy(network(), &[0, 1, 2, 1]).unwrap().backward()
        };
        let gradients = loss(&|| plain.forward(x.leaky_trace()));
        loss(&|| deferred.forward(x.leaky_trace()));
        let rule = kernels::Sgd { learning_rate: 0.5, weight_decay: 0.0 };
        deferred.for_each_on_cpu(&mut |mut layer| {
            assert!(layer.update(&rule, &mut [], &mut []));
            assert!(!layer.update(&rule, &mut [], &mut []), "a gradient is applied once");
        });
        let expected = plain.1.weight.clone() - gradients.get(&plain.1.weight) * 0.5;
        close(&deferred.1.weight.as_vec(), &expected.as_vec(), "last weight");
        let expected = plain.0.weight.clone() - gradients.get(&plain.0.weight) * 0.5;
        close(&deferred.0.weight.as_vec(), &expected.as_vec(), "first weight");
        let expected = plain.0.bias.clone() - gradients.get(&plain.0.bias) * 0.5;
        close(&deferred.0.bias.as_vec(), &expected.as_vec(), "first bias");
    }
}
