//! A network as its layers, sizes erased: configuring, initialising, reading and loading weights.

use strata_rng::TorchRng;
use strata_spec::Activation;

use crate::dense::{DenseDevice, DenseLayer};
use crate::dropout::Dropout;
use crate::{Architecture, LayerWeights, ModelError, Weights};

/// A dense layer, its sizes known at run time only.
pub trait Layer {
    /// Features of the layer's input.
    fn inputs(&self) -> usize;
    /// Features of its output.
    fn outputs(&self) -> usize;
    /// Copies of weight and bias.
    fn weights(&self) -> LayerWeights;
    /// Takes `weights`, which must have the layer's sizes.
    fn set_weights(&mut self, weights: &LayerWeights);
    /// Sets what the layer does besides its affine operation.
    fn configure(&mut self, activation: Activation, dropout: f32, seed: u64, place: usize);
    /// Says which training step comes next, counted over the run: it decides the dropout mask.
    fn set_step(&mut self, step: u64);
}

impl<const I: usize, const O: usize, D: DenseDevice> Layer for DenseLayer<I, O, f32, D> {
    fn inputs(&self) -> usize {
        I
    }

    fn outputs(&self) -> usize {
        O
    }

    fn weights(&self) -> LayerWeights {
        LayerWeights { weight: self.weight.as_vec(), bias: self.bias.as_vec() }
    }

    fn set_weights(&mut self, weights: &LayerWeights) {
        self.weight.copy_from(&weights.weight);
        self.bias.copy_from(&weights.bias);
    }

    fn configure(&mut self, activation: Activation, dropout: f32, seed: u64, place: usize) {
        self.activation = activation;
        self.dropout = Dropout { probability: dropout, seed, layer: place as u64, step: 0 };
    }

    fn set_step(&mut self, step: u64) {
        self.dropout.step = step;
    }
}

/// Networks of [`Dense`](crate::Dense) layers: a layer, or a pair of networks.
pub trait Layers {
    /// Calls `visit` with each layer, the first first.
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer));

    /// Makes a classifier of the layers: `activation` and `dropout` (a probability in `0..1`) after each but the last, whose outputs are
    /// logits. `seed` decides the dropout masks.
    fn configure(&mut self, activation: Activation, dropout: f32, seed: u64) {
        let mut layers = 0;
        self.for_each(&mut |_| layers += 1);
        let mut place = 0;
        self.for_each(&mut |layer| {
            let last = place + 1 == layers;
            let (activation, dropout) = if last { (Activation::Identity, 0.0) } else { (activation, dropout) };
            layer.configure(activation, dropout, seed, place);
            place += 1;
        });
    }

    /// Says which training step comes next, counted over the run.
    fn set_step(&mut self, step: u64) {
        self.for_each(&mut |layer| layer.set_step(step));
    }

    /// The network's widths.
    fn architecture(&mut self) -> Architecture {
        let mut widths = Vec::new();
        self.for_each(&mut |layer| {
            if widths.is_empty() {
                widths.push(layer.inputs());
            }
            widths.push(layer.outputs());
        });
        Architecture::new(widths[0], &widths[1..widths.len() - 1], widths[widths.len() - 1])
    }
}

impl<const I: usize, const O: usize, D: DenseDevice> Layers for DenseLayer<I, O, f32, D> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        visit(self);
    }
}

impl<A: Layers, B: Layers> Layers for (A, B) {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        self.0.for_each(visit);
        self.1.for_each(visit);
    }
}

/// Draws the parameters that PyTorch's `nn.Linear` layers, constructed in order, draw from the same generator: each
/// layer's weight row by row, then its bias, uniform in ±1/√inputs
/// (`torch.nn.init.kaiming_uniform_` with `a = √5`).
pub fn initialise(network: &mut dyn Layers, rng: &mut TorchRng) {
    network.for_each(&mut |layer| layer.set_weights(&draw_layer(layer.inputs(), layer.outputs(), rng)));
}

/// Takes `rng` to where [`initialise`] leaves it for a network of these widths: for whoever needs the draws that follow, and not the
/// network.
pub fn skip_initialisation(architecture: &Architecture, rng: &mut TorchRng) {
    architecture.layers().for_each(|(inputs, outputs)| drop(draw_layer(inputs, outputs, rng)));
}

fn draw_layer(inputs: usize, outputs: usize, rng: &mut TorchRng) -> LayerWeights {
    let bound = 1.0 / (inputs as f64).sqrt();
    let mut weights = LayerWeights { weight: vec![0.0; inputs * outputs], bias: vec![0.0; outputs] };
    rng.fill_uniform(&mut weights.weight, -bound, bound);
    rng.fill_uniform(&mut weights.bias, -bound, bound);
    weights
}

/// Copies of a network's weights, in host memory.
pub fn weights_of(network: &mut dyn Layers) -> Weights {
    let mut layers = Vec::new();
    network.for_each(&mut |layer| layers.push(layer.weights()));
    Weights { architecture: network.architecture(), layers }
}

/// Gives a network `weights`.
///
/// # Errors
/// [`ModelError::Mismatch`] where they are another network's; the network keeps its own then.
pub fn load_weights(network: &mut dyn Layers, weights: &Weights) -> Result<(), ModelError> {
    let expected = network.architecture();
    if expected != weights.architecture {
        let name = |a: &Architecture| format!("{:?}", a.widths());
        return Err(ModelError::Mismatch { expected: name(&expected), found: name(&weights.architecture) });
    }
    let mut layers = weights.layers.iter();
    network.for_each(&mut |layer| {
        if let Some(weights) = layers.next() {
            layer.set_weights(weights);
        }
    });
    Ok(())
}
