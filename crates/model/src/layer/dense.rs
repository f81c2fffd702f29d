//! The dense layer: affine, activation and dropout as one dfdx module.

use dfdx::prelude::*;
use rand_distr::uniform::SampleUniform;
use strata_kernels::zeros;
use strata_rng::TorchRng;
use strata_spec::{Activation, LayerSpec, Precision};

use super::mask::Mask;
use super::{Description, Layer, Layers};

/// A fully connected layer `[batch, I]` to `[batch, O]`, as dfdx's builders name one: build it with
/// `device.build_module::<Dense<I, O>, f32>()`, alone or in a tuple, and get a [`DenseLayer`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dense<const I: usize, const O: usize>;

impl<const I: usize, const O: usize, E: Dtype, D: Device<E>> BuildOnDevice<D, E> for Dense<I, O>
where
    DenseLayer<I, O, E, D>: BuildModule<D, E>,
{
    type Built = DenseLayer<I, O, E, D>;
}

/// A built [`Dense`] layer: `dropout(activation(x · weightᵀ + bias))`.
///
/// The forward pass of a tensor with a tape is a training pass: it records its backward operation and applies dropout. Without
/// a tape it does neither. Its gradients are those of the operations that it stands for, in any graph: as an operand of a skip connection, used twice, in
/// several passes before an update. Used twice in one step, a layer drops the same outputs both times.
///
/// On the CPU the arithmetic is that of `strata-kernels`; on other devices it is dfdx's.
#[derive(Clone, Debug)]
pub struct DenseLayer<const I: usize, const O: usize, E: Dtype, D: Storage<E>> {
    /// `[outputs, inputs]`, as PyTorch's `nn.Linear` has it.
    pub weight: Tensor<Rank2<O, I>, E, D>,
    /// `[outputs]`.
    pub bias: Tensor<Rank1<O>, E, D>,
    /// Applied to the affine operation's result; [`Activation::Identity`] as built.
    pub activation: Activation,
    pub(crate) dropout: Mask,
    /// Of its products, on a CPU.
    pub(crate) precision: Precision,
    /// Whether [`Layers::configure`] said what the activation is.
    pub(crate) configured: bool,
}

/// What [`Dense`] needs of a device.
pub trait DenseDevice: Device<f32> {
    /// The layer's output for `x` (`[batch, I]`), and its backward operation on the tape.
    ///
    /// # Errors
    /// Where the device does, out of memory for one.
    #[allow(
        clippy::type_complexity,
        reason = "dfdx's tensors say their shape in their type, which is the point of them"
    )]
    fn try_dense<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        layer: &DenseLayer<I, O, f32, Self>,
        x: Tensor<(B, Const<I>), f32, Self, T>,
    ) -> Result<Tensor<(B, Const<O>), f32, Self, T>, Self::Err>;
}

impl<B: Dim, const I: usize, const O: usize, D: DenseDevice, T: Tape<f32, D>> Module<Tensor<(B, Const<I>), f32, D, T>>
    for DenseLayer<I, O, f32, D>
{
    type Output = Tensor<(B, Const<O>), f32, D, T>;
    type Error = D::Err;

    fn try_forward(&self, x: Tensor<(B, Const<I>), f32, D, T>) -> Result<Self::Output, D::Err> {
        D::try_dense(self, x)
    }
}

impl<const I: usize, const O: usize, E: Dtype, D: Storage<E>> NonMutableModule for DenseLayer<I, O, E, D> {}

/// Visited by dfdx's optimizers, counters and converters like any module of its own. A conversion to another
/// device or type keeps weights only: configure the layer again.
impl<const I: usize, const O: usize, E, D> TensorCollection<E, D> for DenseLayer<I, O, E, D>
where
    E: Dtype + SampleUniform,
    D: Device<E>,
{
    type To<E2: Dtype, D2: Device<E2>> = DenseLayer<I, O, E2, D2>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        visitor.visit_fields(
            (
                Self::tensor(
                    "layer.weight",
                    |s| &s.weight,
                    |s| &mut s.weight,
                    TensorOptions::reset_with(reset::<I, _, _, _>),
                ),
                Self::tensor(
                    "layer.bias",
                    |s| &s.bias,
                    |s| &mut s.bias,
                    TensorOptions::reset_with(reset::<I, _, _, _>),
                ),
            ),
            |(weight, bias)| DenseLayer {
                weight,
                bias,
                activation: Activation::Identity,
                dropout: Mask::default(),
                precision: Precision::F32,
                configured: false,
            },
        )
    }
}

/// Uniform in ±1/√inputs, as `nn.Linear` does it, from the device's generator; [`initialise`](crate::initialise) draws PyTorch's own.
pub(super) fn reset<const I: usize, S: Shape, E, D>(tensor: &mut Tensor<S, E, D>) -> Result<(), D::Err>
where
    E: Dtype + SampleUniform,
    D: Device<E>,
{
    let bound = 1.0 / (I as f64).sqrt();
    let (Some(low), Some(high)) = (E::from_f64(-bound), E::from_f64(bound)) else { return Ok(()) };
    tensor.try_fill_with_distr(rand_distr::Uniform::new(low, high))
}

impl<const I: usize, const O: usize, D: DenseDevice> Layer for DenseLayer<I, O, f32, D> {
    fn initialise(&mut self, rng: &mut TorchRng) {
        let (weight, bias) = draw_as_linear(I, O, rng);
        self.weight.copy_from(&weight);
        self.bias.copy_from(&bias);
    }

    fn set_weight(&mut self, draw: &mut dyn FnMut(usize, usize) -> Vec<f32>) {
        self.weight.copy_from(&draw(I, O));
        self.bias.copy_from(&vec![0.0; O]);
    }

    fn zero(&mut self) {
        self.set_weight(&mut |inputs, outputs| vec![0.0; inputs * outputs]);
    }

    fn set_activation(&mut self, activation: Activation, dropout: f32) {
        self.activation = activation;
        self.dropout.probability = dropout;
        self.configured = true;
    }

    fn set_precision(&mut self, precision: Precision) {
        self.precision = precision;
    }

    fn activation(&self) -> Option<(Activation, bool)> {
        Some((self.activation, self.configured))
    }

    fn set_seed(&mut self, seed: u64, place: usize) {
        self.dropout = Mask { probability: self.dropout.probability, seed, layer: place as u64, step: 0 };
    }

    fn set_step(&mut self, step: u64) {
        self.dropout.step = step;
    }
}

impl<const I: usize, const O: usize, D: DenseDevice> Layers for DenseLayer<I, O, f32, D> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        visit(self);
    }

    fn describe(&self, description: &mut Description) {
        description.push(Some(I), LayerSpec::Dense { outputs: O });
    }

    fn is_chain(&self) -> bool {
        true
    }
}

/// Weight and bias as `nn.Linear` draws them.
pub(crate) fn draw_as_linear(inputs: usize, outputs: usize, rng: &mut TorchRng) -> (Vec<f32>, Vec<f32>) {
    let weight = draw_uniform(inputs, inputs * outputs, rng);
    (weight, draw_uniform(inputs, outputs, rng))
}

/// So many values as `nn.Linear` of so many inputs draws them.
pub(crate) fn draw_uniform(inputs: usize, count: usize, rng: &mut TorchRng) -> Vec<f32> {
    let bound = 1.0 / (inputs as f64).sqrt();
    let mut values = zeros(count);
    rng.fill_uniform(&mut values, -bound, bound);
    values
}
