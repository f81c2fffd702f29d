//! Rules that look at one element at a time.

use super::{Epilogue, EpilogueTile, Gradient, Parameter, Piece, UpdateRule, View};
use crate::dispatch::{Kernel, dispatch};
use crate::parallel::each_task;

/// An update rule that changes each element by nothing but its own gradient and state.
///
/// It is compiled into the loops of [`update_by_product`](crate::update_by_product) for the vector instructions that the
/// machine has, so a rule of your own is as fast as one of this crate. Mark [`step`](Self::step) `#[inline(always)]`, and
/// compile the crate that it is in with optimisations.
///
/// ```
/// use strata_kernels::{ElementwiseRule, Parameter, update};
///
/// /// SignSGD with momentum (Bernstein et al. 2018).
/// struct SignSgd {
///     learning_rate: f32,
///     momentum: f32,
/// }
///
/// impl ElementwiseRule for SignSgd {
///     type State = [f32; 1];
///
///     #[inline(always)]
///     fn step(&self, value: f32, gradient: f32, [velocity]: [f32; 1]) -> (f32, [f32; 1]) {
///         let velocity = self.momentum * velocity + gradient;
///         (value - self.learning_rate * velocity.signum(), [velocity])
///     }
/// }
///
/// let mut values = [1.0, 2.0];
/// let mut states = [vec![0.0; 2]];
/// let rule = SignSgd { learning_rate: 0.5, momentum: 0.9 };
/// update(Parameter { values: &mut values, shape: &[2], states: &mut states }, &[3.0, -4.0], &rule);
/// assert_eq!((values, &states[0][..]), ([0.5, 2.5], &[3.0, -4.0][..]));
/// ```
pub trait ElementwiseRule: Send + Sync {
    /// `[f32; N]`: what the rule keeps for each element.
    type State: RuleState;

    /// The element after the step, and its state.
    fn step(&self, value: f32, gradient: f32, state: Self::State) -> (f32, Self::State);
}

/// `[f32; N]`, for any `N`.
pub trait RuleState: Sized + Apply {
    /// `N`.
    const COUNT: usize;
}

impl<const N: usize> RuleState for [f32; N] {
    const COUNT: usize = N;
}

use sealed::Apply;

mod sealed {
    use std::ops::Range;

    use super::ElementwiseRule;

    /// What only arrays are.
    pub trait Apply {
        /// Applies `rule` to the elements at `range`, which `gradient` is as long as.
        #[doc(hidden)]
        fn apply<R: ElementwiseRule<State = Self>>(
            rule: &R,
            clip: impl Fn(f32) -> f32,
            values: &mut [f32],
            states: &mut [&mut [f32]],
            range: Range<usize>,
            gradient: &[f32],
        );
    }

    impl<const N: usize> Apply for [f32; N] {
        #[inline(always)]
        fn apply<R: ElementwiseRule<State = Self>>(
            rule: &R,
            clip: impl Fn(f32) -> f32,
            values: &mut [f32],
            states: &mut [&mut [f32]],
            range: Range<usize>,
            gradient: &[f32],
        ) {
            let count = range.len();
            let values = &mut values[range.clone()];
            let gradient = &gradient[..count];
            // Checked before any update (`Parameter::check`); said again so that the loop has no bounds to check.
            let Ok(states) = <&mut [&mut [f32]; N]>::try_from(states) else { unreachable!("not {N} states") };
            let states = states.each_mut().map(|state| &mut state[range.clone()][..count]);
            for i in 0..count {
                // Not `from_fn`, whose closure would be compiled for the baseline processor and called for each element.
                let mut state = [0.0; N];
                for n in 0..N {
                    state[n] = states[n][i];
                }
                let (value, state) = rule.step(values[i], clip(gradient[i]), state);
                values[i] = value;
                for n in 0..N {
                    states[n][i] = state[n];
                }
            }
        }
    }
}

impl<R: ElementwiseRule> UpdateRule for R {
    fn states(&self) -> usize {
        R::State::COUNT
    }

    fn update(&self, parameter: Parameter<'_>, gradient: Gradient<'_>) {
        parameter.check(self, &gradient);
        match gradient.clipping() {
            Some(clipping) => run(self, move |g| clipping.apply(g), parameter, &gradient),
            None => run(self, |g| g, parameter, &gradient),
        }
    }
}

/// What is done to each value of the gradient before the rule sees it.
trait Clip: Fn(f32) -> f32 + Copy + Sync {}

impl<F: Fn(f32) -> f32 + Copy + Sync> Clip for F {}

fn run<R: ElementwiseRule, F: Clip>(rule: &R, clip: F, parameter: Parameter<'_>, gradient: &Gradient<'_>) {
    let target = parameter.into_piece();
    let fused = Fused { rule, clip };
    match gradient.view() {
        View::Product(shape, factors) => factors.multiply(shape, target, &fused),
        View::Whole(gradient) => finish_whole(gradient, target, &fused),
    }
}

/// Not generic: rules and clippings share it.
fn finish_whole(gradient: &[f32], target: Piece<'_>, epilogue: &dyn Epilogue) {
    /// Values of a task: with two states half a MiB.
    const PIECE: usize = 1 << 15;
    let count = gradient.len();
    let tasks: Vec<_> = (0..count.div_ceil(PIECE)).map(|at| at..at + 1).collect();
    each_task(&tasks, target.split(&tasks, PIECE), &|at, mut target| {
        let sums = &gradient[at.start * PIECE..count.min(at.end * PIECE)];
        let columns = sums.len();
        epilogue.finish(&mut target, EpilogueTile { row_length: columns, first_row: 0, column: 0, sums, columns });
    });
}

/// A rule that is applied to each finished piece.
struct Fused<'a, R, F> {
    rule: &'a R,
    clip: F,
}

impl<R: ElementwiseRule, F: Clip> Epilogue for Fused<'_, R, F> {
    fn finish(&self, target: &mut Piece<'_>, tile: EpilogueTile<'_>) {
        dispatch(Rows { rule: self.rule, clip: self.clip, target, tile });
    }
}

struct Rows<'a, 'b, R, F> {
    rule: &'a R,
    clip: F,
    target: &'a mut Piece<'b>,
    tile: EpilogueTile<'a>,
}

impl<R: ElementwiseRule, F: Clip> Kernel for Rows<'_, '_, R, F> {
    #[inline(always)]
    fn run(self) {
        let Piece { values, states } = self.target;
        for (range, sums) in self.tile.rows() {
            R::State::apply(self.rule, self.clip, values, states, range, sums);
        }
    }
}
