//! Covariance matrix adaptation (Hansen, *The CMA Evolution Strategy: A Tutorial*, arXiv:1604.00772) by the crate `optimizer`, over each key's place from
//! 0 to 1 in its range's scale.
//!
//! The first point is drawn at random, then come generations. A generation is proposed from the results of all points before it.

use std::collections::VecDeque;

use optimizer::parameter::{FloatParam, Parameter};
use optimizer::sampler::cma_es::CmaEsSampler;
use optimizer::{Direction, Study, Trial};

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

/// The search, and the points that it was asked for so far.
pub(super) struct Search {
    study: Study<f64>,
    axes: Vec<FloatParam>,
    /// Points without a result, in the order of their numbers.
    open: VecDeque<Trial>,
    asked: usize,
    /// The last of them.
    place: Vec<f64>,
}

impl Search {
    pub(super) fn new(sweep: &Sweep) -> Self {
        let sampler = CmaEsSampler::builder().seed(sweep.seed).sigma0(SIGMA).population_size(population(sweep)).build();
        let study = Study::with_sampler(Direction::Minimize, sampler);
        let axes = sweep.keys.iter().map(|key| FloatParam::new(0.0, 1.0).name(&key.path)).collect();
        Self { study, axes, open: VecDeque::new(), asked: 0, place: Vec::new() }
    }

    fn ask(&mut self, sweep: &Sweep) -> Result<Trial, SweepError> {
        let mut trial = self.study.ask();
        let asked: Result<Vec<f64>, _> = self.axes.iter().map(|axis| axis.suggest(&mut trial)).collect();
        self.place = asked.map_err(|error| sweep.unsuited(format!("cma_es: {error}")))?;
        self.asked += 1;
        Ok(trial)
    }

    /// Takes note of the first point's result that has none yet: its merit, the higher the better, and none for one that failed.
    pub(super) fn tell(&mut self, sweep: &Sweep, merit: Option<f64>) -> Result<(), SweepError> {
        let trial = match self.open.pop_front() {
            Some(trial) => trial,
            // Another process proposed it.
            None => self.ask(sweep)?,
        };
        // Ranks alone count: whatever failed is worse than all.
        self.study.tell(trial, Ok::<_, String>(merit.map_or(f64::MAX, |merit| -merit)));
        Ok(())
    }

    /// The point number `number`, after the results of all points before its generation.
    pub(super) fn propose(&mut self, sweep: &Sweep, number: usize) -> Result<Point, SweepError> {
        while self.asked <= number {
            let trial = self.ask(sweep)?;
            self.open.push_back(trial);
        }
        Ok(sweep.point(|key| sweep.keys[key].domain.nearest(self.place[key])))
    }
}
