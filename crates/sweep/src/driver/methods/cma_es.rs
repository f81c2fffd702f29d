//! Covariance matrix adaptation (Hansen, *The CMA Evolution Strategy: A Tutorial*, arXiv:1604.00772) by the crate `optimizer`, over each key's place from
//! 0 to 1 in its range's scale.
//!
//! The first point is drawn at random, then come generations. A generation is proposed from the results of all points before it.

use optimizer::parameter::{FloatParam, Parameter};
use optimizer::sampler::cma_es::CmaEsSampler;
use optimizer::{Direction, Study};

use crate::error::SweepError;
use crate::spec::{Point, Sweep};

/// The deviation that the first generation has: a quarter of each range.
const SIGMA: f64 = 0.25;

/// Points of a generation (the tutorial's equation 48), 4 at least.
fn population(sweep: &Sweep) -> usize {
    (4.0 + 3.0 * (sweep.keys.len() as f64).ln()).max(4.0) as usize
}

/// How many results the point number `number` needs: those of all points before its generation.
pub(super) fn needed(sweep: &Sweep, number: usize) -> usize {
    let population = population(sweep);
    // The first generation comes out of the ranges alone.
    if number <= population { 0 } else { 1 + (number - 1) / population * population }
}

/// The point number `number`, from the `results` of the points before its generation: each with its merit, the higher the better, and none for one that
/// failed. Everything is told again from the start, so that nothing but the results has to be kept.
pub(super) fn propose(sweep: &Sweep, number: usize, results: &[(Point, Option<f64>)]) -> Result<Point, SweepError> {
    let sampler = CmaEsSampler::builder().seed(sweep.seed).sigma0(SIGMA).population_size(population(sweep)).build();
    let study: Study<f64> = Study::with_sampler(Direction::Minimize, sampler);
    let axes: Vec<FloatParam> = sweep.keys.iter().map(|key| FloatParam::new(0.0, 1.0).name(&key.path)).collect();
    let (mut place, mut open) = (Vec::new(), Vec::new());
    for index in 0..=number {
        let mut trial = study.ask();
        let asked: Result<Vec<f64>, _> = axes.iter().map(|axis| axis.suggest(&mut trial)).collect();
        place = asked.map_err(|error| sweep.unsuited(format!("cma_es: {error}")))?;
        match results.get(index) {
            // Ranks alone count: whatever failed is worse than all.
            Some((_, merit)) => study.tell(trial, Ok::<_, String>(merit.map_or(f64::MAX, |merit| -merit))),
            None => open.push(trial),
        }
    }
    drop(open);
    Ok(sweep.point(|key| sweep.keys[key].domain.nearest(place[key])))
}
