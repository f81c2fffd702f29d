//! A run that is stopped anywhere and resumed is the run that was never stopped, to the bit.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use crate::common::{CLASSES, FEATURES, Keeper, Memory};
use strata_model::{Architecture, mlp};
use strata_rng::TorchRng;
use strata_spec::{OptimizerSpec, Precision};
use strata_trainer::{
    Checkpoint, CheckpointHistory, Classifier, ClassifierOptions, HistoryRow, Outcome, Phase, Plan, Progress, build,
    fit,
};

fn classifier(optimizer: OptimizerSpec) -> Box<dyn Classifier> {
    classifier_in(Precision::F32, optimizer)
}

fn classifier_in(precision: Precision, optimizer: OptimizerSpec) -> Box<dyn Classifier> {
    let options = ClassifierOptions { dropout: 0.2, seed: 43, precision, ..ClassifierOptions::new(optimizer) };
    build::<mlp!(12, 8, 3), FEATURES, CLASSES>(options).unwrap()
}

fn architecture() -> Architecture {
    Architecture::new(FEATURES, &[8], CLASSES)
}

const ADAM: OptimizerSpec = OptimizerSpec::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 };
const SGD: OptimizerSpec = OptimizerSpec::Sgd { momentum: 0.9, nesterov: true, weight_decay: 1e-4 };

fn loaders() -> (Memory, Memory) {
    let loader = |shuffle| Memory { samples: 50, batch: 8, shuffle, indices_only: false };
    (loader(true), loader(false))
}

fn plan() -> Plan {
    let phases = vec![Phase::constant(2, 0.05), Phase::constant(1, 0.01)];
    Plan { phases, checkpoint_every: Some(3), ..Plan::default() }
}

fn whole(optimizer: OptimizerSpec) -> (Checkpoint, Vec<HistoryRow>, usize) {
    whole_in(Precision::F32, optimizer)
}

fn whole_in(precision: Precision, optimizer: OptimizerSpec) -> (Checkpoint, Vec<HistoryRow>, usize) {
    let mut classifier = classifier_in(precision, optimizer);
    let mut rng = TorchRng::new(43);
    classifier.initialise(&mut rng).unwrap();
    let (train, validation) = loaders();
    let mut keeper = Keeper::default();
    let (_, outcome) = fit(&mut *classifier, &train, &validation, &plan(), Progress::new(&rng), &mut keeper).unwrap();
    assert_eq!(outcome, Outcome::Finished);
    (keeper.checkpoints.pop().unwrap(), keeper.history, keeper.batches)
}

const MUON: OptimizerSpec = OptimizerSpec::Muon {
    momentum: 0.9,
    nesterov: true,
    iterations: 5,
    betas: [0.9, 0.999],
    eps: 1e-8,
    weight_decay: 0.1,
};

/// AdamW's second moment is kept of what AdamW updates; checkpoints from before it was so have it, as zeros, of the other weights too.
#[test]
fn muon_keeps_one_buffer_for_the_weights_of_hidden_layers() {
    let (checkpoint, ..) = whole(MUON);
    let kept: Vec<_> = checkpoint.optimizer.parameters.iter().map(|p| (p.name.as_str(), p.buffers[1].len())).collect();
    assert_eq!(kept, [("layer1.weight", 0), ("layer1.bias", 8), ("layer2.weight", 24), ("layer2.bias", 3)]);
    assert!(checkpoint.optimizer.parameters.iter().all(|p| p.buffers.len() == 2 && !p.buffers[0].is_empty()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.safetensors");
    checkpoint.save(&path).unwrap();
    assert_eq!(Checkpoint::load(&path, &checkpoint.run, &architecture()).unwrap(), checkpoint);

    let mut earlier = checkpoint.clone();
    earlier.optimizer.parameters[0].buffers[1] = vec![0.0; 96];
    earlier.save(&path).unwrap();
    let earlier = Checkpoint::load(&path, &checkpoint.run, &architecture()).unwrap();
    let mut resumed = classifier(MUON);
    resumed.restore(&earlier.weights, &earlier.optimizer).unwrap();
    assert_eq!(resumed.snapshot().unwrap().1, checkpoint.optimizer);

    let mut damaged = checkpoint.clone();
    damaged.optimizer.parameters[1].buffers[1] = Vec::new();
    assert!(resumed.restore(&damaged.weights, &damaged.optimizer).is_err(), "AdamW needs it");
}

#[test]
fn a_run_stopped_after_any_batch_resumes_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.safetensors");
    let runs = [SGD, ADAM, MUON].map(|optimizer| (Precision::F32, optimizer));
    for (precision, optimizer) in runs.into_iter().chain([(Precision::Bf16, SGD)]) {
        let (expected, history, batches) = whole_in(precision, optimizer);
        assert_eq!(history.len(), 4);
        // 7 batches of the initial evaluation, then three epochs of 7 and 7.
        assert_eq!(batches, 49);
        for stop in 8..batches {
            let (train, validation) = loaders();
            let mut first = classifier_in(precision, optimizer);
            let mut rng = TorchRng::new(43);
            first.initialise(&mut rng).unwrap();
            let mut keeper = Keeper { interrupt_after: Some(stop), ..Keeper::default() };
            let (_, outcome) =
                fit(&mut *first, &train, &validation, &plan(), Progress::new(&rng), &mut keeper).unwrap();
            if outcome == Outcome::Interrupted {
                keeper.checkpoints.pop().unwrap().save(&path).unwrap();
                let checkpoint = Checkpoint::load(&path, "a-run", &architecture()).unwrap();
                let mut second = classifier_in(precision, optimizer);
                second.restore(&checkpoint.weights, &checkpoint.optimizer).unwrap();
                keeper = Keeper::default();
                fit(&mut *second, &train, &validation, &plan(), checkpoint.progress, &mut keeper).unwrap();
            }
            let last = keeper.checkpoints.pop().unwrap();
            assert!(last == expected, "{optimizer:?} in {precision} stopped after {stop} batches");
            assert_eq!(last.progress.last.as_ref(), history.last());
        }
    }
}

/// The checkpoints within an epoch are as good as those at its end.
#[test]
fn resuming_from_every_checkpoint_gives_the_same_weights() {
    let mut run = classifier(SGD);
    let mut rng = TorchRng::new(43);
    run.initialise(&mut rng).unwrap();
    let (train, validation) = loaders();
    let mut keeper = Keeper::default();
    fit(&mut *run, &train, &validation, &plan(), Progress::new(&rng), &mut keeper).unwrap();
    // Before the first step; after steps 3 and 6 of 7, and at the end, of three epochs.
    assert_eq!(keeper.checkpoints.len(), 10);
    let expected = keeper.checkpoints.last().unwrap().clone();
    for checkpoint in keeper.checkpoints {
        let mut resumed = classifier(SGD);
        resumed.restore(&checkpoint.weights, &checkpoint.optimizer).unwrap();
        let mut keeper = Keeper::default();
        let (progress, _) = fit(&mut *resumed, &train, &validation, &plan(), checkpoint.progress, &mut keeper).unwrap();
        assert_eq!(progress, expected.progress);
        assert!(resumed.snapshot().unwrap() == (expected.weights.clone(), expected.optimizer.clone()));
    }
}

#[test]
fn a_state_of_another_optimizer_or_network_is_refused() {
    let (weights, state) = classifier(ADAM).snapshot().unwrap();
    let error = classifier(SGD).restore(&weights, &state).unwrap_err().to_string();
    let expected = "the optimizer's state is of 4 parameters with 2 buffers for each parameter, but one of 4 parameters with 1 buffers";
    assert!(error.starts_with(expected), "{error}");
}

fn checkpoint_bytes() -> (tempfile::TempDir, std::path::PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.safetensors");
    whole(SGD).0.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    (folder, path, bytes)
}

/// A checkpoint is a promise of exactness, so unlike a weights file it must notice each single flipped bit.
#[test]
fn a_flipped_bit_anywhere_is_found() {
    let (_folder, _, bytes) = checkpoint_bytes();
    let original = Checkpoint::from_bytes(&bytes).unwrap();
    for at in (0..bytes.len() * 8).step_by(3) {
        let mut bytes = bytes.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        match Checkpoint::from_bytes(&bytes) {
            Err(_) => {}
            // The header's padding and the letters' case of an escape are the only bits that carry nothing.
            Ok(read) => assert!(read == original, "bit {at}"),
        }
    }
}

/// Each is sealed: only what the plan says of the run tells that it is none of its moments.
#[test]
fn foreign_checkpoint_is_rejected() {
    let (good, ..) = whole(SGD);
    let message = |change: fn(&mut Checkpoint)| {
        let mut checkpoint = good.clone();
        change(&mut checkpoint);
        checkpoint.check(&plan(), 7, 43).unwrap_err()
    };
    good.check(&plan(), 7, 43).unwrap();
    assert_eq!(good.check(&plan(), 7, 44).unwrap_err(), "its generator's seed is 43, the config's is 44");
    assert!(good.check(&plan(), 6, 43).is_err());
    assert_eq!(message(|c| c.progress.epoch = 4), "it stands at batch 0 of epoch 4; there are 3 epochs of 7 batches");
    assert_eq!(message(|c| c.progress.batches = 8), "it stands at batch 8 of epoch 3; there are 3 epochs of 7 batches");
    assert_eq!(message(|c| c.optimizer.steps += 1), "it counts 22 steps, its place in the run is step 21");
    assert_eq!(
        message(|c| c.progress.last = None),
        "it stands in epoch 3; its last line of history is none, its best epoch 2"
    );
    assert!(message(|c| c.progress.best = None).contains("its best none"));
    assert!(
        message(|c| c.progress.last = c.progress.best.clone().map(|line| HistoryRow { epoch: None, ..line }))
            .contains("its last line of history is the initial evaluation")
    );
}

/// A checkpoint as format 1 has it, from a history of its own; the best epoch is taken from it.
fn format_1(history: Vec<HistoryRow>) -> Checkpoint {
    let (mut checkpoint, ..) = whole(SGD);
    checkpoint.progress.stopping = None;
    checkpoint.history = CheckpointHistory::Lines(history);
    checkpoint
}

#[test]
fn format_1_with_its_history_is_read_and_its_order_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.safetensors");
    let (_, history, _) = whole(SGD);
    let good = format_1(history.clone());
    good.save(&path).unwrap();
    let read = Checkpoint::load(&path, "a-run", &architecture()).unwrap();
    assert!(read == good, "{:?} {:?}", read.progress, good.progress);
    read.check(&plan(), 7, 43).unwrap();

    let message = |history: Vec<HistoryRow>| format_1(history).check(&plan(), 7, 43).unwrap_err();
    let lines = "its history of 3 lines is not the initial evaluation and 3 epochs in order";
    assert_eq!(message(history[..3].to_vec()), lines);
    let mut swapped = history.clone();
    swapped.swap(1, 2);
    assert!(message(swapped).contains("in order"));
}

#[test]
fn truncated_and_foreign_checkpoints_are_refused() {
    let (_folder, path, bytes) = checkpoint_bytes();
    for length in (0..bytes.len()).step_by(7) {
        assert!(Checkpoint::from_bytes(&bytes[..length]).is_err(), "cut to {length}");
    }
    let error = Checkpoint::load(&path, "another-run", &architecture()).unwrap_err().to_string();
    assert!(error.contains("belongs to run a-run, not another-run"), "{error}");
    let error = Checkpoint::load(&path, "a-run", &Architecture::new(12, &[9], 3)).unwrap_err().to_string();
    assert!(error.contains("of a network [12, 8, 3], not [12, 9, 3]"), "{error}");
}
