//! What is known of one parameter's gradient.

use std::borrow::Cow;

use dfdx::prelude::*;
use strata_kernels as kernels;
use strata_kernels::bf16::{self, Bf16};
use strata_kernels::{Columns, GemmShape, Gradient};

use crate::storage::values;

/// A weight's gradient before its multiplication: `dyᵀ · x`.
pub(crate) struct GradientFactors {
    pub(crate) factors: Factors,
    pub(crate) shape: GemmShape,
}

/// `dy`, the gradient of the affine operation's result (`[batch, outputs]`), and `x`, the layer's input (`[batch, inputs]`), in the precision of the
/// layer's products.
pub(crate) enum Factors {
    F32 {
        dy: Vec<f32>,
        x: Box<dyn Values>,
    },
    /// `dy` by columns, `[outputs, batch]`.
    Columns {
        dy: Columns,
        x: Box<dyn Values>,
    },
    Bf16 {
        dy: Vec<Bf16>,
        x: Vec<Bf16>,
    },
}

impl GradientFactors {
    /// `dx = dy · weight`, `[batch, inputs]`.
    pub(crate) fn input_gradient(&self, weight: &[f32], dx: &mut [f32]) {
        match &self.factors {
            Factors::F32 { dy, .. } => kernels::input_gradient(self.shape, dy, weight, dx),
            Factors::Columns { dy, .. } => kernels::input_gradient(self.shape, &dy.to_rows(), weight, dx),
            Factors::Bf16 { dy, .. } => bf16::input_gradient(self.shape, dy, weight, dx),
        }
    }

    /// Adds the product to `gradient`.
    pub(crate) fn add_to(&self, gradient: &mut [f32]) {
        match &self.factors {
            Factors::F32 { dy, x } => kernels::weight_gradient(self.shape, dy, x.values(), gradient),
            Factors::Columns { dy, x } => dy.weight_gradient(self.shape, x.values(), gradient),
            Factors::Bf16 { dy, x } => bf16::weight_gradient(self.shape, dy, x, gradient),
        }
    }

    fn gradient(&self) -> Gradient<'_> {
        match &self.factors {
            Factors::F32 { dy, x } => Gradient::product(self.shape, dy, x.values()),
            Factors::Columns { dy, x } => Gradient::product_of_columns(self.shape, dy, x.values()),
            Factors::Bf16 { dy, x } => Gradient::bf16_product(self.shape, dy, x),
        }
    }

    /// The factors of several products, one below the other: the sum of products is their product. Nothing of products in different precisions.
    fn stacked(parts: &[Self]) -> Option<Self> {
        let shape = GemmShape { batch: parts.iter().map(|part| part.shape.batch).sum(), ..parts.first()?.shape };
        let factors = match &parts.first()?.factors {
            Factors::F32 { .. } | Factors::Columns { .. } => {
                let (dy, x) = below_each_other(shape, parts, |factors| match factors {
                    Factors::F32 { dy, x } => Some((Cow::from(dy), x.values())),
                    Factors::Columns { dy, x } => Some((Cow::from(dy.to_rows()), x.values())),
                    Factors::Bf16 { .. } => None,
                })?;
                Factors::F32 { dy, x: Box::new(x) }
            }
            Factors::Bf16 { .. } => {
                let (dy, x) = below_each_other(shape, parts, |factors| match factors {
                    Factors::Bf16 { dy, x } => Some((Cow::from(dy), x)),
                    Factors::F32 { .. } | Factors::Columns { .. } => None,
                })?;
                Factors::Bf16 { dy, x }
            }
        };
        Some(Self { factors, shape })
    }
}

/// `dy` and `x` of all parts, `shape` in all; none where `of` gives none for one.
fn below_each_other<'a, T: Copy + 'a>(
    shape: GemmShape,
    parts: &'a [GradientFactors],
    of: impl Fn(&'a Factors) -> Option<(Cow<'a, [T]>, &'a [T])>,
) -> Option<(Vec<T>, Vec<T>)> {
    let mut all_dy = kernels::with_room(shape.batch * shape.outputs);
    let mut all_x = kernels::with_room(shape.batch * shape.inputs);
    for part in parts {
        let (dy, x) = of(&part.factors)?;
        all_dy.extend_from_slice(&dy);
        all_x.extend_from_slice(x);
    }
    Some((all_dy, all_x))
}

/// A tensor of any shape on the CPU.
pub(crate) trait Values: Send {
    fn values(&self) -> &[f32];

    /// Leaves its buffer to the next step, where it is its own.
    fn recycle(self: Box<Self>) {}
}

impl<S: Shape> Values for Tensor<S, f32, Cpu> {
    fn values(&self) -> &[f32] {
        values(self)
    }
}

impl Values for Vec<f32> {
    fn values(&self) -> &[f32] {
        self
    }

    fn recycle(self: Box<Self>) {
        kernels::recycle(*self);
    }
}

/// What is known of a parameter's gradient: the sum of all of it.
#[derive(Default)]
pub(super) struct PendingGradient {
    pub(super) whole: Option<Vec<f32>>,
    pub(super) factors: Vec<GradientFactors>,
}

impl PendingGradient {
    pub(super) fn add_whole(&mut self, gradient: Vec<f32>) {
        match &mut self.whole {
            Some(sum) => sum.iter_mut().zip(gradient).for_each(|(sum, value)| *sum += value),
            None => self.whole = Some(gradient),
        }
    }

    /// Leaves its buffers to the next step.
    pub(super) fn recycle(self) {
        self.whole.into_iter().for_each(kernels::recycle);
        for GradientFactors { factors, .. } in self.factors {
            match factors {
                Factors::F32 { dy, x } => {
                    kernels::recycle(dy);
                    x.recycle();
                }
                Factors::Columns { x, .. } => x.recycle(),
                Factors::Bf16 { .. } => {}
            }
        }
    }

    /// All of it.
    pub(super) fn total(&mut self) -> Gradient<'_> {
        self.combine();
        match self.factors.first() {
            Some(factors) => factors.gradient(),
            None => Gradient::whole(self.whole.as_deref().unwrap_or_default()),
        }
    }

    /// The sum of the squares; a product that was multiplied for it stays so for the update.
    pub(super) fn squared_norm(&mut self) -> f64 {
        let mut total = self.total();
        let norm = total.squared_norm();
        if let Some(multiplied) = total.into_multiplied() {
            self.whole = Some(multiplied);
            self.factors.clear();
        }
        norm
    }

    /// Makes a whole gradient of factors that take more memory than twice as much: of many passes, whose stacked factors would take as long to read as
    /// their sum. By sizes alone, so that the bits are the same whatever came before; a single product is left as it is.
    pub(super) fn bound(&mut self) {
        let Some(GradientFactors { shape, .. }) = self.factors.first() else { return };
        let rows: usize = self.factors.iter().map(|factors| factors.shape.batch).sum();
        let values = shape.inputs * shape.outputs;
        if self.factors.len() > 1 && rows.saturating_mul(shape.inputs + shape.outputs) > 2 * values {
            self.whole.get_or_insert_with(|| kernels::zeros(values));
            self.combine();
        }
    }

    /// Makes one product of several (the sum of products is the product of the stacked factors), and a whole gradient where a part of
    /// it is whole already.
    fn combine(&mut self) {
        if self.factors.len() > 1 {
            match GradientFactors::stacked(&self.factors) {
                Some(stacked) => self.factors = vec![stacked],
                // A layer that was told another precision between two passes.
                None => {
                    let values = self.factors.first().map_or(0, |part| part.shape.inputs * part.shape.outputs);
                    self.whole.get_or_insert_with(|| kernels::zeros(values));
                }
            }
        }
        if let Some(whole) = &mut self.whole {
            self.factors.drain(..).for_each(|factors| factors.add_to(whole));
        }
    }
}
