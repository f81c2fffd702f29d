//! A dense layer, batch normalisation and a rectifier as one layer against the three, bit for bit.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use dfdx::optim::{Optimizer, Sgd, SgdConfig};
use dfdx::prelude::*;
use strata_kernels::MomentumRule;
use strata_model::{
    Activate, Activation, BatchNorm, Dense, GradientStore, Layers, Mirror, Mirrored, Samples, cross_entropy,
    initialise, net, weights_of,
};
use strata_rng::TorchRng;

const INPUTS: usize = 12;
const CLASSES: usize = 3;
type Traced = OwnedTape<f32, Cpu>;
type Relu = Activate<{ Activation::Relu as u8 }>;
/// What `net!` does not write.
type Apart<const I: usize, const O: usize, Rest> = (Dense<I, O>, (BatchNorm<O>, (Relu, Rest)));
/// The last layers of a block, behind which there is nothing.
type Last<const I: usize, const O: usize> = (Dense<I, O>, (BatchNorm<O>, Relu));

/// A network that is trained on a CPU.
trait Trained:
    Layers
    + TensorCollection<f32, Cpu>
    + ModuleMut<Samples<INPUTS, Traced>, Output = Samples<CLASSES, Traced>, Error = CpuError>
    + Module<Samples<INPUTS>, Output = Samples<CLASSES>, Error = CpuError>
{
}

impl<M> Trained for M where
    M: Layers
        + TensorCollection<f32, Cpu>
        + ModuleMut<Samples<INPUTS, Traced>, Output = Samples<CLASSES, Traced>, Error = CpuError>
        + Module<Samples<INPUTS>, Output = Samples<CLASSES>, Error = CpuError>
{
}

fn samples(batch: usize, seed: f32) -> (Samples<INPUTS>, Vec<u8>) {
    let values = (0..batch * INPUTS).map(|i| (i as f32 * seed).sin()).collect();
    let labels = (0..batch).map(|sample| (sample % CLASSES) as u8).collect();
    (Cpu::default().tensor_from_vec(values, (batch, Const)), labels)
}

/// Name, shape and values of each tensor.
type Tensors = Vec<(String, Vec<usize>, Vec<f32>)>;

/// The tensors after steps of one and of two batches, a step of dfdx's own, and the logits of an evaluation.
fn trained(mut network: impl Trained, batch: usize, in_chain: bool) -> (Tensors, Vec<f32>) {
    initialise(&mut network, &mut TorchRng::new(43));
    let mirror = |inputs: &mut [f32]| inputs.chunks_mut(4).for_each(<[f32]>::reverse);
    network.set_mirror(&Mirror::of(mirror, INPUTS).unwrap()).unwrap();
    let mut store = GradientStore::default().in_chain(in_chain);
    let rule = MomentumRule { learning_rate: 0.1, weight_decay: 1e-3, momentum: 0.9, nesterov: true };
    for step in 0..6u8 {
        for part in 0..=step % 2 {
            let (x, labels) = samples(batch + usize::from(part), 0.7 + f32::from(step));
            let loss = cross_entropy(network.forward_mut(store.trace(x)), &labels).unwrap();
            store.backward(loss, &network).unwrap();
        }
        // What clipping asks for.
        assert!(step < 3 || store.squared_norm() > 0.0);
        store
            .update(&mut network, |parameter| {
                let mut velocity = [vec![0.1; parameter.values.len()]];
                parameter.update(&rule, &mut velocity);
            })
            .unwrap();
    }
    let (x, labels) = samples(batch, 0.3);
    let loss = cross_entropy(network.forward_mut(x.clone().leaky_traced()), &labels).unwrap();
    let mut sgd = Sgd::new(&network, SgdConfig { lr: 0.1, momentum: None, weight_decay: None });
    sgd.update(&mut network, &loss.backward()).unwrap();
    let weights = weights_of(&network);
    let tensors = weights.tensors.iter().map(|t| (t.name.clone(), t.shape.clone(), t.values.clone())).collect();
    (tensors, network.forward(x).as_vec())
}

fn compare<A, B>(of_chains: bool)
where
    A: BuildOnDevice<Cpu, f32, Built: Trained>,
    B: BuildOnDevice<Cpu, f32, Built: Trained>,
{
    let device = Cpu::default();
    for batch in [2, 37, 70] {
        let (one, three) = (device.build_module::<A, f32>(), device.build_module::<B, f32>());
        assert_eq!(one.architecture().to_string(), three.architecture().to_string());
        // Gradients handed from operation to operation on one side, by dfdx on the other.
        let is_chain = one.is_chain();
        assert_eq!((is_chain, three.is_chain()), (of_chains, of_chains));
        let (one, three) = (trained(one, batch, is_chain), trained(three, batch, false));
        assert_eq!(one.0.len(), three.0.len());
        for (one, three) in one.0.iter().zip(&three.0) {
            assert_eq!(one, three, "batch {batch}");
        }
        assert_eq!(one.1, three.1, "logits, batch {batch}");
    }
}

#[test]
fn of_dense_layers() {
    compare::<
        net!(12, 128 batch_norm relu, 80 batch_norm relu, 3),
        Apart<INPUTS, 128, Apart<128, 80, Dense<80, CLASSES>>>,
    >(true);
}

#[test]
fn of_mirrored_layers() {
    compare::<
        net!(12, mirrored(128 batch_norm relu, 80 batch_norm relu), 3),
        (Mirrored<Apart<INPUTS, 128, Last<128, 80>>>, Dense<80, CLASSES>),
    >(true);
}

#[test]
fn in_a_skip_connection() {
    compare::<
        net!(12, 16 tanh, skip(64 batch_norm relu, 16), 3),
        (
            (Dense<INPUTS, 16>, Activate<{ Activation::Tanh as u8 }>),
            (strata_model::Skip<Apart<16, 64, Dense<64, 16>>>, Dense<16, CLASSES>),
        ),
    >(false);
}
