//! Dense layers as the affine operations that they are.

use dfdx::prelude::*;
use strata_spec::{Activation, Precision};

use super::{DenseLayer, MirroredDenseLayer, MirroredInputLayer};
use crate::storage::realized;

/// What an affine layer computes with, its sizes known at run time only.
#[derive(Debug)]
pub struct AffineOf<D: Storage<f32>> {
    pub(super) kind: AffineKind<D>,
    pub(super) bias: Tensor<(usize,), f32, D>,
}

/// See [`AffineOf`]; weights are `[outputs, inputs]`.
#[derive(Debug)]
pub(super) enum AffineKind<D: Storage<f32>> {
    Dense(Tensor<(usize, usize), f32, D>),
    /// The weight, and what mirroring does.
    MirroredInput(Tensor<(usize, usize), f32, D>, Tensor<(usize,), f32, D>),
    /// Of both views' sum and of their difference.
    MirroredDense([Tensor<(usize, usize), f32, D>; 2]),
}

impl<D: Storage<f32>> AffineOf<D> {
    /// Whether there is anything to be multiplied, and the variance of more than one row.
    pub(super) fn has_terms(&self, samples: usize) -> bool {
        let (outputs, inputs) = match &self.kind {
            AffineKind::Dense(weight) | AffineKind::MirroredInput(weight, _) => *weight.shape(),
            AffineKind::MirroredDense([weight, _]) => *weight.shape(),
        };
        samples > 1 && inputs > 0 && outputs > 0
    }
}

/// A layer that is an affine operation, and may be told to be more.
pub trait AffineLayer<D: Storage<f32>> {
    /// What it computes with, where its output is the affine operation's result, in 32-bit floats.
    fn affine(&self) -> Option<AffineOf<D>>;
}

impl<const I: usize, const N: usize, D: Device<f32>> AffineLayer<D> for DenseLayer<I, N, f32, D> {
    fn affine(&self) -> Option<AffineOf<D>> {
        let is_plain = self.activation == Activation::Identity && !self.dropout.is_active();
        let kind = || AffineKind::Dense(realized(self.weight.clone()));
        (is_plain && self.precision == Precision::F32)
            .then(|| AffineOf { kind: kind(), bias: realized(self.bias.clone()) })
    }
}

impl<const I: usize, const N: usize, D: Device<f32>> AffineLayer<D> for MirroredInputLayer<I, N, f32, D> {
    fn affine(&self) -> Option<AffineOf<D>> {
        let kind = || AffineKind::MirroredInput(realized(self.weight.clone()), realized(self.mirror.clone()));
        (self.precision == Precision::F32).then(|| AffineOf { kind: kind(), bias: realized(self.bias.clone()) })
    }
}

impl<const I: usize, const N: usize, D: Device<f32>> AffineLayer<D> for MirroredDenseLayer<I, N, f32, D> {
    fn affine(&self) -> Option<AffineOf<D>> {
        let kind = || AffineKind::MirroredDense([realized(self.even.clone()), realized(self.odd.clone())]);
        (self.precision == Precision::F32).then(|| AffineOf { kind: kind(), bias: realized(self.bias.clone()) })
    }
}
