//! How far confidence is from accuracy.

use crate::{Direction, Metric, Outputs};

/// Bins of equal width between 0 and 1.
const BINS: usize = 15;

/// The expected calibration error (Guo et al. 2017): samples in 15 bins by the probability of the predicted class; the mean over the samples of the
/// distance between their bin's mean probability and its accuracy.
#[derive(Clone, Copy, Debug)]
pub struct CalibrationError;

impl Metric for CalibrationError {
    fn name(&self) -> &str {
        "calibration_error"
    }

    fn unit(&self) -> &str {
        "probability"
    }

    fn direction(&self) -> Direction {
        Direction::Lower
    }

    fn sentence(&self) -> &str {
        "the expected calibration error in 15 bins: how far the predicted class's probability is from the accuracy"
    }

    fn is_of_probabilities(&self) -> bool {
        true
    }

    /// Of each bin its hits, then of each its probabilities.
    fn sums(&self, _: usize) -> usize {
        2 * BINS
    }

    fn add(&self, outputs: &Outputs<'_>, sums: &mut [f64]) {
        let (hits, probabilities) = sums.split_at_mut(BINS);
        for sample in outputs.samples() {
            let confidence = sample.confidence();
            // Each bin has its upper bound.
            let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
            hits[bin] += f64::from(u8::from(sample.predicted() == sample.label));
            probabilities[bin] += confidence;
        }
    }

    fn value(&self, sums: &[f64], samples: u64) -> f64 {
        let (hits, probabilities) = sums.split_at(BINS);
        let distance = hits.iter().zip(probabilities).map(|(hits, probabilities)| (hits - probabilities).abs());
        distance.sum::<f64>() / samples as f64
    }
}
