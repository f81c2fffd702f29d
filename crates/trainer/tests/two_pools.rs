//! Threads are given: two trainings with other numbers of them in one process, and nothing starts rayon's own. Alone in its program, since any computation
//! outside of given threads would.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::num::NonZeroUsize;

use common::{CLASSES, FEATURES, Keeper, Memory};
use strata_model::{Activation, mlp};
use strata_rng::TorchRng;
use strata_spec::{Initialisation, WeightInit};
use strata_trainer::{Checkpoint, ClassifierOptions, Phase, Plan, Progress, Sgd, Threads, build, fit};

fn trained(threads: usize) -> Checkpoint {
    let threads = Threads::new(NonZeroUsize::new(threads).unwrap()).unwrap();
    let options = ClassifierOptions {
        activation: Activation::Gelu,
        dropout: 0.2,
        seed: 43,
        ..ClassifierOptions::new(Sgd { momentum: 0.9, ..Sgd::default() })
    };
    let mut classifier = build::<mlp!(12, 300, 70, 3), FEATURES, CLASSES>(options).unwrap();
    classifier.compute_on(threads);
    let mut rng = TorchRng::new(43);
    // Whose products are computed on threads.
    let orthogonal = Initialisation { weights: WeightInit::Orthogonal, ..Initialisation::default() };
    classifier.initialise_by(orthogonal, &mut rng).unwrap();
    let loader = |shuffle| Memory { samples: 130, batch: 64, shuffle, indices_only: false };
    let plan = Plan { phases: vec![Phase::constant(2, 0.05)], ..Plan::default() };
    let mut keeper = Keeper::default();
    fit(&mut *classifier, &loader(true), &loader(false), &plan, Progress::new(&rng), &mut keeper).unwrap();
    keeper.checkpoints.pop().unwrap()
}

#[test]
fn two_trainings_have_threads_of_their_own_and_equal_bits() {
    let (one, three) = std::thread::scope(|scope| {
        let (one, three) = (scope.spawn(|| trained(1)), scope.spawn(|| trained(3)));
        (one.join().unwrap(), three.join().unwrap())
    });
    assert!(one == three);
    assert!(one == trained(2));
    // rayon's own pool can be configured once, and only while nothing has used it.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap();
}
