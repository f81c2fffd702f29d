//! What a loop tells of a run, and who listens.

use std::cell::Cell;

use crate::{Classifier, HistoryRow, Pass, Progress, TrainError};

/// What happens in a run, in order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A pass starts.
    PassStarted {
        /// What it is for.
        pass: Pass,
        /// Batches of a whole pass.
        batches: usize,
        /// Those that were trained on before the run was stopped.
        done: usize,
    },
    /// A batch was trained on or evaluated.
    BatchFinished {
        /// Its samples.
        samples: usize,
        /// The mean training loss of the epoch so far, where it was read back at this batch.
        loss: Option<f64>,
    },
    /// The history has a new line: the initial evaluation, or an epoch.
    Evaluated {
        /// The line.
        line: &'a HistoryRow,
        /// Whether it is the best epoch so far.
        is_best: bool,
    },
}

/// Watches a run: shows it, records it, keeps its checkpoints, and may end it. Each method does nothing by default. Several observers are one:
/// `[&mut dyn Observer; N]` and `Vec` tell each in turn.
///
/// ```
/// use strata_trainer::{Event, Observer, TrainError};
///
/// /// Keeps the validation losses.
/// #[derive(Default)]
/// struct Losses(Vec<f64>);
///
/// impl Observer for Losses {
///     fn event(&mut self, event: Event<'_>) -> Result<(), TrainError> {
///         if let Event::Evaluated { line, .. } = event {
///             self.0.push(line.val_loss);
///         }
///         Ok(())
///     }
/// }
///
/// let (mut one, mut two) = (Losses::default(), Losses::default());
/// let mut both: [&mut dyn Observer; 2] = [&mut one, &mut two];
/// assert!(!both.is_interrupted());
/// ```
pub trait Observer {
    /// Told of each event.
    ///
    /// # Errors
    /// Ends the run with the error.
    fn event(&mut self, event: Event<'_>) -> Result<(), TrainError> {
        let _ = event;
        Ok(())
    }

    /// Asked to keep `progress` and a snapshot of `classifier`: after the initial evaluation, at the end of each epoch (`epoch_ended`),
    /// after as many steps as the plan says, and before an interrupted run returns, unless it was interrupted in the initial evaluation, after which there is
    /// nothing to keep.
    ///
    /// # Errors
    /// Ends the run with the error.
    fn checkpoint(
        &mut self,
        progress: &Progress,
        classifier: &mut dyn Classifier,
        epoch_ended: bool,
    ) -> Result<(), TrainError> {
        let _ = (progress, classifier, epoch_ended);
        Ok(())
    }

    /// Asked between batches whether to stop here.
    fn is_interrupted(&self) -> bool {
        false
    }
}

/// Watches nothing: for a run that nobody records.
impl Observer for () {}

/// Asks a run to stop, as a signal would, after so many steps and batches of evaluations: for a run that is given a part of its time, and to try that it is
/// resumed to the same bits.
///
/// ```
/// use strata_trainer::{Observer, StopAfter};
///
/// let two = StopAfter::steps(2);
/// assert_eq!([two.is_interrupted(), two.is_interrupted(), two.is_interrupted()], [false, false, true]);
/// ```
#[derive(Debug)]
pub struct StopAfter {
    left: Cell<usize>,
}

impl StopAfter {
    /// Lets `count` steps and batches of evaluations pass.
    pub fn steps(count: usize) -> Self {
        Self { left: Cell::new(count) }
    }
}

impl Observer for StopAfter {
    fn is_interrupted(&self) -> bool {
        self.left.replace(self.left.get().saturating_sub(1)) == 0
    }
}

impl<O: Observer + ?Sized> Observer for &mut O {
    fn event(&mut self, event: Event<'_>) -> Result<(), TrainError> {
        (**self).event(event)
    }

    fn checkpoint(
        &mut self,
        progress: &Progress,
        classifier: &mut dyn Classifier,
        epoch_ended: bool,
    ) -> Result<(), TrainError> {
        (**self).checkpoint(progress, classifier, epoch_ended)
    }

    fn is_interrupted(&self) -> bool {
        (**self).is_interrupted()
    }
}

/// Each in turn; the first error is the one that ends the run, and those after it are not told.
impl<O: Observer> Observer for [O] {
    fn event(&mut self, event: Event<'_>) -> Result<(), TrainError> {
        self.iter_mut().try_for_each(|observer| observer.event(event.clone()))
    }

    fn checkpoint(
        &mut self,
        progress: &Progress,
        classifier: &mut dyn Classifier,
        epoch_ended: bool,
    ) -> Result<(), TrainError> {
        self.iter_mut().try_for_each(|observer| observer.checkpoint(progress, classifier, epoch_ended))
    }

    fn is_interrupted(&self) -> bool {
        self.iter().any(Observer::is_interrupted)
    }
}

/// As a slice.
macro_rules! as_slice {
    ($list:ty $(, const $n:ident: usize)?) => {
        impl<O: Observer $(, const $n: usize)?> Observer for $list {
            fn event(&mut self, event: Event<'_>) -> Result<(), TrainError> {
                self.as_mut_slice().event(event)
            }

            fn checkpoint(
                &mut self,
                progress: &Progress,
                classifier: &mut dyn Classifier,
                epoch_ended: bool,
            ) -> Result<(), TrainError> {
                self.as_mut_slice().checkpoint(progress, classifier, epoch_ended)
            }

            fn is_interrupted(&self) -> bool {
                self.as_slice().is_interrupted()
            }
        }
    };
}

as_slice!(Vec<O>);
as_slice!([O; N], const N: usize);
