//! How a network's parameters begin: PyTorch's draws.

mod orthogonal;

use strata_rng::{NormalDraws, TorchRng};
use strata_spec::{Initialisation, LayerSpec, WeightInit};

use self::orthogonal::orthogonal;
use crate::layer::{at_run_time, draw_as_linear, draw_uniform};
use crate::{Architecture, Layers};

/// Draws the parameters that PyTorch's modules, constructed in order, draw from the same generator: each dense layer's weight row by row, then
/// its bias, uniform in ±1/√inputs (`nn.Linear`: `torch.nn.init.kaiming_uniform_` with `a = √5`). Normalisations begin with gains of one, biases and running means of
/// zero and running variances of one, and draw nothing. A user's module keeps what it was built with.
pub fn initialise<N: Layers + ?Sized>(network: &mut N, rng: &mut TorchRng) {
    network.for_each(&mut |layer| layer.initialise(rng));
}

/// Draws the parameters as `how` says: those of [`initialise`] first, as PyTorch's modules do when they are constructed, then those that a call of
/// `torch.nn.init` for each dense layer's weight, in order, puts in their place, with biases of zero. The bits are PyTorch's, but for
/// [`WeightInit::Orthogonal`], whose draws are PyTorch's and whose factorisation is our own.
///
/// ```
/// use dfdx::prelude::*;
/// use strata_model::{initialise_by, net, tensors_of};
/// use strata_spec::{Initialisation, LayerSpec, WeightInit};
///
/// let how = Initialisation { weights: WeightInit::KaimingUniform, zero_residual: true };
/// let mut network = Cpu::default().build_module::<net!(12, 16 relu, skip(16 relu, 16), 3), f32>();
/// initialise_by(&mut network, how, &mut strata_rng::TorchRng::new(43));
/// let tensors = tensors_of(&network);
/// assert!(tensors[4].name == "layer3.weight" && tensors[4].values.iter().all(|value| *value == 0.0));
/// ```
pub fn initialise_by<N: Layers + ?Sized>(network: &mut N, how: Initialisation, rng: &mut TorchRng) {
    initialise(network, rng);
    let mut draws = Draws { kind: how.weights, normal: NormalDraws::default() };
    if how.weights != WeightInit::Torch {
        network.for_each(&mut |layer| {
            layer.set_weight(&mut |inputs, outputs| {
                let mut weight = draws.next(inputs, outputs, rng);
                if how.weights == WeightInit::Orthogonal {
                    orthogonal(&mut weight, outputs, inputs);
                }
                weight
            });
        });
    }
    if how.zero_residual {
        let ends = network.architecture().network().residual_ends();
        let mut place = 0;
        network.for_each(&mut |layer| {
            if ends.contains(&place) {
                layer.zero();
            }
            place += 1;
        });
    }
}

/// Takes `rng` to where [`initialise_by`] leaves it for a network of this architecture: for whoever needs the draws that follow, and not the
/// network.
pub fn skip_initialisation(architecture: &Architecture, how: Initialisation, rng: &mut TorchRng) {
    architecture.network().for_each(&mut |inputs, layer| match layer {
        LayerSpec::Dense { outputs } | LayerSpec::MirroredInput { outputs } => {
            drop(draw_as_linear(inputs, *outputs, rng));
        }
        LayerSpec::MirroredDense { outputs } => {
            drop(draw_as_linear(inputs, *outputs, rng));
            drop(draw_uniform(inputs, inputs * outputs, rng));
        }
        LayerSpec::SameWidth { kind, .. } => drop((at_run_time(*kind).initial)(inputs, rng)),
        LayerSpec::Activation(_) | LayerSpec::Skip(_) | LayerSpec::Mirrored(_) | LayerSpec::Module { .. } => {}
    });
    if how.weights != WeightInit::Torch {
        let mut draws = Draws { kind: how.weights, normal: NormalDraws::default() };
        architecture.weights().for_each(|(inputs, outputs)| drop(draws.next(inputs, outputs, rng)));
    }
}

/// The draws of `torch.nn.init`, one weight after the other.
struct Draws {
    kind: WeightInit,
    normal: NormalDraws,
}

impl Draws {
    /// `[outputs, inputs]`.
    fn next(&mut self, inputs: usize, outputs: usize, rng: &mut TorchRng) -> Vec<f32> {
        let mut weight = vec![0.0; inputs * outputs];
        let (fan_in, fan_both) = (inputs as f64, (inputs + outputs) as f64);
        // Each as torch.nn.init computes it: a gain, a deviation, and from it the bound of a uniform draw.
        let kaiming = 2.0_f64.sqrt() / fan_in.sqrt();
        let xavier = (2.0 / fan_both).sqrt();
        let root_of_three = 3.0_f64.sqrt();
        match self.kind {
            WeightInit::Torch => {}
            WeightInit::KaimingUniform => {
                rng.fill_uniform(&mut weight, -root_of_three * kaiming, root_of_three * kaiming)
            }
            WeightInit::XavierUniform => rng.fill_uniform(&mut weight, -root_of_three * xavier, root_of_three * xavier),
            WeightInit::KaimingNormal => self.normal.fill(rng, &mut weight, kaiming),
            WeightInit::XavierNormal => self.normal.fill(rng, &mut weight, xavier),
            WeightInit::Orthogonal => self.normal.fill(rng, &mut weight, 1.0),
        }
        weight
    }
}
