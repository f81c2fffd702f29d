//! What is known of one parameter's gradient.

use dfdx::prelude::*;
use strata_kernels as kernels;
use strata_kernels::{GemmShape, Gradient};

use crate::storage::values;

/// A weight's gradient before its multiplication: `dyᵀ · x`.
pub(crate) struct GradientFactors {
    /// The gradient of the affine operation's result, `[batch, outputs]`.
    pub(crate) dy: Vec<f32>,
    /// The layer's input, `[batch, inputs]`.
    pub(crate) x: Box<dyn Values>,
    pub(crate) shape: GemmShape,
}

/// A tensor of any shape on the CPU.
pub(crate) trait Values: Send {
    fn values(&self) -> &[f32];
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

    /// All of it.
    pub(super) fn total(&mut self) -> Gradient<'_> {
        self.combine();
        match self.factors.first() {
            Some(GradientFactors { dy, x, shape }) => Gradient::product(*shape, dy, x.values()),
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
            self.whole.get_or_insert_with(|| vec![0.0; values]);
            self.combine();
        }
    }

    /// Makes one product of several (the sum of products is the product of the stacked factors), and a whole gradient where a part of
    /// it is whole already.
    fn combine(&mut self) {
        if self.factors.len() > 1 {
            let shape = self.factors[0].shape;
            let batch = self.factors.iter().map(|factors| factors.shape.batch).sum();
            let mut dy = kernels::with_room(batch * shape.outputs);
            let mut x = kernels::with_room(batch * shape.inputs);
            for factors in self.factors.drain(..) {
                dy.extend(factors.dy);
                x.extend_from_slice(factors.x.values());
            }
            self.factors.push(GradientFactors { dy, x: Box::new(x), shape: GemmShape { batch, ..shape } });
        }
        if let (Some(whole), Some(GradientFactors { dy, x, shape })) = (&mut self.whole, self.factors.first()) {
            kernels::weight_gradient(*shape, dy, x.values(), whole);
            self.factors.clear();
        }
    }
}
