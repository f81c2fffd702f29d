//! What can happen to a sweep: the lines of its journal.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::spec::Point;

/// A member in the journal: its point, and its seed's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Id {
    pub(crate) point: usize,
    pub(crate) seed: usize,
}

/// What a line tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A process began to work on the sweep.
    Opened { driver: String },
    /// It left.
    Closed { driver: String },
    /// Whoever works on the sweep is asked to stop.
    Stop,
    /// A point that depends on results.
    Proposed { point: usize, values: Point },
    /// A driver takes a member: it alone starts or resumes it.
    Claimed {
        #[serde(flatten)]
        id: Id,
        driver: String,
    },
    /// A member was stopped before its end; anybody may resume it.
    Released {
        #[serde(flatten)]
        id: Id,
    },
    /// A member has trained as many epochs as its rung asks for, and waits.
    Paused {
        #[serde(flatten)]
        id: Id,
        epochs: usize,
        #[serde(deserialize_with = "present")]
        value: Option<f64>,
        seconds: f64,
    },
    /// A member is done.
    Finished {
        #[serde(flatten)]
        id: Id,
        #[serde(deserialize_with = "present")]
        value: Option<f64>,
        metrics: BTreeMap<String, f64>,
        epochs: usize,
        seconds: f64,
    },
    /// A member failed. What it cost counts all the same; journals of earlier versions do not say it.
    Failed {
        #[serde(flatten)]
        id: Id,
        reason: String,
        #[serde(default)]
        epochs: usize,
        #[serde(default)]
        seconds: f64,
    },
    /// A failed member is to be run again, or one that was taken and never begun.
    Retried {
        #[serde(flatten)]
        id: Id,
    },
}

/// A number or null: a line without the key is refused, which an optional field alone would take for null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Option::deserialize(deserializer)
}

impl Event {
    /// That a member failed without having been started.
    pub(crate) fn not_started(id: Id, reason: String) -> Self {
        Self::Failed { id, reason, epochs: 0, seconds: 0.0 }
    }

    /// What became of a member, in words.
    pub(crate) fn words(&self) -> String {
        let shown = |value: &Option<f64>| value.map_or_else(|| "no value".to_owned(), |value| format!("{value:.4}"));
        match self {
            Self::Finished { value, seconds, .. } => format!("finished: {} ({seconds:.1} s)", shown(value)),
            Self::Paused { epochs, value, .. } => format!("paused after {epochs} epochs: {}", shown(value)),
            Self::Failed { reason, .. } => format!("failed: {reason}"),
            _ => "interrupted".to_owned(),
        }
    }
}
