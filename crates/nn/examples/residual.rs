//! A residual network with normalisation on a table in memory, its gradients clipped, its rate along a cosine, by the prelude alone.

use strata_nn::prelude::*;

/// Three clouds of points in four dimensions.
fn clouds(samples: usize) -> Result<Table, TrainError> {
    let mut state = 43u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    let labels: Vec<u8> = (0..samples).map(|sample| (sample % 3) as u8).collect();
    let features = labels.iter().flat_map(|&label| (0..4).map(move |axis| f32::from(u8::from(axis == label))));
    let features: Vec<f32> = features.map(|value| value + noise()).collect();
    Table::new(features, labels, 30)
}

fn main() -> Result<(), TrainError> {
    let step = TrainingStep::new(Sgd { momentum: 0.9, nesterov: true, weight_decay: 1e-4 })
        .clipping(Clipping { norm: Some(1.0), value: None });
    let options = ClassifierOptions::of_net(step).seed(43);
    let mut classifier = build::<net!(4, 16 batch_norm gelu, skip(layer_norm, 16 gelu, 16), 3), 4, 3>(options)?;
    let mut rng = TorchRng::new(43);
    classifier.initialise(&mut rng)?;
    println!("{}", classifier.architecture());

    // Down from the rate to nothing along half a cosine.
    let phase = Phase::new(5, 0.05, ScheduleSpec::Cosine);
    let plan = Plan::new([phase]);
    let (train, test) = (clouds(300)?, clouds(90)?);
    fit(&mut *classifier, &train, &test, &plan, Progress::new(&rng), &mut ())?;
    if let Some(score) = evaluate(&mut *classifier, &test, &mut rng, Pass::Test, &mut ())? {
        println!("{} of {} right", score.correct, score.samples);
        assert!(score.correct > 80, "{score:?}");
    }
    Ok(())
}
