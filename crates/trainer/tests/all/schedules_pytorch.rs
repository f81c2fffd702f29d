//! The rates of each schedule, alone and after a warm-up, against torch.optim.lr_scheduler.
//!
//! `golden/schedules.json` was made by `crates/bench/pytorch/schedules.py`, which has the same phase: 6 epochs of 7 steps.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use strata_trainer::{HistoryRow, Phase, Schedule, ScheduleSpec, ScheduledStep};

const PEAK: f64 = 0.2;
const EPOCHS: usize = 6;
const STEPS_PER_EPOCH: usize = 7;

fn golden() -> serde_json::Value {
    serde_json::from_str(include_str!("../golden/schedules.json")).unwrap()
}

#[track_caller]
fn check(name: &str, found: &[f64]) {
    let expected: Vec<f64> = serde_json::from_value(golden()["cases"][name].clone()).expect(name);
    assert_eq!(found.len(), expected.len(), "{name}");
    for (step, (ours, theirs)) in found.iter().zip(expected).enumerate() {
        assert!((ours - theirs).abs() < 1e-12, "{name}, step {step}: {ours}, PyTorch has {theirs}");
    }
}

#[test]
fn rates_are_pytorchs() {
    use ScheduleSpec::{Constant, Cosine, CosineRestarts, Exponential, Linear, OneCycle, Polynomial, Step};
    let third = 1.0 / 3.0;
    let cases = [
        ("constant", 0.0, Constant),
        ("step", 0.0, Step { every: 2, factor: 0.3 }),
        ("exponential", 0.0, Exponential { factor: 0.5 }),
        ("linear", 0.0, Linear),
        ("polynomial", 0.0, Polynomial { power: 1.7 }),
        ("cosine", 0.0, Cosine),
        ("restarts", 0.0, CosineRestarts { period: 2, period_factor: 1 }),
        ("longer restarts", 0.0, CosineRestarts { period: 1, period_factor: 2 }),
        ("one cycle", 0.0, OneCycle { warmup: 0.25 }),
        ("warm-up, constant", third, Constant),
        ("warm-up, step", third, Step { every: 1, factor: 0.3 }),
        ("warm-up, exponential", third, Exponential { factor: 0.5 }),
        ("warm-up, polynomial", third, Polynomial { power: 2.0 }),
        ("warm-up, cosine", third, Cosine),
        ("warm-up, restarts", third, CosineRestarts { period: 1, period_factor: 1 }),
    ];
    let tried: Vec<_> = cases.iter().map(|(name, ..)| *name).chain(["plateau"]).collect();
    for (name, warmup, schedule) in cases {
        let phase = Phase { warmup, ..Phase::new(EPOCHS, PEAK, schedule) };
        let steps = EPOCHS * STEPS_PER_EPOCH;
        let at = |step| ScheduledStep { peak: PEAK, step, steps, steps_per_epoch: STEPS_PER_EPOCH, state: &[] };
        check(name, &(0..steps).map(|step| phase.rate(&at(step))).collect::<Vec<_>>());
    }
    plateau();
    for name in golden()["cases"].as_object().unwrap().keys() {
        assert!(tried.contains(&name.as_str()), "{name} was not tried");
    }
}

/// The rate of each epoch, which its loss follows: `ReduceLROnPlateau` with an absolute threshold.
fn plateau() {
    let losses = [3.0, 2.0, 1.95, 1.92, 1.91, 2.5, 1.0, 0.95, 0.97, 0.94, 0.5, 0.5];
    let metric = strata_spec::Criterion::val_loss();
    let schedule = ScheduleSpec::Plateau { metric, factor: 0.3, patience: 1, min_delta: 0.1 };
    let phase = Phase::new(losses.len(), PEAK, schedule);
    let (mut state, mut rates) = (Vec::new(), Vec::new());
    for (epoch, loss) in losses.into_iter().enumerate() {
        let steps = losses.len();
        rates.push(phase.rate(&ScheduledStep { peak: PEAK, step: epoch, steps, steps_per_epoch: 1, state: &state }));
        phase.epoch_ended(&HistoryRow::initial(loss, 0.0), &mut state);
    }
    check("plateau", &rates);
}
