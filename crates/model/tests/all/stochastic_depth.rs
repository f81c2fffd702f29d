//! Stochastic depth against its definition, finite differences and the predictor.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use dfdx::prelude::*;
use strata_model::{
    Activation, GradientStore, InputTransform, Layers, Precision, Predictor, TrainedModel, Usage, initialise,
    load_tensors, net, tensor_from_vec, tensors_of, weights_of,
};
use strata_rng::TorchRng;

const N: usize = 6;
const BATCH: usize = 64;
type Block = net!(6, skip(5 tanh, 6 stochastic_depth(0.25)));
type Plain = net!(6, skip(5 tanh, 6));
type Features = Tensor<(usize, Const<N>), f32, Cpu>;

fn block() -> <Block as BuildOnDevice<Cpu, f32>>::Built {
    let mut block = Cpu::default().build_module::<Block, f32>();
    initialise(&mut block, &mut TorchRng::new(3));
    block.configure(Activation::Identity, 0.0, 43).unwrap();
    block
}

fn input() -> Features {
    let values = (0..BATCH * N).map(|i| (i as f32 * 0.37).sin()).collect();
    tensor_from_vec(&Cpu::default(), values, (BATCH, Const::<N>)).unwrap()
}

/// The outputs of a training step.
fn trained(step: u64) -> Vec<f32> {
    let mut block = block();
    block.set_step(step);
    block.forward_mut(input().leaky_trace()).as_vec()
}

/// Of 64 samples at 0.25, 16 ± 4 · √12 go without the branch.
#[test]
fn in_training_a_sample_has_the_branch_or_goes_without_it() {
    let mut plain = Cpu::default().build_module::<Plain, f32>();
    let tensors = tensors_of(&block());
    load_tensors(&mut plain, &tensors).unwrap();
    let x = input();
    let (without, with) = (x.as_vec(), plain.forward(x).as_vec());
    let sample = |values: &[f32], at: usize| values[at * N..][..N].to_vec();
    let left_out = |outputs: &[f32]| -> Vec<usize> {
        let is_out = |at: &usize| {
            let found = sample(outputs, *at);
            assert!(found == sample(&without, *at) || found == sample(&with, *at), "sample {at} is neither");
            found == sample(&without, *at)
        };
        (0..BATCH).filter(is_out).collect()
    };
    let (first, second) = (left_out(&trained(7)), left_out(&trained(8)));
    assert!((3..=29).contains(&first.len()) && (3..=29).contains(&second.len()), "{first:?} {second:?}");
    assert_ne!(first, second, "another step leaves out other samples");
    assert_eq!(trained(7), trained(7));
}

#[test]
fn in_evaluation_the_branch_counts_by_the_probability_that_it_is_there() {
    let mut plain = Cpu::default().build_module::<Plain, f32>();
    load_tensors(&mut plain, &tensors_of(&block())).unwrap();
    let x = input();
    let (found, without, with) = (block().forward(x.clone()).as_vec(), x.as_vec(), plain.forward(x).as_vec());
    for ((found, without), with) in found.iter().zip(&without).zip(&with) {
        assert!((found - (without + 0.75 * (with - without))).abs() < 1e-6);
    }
}

/// Each parameter is moved along its gradient, with the same samples left out.
#[test]
fn gradients_are_finite_differences_of_the_loss() {
    const WAY: f32 = 5e-3;
    let loss_of = |tensors: &[strata_model::NamedTensor]| {
        let mut block = block();
        load_tensors(&mut block, tensors).unwrap();
        block.set_step(7);
        let outputs = block.forward_mut(input().leaky_trace()).as_vec();
        outputs.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>()
    };
    let mut start = block();
    start.set_step(7);
    let mut store = GradientStore::default();
    let traced = store.trace(input());
    let loss = start.forward_mut(traced).square().sum();
    store.backward(loss, &start).unwrap();
    let tensors = tensors_of(&start);
    let mut gradients = Vec::new();
    store
        .update(&mut start, |parameter| {
            gradients.push((parameter.name.to_owned(), parameter.gradient.into_whole().into_owned()))
        })
        .unwrap();
    assert_eq!(gradients.len(), 4);
    for (name, gradient) in gradients {
        let norm = gradient.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        let at = |way: f32| {
            let mut moved = tensors.clone();
            let tensor = moved.iter_mut().find(|tensor| tensor.name == name).unwrap();
            tensor
                .values
                .iter_mut()
                .zip(&gradient)
                .for_each(|(value, gradient)| *value += way * gradient / norm as f32);
            loss_of(&moved)
        };
        let slope = (at(WAY) - at(-WAY)) / f64::from(2.0 * WAY);
        assert!((slope / norm - 1.0).abs() < 1e-3, "{name}: {slope} is the slope, {norm} the gradient's norm");
    }
}

#[test]
fn the_predictor_scales_the_branch_as_the_network_does() {
    type Classifier = net!(6, 6 gelu, skip(rms_norm, 9 silu, 6 stochastic_depth(0.1)), 3);
    let mut network = Cpu::default().build_module::<Classifier, f32>();
    initialise(&mut network, &mut TorchRng::new(3));
    let usage = Usage {
        activation: Activation::Identity,
        dropout: 0.0,
        input: vec![N],
        classes: ["a", "b", "c"].map(String::from).to_vec(),
        transform: InputTransform::None,
        precision: Precision::F32,
    };
    let model = TrainedModel::new(weights_of(&network), usage).unwrap();
    // By way of the file, whose text has the probability.
    let (weights, _, usage) = TrainedModel::from_bytes(&model.to_bytes().unwrap()).unwrap();
    let predictor = Predictor::new(TrainedModel::new(weights, usage.unwrap()).unwrap()).unwrap();
    assert_eq!(predictor.logits(&input().as_vec()).unwrap(), network.forward(input()).as_vec());
}
