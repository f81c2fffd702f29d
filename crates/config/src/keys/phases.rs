//! `[[phases]]`: how long to train, at which rates.

use strata_spec::ranges;
use strata_spec::{Criterion, Named, Phase, ScheduleKind, ScheduleSpec};

use crate::key::Fallback::{Is, Required, WorkedInTable};
use crate::key::{Section, When, keys, tables};
use crate::takes::Takes::{Choice, Integer, Number};
use crate::takes::{choices, criteria};
use crate::value::{Value, criterion, named, number, size};
use crate::values::Values;

pub(super) const PHASES_SECTION: Section = tables(
    "phases",
    "1 to 1000 tables, trained in order with the optimizer's state carried on; at most 100000 epochs in all. A key of another schedule is an error that names \
     the schedules that take it, unless its value is the default.",
    ENTRIES,
);

keys! {
    /// passes over the training images
    EPOCHS: usize, size => "phases[].epochs", Integer(ranges::EPOCHS), Required, None, Some("epochs");
    /// the learning rate; the schedule's highest
    LR: f64, number => "phases[].lr", Number(ranges::LEARNING_RATE), Required, None, Some("lrs");
    /// how the learning rate goes within the phase, step by step
    SCHEDULE: ScheduleKind, named => "phases[].schedule", Choice(choices::<ScheduleKind>), Is("\"constant\""), None, Some("schedules");
    /// the share of the phase's steps in which the rate rises, by equal amounts before the schedule begins (one_cycle: along half a cosine)
    WARMUP: f64, number => "phases[].warmup", Number(ranges::WARMUP), WorkedInTable { words: "0.0 (one_cycle 0.3)", out: warmup }, None, Some("warmups");
    /// epochs between two falls of the rate
    EVERY: usize, size => "phases[].every", Integer(ranges::EPOCHS), Required, Some(WITH_EVERY), Some("every");
    /// what the rate is multiplied with where it falls (step, plateau), over each epoch (exponential)
    FACTOR: f64, number => "phases[].factor", Number(ranges::LR_FACTOR), WorkedInTable { words: "0.1 (exponential 0.9)", out: factor }, Some(WITH_FACTOR), Some("factors");
    /// what is watched, after each epoch; a metric must be measured (`metrics`)
    LR_METRIC: Criterion, criterion => "phases[].metric", Choice(criteria), Is("\"val_loss\""), Some(WITH_METRIC), Some("schedule_metrics");
    /// epochs in a row without an improvement that are borne before the rate falls
    LR_PATIENCE: usize, size => "phases[].patience", Integer(ranges::LR_PATIENCE), Is("10"), Some(WITH_PATIENCE), Some("patiences");
    /// how much better than the best so far the metric must be to count as an improvement
    LR_MIN_DELTA: f64, number => "phases[].min_delta", Number(ranges::MIN_DELTA), Is("0.0"), Some(WITH_MIN_DELTA), Some("min_deltas");
    /// the power of the share of the steps that are left
    LR_POWER: f64, number => "phases[].power", Number(ranges::LR_POWER), Is("2.0"), Some(WITH_POWER), Some("powers");
    /// epochs of the first period
    PERIOD: usize, size => "phases[].period", Integer(ranges::EPOCHS), Required, Some(WITH_PERIOD), Some("periods");
    /// how many times as long as the one before each further period is
    PERIOD_FACTOR: usize, size => "phases[].period_factor", Integer(ranges::PERIOD_FACTOR), Is("1"), Some(WITH_PERIOD_FACTOR), Some("period_factors");
}

/// The phases in order.
pub(crate) fn phases(values: &Values) -> Vec<Phase> {
    let phase = |index| {
        let schedule = schedule(values, index);
        // One-cycle's rise is its own.
        let own_rise = matches!(schedule, ScheduleSpec::OneCycle { .. });
        Phase {
            epochs: values.in_phase(&EPOCHS, index).unwrap_or_default(),
            learning_rate: values.in_phase(&LR, index).unwrap_or_default(),
            schedule,
            warmup: if own_rise { 0.0 } else { values.in_phase(&WARMUP, index).unwrap_or_default() },
        }
    };
    (0..values.tables("phases")).map(phase).collect()
}

fn schedule(values: &Values, index: usize) -> ScheduleSpec {
    let factor = values.in_phase(&FACTOR, index).unwrap_or_default();
    match values.in_phase(&SCHEDULE, index).unwrap_or_default() {
        ScheduleKind::Constant => ScheduleSpec::Constant,
        ScheduleKind::Step => ScheduleSpec::Step { every: values.in_phase(&EVERY, index).unwrap_or_default(), factor },
        ScheduleKind::Exponential => ScheduleSpec::Exponential { factor },
        ScheduleKind::Linear => ScheduleSpec::Linear,
        ScheduleKind::Polynomial => {
            ScheduleSpec::Polynomial { power: values.in_phase(&LR_POWER, index).unwrap_or_default() }
        }
        ScheduleKind::Cosine => ScheduleSpec::Cosine,
        ScheduleKind::CosineRestarts => ScheduleSpec::CosineRestarts {
            period: values.in_phase(&PERIOD, index).unwrap_or_default(),
            period_factor: values.in_phase(&PERIOD_FACTOR, index).unwrap_or_default(),
        },
        ScheduleKind::Plateau => ScheduleSpec::Plateau {
            metric: values.in_phase(&LR_METRIC, index).unwrap_or_else(Criterion::val_loss),
            factor,
            patience: values.in_phase(&LR_PATIENCE, index).unwrap_or_default(),
            min_delta: values.in_phase(&LR_MIN_DELTA, index).unwrap_or_default(),
        },
        ScheduleKind::OneCycle => {
            ScheduleSpec::OneCycle { warmup: values.in_phase(&WARMUP, index).unwrap_or_default() }
        }
    }
}

fn warmup(values: &Values, phase: usize) -> Option<Value> {
    let is_one_cycle = values.in_phase(&SCHEDULE, phase) == Some(ScheduleKind::OneCycle);
    Some(Value::Number(if is_one_cycle { 0.3 } else { 0.0 }))
}

fn factor(values: &Values, phase: usize) -> Option<Value> {
    let is_exponential = values.in_phase(&SCHEDULE, phase) == Some(ScheduleKind::Exponential);
    Some(Value::Number(if is_exponential { 0.9 } else { 0.1 }))
}

/// A number of some schedules.
macro_rules! of_schedules {
    ($number:literal) => {
        When {
            holds: |_| false,
            in_phase: Some(|values, phase| values.in_phase(&SCHEDULE, phase).is_some_and(|kind| kind.takes($number))),
            otherwise: not_of_schedule,
        }
    };
}
const WITH_EVERY: When = of_schedules!("every");
const WITH_FACTOR: When = of_schedules!("factor");
const WITH_METRIC: When = of_schedules!("metric");
const WITH_PATIENCE: When = of_schedules!("patience");
const WITH_MIN_DELTA: When = of_schedules!("min_delta");
const WITH_POWER: When = of_schedules!("power");
const WITH_PERIOD: When = of_schedules!("period");
const WITH_PERIOD_FACTOR: When = of_schedules!("period_factor");

/// Why the phase's schedule does not take the number of this name, and those that do.
fn not_of_schedule(_: &Values, name: &str) -> String {
    let takers: Vec<_> = ScheduleKind::ALL.into_iter().filter(|kind| kind.takes(name)).map(Named::as_str).collect();
    format!("has no effect: `{name}` is of schedule = \"{}\", which this phase has not", takers.join("\" or \""))
}
