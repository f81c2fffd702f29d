//! The layers of a network, each a dfdx module, and what they have in common.

mod activation;
mod affine;
mod dense;
mod dense_cpu;
mod external;
pub(crate) mod fused;
mod kind;
mod mask;
mod mirrored;
mod mirrored_dense;
mod mirrored_device;
mod mirrored_input;
#[cfg(any(feature = "cuda", test))]
mod mirrored_tensors;
mod operand;
mod own;
mod rectified;
mod rectified_cpu;
mod skip;
mod word;

pub use activation::{Activate, ActivationDevice};
pub use affine::{AffineLayer, AffineOf};
pub use dense::{Dense, DenseDevice, DenseLayer};
pub(crate) use dense::{draw_as_linear, draw_uniform};
pub use external::{External, ExternalLayer, check_generators};
pub use fused::{Fused, FusedDevice};
pub use kind::*;
pub use mask::{Mask, MaskDevice};
pub use mirrored::{InMirrored, Mirrored, MirroredLayers, OpensMirrored};
pub use mirrored_dense::{MirroredDense, MirroredDenseLayer};
pub use mirrored_device::MirroredDevice;
pub(crate) use mirrored_input::check_mirror;
pub use mirrored_input::{MirroredInput, MirroredInputLayer};
pub use own::Samples;
pub use rectified::{Rectified, RectifiedLayer};
pub use rectified_cpu::RectifiedDevice;
pub use skip::Skip;
pub(crate) use word::Evaluation;
pub use word::{LayerOfWord, Word, activation_number, argument_of_word, is_layer_kind, number_of_word};

use strata_kernels::Mirror;
use strata_rng::TorchRng;
use strata_spec::{Activation, LayerSpec, NetworkSpec, Precision, ranges};

use crate::{Architecture, ModelError};

/// What batch and layer normalisation add to the variance, as in PyTorch. RMS normalisation adds [`f32::EPSILON`].
pub const EPSILON: f32 = 1e-5;

/// A layer, its sizes known at run time only.
pub trait Layer {
    /// Draws the layer's parameters as PyTorch does when it constructs its module of the same name; a layer without takes no notice.
    fn initialise(&mut self, rng: &mut TorchRng) {
        let _ = rng;
    }

    /// Gives a dense layer the weight, `[outputs, inputs]`, that `draw` makes of its inputs and outputs, and a bias of zero; any other layer begins as
    /// [`Layer::initialise`] has it.
    fn set_weight(&mut self, draw: &mut dyn FnMut(usize, usize) -> Vec<f32>) {
        let _ = draw;
    }

    /// Sets the parameters of a dense layer or a normalisation to zero, so that its output is zero.
    fn zero(&mut self) {}

    /// Sets what a dense layer does besides its affine operation; any other layer says what it does itself.
    fn set_activation(&mut self, activation: Activation, dropout: f32) {
        let _ = (activation, dropout);
    }

    /// Says in which precision a dense layer's products are computed; any other layer takes no notice.
    fn set_precision(&mut self, precision: Precision) {
        let _ = precision;
    }

    /// What a dense layer does besides its affine operation, and whether it was told.
    fn activation(&self) -> Option<(Activation, bool)> {
        None
    }

    /// Says what decides the layer's dropout masks: the seed, and its place in the network; a layer without takes no notice.
    fn set_seed(&mut self, seed: u64, place: usize) {
        let _ = (seed, place);
    }

    /// Says which training step comes next, counted over the run: it decides the dropout mask.
    fn set_step(&mut self, step: u64) {
        let _ = step;
    }

    /// Says what mirroring an image does to its inputs, and gives whether the layer can take it: as many inputs as it has. One that does not ask takes no notice.
    fn set_mirror(&mut self, mirror: &Mirror) -> bool {
        let _ = mirror;
        true
    }

    /// Sets the share of a batch's statistics in the running ones, in `0..=1`; a layer without such takes no notice.
    fn set_momentum(&mut self, momentum: f32) {
        let _ = momentum;
    }
}

/// What a walk over a network finds out.
#[derive(Clone, Debug, Default)]
pub struct Description {
    /// Features of a sample, from the first layer that knows.
    pub inputs: Option<usize>,
    /// The layers so far.
    pub layers: Vec<LayerSpec>,
}

impl Description {
    /// Adds a layer that takes `inputs` features, where it knows how many.
    pub fn push(&mut self, inputs: Option<usize>, layer: LayerSpec) {
        self.inputs = self.inputs.or(inputs);
        self.layers.push(layer);
    }
}

impl From<Description> for Architecture {
    fn from(description: Description) -> Self {
        match NetworkSpec::new(description.inputs.unwrap_or(1), description.layers) {
            Ok(network) => network.into(),
            // Layers whose widths do not fit are no module, so that this describes a network that cannot be run.
            Err(_) => Self::new(1, &[], 1),
        }
    }
}

/// Networks of our layers: a layer, a pair of networks, a skip connection around one. Any other dfdx module is part of one by [`External`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no network of Strata's layers",
    label = "not a layer of `strata_model`, nor a pair or a skip connection of such",
    note = "wrap a module of dfdx or of your own in `strata_model::External<YourModule, INPUTS, OUTPUTS>`, or write `module(YourModule => OUTPUTS)` in `net!`"
)]
pub trait Layers {
    /// Calls `visit` with each layer, the first first.
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer));

    /// Says what the network's layers are.
    fn describe(&self, description: &mut Description);

    /// Makes a classifier of a chain of dense layers: `activation` and `dropout` (a probability in `0..1`) after each but the last, whose outputs are
    /// logits. `seed` decides the dropout masks. A network that has activations and dropout of its own (`net!`) takes the seed only.
    ///
    /// # Errors
    /// [`ModelError::ActivationIsFixed`] where such a network is given an activation other than [`Activation::Identity`], or dropout;
    /// [`ModelError::Dropout`] of a dropout outside `0..1`.
    fn configure(&mut self, activation: Activation, dropout: f32, seed: u64) -> Result<(), ModelError> {
        if !ranges::DROPOUT.contains(dropout.into()) {
            return Err(ModelError::Dropout { probability: dropout });
        }
        let chain = self.architecture().chain_of(activation, dropout)?;
        let mut configure = Configure { chain, seed, place: 0 };
        self.for_each(&mut |layer| configure.layer(layer));
        Ok(())
    }

    /// Says which training step comes next, counted over the run.
    fn set_step(&mut self, step: u64) {
        self.for_each(&mut |layer| layer.set_step(step));
    }

    /// Sets the share of a batch's statistics in the running ones of batch normalisation, in `0..=1`; it is 0.1 in a network that nobody told, as in
    /// PyTorch. With 1, 1/2, 1/3 … for one batch after the other they become the mean over those.
    fn set_momentum(&mut self, momentum: f32) {
        self.for_each(&mut |layer| layer.set_momentum(momentum));
    }

    /// Says in which precision the products of dense layers are computed; 32-bit floats in a network that nobody told. With [`Precision::Bf16`] a layer keeps
    /// its input, and what it needs of its output, rounded until the backward pass. On other devices than a CPU it has no effect.
    fn set_precision(&mut self, precision: Precision) {
        self.for_each(&mut |layer| layer.set_precision(precision));
    }

    /// Says what mirroring an image does to the network's inputs, which a network that is [`Mirrored`] must be told before its first pass; weights that are loaded
    /// say it too.
    ///
    /// # Errors
    /// [`ModelError::Mirror`] where the mirror is one of another number of inputs.
    fn set_mirror(&mut self, mirror: &Mirror) -> Result<(), ModelError> {
        let mut fits = true;
        self.for_each(&mut |layer| fits &= layer.set_mirror(mirror));
        match fits {
            true => Ok(()),
            false => {
                Err(ModelError::Mirror { inputs: self.architecture().network().inputs(), found: mirror.places().len() })
            }
        }
    }

    /// Whether its layers follow each other, and each is an operation of this crate's on a CPU: then the gradient of what lies between two of them goes from the one to the other
    /// ([`GradientStore::in_chain`](crate::GradientStore::in_chain)). A network that does not say so is none.
    fn is_chain(&self) -> bool {
        false
    }

    /// What the network is. Where no layer knows how many features a sample has (activations only), it is 1.
    fn architecture(&self) -> Architecture {
        let mut description = Description::default();
        self.describe(&mut description);
        description.into()
    }
}

/// Tells each layer what [`Layers::configure`] was told.
struct Configure {
    /// Of a chain: how many layers it has, and the activation and the dropout after each but the last.
    chain: Option<(usize, Activation, f32)>,
    seed: u64,
    place: usize,
}

impl Configure {
    fn layer(&mut self, layer: &mut dyn Layer) {
        if let Some((layers, activation, dropout)) = self.chain {
            let last = self.place + 1 == layers;
            let (activation, dropout) = if last { (Activation::Identity, 0.0) } else { (activation, dropout) };
            layer.set_activation(activation, dropout);
        }
        layer.set_seed(self.seed, self.place);
        self.place += 1;
    }
}

impl<A: Layers, B: Layers> Layers for (A, B) {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        self.0.for_each(visit);
        self.1.for_each(visit);
    }

    fn describe(&self, description: &mut Description) {
        self.0.describe(description);
        self.1.describe(description);
    }

    fn is_chain(&self) -> bool {
        self.0.is_chain() && self.1.is_chain()
    }
}
