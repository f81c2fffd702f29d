//! `[[phases]]`: how long to train, at which rates.

use strata_spec::ranges;
use strata_spec::{Phase, ScheduleKind, ScheduleSpec};

use crate::key::Fallback::{Is, Required};
use crate::key::{Section, When, keys, tables};
use crate::takes::Takes::{Choice, Integer, Number};
use crate::takes::choices;
use crate::value::{named, number, size};
use crate::values::Values;

pub(super) const PHASES_SECTION: Section = tables(
    "phases",
    "1 to 1000 tables, trained in order with the optimizer's state carried on; at most 100000 epochs in all.",
    ENTRIES,
);

keys! {
    /// passes over the training images
    EPOCHS: usize, size => "phases[].epochs", Integer(ranges::EPOCHS), Required, None, Some("epochs");
    /// the learning rate; the schedule's highest
    LR: f64, number => "phases[].lr", Number(ranges::LEARNING_RATE), Required, None, Some("lrs");
    /// how the learning rate goes within the phase, step by step
    SCHEDULE: ScheduleKind, named => "phases[].schedule", Choice(choices::<ScheduleKind>), Is("\"constant\""), None, Some("schedules");
    /// the share of the phase's steps in which the rate rises
    WARMUP: f64, number => "phases[].warmup", Number(ranges::WARMUP), Is("0.3"), Some(OF_ONE_CYCLE), Some("warmups");
}

/// The phases in order.
pub(crate) fn phases(values: &Values) -> Vec<Phase> {
    let phase = |index| Phase {
        epochs: values.in_phase(&EPOCHS, index).unwrap_or_default(),
        learning_rate: values.in_phase(&LR, index).unwrap_or_default(),
        schedule: schedule(values, index),
    };
    (0..values.tables("phases")).map(phase).collect()
}

fn schedule(values: &Values, index: usize) -> ScheduleSpec {
    match values.in_phase(&SCHEDULE, index).unwrap_or_default() {
        ScheduleKind::Constant => ScheduleSpec::Constant,
        ScheduleKind::Linear => ScheduleSpec::Linear,
        ScheduleKind::Cosine => ScheduleSpec::Cosine,
        ScheduleKind::OneCycle => {
            ScheduleSpec::OneCycle { warmup: values.in_phase(&WARMUP, index).unwrap_or_default() }
        }
    }
}

const OF_ONE_CYCLE: When = When {
    holds: |_| false,
    in_phase: Some(|values, phase| values.in_phase(&SCHEDULE, phase) == Some(ScheduleKind::OneCycle)),
    otherwise: |_, name| format!("has no effect: `{name}` is of schedule = \"one_cycle\", which this phase has not"),
};
