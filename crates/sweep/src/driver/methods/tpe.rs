//! Tree-structured Parzen estimators (Bergstra and others, *Algorithms for Hyper-Parameter Optimization*, NeurIPS 2011), one for each key, by the
//! crate `tpe`. The first points are drawn at random.

use std::fmt::Display;

use ::tpe::{TpeOptimizer, categorical_range, histogram_estimator, parzen_estimator, range};

use super::philox::Words;
use crate::domain::Domain;
use crate::error::SweepError;
use crate::points::uniform;
use crate::spec::{Point, Sweep, SweptKey};

/// Results before the estimators are asked: fewer tell them nothing.
const RANDOM: usize = 10;
/// A place of the right end that lies within the estimator's half-open range.
const END: f64 = 1.0 + 1e-9;

/// What the results tell of each key.
pub(super) struct Estimators(Vec<TpeOptimizer>);

impl Estimators {
    pub(super) fn new(sweep: &Sweep) -> Result<Self, SweepError> {
        let of_key = |key: &SweptKey| -> Result<TpeOptimizer, SweepError> {
            let (estimator, range) = match &key.domain {
                Domain::Choices(choices) => (histogram_estimator(), categorical_range(choices.len())),
                Domain::Range(_) => (parzen_estimator(), range(0.0, END)),
            };
            Ok(TpeOptimizer::new(estimator, range.map_err(|error| unsuited(sweep, &error))?))
        };
        Ok(Self(sweep.keys.iter().map(of_key).collect::<Result<_, _>>()?))
    }

    /// Takes note of a point's result: its merit, the higher the better, and none for one that failed.
    pub(super) fn tell(&mut self, sweep: &Sweep, point: &Point, merit: Option<f64>) -> Result<(), SweepError> {
        for ((optimizer, key), value) in self.0.iter_mut().zip(&sweep.keys).zip(point) {
            // A key that was not set says so by NaN; a point that failed is worse than any.
            let place = value.as_deref().and_then(|value| key.domain.place(value)).unwrap_or(f64::NAN);
            let cost = merit.map_or(f64::INFINITY, |merit| -merit);
            optimizer.tell(place, cost).map_err(|error| unsuited(sweep, &error))?;
        }
        Ok(())
    }

    /// The point number `number`, after `told` results.
    pub(super) fn propose(&mut self, sweep: &Sweep, number: usize, told: usize) -> Result<Point, SweepError> {
        let mut error = None;
        let point = sweep.point(|key| {
            let domain = &sweep.keys[key].domain;
            if told < RANDOM {
                return domain.at_unit(uniform(sweep.seed, key as u64, number as u64));
            }
            let mut words = Words::new(sweep.seed, (number as u64 + 1) << 8 | key as u64);
            match self.0[key].ask(&mut words) {
                Ok(place) => domain.nearest(place),
                Err(reason) => {
                    error.get_or_insert(unsuited(sweep, &reason));
                    String::new()
                }
            }
        });
        error.map_or(Ok(point), Err)
    }
}

fn unsuited(sweep: &Sweep, reason: &dyn Display) -> SweepError {
    sweep.unsuited(format!("tpe: {reason}"))
}
