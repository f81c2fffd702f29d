//! Batch normalisation over a fused operation.

use dfdx::prelude::*;
use strata_kernels as kernels;
use strata_rng::TorchRng;
use strata_spec::{LayerKind, LayerSpec};

use crate::gradients::gradient_of_parameter;
use crate::layer::fused::{Rows, add_to, operation};
use crate::layer::word::{AtRunTime, LayerOfWord, Word};
use crate::layer::{Description, EPSILON, Layer, Layers};
use crate::storage::{realized, tensor_from_vec, values, values_mut};

/// The share of a batch's statistics in the running ones, as in PyTorch.
pub(crate) const MOMENTUM: f32 = 0.1;

/// Batch normalisation of `N` features (`torch.nn.BatchNorm1d`, eps 1e-5, momentum 0.1), as dfdx's builders name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchNorm<const N: usize>;

impl<const N: usize> LayerOfWord for Word<true, { LayerKind::BatchNorm as u8 }, N, 0> {
    type Layer = BatchNorm<N>;
}

pub(super) const AT_RUN_TIME: AtRunTime = AtRunTime {
    initial: |features, _| [1.0, 0.0, 0.0, 1.0].map(|value| vec![value; features]).to_vec(),
    evaluate: |input| {
        let mut y = kernels::zeros(input.x.len());
        if let [gain, bias, mean, variance] = input.tensors {
            kernels::batch_norm_evaluation(&input.x, mean, variance, gain, bias, EPSILON, &mut y);
        }
        y
    },
};

impl<const N: usize, E: Dtype, D: Device<E>> BuildOnDevice<D, E> for BatchNorm<N>
where
    BatchNormLayer<N, E, D>: BuildModule<D, E>,
{
    type Built = BatchNormLayer<N, E, D>;
}

/// A built [`BatchNorm`]: `(x - mean) / √(variance + eps) · weight + bias`, each feature over the samples of the batch in training and by the running
/// statistics in evaluation.
///
/// A training pass is `forward_mut` of a tensor with a tape, and moves the running statistics; a pass without a tape evaluates. The other two
/// combinations do not compile.
#[derive(Clone, Debug)]
pub struct BatchNormLayer<const N: usize, E: Dtype, D: Storage<E>> {
    /// The gain, `[N]`.
    pub weight: Tensor<Rank1<N>, E, D>,
    /// `[N]`.
    pub bias: Tensor<Rank1<N>, E, D>,
    /// `[N]`; no optimizer changes it.
    pub running_mean: Tensor<Rank1<N>, E, D>,
    /// Unbiased, `[N]`; no optimizer changes it.
    pub running_var: Tensor<Rank1<N>, E, D>,
    /// The share of a batch's statistics in the running ones, in `0..=1`.
    pub(crate) momentum: f32,
}

impl<const N: usize, E: Dtype, D: Device<E>> TensorCollection<E, D> for BatchNormLayer<N, E, D> {
    type To<E2: Dtype, D2: Device<E2>> = BatchNormLayer<N, E2, D2>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        let zeros = || TensorOptions::detached(|tensor| tensor.try_fill_with_zeros());
        let ones = || TensorOptions::detached(|tensor| tensor.try_fill_with_ones());
        visitor.visit_fields(
            (
                Self::tensor("norm.weight", |s| &s.weight, |s| &mut s.weight, TensorOptions::reset_to_ones()),
                Self::tensor("norm.bias", |s| &s.bias, |s| &mut s.bias, TensorOptions::reset_to_zeros()),
                Self::tensor("norm.running_mean", |s| &s.running_mean, |s| &mut s.running_mean, zeros()),
                Self::tensor("norm.running_var", |s| &s.running_var, |s| &mut s.running_var, ones()),
            ),
            |(weight, bias, running_mean, running_var)| BatchNormLayer {
                weight,
                bias,
                running_mean,
                running_var,
                momentum: MOMENTUM,
            },
        )
    }
}

/// What batch normalisation needs of a device.
pub trait BatchNormDevice: Device<f32> {
    /// A pass by the running statistics.
    ///
    /// # Errors
    /// Where the device does.
    fn try_evaluate<B: Dim, const N: usize>(
        layer: &BatchNormLayer<N, f32, Self>,
        x: Tensor<(B, Const<N>), f32, Self>,
    ) -> Result<Tensor<(B, Const<N>), f32, Self>, Self::Err>;

    /// A pass by the batch's own statistics, towards which the running ones move, and its backward operation on the tape.
    ///
    /// # Errors
    /// Where the device does; where there are fewer than two samples, which have no variance.
    #[allow(clippy::type_complexity, reason = "dfdx's tensors say their shape in their type")]
    fn try_train<B: Dim, const N: usize>(
        layer: &mut BatchNormLayer<N, f32, Self>,
        x: Tensor<(B, Const<N>), f32, Self, OwnedTape<f32, Self>>,
    ) -> Result<Tensor<(B, Const<N>), f32, Self, OwnedTape<f32, Self>>, Self::Err>;
}

impl<B: Dim, const N: usize, D: BatchNormDevice> Module<Tensor<(B, Const<N>), f32, D>> for BatchNormLayer<N, f32, D> {
    type Output = Tensor<(B, Const<N>), f32, D>;
    type Error = D::Err;

    fn try_forward(&self, x: Tensor<(B, Const<N>), f32, D>) -> Result<Self::Output, D::Err> {
        D::try_evaluate(self, x)
    }
}

impl<B: Dim, const N: usize, D: BatchNormDevice> ModuleMut<Tensor<(B, Const<N>), f32, D, OwnedTape<f32, D>>>
    for BatchNormLayer<N, f32, D>
{
    type Output = Tensor<(B, Const<N>), f32, D, OwnedTape<f32, D>>;
    type Error = D::Err;

    fn try_forward_mut(&mut self, x: Tensor<(B, Const<N>), f32, D, OwnedTape<f32, D>>) -> Result<Self::Output, D::Err> {
        D::try_train(self, x)
    }
}

impl BatchNormDevice for Cpu {
    fn try_evaluate<B: Dim, const N: usize>(
        layer: &BatchNormLayer<N, f32, Self>,
        x: Tensor<(B, Const<N>), f32, Self>,
    ) -> Result<Tensor<(B, Const<N>), f32, Self>, CpuError> {
        let statistics = (values(&layer.running_mean), values(&layer.running_var));
        let y = evaluate(realized(x), statistics, values(&layer.weight), values(&layer.bias))?;
        Ok(realized(y))
    }

    fn try_train<B: Dim, const N: usize>(
        layer: &mut BatchNormLayer<N, f32, Self>,
        x: Tensor<(B, Const<N>), f32, Self, OwnedTape<f32, Self>>,
    ) -> Result<Tensor<(B, Const<N>), f32, Self, OwnedTape<f32, Self>>, CpuError> {
        let (weight, bias) = (realized(layer.weight.clone()), realized(layer.bias.clone()));
        let running = (values_mut(&mut layer.running_mean), values_mut(&mut layer.running_var));
        Ok(realized(train(realized(x), weight, bias, running, layer.momentum)?))
    }
}

fn evaluate(x: Rows, (mean, variance): (&[f32], &[f32]), gain: &[f32], bias: &[f32]) -> Result<Rows, CpuError> {
    let x = x.try_contiguous()?;
    let mut y = kernels::zeros(x.shape().num_elements());
    kernels::batch_norm_evaluation(values(&x), mean, variance, gain, bias, EPSILON, &mut y);
    tensor_from_vec(x.device(), y, *x.shape())
}

fn train(
    x: Rows<OwnedTape<f32, Cpu>>,
    weight: Tensor<(usize,), f32, Cpu>,
    bias: Tensor<(usize,), f32, Cpu>,
    (running_mean, running_var): (&mut [f32], &mut [f32]),
    momentum: f32,
) -> Result<Rows<OwnedTape<f32, Cpu>>, CpuError> {
    let (x, tape) = x.try_contiguous()?.split_tape();
    let (batch, features) = *x.shape();
    if batch < 2 {
        return Err(CpuError::WrongNumElements);
    }
    let mut y = kernels::zeros(batch * features);
    let statistics = kernels::batch_norm(values(&x), values(&weight), values(&bias), EPSILON, &mut y);
    statistics.update_running(batch, momentum, running_mean, running_var);
    let y = tensor_from_vec(x.device(), y, *x.shape())?;
    let input = x.clone();
    Ok(operation(&x, tape, y, move |dy, of_x, gradients| {
        let (mut of_gain, mut of_bias) = (vec![0.0; features], vec![0.0; features]);
        let (x, gain) = (values(&input), values(&weight));
        of_x.write(gradients, |dx| {
            kernels::batch_norm_gradient(x, &statistics, gain, &dy, dx, &mut of_gain, &mut of_bias);
        })?;
        add_to(gradient_of_parameter(gradients, &weight)?, of_gain);
        add_to(gradient_of_parameter(gradients, &bias)?, of_bias);
        Ok(())
    }))
}

impl<const N: usize, D: Device<f32>> Layer for BatchNormLayer<N, f32, D> {
    fn initialise(&mut self, _: &mut TorchRng) {
        self.weight.copy_from(&[1.0; N]);
        self.bias.copy_from(&[0.0; N]);
        self.running_mean.copy_from(&[0.0; N]);
        self.running_var.copy_from(&[1.0; N]);
    }

    fn zero(&mut self) {
        self.weight.copy_from(&[0.0; N]);
        self.bias.copy_from(&[0.0; N]);
    }

    fn set_momentum(&mut self, momentum: f32) {
        self.momentum = momentum;
    }
}

impl<const N: usize, D: Device<f32>> Layers for BatchNormLayer<N, f32, D> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        visit(self);
    }

    fn describe(&self, description: &mut Description) {
        description.push(Some(N), LayerSpec::SameWidth { kind: LayerKind::BatchNorm, argument: 0.0 });
    }

    fn is_chain(&self) -> bool {
        true
    }
}
