//! Gradients of graphs that are no plain chain, by products and whole, against the same graphs of dfdx's own operations.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use dfdx::optim::{Optimizer, Sgd, SgdConfig};
use dfdx::prelude::*;
use strata_kernels::SgdRule;
use strata_model::{Activation, Dense, DenseLayer, GradientStore, Layers, ModelError, mlp, weights_of};

const N: usize = 4;
type Network = (DenseLayer<N, N, f32, Cpu>, DenseLayer<N, N, f32, Cpu>);
type Features<T = NoneTape> = Tensor<(usize, Const<N>), f32, Cpu, T>;
type Traced = Features<OwnedTape<f32, Cpu>>;
type Square = Tensor<Rank2<N, N>, f32, Cpu, OwnedTape<f32, Cpu>>;
type Loss = Tensor<Rank0, f32, Cpu, OwnedTape<f32, Cpu>>;
/// A layer's forward pass, by the layer itself or by dfdx's operations.
type Forward<'a> = &'a dyn Fn(&DenseLayer<N, N, f32, Cpu>, Traced) -> Traced;

fn network(device: &Cpu) -> Network {
    let mut network = device.build_module::<mlp!(4, 4, 4), f32>();
    network.configure(Activation::Tanh, 0.0, 43).unwrap();
    network
}

fn input(device: &Cpu, batch: usize) -> Features {
    let values = (0..batch * N).map(|i| (i as f32 * 0.83).sin()).collect();
    device.tensor_from_vec(values, (batch, Const::<N>))
}

fn ours(layer: &DenseLayer<N, N, f32, Cpu>, x: Traced) -> Traced {
    layer.forward(x)
}

/// `tanh(x · weightᵀ + bias)`, the last layer without tanh, of dfdx's operations.
fn by_dfdx(layer: &DenseLayer<N, N, f32, Cpu>, x: Traced) -> Traced {
    let shape = *x.shape();
    let weight = layer.weight.retaped::<OwnedTape<f32, Cpu>>().permute::<Rank2<N, N>, Axes2<1, 0>>();
    let z = x.matmul(weight) + layer.bias.retaped::<OwnedTape<f32, Cpu>>().broadcast_like(&shape);
    if layer.activation == Activation::Tanh { z.tanh() } else { z }
}

fn close(what: &str, ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{what}[{i}]: {a}, but dfdx has {b}");
    }
}

/// The gradients of all four parameters of `graph`: dfdx's, ours under dfdx's `backward`, ours as products.
fn compare(what: &str, graph: &dyn Fn(Forward<'_>, &Network, Traced) -> Loss) {
    let device = Cpu::seed_from_u64(5);
    let network = network(&device);
    let x = input(&device, 5);
    let theirs = graph(&by_dfdx, &network, x.leaky_trace()).backward();
    let whole = graph(&ours, &network, x.leaky_trace()).backward();
    let mut store = GradientStore::default();
    let loss = graph(&ours, &network, store.trace(x.clone()));
    store.backward(loss, &network).unwrap();
    close(&format!("{what}: input"), &whole.get(&x).as_vec(), &theirs.get(&x).as_vec());
    for (name, layer) in [("first", &network.0), ("second", &network.1)] {
        let (weight, bias) = (theirs.get(&layer.weight).as_vec(), theirs.get(&layer.bias).as_vec());
        let what = format!("{what}: {name}");
        close(&format!("{what} weight"), &whole.get(&layer.weight).as_vec(), &weight);
        close(&format!("{what} bias"), &whole.get(&layer.bias).as_vec(), &bias);
        close(&format!("{what} weight by products"), &store.gradient(&layer.weight).unwrap().into_whole(), &weight);
        close(&format!("{what} bias by products"), &store.gradient(&layer.bias).unwrap().into_whole(), &bias);
    }
}

#[test]
fn gradients_of_any_graph_equal_dfdxs() {
    compare("chain", &|layer, (first, second), x| layer(second, layer(first, x)).square().sum());
    compare("skip connection", &|layer, (first, second), x| {
        let h = layer(first, x);
        (layer(second, h.with_empty_tape()) + h).square().sum()
    });
    compare("skip connection around the first layer", &|layer, (first, second), x| {
        let h = layer(first, x.with_empty_tape()) + x;
        layer(second, h).square().sum()
    });
    compare("a layer used twice in a row", &|layer, (first, second), x| {
        layer(second, layer(first, layer(first, x))).square().sum()
    });
    compare("a layer used side by side", &|layer, (first, second), x| {
        let (a, b) = (layer(first, x.with_empty_tape()), layer(first, x * 0.5));
        layer(second, a * b).square().sum()
    });
    compare("two passes on one tape", &|layer, (first, second), x| {
        let other = layer(second, layer(first, x.with_empty_tape() * -0.7));
        (layer(second, layer(first, x)).square() + other).sum()
    });
    compare("an output used by three operations", &|layer, (first, second), x| {
        let h = layer(first, x);
        let (a, b) = (h.with_empty_tape().exp(), h.with_empty_tape() * 2.0);
        (layer(second, h) + a + b).sum()
    });
    compare("a weight used by another operation too", &|layer, (first, second), x| {
        let penalty = first.weight.retaped::<OwnedTape<f32, Cpu>>().square().sum();
        layer(second, layer(first, x)).square().sum() + penalty * 0.1
    });
    compare("skips within skips", &|layer, (first, second), x| {
        let h = layer(first, x);
        let k = layer(second, h.with_empty_tape()) + h.with_empty_tape();
        let m = layer(first, k.with_empty_tape()) + k + h;
        layer(second, m).square().sum()
    });
    compare("a layer's weight as another layer's input", &|layer, (first, second), x| {
        let weight = second.weight.retaped::<OwnedTape<f32, Cpu>>().reshape_like(&(N, Const::<N>));
        layer(second, layer(first, weight)).square().sum() + layer(first, x).sum()
    });
    compare("a permuted input", &|layer, (first, second), x| {
        // [5, 4] to [4, 4].
        let (x, tape) = x.split_tape();
        let mix = (0..N * 5).map(|i| (i as f32 * 0.31).cos()).collect();
        let mix: Tensor<(Const<N>, usize), f32, Cpu> = x.device().tensor_from_vec(mix, (Const::<N>, 5));
        let square = mix.put_tape(tape).matmul(x);
        let permuted = square.permute::<Rank2<N, N>, Axes2<1, 0>>();
        let h = permuted.reshape_like(&(N, Const::<N>));
        layer(second, layer(first, h)).square().sum()
    });
    compare("an output that does not reach the loss", &|layer, (first, second), x| {
        let unused = layer(second, x.with_empty_tape()) * 0.0;
        (layer(first, x).square() + unused).sum()
    });
}

/// A permuted and a broadcast tensor straight into a layer; dfdx's matmul takes them, so does ours.
#[test]
fn inputs_of_any_memory_layout_are_computed_right() {
    let device = Cpu::seed_from_u64(2);
    let layer = &network(&device).0;
    let square: Tensor<Rank2<N, N>, f32, Cpu> = device.sample_normal();
    let row: Tensor<Rank1<N>, f32, Cpu> = device.sample_normal();
    let runs: [(&str, &dyn Fn() -> Square); 2] = [
        ("permuted", &|| square.leaky_trace().permute::<_, Axes2<1, 0>>()),
        ("broadcast", &|| row.leaky_trace().broadcast::<_, Axis<0>>()),
    ];
    for (what, make) in runs {
        let ours = layer.forward(make());
        let weight = layer.weight.retaped::<OwnedTape<f32, Cpu>>().permute::<Rank2<N, N>, Axes2<1, 0>>();
        let bias = layer.bias.retaped::<OwnedTape<f32, Cpu>>().broadcast::<Rank2<N, N>, Axis<0>>();
        let theirs = (make().matmul(weight) + bias).tanh();
        close(what, &ours.as_vec(), &theirs.as_vec());
        let (ours, theirs) = (ours.square().sum().backward(), theirs.square().sum().backward());
        close(what, &ours.get(&layer.weight).as_vec(), &theirs.get(&layer.weight).as_vec());
        let input = |gradients: &Gradients<f32, Cpu>| match what {
            "permuted" => gradients.get(&square).as_vec(),
            _ => gradients.get(&row).as_vec(),
        };
        close(what, &input(&ours), &input(&theirs));
    }
    let (empty, tape) = layer.forward(input(&device, 0).leaky_trace()).split_tape();
    assert_eq!(empty.shape().0, 0, "a batch of no sample");
    let nothing: Tensor<Rank0, f32, Cpu> = device.zeros();
    assert_eq!(nothing.put_tape(tape).backward().get(&layer.bias).array(), [0.0; N]);
}

/// A parameter as a layer's input, a trained prompt: that it was traced as data takes nothing from its gradient.
#[test]
fn a_parameter_that_is_a_layers_input_keeps_its_gradient() {
    let device = Cpu::seed_from_u64(5);
    let layer = device.build_module::<Dense<N, N>, f32>();
    let prompt = modules::UnbiasedLinear::<N, N, f32, Cpu> { weight: device.sample_normal() };
    let network = (layer, prompt);
    let graph = |x: Square| {
        let penalty = network.1.weight.retaped::<OwnedTape<f32, Cpu>>().square().sum();
        network.0.forward(x).square().sum() + penalty
    };
    let theirs = graph(network.1.weight.leaky_trace()).backward();
    let mut store = GradientStore::default();
    let traced = store.trace(network.1.weight.clone());
    store.backward(graph(traced), &network).unwrap();
    let ours = store.gradient(&network.1.weight).unwrap().into_whole();
    close("prompt", &ours, &theirs.get(&network.1.weight).as_vec());
}

fn loss(network: &Network, x: Traced, factor: f32) -> Loss {
    network.forward(x).square().sum() * factor
}

/// Three batches of different sizes before one update: the sum of the three gradients.
#[test]
fn gradients_of_several_passes_accumulate_until_the_update() {
    let device = Cpu::seed_from_u64(6);
    let mut network = network(&device);
    let mut store = GradientStore::default();
    let mut sum = vec![0.0; N * N];
    for (batch, factor) in [(5, 1.0), (1, -0.5), (3, 2.0)] {
        let x = input(&device, batch);
        let whole = loss(&network, x.leaky_trace(), factor).backward().get(&network.0.weight).as_vec();
        sum.iter_mut().zip(whole).for_each(|(sum, value)| *sum += value);
        let traced = store.trace(x);
        store.backward(loss(&network, traced, factor), &network).unwrap();
        // Looking at a layer takes nothing away.
        assert_eq!(weights_of(&network).tensors.len(), 4);
    }
    close("three passes", &store.gradient(&network.0.weight).unwrap().into_whole(), &sum);
    let before = network.0.weight.as_vec();
    store.update(&mut network, step).unwrap();
    let expected: Vec<f32> = before.iter().zip(&sum).map(|(value, gradient)| value - 0.1 * gradient).collect();
    close("the update", &network.0.weight.as_vec(), &expected);
}

fn step(parameter: strata_model::TrainedParameter<'_>) {
    parameter.update(&SgdRule { learning_rate: 0.1, weight_decay: 0.0 }, &mut []);
}

/// dfdx's way of accumulation: the second pass begins with the gradients of the first.
#[test]
fn gradients_already_on_a_tape_are_kept() {
    let device = Cpu::seed_from_u64(6);
    let network = network(&device);
    let x = input(&device, 5);
    let earlier = loss(&network, x.trace(network.alloc_grads()), 1.0).backward();
    let twice = loss(&network, x.leaky_trace(), 2.0).backward();
    let mut store = GradientStore::default();
    store.backward(loss(&network, x.trace(earlier), 1.0), &network).unwrap();
    let expected = twice.get(&network.1.weight).as_vec();
    close("two passes", &store.gradient(&network.1.weight).unwrap().into_whole(), &expected);
}

#[test]
fn an_update_without_a_gradient_is_an_error_and_updates_nothing() {
    let device = Cpu::seed_from_u64(6);
    let mut network = network(&device);
    let before = network.0.weight.as_vec();
    let mut store = GradientStore::default();
    let error = store.update(&mut network, step).unwrap_err();
    assert!(matches!(&error, ModelError::NoGradient { parameter } if parameter == "layer1.weight"), "{error}");
    // A loss that depends on the first layer only.
    let partial = network.0.forward(input(&device, 2).leaky_trace()).square().sum();
    store.backward(partial, &network).unwrap();
    let error = store.update(&mut network, step).unwrap_err();
    assert!(matches!(&error, ModelError::NoGradient { parameter } if parameter == "layer2.weight"), "{error}");
    assert_eq!(network.0.weight.as_vec(), before);
    // The part that has gradients can be updated by itself, once.
    store.update(&mut network.0, step).unwrap();
    assert_ne!(network.0.weight.as_vec(), before);
    assert!(store.update(&mut network.0, step).is_err());
}

#[test]
fn dfdxs_optimizer_continues_after_updates_by_products() {
    let device = Cpu::seed_from_u64(6);
    let mut network = network(&device);
    let mut store = GradientStore::default();
    let traced = store.trace(input(&device, 3));
    store.backward(loss(&network, traced, 1.0), &network).unwrap();
    store.update(&mut network, step).unwrap();
    let before = network.0.weight.as_vec();
    let gradients = loss(&network, input(&device, 3).leaky_trace(), 1.0).backward();
    Sgd::new(&network, SgdConfig { lr: 0.1, ..Default::default() }).update(&mut network, &gradients).unwrap();
    assert_ne!(network.0.weight.as_vec(), before);
}

/// A clone has the ids of its original, but none of its gradients' storage: updating one leaves the other.
#[test]
fn a_clone_keeps_its_values_while_the_original_trains() {
    let device = Cpu::seed_from_u64(6);
    let mut network = network(&device);
    let average = network.clone();
    let before = average.0.weight.as_vec();
    let mut store = GradientStore::default();
    let traced = store.trace(input(&device, 3));
    store.backward(loss(&network, traced, 1.0), &network).unwrap();
    store.update(&mut network, step).unwrap();
    assert_eq!(average.0.weight.as_vec(), before);
    assert_ne!(network.0.weight.as_vec(), before);
}

/// dfdx's `backward` inside of one that keeps products, on the same thread, as a thread that waits for others may run it: its gradients
/// are whole, and the outer pass has none of them.
#[test]
fn a_nested_plain_backward_pass_computes_whole_gradients() {
    let device = Cpu::seed_from_u64(6);
    let (network, x) = (network(&device), input(&device, 3));
    let alone = loss(&network, x.leaky_trace(), 1.0).backward().get(&network.0.weight).as_vec();
    let mut store = GradientStore::default();
    let (value, mut tape) = loss(&network, store.trace(x.clone()), 1.0).split_tape();
    let (inner, expected) = (network.clone(), alone.clone());
    let check = input(&device, 3);
    tape.add_backward_op(move |_| {
        let gradients = loss(&inner, check.leaky_trace(), 1.0).backward();
        close("inner", &gradients.get(&inner.0.weight).as_vec(), &expected);
        Ok(())
    });
    store.backward(value.put_tape(tape), &network).unwrap();
    close("outer", &store.gradient(&network.0.weight).unwrap().into_whole(), &alone);
}

/// The gradient of an intermediate result, for whoever kept it, under dfdx's `backward`.
#[test]
fn an_intermediate_gradient_can_be_asked_for() {
    let device = Cpu::seed_from_u64(6);
    let network = network(&device);
    let (h, tape) = network.0.forward(input(&device, 3).leaky_trace()).split_tape();
    let gradients = network.1.forward(h.clone().put_tape(tape)).sum().backward();
    let weight = network.1.weight.array();
    let sums: Vec<f32> = (0..N).map(|i| weight.iter().map(|row| row[i]).sum()).collect();
    close("intermediate", &gradients.get(&h).as_vec(), &sums.repeat(3));
}
