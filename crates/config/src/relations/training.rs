//! What holds between the keys of phases, steps and what is kept of them.

use strata_spec::{AveragingSpec, ClassWeights, NetworkSpec, OptimizerKind, ScheduleSpec, ranges};

use super::fault;
use crate::error::ConfigError;
use crate::keys;
use crate::settings::Settings;
use crate::values::Values;
use crate::written::Written;

pub(super) fn epochs(written: &Written<'_, '_>, settings: &Settings) -> Result<(), ConfigError> {
    let total = settings.epochs();
    if i64::try_from(total).is_ok_and(|total| ranges::EPOCHS.contains(total)) {
        return Ok(());
    }
    let message = format!("{total} epochs in all; at most {} are taken", ranges::EPOCHS.most);
    Err(match written.list("phases") {
        Some((span, _)) => written.document.fault(span, Some("phases"), message),
        None => written.document.missing("phases", message),
    })
}

/// A step of more batches than there are would be a smaller one.
pub(super) fn accumulation(written: &Written<'_, '_>, settings: &Settings) -> Result<(), ConfigError> {
    let batches = settings.batches_per_epoch();
    if settings.accumulate.get() == 1 || settings.accumulate.get() <= batches {
        return Ok(());
    }
    let message = format!("an epoch has {batches} batches: a step takes no more");
    Err(fault(written, keys::ACCUMULATE.path(), message))
}

/// One weight for each class.
pub(super) fn class_weights(
    written: &Written<'_, '_>,
    values: &Values,
    settings: &Settings,
) -> Result<(), ConfigError> {
    let Some(weights) = values.get(&keys::CLASS_WEIGHTS) else { return Ok(()) };
    let place = keys::CLASS_WEIGHTS.path();
    let classes = settings.dataset.kind.classes();
    if let ClassWeights::Each(weights) = &weights
        && weights.len() != classes
    {
        return Err(fault(written, place, format!("{} weights for {classes} classes", weights.len())));
    }
    Ok(())
}

/// A schedule that would have done nothing when its phase ends; it begins when the warm-up has ended.
pub(super) fn schedules(written: &Written<'_, '_>, settings: &Settings) -> Result<(), ConfigError> {
    let an_epoch = settings.steps_per_epoch().max(1);
    for (number, phase) in settings.phases.iter().enumerate() {
        let steps = phase.epochs.saturating_mul(an_epoch);
        let rising = phase.warmup_steps(steps);
        let wrong = |name: &str, message: String| Err(fault(written, &format!("phases.{number}.{name}"), message));
        if phase.warmup > 0.0 && rising == 0 {
            return wrong("warmup", format!("has no effect: of the phase's {steps} steps it is less than half of one"));
        }
        let never_falls = "the rate would never fall";
        // Whether it comes to something: the steps after the warm-up are more than those before its first turn.
        let has_more_than = |epochs: usize| steps - rising > epochs.saturating_mul(an_epoch);
        let (name, is_long_enough, what) = match phase.schedule {
            ScheduleSpec::Step { every, .. } => ("every", has_more_than(every), never_falls),
            ScheduleSpec::CosineRestarts { period, .. } => {
                ("period", has_more_than(period), "nothing would begin again; cosine does the same")
            }
            // Of the epochs that end after the warm-up one is the best, some are borne, one is too many, and one is at the lower rate.
            ScheduleSpec::Plateau { patience, .. } => {
                ("patience", phase.epochs - rising / an_epoch >= patience.saturating_add(3), never_falls)
            }
            _ => continue,
        };
        if !is_long_enough {
            let after =
                if rising > 0 { format!(", {rising} of its {steps} steps being the warm-up") } else { String::new() };
            return wrong(name, format!("{what}: the phase ends after {} epochs{after}", phase.epochs));
        }
    }
    Ok(())
}

/// Muon where every weight is the last layer's would be AdamW under another name.
pub(super) fn muon(written: &Written<'_, '_>, settings: &Settings, network: &NetworkSpec) -> Result<(), ConfigError> {
    // The inputs, and what the last layer makes of them.
    if settings.optimizer.kind() != OptimizerKind::Muon || network.widths().len() > 2 {
        return Ok(());
    }
    let message = "has no effect: there are no hidden layers, whose weights alone are Muon's; adamw is what it does with the rest";
    Err(fault(written, keys::OPTIMIZER.path(), message.to_owned()))
}

/// More steps than an epoch has before its last: there would be no such checkpoint.
pub(super) fn checkpoints(written: &Written<'_, '_>, settings: &Settings) -> Result<(), ConfigError> {
    let steps = settings.steps_per_epoch();
    match settings.checkpoint.every_steps {
        Some(every) if every.get() >= steps => {
            let message = format!("has no effect: an epoch has {steps} steps, and its end is saved in any case");
            Err(fault(written, keys::EVERY_STEPS.path(), message))
        }
        _ => Ok(()),
    }
}

/// A mean of one step, or of none, would be no mean.
pub(super) fn averaging(written: &Written<'_, '_>, settings: &Settings) -> Result<(), ConfigError> {
    let (AveragingSpec::Equal { .. }, steps) = (settings.averaging, settings.steps()) else { return Ok(()) };
    let before = settings.averaging.steps_before(steps);
    if steps - before >= 2 {
        return Ok(());
    }
    let message =
        format!("begins after step {before} of the run's {steps}: two steps at least must be left to average");
    Err(fault(written, keys::AVERAGING_START.path(), message))
}
