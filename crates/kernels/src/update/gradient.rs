//! A gradient, known as a whole or as a product of two factors.

use std::borrow::Cow;

use super::epilogues::Write;
use super::{Epilogue, Piece};
use crate::GemmShape;
use crate::bf16::{self, Bf16};
use crate::lanes::{LANES, Lanes};
use crate::memory::copied;
use crate::norm_of_product::{products_are_cheaper, squared_norm, squared_norm_of_product};
use crate::product::{Left, outer_product};
use crate::rectified::Columns;

/// The gradient of one parameter: its values, or the two factors `dy` and `x` of a weight's gradient `dyᵀ · x`; and how it is
/// clipped on its way into the rule.
pub struct Gradient<'a> {
    source: Source<'a>,
    clipping: Clipping,
}

enum Source<'a> {
    Whole(&'a [f32]),
    /// Multiplied for its norm, and so many values of it.
    Multiplied(Lanes, usize),
    Product(GemmShape, Factors<'a>),
}

/// `dy` (`[batch, outputs]`) and `x` (`[batch, inputs]`) of a weight's gradient `dyᵀ · x`.
#[derive(Clone, Copy)]
pub(crate) enum Factors<'a> {
    F32(&'a [f32], &'a [f32]),
    /// `dy` as `[outputs, batch]`.
    Columns(&'a Columns, &'a [f32]),
    Bf16(&'a [Bf16], &'a [Bf16]),
}

impl Factors<'_> {
    /// Computes the product and gives its pieces to `epilogue`.
    pub(crate) fn multiply(self, shape: GemmShape, target: Piece<'_>, epilogue: &dyn Epilogue) {
        match self {
            Self::F32(dy, x) => outer_product(shape, Left::Rows(dy), x, target, epilogue),
            Self::Columns(dy, x) => outer_product(shape, dy.left(), x, target, epilogue),
            Self::Bf16(dy, x) => bf16::outer_product(shape, dy, x, target, epilogue),
        }
    }

    fn squared_norm(self, shape: GemmShape) -> f64 {
        match self {
            Self::F32(dy, x) => squared_norm_of_product(shape, dy, x),
            Self::Columns(dy, x) => squared_norm_of_product(shape, &dy.to_rows(), x),
            Self::Bf16(dy, x) => squared_norm_of_product(shape, &bf16::widened(dy), &bf16::widened(x)),
        }
    }
}

/// Values are multiplied by the scale, then limited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Clipping {
    scale: f32,
    limit: f32,
}

impl Clipping {
    const NONE: Self = Self { scale: 1.0, limit: f32::INFINITY };

    /// A NaN stays one. (`f32::clamp` would panic in the loop, and the loop be no vector code.)
    #[inline(always)]
    pub(crate) fn apply(self, value: f32) -> f32 {
        let value = value * self.scale;
        if value > self.limit {
            self.limit
        } else if value < -self.limit {
            -self.limit
        } else {
            value
        }
    }
}

impl std::fmt::Debug for Gradient<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shape = match self.view() {
            View::Whole(_) => None,
            View::Product(shape, _) => Some(shape),
        };
        f.debug_struct("Gradient")
            .field("values", &self.len())
            .field("product", &shape)
            .field("clipping", &self.clipping)
            .finish()
    }
}

impl<'a> Gradient<'a> {
    /// A gradient that has been computed.
    pub fn whole(values: &'a [f32]) -> Self {
        Self { source: Source::Whole(values), clipping: Clipping::NONE }
    }

    /// A weight's gradient `Σ_b dy[b, o] · x[b, i]`, not yet computed: `dy` is `[batch, outputs]`, `x` `[batch, inputs]`.
    ///
    /// Of a weight that was used more than once, the gradient is the product of its uses' factors, stacked by rows.
    ///
    /// # Panics
    /// Where a slice's length is not what `shape` says.
    pub fn product(shape: GemmShape, dy: &'a [f32], x: &'a [f32]) -> Self {
        shape.check(Some(x.len()), None, Some(dy.len()));
        Self { source: Source::Product(shape, Factors::F32(dy, x)), clipping: Clipping::NONE }
    }

    /// The same of a `dy` that is there by columns.
    ///
    /// # Panics
    /// As [`Gradient::product`].
    pub fn product_of_columns(shape: GemmShape, dy: &'a Columns, x: &'a [f32]) -> Self {
        shape.check(Some(x.len()), None, Some(dy.values().len()));
        Self { source: Source::Product(shape, Factors::Columns(dy, x)), clipping: Clipping::NONE }
    }

    /// The same of factors that were rounded to bfloat16.
    ///
    /// # Panics
    /// Where a slice's length is not what `shape` says.
    pub fn bf16_product(shape: GemmShape, dy: &'a [Bf16], x: &'a [Bf16]) -> Self {
        shape.check(Some(x.len()), None, Some(dy.len()));
        Self { source: Source::Product(shape, Factors::Bf16(dy, x)), clipping: Clipping::NONE }
    }

    /// How many values it has.
    pub fn len(&self) -> usize {
        match &self.source {
            Source::Whole(values) => values.len(),
            Source::Multiplied(_, count) => *count,
            Source::Product(shape, _) => shape.outputs * shape.inputs,
        }
    }

    /// Whether it has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sum of the squares of its values, before clipping, in double precision.
    ///
    /// A product's norm is worked out of its factors, `|dyᵀx|² = ⟨dy·dyᵀ, x·xᵀ⟩`, in two products of batch × batch, where
    /// those are cheaper. Where the batch is so large that they are not, the gradient is computed and kept for the update.
    ///
    /// The factors give it to about 1e-7 of `|dy|² |x|²`: to eight digits unless the samples' gradients all but cancel, and
    /// never negative.
    pub fn squared_norm(&mut self) -> f64 {
        if let Source::Product(shape, factors) = self.source
            && !products_are_cheaper(shape)
        {
            let (lanes, count) = multiplied(shape, factors);
            self.source = Source::Multiplied(lanes, count);
        }
        match self.view() {
            View::Whole(values) => squared_norm(values),
            View::Product(shape, factors) => factors.squared_norm(shape),
        }
    }

    /// Multiplied by `scale` on its way into the rule, before it is limited: what clipping by norm does.
    ///
    /// # Panics
    /// Where `scale` is negative or not finite.
    #[must_use]
    pub fn scaled(self, scale: f32) -> Self {
        assert!(scale.is_finite() && scale >= 0.0, "a gradient scaled by {scale}");
        Self { clipping: Clipping { scale: self.clipping.scale * scale, ..self.clipping }, ..self }
    }

    /// Each value limited to `-limit..=limit` on its way into the rule, as `torch.nn.utils.clip_grad_value_` does. NaN stays NaN.
    ///
    /// # Panics
    /// Where `limit` is negative or NaN.
    #[must_use]
    pub fn limited(self, limit: f32) -> Self {
        assert!(limit >= 0.0, "a gradient limited to {limit}");
        Self { clipping: Clipping { limit: self.clipping.limit.min(limit), ..self.clipping }, ..self }
    }

    /// Its values, clipped.
    pub fn into_whole(self) -> Cow<'a, [f32]> {
        let clipping = self.clipping();
        let mut values = match self.source {
            Source::Whole(values) => Cow::Borrowed(values),
            Source::Multiplied(lanes, count) => Cow::Owned(copied(&lanes.as_flattened()[..count])),
            Source::Product(shape, factors) => {
                let (lanes, count) = multiplied(shape, factors);
                Cow::Owned(copied(&lanes.as_flattened()[..count]))
            }
        };
        if let Some(clipping) = clipping {
            values.to_mut().iter_mut().for_each(|value| *value = clipping.apply(*value));
        }
        values
    }

    /// The values, unclipped, of a product that was multiplied for its norm, to be kept; none of a gradient that is what it was made as.
    pub fn into_multiplied(self) -> Option<Vec<f32>> {
        match self.source {
            Source::Multiplied(lanes, count) => Some(copied(&lanes.as_flattened()[..count])),
            Source::Whole(_) | Source::Product(..) => None,
        }
    }

    /// How it is clipped, if it is.
    pub(crate) fn clipping(&self) -> Option<Clipping> {
        (self.clipping != Clipping::NONE).then_some(self.clipping)
    }

    pub(crate) fn view(&self) -> View<'_> {
        match &self.source {
            Source::Whole(values) => View::Whole(values),
            Source::Multiplied(lanes, count) => View::Whole(&lanes.as_flattened()[..*count]),
            Source::Product(shape, factors) => View::Product(*shape, *factors),
        }
    }
}

/// What is known of a gradient: its values, or the shape and the factors of a product.
pub(crate) enum View<'a> {
    Whole(&'a [f32]),
    Product(GemmShape, Factors<'a>),
}

/// The product in a buffer that is used again from step to step.
fn multiplied(shape: GemmShape, factors: Factors<'_>) -> (Lanes, usize) {
    let count = shape.outputs * shape.inputs;
    let mut lanes = Lanes::scratch(count.div_ceil(LANES));
    let values = &mut lanes.as_flattened_mut()[..count];
    factors.multiply(shape, Piece { values, states: Vec::new() }, &Write);
    (lanes, count)
}
