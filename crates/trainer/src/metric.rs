//! What is measured in an evaluation besides loss and accuracy.
//!
//! A metric of Strata's own is a file beside this one and its line in [`registered`]; one of a user's is given to
//! [`TrainingStep::metric`](crate::TrainingStep::metric). Either becomes a key more in each line of the history, `val_` and its name.

use std::fmt::Debug;
use std::sync::Arc;

/// Which values of a metric are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Lower ones, as of a loss.
    Lower,
    /// Higher ones, as of an accuracy.
    Higher,
}

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
    pub fn samples(&self) -> impl Iterator<Item = (&'a [f32], usize)> {
        self.logits.chunks_exact(self.classes).zip(self.labels).map(|(logits, label)| (logits, usize::from(*label)))
    }
}

/// A number for each sample, whose mean over the samples is reported, exact whatever the batches' sizes.
///
/// ```
/// use strata_trainer::{Direction, Metric, Outputs};
///
/// /// Whether the class is among the two most probable ones.
/// #[derive(Debug)]
/// struct Top2;
///
/// impl Metric for Top2 {
///     fn name(&self) -> &'static str {
///         "top2_acc"
///     }
///     fn unit(&self) -> &'static str {
///         "share of samples"
///     }
///     fn direction(&self) -> Direction {
///         Direction::Higher
///     }
///     fn total(&self, outputs: &Outputs<'_>) -> f64 {
///         let hit = |(logits, label): (&[f32], usize)| logits.iter().filter(|logit| **logit > logits[label]).count() < 2;
///         outputs.samples().filter(|sample| hit(*sample)).count() as f64
///     }
/// }
///
/// let outputs = Outputs { logits: &[3.0, 2.0, 1.0, 3.0, 2.0, 1.0], labels: &[1, 2], classes: 3 };
/// assert_eq!(Top2.total(&outputs), 1.0);
/// ```
pub trait Metric: Debug + Send + Sync {
    /// Its name in the history, after `val_`: lower-case letters, digits and `_`.
    fn name(&self) -> &'static str;

    /// What a value counts: `nats`, `share of samples`.
    fn unit(&self) -> &'static str;

    /// Which values are better.
    fn direction(&self) -> Direction;

    /// The sum of the samples' numbers.
    fn total(&self, outputs: &Outputs<'_>) -> f64;
}

/// The metrics that every evaluation on the CPU has besides loss and accuracy.
pub fn registered() -> Vec<Arc<dyn Metric>> {
    vec![]
}

/// What is wrong with the names of `metrics`.
pub(crate) fn check_names(metrics: &[Arc<dyn Metric>]) -> Result<(), crate::TrainError> {
    for (number, metric) in metrics.iter().enumerate() {
        let name = metric.name();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let reason = if name.is_empty() || !name.chars().all(plain) {
            "a metric's name is lower-case letters, digits and '_'"
        } else if ["loss", "acc"].contains(&name) {
            "every evaluation has that one"
        } else if metrics[..number].iter().any(|other| other.name() == name) {
            "another metric has that name"
        } else {
            continue;
        };
        return Err(crate::TrainError::Metric { name: name.to_owned(), reason });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Named(&'static str);

    impl Metric for Named {
        fn name(&self) -> &'static str {
            self.0
        }
        fn unit(&self) -> &'static str {
            "nothing"
        }
        fn direction(&self) -> Direction {
            Direction::Lower
        }
        fn total(&self, _: &Outputs<'_>) -> f64 {
            0.0
        }
    }

    #[test]
    fn the_registered_metrics_have_names_of_their_own() {
        check_names(&registered()).unwrap();
        for names in [&["loss"][..], &["acc"], &["a", "a"], &["Top 5"], &[""]] {
            let metrics: Vec<Arc<dyn Metric>> = names.iter().map(|name| Arc::new(Named(name)) as _).collect();
            assert!(check_names(&metrics).is_err(), "{names:?}");
        }
    }
}
