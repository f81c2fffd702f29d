//! Batches that are not the classifier's: typed errors, on the CPU's path and the tensors', in training and validation.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use dfdx::prelude::*;
use strata_model::{Activation, ByteSamples, mlp};
use strata_rng::TorchRng;
use strata_spec::OptimizerSpec;
use strata_trainer::{Batch, Classifier, ClassifierOptions, Device as DeviceKind, TensorClassifier, TrainError, build};

const OPTIMIZER: OptimizerSpec = OptimizerSpec::Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.0 };

fn on_the_cpu() -> Box<dyn Classifier> {
    let (device, activation) = (DeviceKind::Cpu, Activation::Relu);
    let options = ClassifierOptions { device, activation, seed: 43, ..ClassifierOptions::new(OPTIMIZER) };
    build::<mlp!(4, 5, 3), 4, 3>(options).unwrap()
}

fn of_tensors(resident: Option<ByteSamples<'_>>) -> Box<dyn Classifier> {
    let device = Cpu::default();
    let network = device.build_module::<mlp!(4, 5, 3), f32>();
    Box::new(TensorClassifier::<_, _, 4, 3>::new(device, network, OPTIMIZER, resident).unwrap())
}

fn batch(labels: &[u8], indices: &[u32], features: usize) -> Batch {
    Batch { indices: indices.to_vec(), features: vec![0.5; features], labels: labels.to_vec(), mix: None }
}

/// The error of each batch, the same for a training and a validation step, neither of which does anything.
fn refuses(classifier: &mut dyn Classifier, batch: &Batch, expected: &str) {
    classifier.initialise(&mut TorchRng::new(43)).unwrap();
    let before = classifier.snapshot().unwrap();
    let errors = [classifier.training_step(batch.clone(), 0.1), classifier.validation_step(batch.clone())];
    for error in errors {
        let error = error.unwrap_err();
        assert!(error.to_string().contains(expected), "{batch:?}: {error}");
        assert!(!matches!(error, TrainError::Device(_)), "{error}");
    }
    assert_eq!(classifier.snapshot().unwrap(), before);
    assert_eq!(classifier.training_score().unwrap().samples + classifier.validation_score().unwrap().samples, 0);
}

#[test]
fn batches_that_do_not_fit_are_refused_by_name() {
    for make in [on_the_cpu, || of_tensors(None)] {
        let mut classifier = make();
        let cases: [(Batch, &str); 7] = [
            // The commonest: labels that begin at 1.
            (batch(&[1, 2, 3], &[7, 8, 9], 12), "sample 2 of the batch (sample 9 of its data set) has label 3"),
            (
                batch(&[255, 0], &[], 8),
                "sample 0 of the batch has label 255; the network's 3 classes have the labels 0 to 2",
            ),
            (batch(&[0, 1], &[], 6), "6 values for 2 samples; the network takes 4 features a sample"),
            (batch(&[0, 1], &[], 9), "9 values for 2 samples"),
            (batch(&[0, 1], &[], 0), "0 values for 2 samples"),
            (batch(&[0, 1], &[3], 8), "2 labels names 1 samples"),
            (batch(&[], &[], 0), "a batch without a sample"),
        ];
        for (batch, expected) in &cases {
            refuses(&mut *classifier, batch, expected);
        }
    }
}

#[test]
fn batches_by_index_are_refused_by_name() {
    let tables = [std::array::from_fn(|byte| byte as f32)];
    let mut classifier = of_tensors(Some(ByteSamples { bytes: &[7; 20], tables: &tables }));
    let cases: [(Batch, &str); 4] = [
        (batch(&[0, 1], &[0, 5], 0), "names sample 5; the device holds 5"),
        (batch(&[0, 1], &[], 0), "2 labels names 0 samples"),
        (batch(&[0, 3], &[2, 4], 0), "sample 1 of the batch (sample 4 of its data set) has label 3"),
        (batch(&[], &[1], 0), "0 labels names 1 samples"),
    ];
    for (batch, expected) in &cases {
        refuses(&mut *classifier, batch, expected);
    }
}
