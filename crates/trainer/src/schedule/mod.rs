//! A learning rate for each step.

mod cosine;
mod falling;
mod linear;
mod one_cycle;
mod plateau;
mod warmup;

use std::fmt::Debug;

use strata_spec::ScheduleSpec;

use crate::HistoryRow;

pub use cosine::{Cosine, CosineRestarts};
pub use falling::{Exponential, Polynomial, StepDecay};
pub use linear::Linear;
pub use one_cycle::OneCycle;
pub use plateau::ReduceOnPlateau;

/// A step whose learning rate is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScheduledStep<'a> {
    /// The phase's learning rate, above 0.
    pub peak: f64,
    /// The step, 0-based in its phase.
    pub step: usize,
    /// Steps of the phase, at least one.
    pub steps: usize,
    /// Steps of an epoch, at least one.
    pub steps_per_epoch: usize,
    /// What the schedule remembers ([`Schedule::epoch_ended`]); empty before the first epoch has ended.
    pub state: &'a [f64],
}

/// A learning rate for each step, within a phase. A function of the step alone, so that a resumed run has the rates of one that was never
/// stopped; what it remembers besides is kept in the checkpoint.
///
/// ```
/// use strata_trainer::{Schedule, ScheduledStep};
///
/// /// Half of the rate in every second step.
/// #[derive(Debug)]
/// struct Alternating;
///
/// impl Schedule for Alternating {
///     fn rate(&self, at: &ScheduledStep<'_>) -> f64 {
///         if at.step % 2 == 0 { at.peak } else { at.peak / 2.0 }
///     }
/// }
///
/// assert_eq!(Alternating.rate(&ScheduledStep { peak: 0.1, step: 3, steps: 10, steps_per_epoch: 5, state: &[] }), 0.05);
/// ```
pub trait Schedule: Debug + Send + Sync {
    /// The learning rate of a step, finite and at least 0. One that fell below the least normal 32-bit float, 1.2e-38, is taken as 0.
    fn rate(&self, at: &ScheduledStep<'_>) -> f64;

    /// Told of an epoch's line of history; `state` is what it remembers, finite numbers of its own choice, over the whole run.
    fn epoch_ended(&self, line: &HistoryRow, state: &mut Vec<f64>) {
        let _ = (line, state);
    }
}

/// Those that a config can name.
impl Schedule for ScheduleSpec {
    fn rate(&self, at: &ScheduledStep<'_>) -> f64 {
        match *self {
            Self::Constant => at.peak,
            Self::Step { every, factor } => StepDecay { every, factor }.rate(at),
            Self::Exponential { factor } => Exponential { factor }.rate(at),
            Self::Linear => Linear.rate(at),
            Self::Polynomial { power } => Polynomial { power }.rate(at),
            Self::Cosine => Cosine.rate(at),
            Self::CosineRestarts { period, period_factor } => CosineRestarts { period, period_factor }.rate(at),
            Self::Plateau { .. } => plateau(self).map_or(at.peak, |plateau| plateau.rate(at)),
            Self::OneCycle { warmup } => OneCycle { warmup }.rate(at),
        }
    }

    fn epoch_ended(&self, line: &HistoryRow, state: &mut Vec<f64>) {
        if let Some(plateau) = plateau(self) {
            plateau.epoch_ended(line, state);
        }
    }
}

/// The schedule that watches a metric, where that is what is named.
fn plateau(spec: &ScheduleSpec) -> Option<ReduceOnPlateau> {
    match spec {
        ScheduleSpec::Plateau { metric, factor, patience, min_delta } => Some(ReduceOnPlateau {
            metric: metric.clone(),
            factor: *factor,
            patience: *patience,
            min_delta: *min_delta,
        }),
        _ => None,
    }
}

/// From `start` (share 0) to `end` (share 1) along half a cosine.
fn anneal(start: f64, end: f64, share: f64) -> f64 {
    // Not the C library's cosine, which is not the same everywhere: a rate decides weights.
    end + (start - end) / 2.0 * (1.0 + libm::cos(std::f64::consts::PI * share))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(schedule: ScheduleSpec, peak: f64, steps: usize) -> Vec<f64> {
        let at = |step| ScheduledStep { peak, step, steps, steps_per_epoch: 3, state: &[] };
        (0..steps).map(|step| schedule.rate(&at(step))).collect()
    }

    #[track_caller]
    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-12 * b.abs()), "{found:?} {expected:?}");
    }

    #[test]
    fn a_constant_schedule_gives_exactly_its_rate() {
        assert_eq!(rates(ScheduleSpec::Constant, 0.1, 3), [0.1; 3]);
    }

    /// 0.2 · (1 - t/4), and 0.2 · (1 + cos(π t/4)) / 2: torch.optim.lr_scheduler.CosineAnnealingLR with T_max 4.
    #[test]
    fn linear_and_cosine_fall_from_the_peak_towards_zero() {
        close(&rates(ScheduleSpec::Linear, 0.2, 4), &[0.2, 0.15, 0.1, 0.05]);
        let half = 0.1 * std::f64::consts::FRAC_1_SQRT_2;
        close(&rates(ScheduleSpec::Cosine, 0.2, 4), &[0.2, 0.1 + half, 0.1, 0.1 - half]);
    }

    /// By the formula of torch.optim.lr_scheduler.OneCycleLR, max_lr 0.1, total_steps 10, pct_start 0.3: up from 0.004 until step 2,
    /// down to 4e-7 at step 9.
    #[test]
    fn one_cycle_equals_pytorchs() {
        let found = rates(ScheduleSpec::OneCycle { warmup: 0.3 }, 0.1, 10);
        let down = |step: f64| 4e-7 + (0.1 - 4e-7) / 2.0 * (1.0 + (std::f64::consts::PI * (step - 2.0) / 7.0).cos());
        let mut expected = vec![0.004, 0.052, 0.1];
        expected.extend((3..10).map(|step| down(f64::from(step))));
        assert!((expected[9] - 4e-7).abs() < 1e-17);
        let equal = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b;
        assert!(found.iter().zip(&expected).all(|(a, b)| equal(*a, *b)), "{found:?} {expected:?}");
    }

    #[test]
    fn no_schedule_leaves_its_range_for_any_number_of_steps_and_any_warm_up() {
        for steps in 1..40 {
            let (every, factor, period) = (1, 0.1, 1);
            for schedule in [
                ScheduleSpec::Linear,
                ScheduleSpec::Cosine,
                ScheduleSpec::Step { every, factor },
                ScheduleSpec::Exponential { factor },
                ScheduleSpec::Polynomial { power: 2.0 },
                ScheduleSpec::CosineRestarts { period, period_factor: 1 },
                ScheduleSpec::CosineRestarts { period, period_factor: 3 },
            ] {
                assert!(
                    rates(schedule.clone(), 0.1, steps).iter().all(|rate| *rate > 0.0 && *rate <= 0.1),
                    "{schedule:?}"
                );
            }
            for warmup in [0.0, 0.05, 0.3, 0.5, 0.999] {
                let rates = rates(ScheduleSpec::OneCycle { warmup }, 0.1, steps);
                assert!(rates.iter().all(|rate| *rate > 0.0 && *rate <= 0.1), "{warmup} of {steps}: {rates:?}");
            }
        }
    }
}
