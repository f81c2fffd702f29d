//! Update rules: how an optimizer changes a parameter by its gradient.

/// A boxed rule, its loops compiled in this crate, whatever the optimisation of the crate that asks for it.
macro_rules! boxed {
    ($rule:ty) => {
        impl From<$rule> for Box<dyn crate::UpdateRule> {
            #[inline(never)]
            fn from(rule: $rule) -> Self {
                Box::new(rule)
            }
        }
    };
}

mod adam;
mod average;
mod beta_lasso;
mod elementwise;
mod epilogues;
mod gradient;
mod lion;
mod muon;
mod rms_prop;
mod sgd;

pub use adam::{AdamRule, NAdamRule};
pub use average::average_towards;
pub use beta_lasso::BetaLassoRule;
pub use elementwise::{ElementwiseRule, RuleState};
pub(crate) use epilogues::Add;
pub use gradient::Gradient;
pub(crate) use gradient::View;
pub use lion::LionRule;
pub use muon::{MuonRule, newton_schulz};
pub use rms_prop::{AdagradRule, RmsPropMomentumRule, RmsPropRule};
pub use sgd::{MomentumRule, SgdRule};

use std::ops::Range;

use crate::GemmShape;

/// A parameter and what the optimizer keeps for it.
#[derive(Debug)]
pub struct Parameter<'a> {
    /// The parameter itself, row-major.
    pub values: &'a mut [f32],
    /// Its sizes: `[outputs, inputs]` of a weight, `[features]` of a vector. Their product is the number of values.
    pub shape: &'a [usize],
    /// As many buffers as the rule has [`states`](UpdateRule::states), each as long as `values`.
    pub states: &'a mut [Vec<f32>],
}

/// One step of an optimizer, its numbers worked out for this step.
///
/// A rule that looks at one element at a time, as most do, is an [`ElementwiseRule`], and an update rule by that: it is applied
/// while each piece of a gradient is still in the first-level cache. A rule that needs a whole matrix implements this trait
/// and takes the gradient by [`Gradient::into_whole`]:
///
/// ```
/// use strata_kernels::{Gradient, Parameter, UpdateRule, update};
///
/// /// Steps of one length: `p -= length · g / |g|`.
/// struct Normalised {
///     length: f32,
/// }
///
/// impl UpdateRule for Normalised {
///     fn states(&self) -> usize {
///         0
///     }
///
///     fn update(&self, parameter: Parameter<'_>, gradient: Gradient<'_>) {
///         parameter.check(self, &gradient);
///         let gradient = gradient.into_whole();
///         let norm = gradient.iter().map(|g| g * g).sum::<f32>().sqrt();
///         for (p, g) in parameter.values.iter_mut().zip(gradient.iter()) {
///             *p -= self.length * g / norm;
///         }
///     }
/// }
///
/// let mut values = [1.0, 2.0];
/// update(Parameter { values: &mut values, shape: &[2], states: &mut [] }, &[3.0, 4.0], &Normalised { length: 5.0 });
/// assert_eq!(values, [-2.0, -2.0]);
/// ```
pub trait UpdateRule: Send + Sync {
    /// How many buffers of state the rule keeps for each parameter; they begin as zeros.
    fn states(&self) -> usize;

    /// Changes `parameter` and its state by `gradient`. The same bits for any number of threads.
    ///
    /// # Panics
    /// Where the sizes of `parameter` and `gradient` do not agree ([`Parameter::check`]).
    fn update(&self, parameter: Parameter<'_>, gradient: Gradient<'_>);
}

/// Updates `parameter` by a whole gradient.
///
/// # Panics
/// Where the sizes of `parameter` and `gradient` do not agree, or the state is not what `rule` needs.
pub fn update<R: UpdateRule + ?Sized>(parameter: Parameter<'_>, gradient: &[f32], rule: &R) {
    rule.update(parameter, Gradient::whole(gradient));
}

/// Updates `weight` (`[outputs, inputs]`) by its gradient `Σ_b dy[b, o] · x[b, i]`, which as a rule never reaches memory: a
/// piece of it is computed, applied while it is in the first-level cache, and forgotten.
///
/// # Panics
/// Where a slice's length is not what `shape` and `rule` say.
pub fn update_by_product<R: UpdateRule + ?Sized>(
    shape: GemmShape,
    dy: &[f32],
    x: &[f32],
    weight: Parameter<'_>,
    rule: &R,
) {
    rule.update(weight, Gradient::product(shape, dy, x));
}

impl<'a> Parameter<'a> {
    /// What a rule checks before it changes anything.
    ///
    /// # Panics
    /// Where the values are not as many as the shape says, the gradient is not as long, or the states are not as many as `rule`
    /// keeps, each as long as the values.
    pub fn check<R: UpdateRule + ?Sized>(&self, rule: &R, gradient: &Gradient<'_>) {
        let length = self.shape.iter().try_fold(1usize, |length, size| length.checked_mul(*size));
        assert_eq!(Some(self.values.len()), length, "the parameter is {:?}", self.shape);
        assert_eq!(self.values.len(), gradient.len(), "a gradient is as long as its parameter");
        assert_eq!(self.states.len(), rule.states(), "the rule keeps another number of states");
        for state in &*self.states {
            assert_eq!(state.len(), self.values.len(), "a state is as long as its parameter");
        }
    }

    fn into_piece(self) -> Piece<'a> {
        Piece { values: self.values, states: self.states.iter_mut().map(Vec::as_mut_slice).collect() }
    }
}

/// Neighbouring values of a parameter, their states with them.
pub(crate) struct Piece<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) states: Vec<&'a mut [f32]>,
}

impl<'a> Piece<'a> {
    /// Pieces that follow each other, `length` values for each of a task's rows.
    pub(crate) fn split(self, tasks: &[Range<usize>], length: usize) -> Vec<Self> {
        let Self { mut values, mut states } = self;
        let piece = |rows: &Range<usize>| {
            let take = |slice: &mut &'a mut [f32]| {
                let length = (rows.len() * length).min(slice.len());
                slice.split_off_mut(..length).unwrap_or_default()
            };
            Self { values: take(&mut values), states: states.iter_mut().map(take).collect() }
        };
        tasks.iter().map(piece).collect()
    }
}

/// What is done with finished sums of a gradient.
pub(crate) trait Epilogue: Sync {
    /// Applies a tile of sums to the values of `target`.
    fn finish(&self, target: &mut Piece<'_>, tile: EpilogueTile<'_>);
}

/// Sums of a gradient's rows, from a column on.
#[derive(Clone, Copy)]
pub(crate) struct EpilogueTile<'a> {
    /// Columns of the gradient.
    pub(crate) row_length: usize,
    /// The first row, counted from the target's first.
    pub(crate) first_row: usize,
    pub(crate) column: usize,
    /// `[rows, columns]`; what is past the row's end is left out.
    pub(crate) sums: &'a [f32],
    /// Columns of `sums`.
    pub(crate) columns: usize,
}

impl<'a> EpilogueTile<'a> {
    /// Each row's place among the target's values, and its sums.
    #[inline(always)]
    pub(crate) fn rows(self) -> impl Iterator<Item = (Range<usize>, &'a [f32])> {
        let width = self.columns.min(self.row_length - self.column);
        self.sums.chunks_exact(self.columns).enumerate().map(move |(r, sums)| {
            let at = (self.first_row + r) * self.row_length + self.column;
            (at..at + width, &sums[..width])
        })
    }
}
