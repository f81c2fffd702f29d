//! Methods that learn: the next point, from the results of points before it.
//!
//! What is proposed is a function of the sweep and of these results alone. Which results count is fixed too, whatever finished first: a point is not
//! proposed before they are all there. So the same sweep and seed propose the same points with one driver or ten.

#[cfg(feature = "cma-es")]
mod cma_es;
mod philox;
#[cfg(test)]
mod tests;
mod tpe;

use crate::domain::Domain;
use crate::driver::state::State;
use crate::error::SweepError;
use crate::spec::{Method, Point, Sweep};

/// What stands for the method in a build without it.
#[cfg(not(feature = "cma-es"))]
mod cma_es {
    use crate::error::SweepError;
    use crate::spec::{Point, Sweep};

    pub(super) fn needed(_: &Sweep, _: usize) -> usize {
        0
    }

    pub(super) fn propose(sweep: &Sweep, _: usize, _: &[(Point, Option<f64>)]) -> Result<Point, SweepError> {
        Err(sweep.unsuited("this program was built without cma_es (the feature `cma-es`)".to_owned()))
    }
}

/// The next point; none while a result that it depends on is missing.
pub(crate) fn propose(sweep: &Sweep, state: &State) -> Result<Option<Point>, SweepError> {
    let number = state.points.len();
    let needed = match sweep.method {
        Method::CmaEs => cma_es::needed(sweep, number),
        _ => number.saturating_sub(sweep.lag),
    };
    if !(0..needed).all(|point| state.has_ended(point)) {
        return Ok(None);
    }
    let results: Vec<(Point, Option<f64>)> = (0..needed)
        .map(|point| (state.points[point].clone(), state.mean(point).map(|mean| sweep.objective.direction.merit(mean))))
        .collect();
    match sweep.method {
        Method::CmaEs => cma_es::propose(sweep, number, &results).map(Some),
        _ => tpe::propose(sweep, number, &results).map(Some),
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
                    range.text(range.counted(((u * last as f64).round().max(0.0) as usize).min(last)))
                }
                _ => range.text(range.between(u.clamp(0.0, 1.0))),
            },
        }
    }
}
