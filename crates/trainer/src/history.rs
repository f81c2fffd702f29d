//! What is known after each epoch, and what "best" means.

use serde::{Deserialize, Serialize};

use crate::Score;

/// One line of the history: the initial evaluation (`epoch` none), or an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// 0-based.
    pub phase: Option<usize>,
    /// 0-based over the run.
    pub epoch: Option<usize>,
    /// The epoch's learning rate.
    pub learning_rate: Option<f64>,
    /// The mean over the epoch's samples of the loss each had when it was trained on.
    pub train_loss: Option<f64>,
    /// The mean over the validation samples.
    pub val_loss: f64,
    /// In `0..=1`.
    pub val_acc: f64,
}

impl Evaluation {
    pub(crate) fn initial(score: Score) -> Self {
        let (val_loss, val_acc) = (score.mean_loss(), score.accuracy());
        Self { phase: None, epoch: None, learning_rate: None, train_loss: None, val_loss, val_acc }
    }
}

/// The best epoch of a history: the first of the highest validation accuracy, whatever early stopping watches. The initial
/// evaluation is no epoch.
pub fn best(history: &[Evaluation]) -> Option<&Evaluation> {
    let epochs = history.iter().filter(|line| line.epoch.is_some());
    epochs.reduce(|best, line| if line.val_acc > best.val_acc { line } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(epoch: Option<usize>, val_acc: f64) -> Evaluation {
        Evaluation { epoch, val_acc, ..Evaluation::initial(Score { loss: 1.0, correct: 0, samples: 1 }) }
    }

    #[test]
    fn the_first_of_the_highest_accuracy_is_best() {
        assert_eq!(best(&[]), None);
        assert_eq!(best(&[line(None, 0.9)]), None, "the initial evaluation is no epoch");
        let history = [line(None, 0.9), line(Some(0), 0.2), line(Some(1), 0.5), line(Some(2), 0.5), line(Some(3), 0.4)];
        assert_eq!(best(&history).and_then(|best| best.epoch), Some(1));
    }
}
