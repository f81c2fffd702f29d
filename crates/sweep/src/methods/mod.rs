//! Methods that learn: the next point, from the results of points before it.
//!
//! What is proposed is a function of the sweep and of these results alone. Which results count is fixed too, whatever finished first: a point is not
//! proposed before they are all there. So the same sweep and seed propose the same points with one driver or ten.

mod philox;
mod tpe;

use crate::error::SweepError;
use crate::spec::{Method, Point, Sweep};
use crate::state::State;

/// The next point; none while a result that it depends on is missing.
pub(crate) fn propose(sweep: &Sweep, state: &State) -> Result<Option<Point>, SweepError> {
    let number = state.points.len();
    let needed = match sweep.method {
        Method::Tpe => number.saturating_sub(sweep.lag),
        _ => return Err(sweep.unsuited(format!("{} proposes all points at the start", sweep.method.as_str()))),
    };
    if !(0..needed).all(|point| state.has_ended(point)) {
        return Ok(None);
    }
    let results: Vec<(Point, Option<f64>)> = (0..needed)
        .map(|point| (state.points[point].clone(), state.mean(point).map(|mean| sweep.objective.direction.merit(mean))))
        .collect();
    tpe::propose(sweep, number, &results).map(Some)
}
