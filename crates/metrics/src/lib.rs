//! What an evaluation of a classifier measures besides loss and accuracy.
//!
//! A [`Metric`] of Strata's own is a file here and its entry in [`registered`]; a user's own is a type that implements the trait. Either is a
//! key more in each row of a run's history: `val_` and its name.
//!
//! ```
//! use strata_metrics::{Outputs, find, measure};
//!
//! let outputs = Outputs { logits: &[3.0, 2.0, 1.0, 3.0, 2.0, 1.0], labels: &[1, 2], classes: 3 };
//! let top_2 = find("top_2").ok_or("no such metric")?;
//! assert_eq!(measure(&*top_2, &outputs), 0.5);
//! # Ok::<(), &str>(())
//! ```

mod calibration_error;
mod confusion;
mod macro_f1;
mod outputs;
mod sums;
mod top_k;

use std::fmt::Debug;
use std::sync::Arc;

pub use calibration_error::CalibrationError;
pub use confusion::{ClassScores, Confusion};
pub use macro_f1::MacroF1;
pub use outputs::{Outputs, Sample, SampleResult};
pub use strata_spec::{Criterion, Direction};
pub use sums::{Sums, measure};
pub use top_k::TopK;

/// The metrics that a config can name, in the order to show.
pub fn registered() -> Vec<Arc<dyn Metric>> {
    vec![
        Arc::new(TopK::new(2)),
        Arc::new(TopK::new(3)),
        Arc::new(TopK::new(5)),
        Arc::new(MacroF1),
        Arc::new(CalibrationError),
    ]
}

/// A number that is measured of a network's outputs over a whole part of the data, added up batch by batch.
///
/// By default it is a mean over the samples: [`Metric::add`] adds each sample's number to the one sum. One that is not, such as [`MacroF1`], keeps
/// several sums and says what becomes of them.
pub trait Metric: Debug + Send + Sync {
    /// Its name in a config, and in the history after `val_`: lower-case letters, digits and `_`.
    fn name(&self) -> &str;

    /// What a value counts: `nats`, `share of samples`.
    fn unit(&self) -> &str;

    /// Which values are better.
    fn direction(&self) -> Direction;

    /// What it is, in one sentence without its full stop, for the document of configs.
    fn sentence(&self) -> &str {
        ""
    }

    /// Whether it says anything of so many classes.
    ///
    /// # Errors
    /// Why not, in words.
    fn check(&self, classes: usize) -> Result<(), String> {
        let _ = classes;
        Ok(())
    }

    /// Whether it takes the outputs for logits of probabilities, which a network trained by mean squared error does not give.
    fn is_of_probabilities(&self) -> bool {
        false
    }

    /// How many sums it keeps, at least one.
    fn sums(&self, classes: usize) -> usize {
        let _ = classes;
        1
    }

    /// Adds a batch to the sums.
    fn add(&self, outputs: &Outputs<'_>, sums: &mut [f64]);

    /// The number, of the sums over so many samples, at least one.
    fn value(&self, sums: &[f64], samples: u64) -> f64 {
        sums.iter().sum::<f64>() / samples as f64
    }
}

/// The registered metric of this name.
pub fn find(name: &str) -> Option<Arc<dyn Metric>> {
    registered().into_iter().find(|metric| metric.name() == name)
}

/// The keys of the history that a config can judge epochs by, each with a sentence: the losses, the accuracy, and `val_` and the name of each
/// registered metric.
pub fn criteria() -> Vec<(Criterion, String)> {
    let sentence = |what: &str, direction: Direction| format!("{what}; {} is better", direction.as_str());
    let always = [
        (Criterion::val_loss(), "the validation loss"),
        (Criterion::val_acc(), "the validation accuracy"),
        (Criterion::lower("train_loss"), "the training loss"),
    ];
    let of_row = always.map(|(criterion, what)| {
        let sentence = sentence(what, criterion.direction);
        (criterion, sentence)
    });
    let of_metrics = registered().into_iter().map(|metric| {
        let criterion = criterion_of(&*metric);
        let sentence = sentence(metric.sentence(), criterion.direction);
        (criterion, sentence)
    });
    of_row.into_iter().chain(of_metrics).collect()
}

/// The criterion of this key, of those that a config can name.
pub fn criterion(key: &str) -> Option<Criterion> {
    criteria().into_iter().map(|(criterion, _)| criterion).find(|criterion| criterion.key == key)
}

/// The criterion of a metric's values on the validation part.
pub fn criterion_of(metric: &dyn Metric) -> Criterion {
    Criterion { key: format!("val_{}", metric.name()), direction: metric.direction() }
}

/// Whether metrics can be measured together: the reason where the name of one cannot be a key of the history, or is taken.
///
/// # Errors
/// The name, and what is wrong with it.
pub fn check_names(metrics: &[Arc<dyn Metric>]) -> Result<(), (String, &'static str)> {
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
        return Err((name.to_owned(), reason));
    }
    Ok(())
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Named(&'static str);

    impl Metric for Named {
        fn name(&self) -> &str {
            self.0
        }
        fn unit(&self) -> &str {
            "nothing"
        }
        fn direction(&self) -> Direction {
            Direction::Lower
        }
        fn add(&self, _: &Outputs<'_>, _: &mut [f64]) {}
    }

    #[test]
    fn registered_metrics_have_names_of_their_own_and_a_sentence() {
        check_names(&registered()).unwrap();
        for metric in registered() {
            let sentence = metric.sentence();
            assert!(!sentence.is_empty() && !sentence.ends_with('.') && !sentence.contains(['|', '\n']), "{metric:?}");
            assert_eq!(find(metric.name()).map(|found| found.name().to_owned()), Some(metric.name().to_owned()));
        }
        for names in [&["loss"][..], &["acc"], &["a", "a"], &["Top 5"], &[""]] {
            let metrics: Vec<Arc<dyn Metric>> = names.iter().map(|name| Arc::new(Named(name)) as _).collect();
            assert!(check_names(&metrics).is_err(), "{names:?}");
        }
    }

    #[test]
    fn a_criterion_is_found_by_its_key_with_its_direction() {
        assert_eq!(criterion("val_acc"), Some(Criterion::val_acc()));
        assert_eq!(criterion("val_macro_f1"), Some(Criterion::higher("val_macro_f1")));
        assert_eq!(criterion("val_calibration_error"), Some(Criterion::lower("val_calibration_error")));
        assert_eq!(criterion("macro_f1"), None);
    }
}
