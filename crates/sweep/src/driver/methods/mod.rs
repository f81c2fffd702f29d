//! Methods that learn: the next point, from the results of points before it.
//!
//! What is proposed is a function of the sweep and of these results alone. Which results count is fixed too, whatever finished first: a point is not
//! proposed before they are all there. So the same sweep and seed propose the same points with one driver or ten. Where a sweep halves, a point's result is its
//! value at the first rung, which every point reaches, and which does not depend on who goes on from there.

#[cfg(feature = "cma-es")]
mod cma_es;
mod philox;
#[cfg(test)]
mod tests;
mod tpe;

use crate::domain::{Domain, Grid};
use crate::driver::state::State;
use crate::error::SweepError;
use crate::spec::{Method, Point, Sweep};

/// What stands for the method in a build without it.
#[cfg(not(feature = "cma-es"))]
mod cma_es {
    use crate::error::SweepError;
    use crate::spec::{Point, Sweep};

    pub(super) struct Search;

    impl Search {
        pub(super) fn new(_: &Sweep) -> Self {
            Self
        }

        pub(super) fn tell(&mut self, _: &Sweep, _: Option<f64>) -> Result<(), SweepError> {
            Ok(())
        }

        pub(super) fn propose(&mut self, sweep: &Sweep, _: usize) -> Result<Point, SweepError> {
            Err(sweep.unsuited("this program was built without cma_es (the feature `cma-es`)".to_owned()))
        }
    }

    pub(super) fn needed(_: &Sweep, _: usize) -> usize {
        0
    }
}

/// What a method has learnt.
enum Learner {
    Tpe(tpe::Estimators),
    CmaEs(Box<cma_es::Search>),
}

impl Learner {
    fn new(sweep: &Sweep) -> Result<Self, SweepError> {
        Ok(match sweep.method {
            Method::CmaEs => Self::CmaEs(Box::new(cma_es::Search::new(sweep))),
            _ => Self::Tpe(tpe::Estimators::new(sweep)?),
        })
    }
}

/// Proposes the points of a method that learns.
///
/// A method is told each result once, so that a proposal costs what came since the last one and what the method itself takes. One that has just begun, on
/// the journal of others, proposes the same.
#[derive(Default)]
pub(crate) struct Proposer {
    learner: Option<Learner>,
    /// How many points' results the method was told, from the first on.
    told: usize,
    /// [`State::revised`] at that time.
    revised: usize,
}

impl Proposer {
    /// The next point; none while a result that it depends on is missing.
    pub(crate) fn next(&mut self, sweep: &Sweep, state: &State) -> Result<Option<Point>, SweepError> {
        let number = state.points.len();
        let needed = match sweep.method {
            Method::CmaEs => cma_es::needed(sweep, number),
            _ => number.saturating_sub(sweep.lag),
        };
        if self.revised != state.revised {
            // A result was taken back, which no method unlearns.
            *self = Self { revised: state.revised, ..Self::default() };
        }
        let learner = match &mut self.learner {
            Some(learner) => learner,
            empty => empty.insert(Learner::new(sweep)?),
        };
        while self.told < needed {
            let Some(result) = state.result(self.told) else { return Ok(None) };
            let merit = result.map(|value| sweep.objective.direction.merit(value));
            match learner {
                Learner::Tpe(estimators) => estimators.tell(sweep, &state.points[self.told], merit)?,
                Learner::CmaEs(search) => search.tell(sweep, merit)?,
            }
            self.told += 1;
        }
        match learner {
            Learner::Tpe(estimators) => estimators.propose(sweep, number, needed),
            Learner::CmaEs(search) => search.propose(sweep, number),
        }
        .map(Some)
    }
}

impl Domain {
    /// The value of a range nearest to the place `u` from 0 to 1 in its scale, or the choice number `u`.
    pub(crate) fn nearest(&self, u: f64) -> String {
        match self {
            Self::Choices(choices) => choices.get(u.max(0.0) as usize).or(choices.last()).cloned().unwrap_or_default(),
            Self::Range(range) => match range.count() {
                Some(count) if !range.is_linear_integer() => {
                    let last = count.saturating_sub(1);
                    // Places are shares of the way to `high`, which need not be one of the steps.
                    let index = match range.grid {
                        Some(Grid::Step(step)) => u * (range.high - range.low) / step,
                        _ => u * last as f64,
                    };
                    range.text(range.counted((index.round().max(0.0) as usize).min(last)))
                }
                _ => range.text(range.between(u.clamp(0.0, 1.0))),
            },
        }
    }
}
