//! What a network made of a batch.

/// What a network made of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Outputs<'a> {
    /// `[samples, classes]`, row-major: the last layer's outputs.
    pub logits: &'a [f32],
    /// `[samples]`, each below `classes`.
    pub labels: &'a [u8],
    /// At least one.
    pub classes: usize,
}

impl<'a> Outputs<'a> {
    /// Each sample's logits and its label.
    pub fn samples(&self) -> impl Iterator<Item = Sample<'a>> {
        let rows = self.logits.chunks_exact(self.classes);
        rows.zip(self.labels).map(|(logits, label)| Sample { logits, label: usize::from(*label) })
    }
}

/// One sample's logits and its label.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// `[classes]`.
    pub logits: &'a [f32],
    /// Below the number of classes.
    pub label: usize,
}

/// What a network made of one sample, without its logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleResult {
    /// The sample's class.
    pub label: u32,
    /// The class that was predicted ([`Sample::predicted`]).
    pub predicted: u32,
    /// How many classes come before the label's ([`Sample::rank`]): 0 where it is predicted.
    pub rank: u32,
    /// The probability of the predicted class, in 0..=1; NaN where a logit is none.
    pub confidence: f64,
    /// The probability of the label's class, in 0..=1; NaN where a logit is none.
    pub of_label: f64,
}

impl SampleResult {
    /// Whether the sample's class was predicted.
    pub fn is_right(&self) -> bool {
        self.label == self.predicted
    }
}

impl Sample<'_> {
    /// The class of the largest logit, the first of equal ones; a NaN counts as the largest, as in the accuracy.
    pub fn predicted(&self) -> usize {
        let mut best = 0;
        for (class, logit) in self.logits.iter().enumerate().skip(1) {
            if self.logits[best].is_nan() {
                break;
            }
            if *logit > self.logits[best] || logit.is_nan() {
                best = class;
            }
        }
        best
    }

    /// How many classes come before the label's in the order of their logits, of equal ones the first class first: 0 where it is predicted.
    pub fn rank(&self) -> usize {
        let own = self.logits[self.label];
        let before = |class: usize, logit: f32| logit > own || logit.is_nan() || (logit == own && class < self.label);
        let others = self.logits.iter().enumerate().filter(|(class, _)| *class != self.label);
        if own.is_nan() {
            return self.logits.iter().take(self.label).filter(|logit| logit.is_nan()).count();
        }
        others.filter(|(class, logit)| before(*class, **logit)).count()
    }

    /// All of it in a few numbers.
    pub fn result(&self) -> SampleResult {
        let predicted = self.predicted();
        let confidence = self.confidence();
        let distance = f64::from(self.logits[self.label]) - f64::from(self.logits[predicted]);
        let (label, rank) = (self.label as u32, self.rank() as u32);
        SampleResult { label, predicted: predicted as u32, rank, confidence, of_label: confidence * distance.exp() }
    }

    /// The probability of the predicted class, `exp(logit) / Σ exp(logits)`; NaN where a logit is none.
    pub fn confidence(&self) -> f64 {
        let largest = f64::from(self.logits[self.predicted()]);
        1.0 / self.logits.iter().map(|logit| (f64::from(*logit) - largest).exp()).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_logits_comes_first_and_a_nan_before_all() {
        let sample = |logits, label| Sample { logits, label };
        let nan = [1.0, f32::NAN, f32::NAN];
        for (logits, ranks) in [(&[1.0, 2.0, 2.0][..], [2, 0, 1]), (&[0.0, 0.0, 0.0], [0, 1, 2]), (&nan, [2, 0, 1])] {
            for (label, rank) in ranks.into_iter().enumerate() {
                assert_eq!(sample(logits, label).rank(), rank, "{logits:?}, {label}");
                assert_eq!(sample(logits, label).predicted() == label, rank == 0, "{logits:?}, {label}");
            }
        }
        let logits = [0.0, f32::ln(3.0)];
        let result = sample(&logits, 0).result();
        assert_eq!((result.label, result.predicted, result.rank, result.is_right()), (0, 1, 1, false));
        assert!((result.confidence - 0.75).abs() < 1e-7 && (result.of_label - 0.25).abs() < 1e-7);
        assert!(sample(&nan, 0).result().of_label.is_nan());
    }
}
