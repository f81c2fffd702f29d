//! What became of a member, by what is in its run's folder.

use std::collections::BTreeMap;
use std::path::Path;

use strata_report::{RunState, RunSummary, Status, read_history};

use crate::driver::event::{Event, Id};
use crate::spec::Sweep;

/// What a member's folder tells.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Look {
    /// There is no run.
    Absent,
    /// A process is running it now.
    Held,
    /// It ended as it should.
    Finished {
        /// The objective's value.
        value: Option<f64>,
        /// What the record has of metrics.
        metrics: BTreeMap<String, f64>,
        /// Epochs that were trained.
        epochs: usize,
        /// Seconds that it took.
        seconds: f64,
    },
    /// It was stopped and can be resumed.
    Stopped {
        /// The objective's value after each epoch that was trained, in order.
        values: Vec<Option<f64>>,
        /// Seconds that it took so far.
        seconds: f64,
    },
    /// It failed.
    Failed {
        /// Why.
        reason: String,
        /// Epochs that were trained.
        epochs: usize,
        /// Seconds that it took.
        seconds: f64,
    },
}

/// Looks at the run in the folder `run`.
pub(crate) fn look(run: &Path, sweep: &Sweep) -> Look {
    if !run.join("config.toml").exists() && !run.join("record.json").exists() {
        return Look::Absent;
    }
    let summary = RunSummary::of(run);
    let seconds = summary.metrics.seconds.unwrap_or_default();
    match summary.state {
        RunState::Known(Status::Running) | RunState::Starting => Look::Held,
        RunState::Known(Status::Finished) => Look::Finished {
            value: summary.metrics.get(&sweep.objective.key).filter(|value| value.is_finite()),
            metrics: shown(&summary),
            epochs: values(run, sweep).len(),
            seconds,
        },
        RunState::Known(Status::Failed) => {
            let reason = summary.reason.unwrap_or_else(|| "its record does not say why".into());
            Look::Failed { reason, epochs: values(run, sweep).len(), seconds }
        }
        RunState::Known(Status::Interrupted) | RunState::Died => Look::Stopped { values: values(run, sweep), seconds },
        RunState::Unreadable(reason) => Look::Failed { reason, epochs: values(run, sweep).len(), seconds },
    }
}

/// The objective's value after each epoch in the history.
fn values(run: &Path, sweep: &Sweep) -> Vec<Option<f64>> {
    let lines = read_history(run).map(|lines| lines.entries).unwrap_or_default();
    let rows = lines.iter().filter(|row| row.epoch.is_some());
    rows.map(|row| row.get(&sweep.objective.key).filter(|value| value.is_finite())).collect()
}

/// The metrics of the record that tables show.
fn shown(summary: &RunSummary) -> BTreeMap<String, f64> {
    let always = ["val_loss", "val_acc", "test_loss", "test_acc"].map(str::to_owned);
    let further =
        summary.metrics.values.keys().filter(|key| key.starts_with("val_") || key.starts_with("test_")).cloned();
    let found = always.into_iter().chain(further).filter_map(|key| Some((key.clone(), summary.metrics.get(&key)?)));
    found.filter(|(_, value)| value.is_finite()).collect()
}

/// What the journal is told of a member that ended, or was found ended; none where it is still to be run.
pub(crate) fn event_of(look: Look, id: Id, pause_after: Option<usize>) -> Option<Event> {
    match look {
        Look::Finished { value, metrics, epochs, seconds } => {
            Some(Event::Finished { id, value, metrics, epochs, seconds })
        }
        Look::Failed { reason, epochs, seconds } => Some(Event::Failed { id, reason, epochs, seconds }),
        Look::Stopped { values, seconds } => {
            let epochs = pause_after.filter(|epochs| values.len() >= *epochs)?;
            let value = values.get(epochs - 1).copied().flatten();
            Some(Event::Paused { id, epochs, value, seconds })
        }
        Look::Absent | Look::Held => None,
    }
}
