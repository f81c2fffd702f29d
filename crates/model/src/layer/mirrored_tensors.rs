//! Mirrored networks of dfdx's operations, which train on a card.

#![allow(clippy::type_complexity, reason = "dfdx's tensors say their shape in their type")]

use dfdx::prelude::*;
#[cfg(feature = "cuda")]
use strata_spec::Precision;

#[cfg(feature = "cuda")]
use super::MirroredDevice;
use super::fused::Features;

/// Both views apart, `[2, samples, N]`.
type Views<const N: usize, D, T> = Tensor<(usize, usize, Const<N>), f32, D, T>;

/// The first view's values as they are, the second's with their signs turned.
fn second_turned<const N: usize, D: Device<f32>, T: Tape<f32, D>>(
    views: Views<N, D, T>,
) -> Result<Views<N, D, T>, D::Err> {
    let signs = views.device().try_tensor_from_vec(vec![1.0, -1.0], (2,))?;
    let signs = signs.retaped::<T>().try_broadcast_like::<_, Axes2<1, 2>>(views.shape())?;
    views.try_mul(signs)
}

/// `MirroredDevice::try_both_views` of an even number of rows.
pub(super) fn both_views<B: Dim, const I: usize, const O: usize, D: Device<f32>, T: Tape<f32, D>>(
    x: Features<B, I, D, T>,
    [even, odd]: [&Tensor<Rank2<O, I>, f32, D>; 2],
    bias: &Tensor<Rank1<O>, f32, D>,
) -> Result<Features<B, O, D, T>, D::Err> {
    let rows = x.shape().0;
    let samples = rows.size() / 2;
    let views = x.try_reshape_like(&(2, samples, Const::<I>))?;
    let sums = views.with_empty_tape().try_sum::<(usize, Const<I>), Axis<0>>()?;
    let differences = second_turned(views)?.try_sum::<(usize, Const<I>), Axis<0>>()?;
    let both = (2, samples, Const::<O>);
    let common = sums.try_matmul(even.retaped::<T>().try_permute::<Rank2<I, O>, _>()?)?;
    let different = differences.try_matmul(odd.retaped::<T>().try_permute::<Rank2<I, O>, _>()?)?;
    let common = common.try_broadcast_like::<_, Axis<0>>(&both)?;
    let different = second_turned(different.try_broadcast_like::<_, Axis<0>>(&both)?)?;
    let bias = bias.retaped::<T>().try_broadcast_like::<_, Axes2<0, 1>>(&both)?;
    different.try_add(common)?.try_mul(0.5)?.try_add(bias)?.try_reshape_like(&(rows, Const::<O>))
}

/// `MirroredDevice::try_mean_of_views` of two rows a sample.
pub(super) fn mean_of_views<B: Dim, const N: usize, D: Device<f32>, T: Tape<f32, D>>(
    views: Features<usize, N, D, T>,
    samples: B,
) -> Result<Features<B, N, D, T>, D::Err> {
    let views = views.try_reshape_like(&(2, samples.size(), Const::<N>))?;
    views.try_mean::<(usize, Const<N>), Axis<0>>()?.try_reshape_like(&(samples, Const::<N>))
}

#[cfg(feature = "cuda")]
impl MirroredDevice for Cuda {
    /// Twice the multiplications of the CPU's, whose products are those of the samples' parts.
    fn try_views<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        x: Features<B, I, Self, T>,
        weight: &Tensor<Rank2<O, I>, f32, Self>,
        bias: &Tensor<Rank1<O>, f32, Self>,
        mirror: &Tensor<Rank1<I>, f32, Self>,
        _: Precision,
    ) -> Result<Features<usize, O, Self, T>, CudaError> {
        crate::tensors::affine(crate::card::views(x, mirror)?, weight, bias)
    }

    fn try_both_views<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        x: Features<B, I, Self, T>,
        weights: [&Tensor<Rank2<O, I>, f32, Self>; 2],
        bias: &Tensor<Rank1<O>, f32, Self>,
        _: Precision,
    ) -> Result<Features<B, O, Self, T>, CudaError> {
        check(x.shape().0.size().is_multiple_of(2))?;
        both_views(x, weights, bias)
    }

    fn try_mean_of_views<B: Dim, const N: usize, T: Tape<f32, Self>>(
        views: Features<usize, N, Self, T>,
        samples: B,
    ) -> Result<Features<B, N, Self, T>, CudaError> {
        check(views.shape().0 == 2 * samples.size())?;
        mean_of_views(views, samples)
    }
}

#[cfg(feature = "cuda")]
fn check(fits: bool) -> Result<(), CudaError> {
    if fits { Ok(()) } else { Err(CudaError::Cpu(CpuError::WrongNumElements)) }
}

#[cfg(test)]
mod tests {
    use strata_spec::Precision;

    use super::*;
    use crate::layer::MirroredDevice;

    fn same(ours: &[f32], theirs: &[f32]) {
        assert_eq!(ours.len(), theirs.len());
        for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
            assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "[{i}]: {a}, {b}");
        }
    }

    /// What a card computes, on dfdx's CPU device, against the kernels: outputs and all gradients.
    #[test]
    fn tensors_of_both_views_equal_the_kernels() {
        type Rows<const N: usize> = Tensor<(usize, Const<N>), f32, Cpu, OwnedTape<f32, Cpu>>;
        let device = Cpu::seed_from_u64(5);
        let x: Tensor<(usize, Const<7>), f32, Cpu> = device.sample_normal_like(&(6, Const::<7>));
        let (even, odd): (Tensor<Rank2<4, 7>, f32, Cpu>, Tensor<Rank2<4, 7>, f32, Cpu>) =
            (device.sample_normal(), device.sample_normal());
        let bias: Tensor<Rank1<4>, f32, Cpu> = device.sample_normal();
        let (weights, x_traced) = ([&even, &odd], || x.leaky_trace());
        let outputs: [Rows<4>; 2] = [
            Cpu::try_both_views(x_traced(), weights, &bias, Precision::F32).unwrap(),
            both_views(x_traced(), weights, &bias).unwrap(),
        ];
        let means: [Rows<4>; 2] = {
            let [ours, theirs] = outputs;
            same(&ours.as_vec(), &theirs.as_vec());
            [Cpu::try_mean_of_views(ours, 3).unwrap(), mean_of_views(theirs, 3).unwrap()]
        };
        let [ours, theirs] = means.map(|mean| {
            let values = mean.as_vec();
            (values, mean.exp().sum().backward())
        });
        same(&ours.0, &theirs.0);
        same(&ours.1.get(&x).as_vec(), &theirs.1.get(&x).as_vec());
        same(&ours.1.get(&even).as_vec(), &theirs.1.get(&even).as_vec());
        same(&ours.1.get(&odd).as_vec(), &theirs.1.get(&odd).as_vec());
        same(&ours.1.get(&bias).as_vec(), &theirs.1.get(&bias).as_vec());
    }
}
