//! Tree-structured Parzen estimators (Bergstra and others, *Algorithms for Hyper-Parameter Optimization*, NeurIPS 2011), one for each key, by the
//! crate `tpe`. The first points are drawn at random.

use ::tpe::{TpeOptimizer, categorical_range, histogram_estimator, parzen_estimator, range};

use super::philox::Words;
use crate::domain::Domain;
use crate::error::SweepError;
use crate::points::uniform;
use crate::spec::{Point, Sweep};

/// Results before the estimators are asked: fewer tell them nothing.
const RANDOM: usize = 10;
/// A place of the right end that lies within the estimator's half-open range.
const END: f64 = 1.0 + 1e-9;

/// The point number `number`, from the `results` of points before it: each with its merit, the higher the better, and none for one that failed.
pub(super) fn propose(sweep: &Sweep, number: usize, results: &[(Point, Option<f64>)]) -> Result<Point, SweepError> {
    let mut error = None;
    let point = sweep.point(|key| {
        if results.len() < RANDOM {
            return sweep.keys[key].domain.at_unit(uniform(sweep.seed, key as u64, number as u64));
        }
        ask(sweep, key, number, results).unwrap_or_else(|reason| {
            error.get_or_insert(reason);
            String::new()
        })
    });
    match error.take() {
        Some(reason) => Err(sweep.unsuited(format!("tpe: {reason}"))),
        None => Ok(point),
    }
}

fn ask(sweep: &Sweep, key: usize, number: usize, results: &[(Point, Option<f64>)]) -> Result<String, String> {
    let domain = &sweep.keys[key].domain;
    let (estimator, range) = match domain {
        Domain::Choices(choices) => (histogram_estimator(), categorical_range(choices.len())),
        Domain::Range(_) => (parzen_estimator(), range(0.0, END)),
    };
    let mut optimizer = TpeOptimizer::new(estimator, range.map_err(|error| error.to_string())?);
    for (point, merit) in results {
        // A key that was not set says so by NaN; a point that failed is worse than any.
        let place = point.get(key).and_then(Option::as_deref).and_then(|value| domain.place(value)).unwrap_or(f64::NAN);
        let cost = merit.map_or(f64::INFINITY, |merit| -merit);
        optimizer.tell(place, cost).map_err(|error| error.to_string())?;
    }
    let mut words = Words::new(sweep.seed, (number as u64 + 1) << 8 | key as u64);
    let place = optimizer.ask(&mut words).map_err(|error| error.to_string())?;
    Ok(domain.nearest(place))
}
