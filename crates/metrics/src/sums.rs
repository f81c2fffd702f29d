//! What a metric has added up so far.

use std::sync::Arc;

use crate::{Metric, Outputs};

/// A metric and its sums over the samples so far; parts of the same data can be put together.
#[derive(Clone, Debug)]
pub struct Sums {
    metric: Arc<dyn Metric>,
    sums: Vec<f64>,
    samples: u64,
}

impl Sums {
    /// Of no samples, for so many classes.
    pub fn new(metric: Arc<dyn Metric>, classes: usize) -> Self {
        Self { sums: vec![0.0; metric.sums(classes)], metric, samples: 0 }
    }

    /// Adds a batch.
    pub fn add(&mut self, outputs: &Outputs<'_>) {
        self.metric.add(outputs, &mut self.sums);
        self.samples += outputs.labels.len() as u64;
    }

    /// Adds what was measured of another part of the data by the same metric.
    pub fn merge(&mut self, other: &Self) {
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, other)| *sum += other);
        self.samples += other.samples;
    }

    /// The metric's value over the samples; NaN of none, and where the value is not finite.
    pub fn value(&self) -> f64 {
        if self.samples == 0 {
            return f64::NAN;
        }
        let value = self.metric.value(&self.sums, self.samples);
        if value.is_finite() { value } else { f64::NAN }
    }
}

/// Equal where the metric's name, the sums and the number of samples are.
impl PartialEq for Sums {
    fn eq(&self, other: &Self) -> bool {
        self.metric.name() == other.metric.name() && self.sums == other.sums && self.samples == other.samples
    }
}

/// The value of one metric over one batch.
pub fn measure(metric: &dyn Metric, outputs: &Outputs<'_>) -> f64 {
    let mut sums = vec![0.0; metric.sums(outputs.classes)];
    metric.add(outputs, &mut sums);
    metric.value(&sums, outputs.labels.len() as u64)
}
