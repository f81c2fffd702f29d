//! Layers against dfdx's own modules and the slopes of a loss, alone and in a residual network, at odd shapes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use dfdx::nn::modules;
use dfdx::prelude::*;
use strata_kernels::SgdRule;
use strata_model::{
    Activation, External, GradientStore, InputTransform, Layers, ModelError, Predictor, TrainedModel, Usage,
    check_generators, cross_entropy, initialise, load_tensors, net, skip_initialisation, tensor_specs, weights_of,
};
use strata_rng::TorchRng;
use strata_spec::{Initialisation, LayerKind, Precision};

type Matrix<const N: usize, T = NoneTape> = Tensor<(usize, Const<N>), f32, Cpu, T>;
type Traced<const N: usize> = Matrix<N, OwnedTape<f32, Cpu>>;

fn wave(count: usize, frequency: f32) -> Vec<f32> {
    (0..count).map(|i| (i as f32 * frequency).sin() + 0.3).collect()
}

fn input<const N: usize>(batch: usize) -> Matrix<N> {
    Cpu::default().tensor_from_vec(wave(batch * N, 0.37), (batch, Const::<N>))
}

fn close(what: &str, ours: &[f32], theirs: &[f32], tolerance: f32) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{what}[{i}]: {a}, expected {b}");
    }
}

/// A loss that every output has a share of its own in.
fn loss<const N: usize>(y: Traced<N>) -> Tensor<Rank0, f32, Cpu, OwnedTape<f32, Cpu>> {
    let batch = y.shape().0;
    let up: Matrix<N> = y.device().tensor_from_vec(wave(batch * N, 0.91), (batch, Const::<N>));
    (y.square() * up).sum()
}

fn batch_norm_is_dfdxs<const N: usize>(batch: usize) {
    let device = Cpu::default();
    let mut ours = device.build_module::<strata_model::BatchNorm<N>, f32>();
    ours.weight.copy_from(&wave(N, 0.5));
    ours.bias.copy_from(&wave(N, 0.7));
    let mut theirs: modules::BatchNorm1D<N, f32, Cpu> = BuildModule::build(&device);
    (theirs.scale, theirs.bias) = (ours.weight.clone(), ours.bias.clone());
    let x = input::<N>(batch);
    for pass in 0..3 {
        let what = format!("[{batch}, {N}], pass {pass}");
        let (a, b) = (ours.forward_mut(x.leaky_trace()), theirs.forward_mut(x.leaky_trace()));
        // dfdx sums in single precision, the kernels in double.
        close(&what, &a.as_vec(), &b.as_vec(), 1e-4);
        let (a, b) = (loss(a).backward(), loss(b).backward());
        close(&what, &a.get(&ours.weight).as_vec(), &b.get(&theirs.scale).as_vec(), 1e-3);
        close(&what, &a.get(&ours.bias).as_vec(), &b.get(&theirs.bias).as_vec(), 1e-3);
        close(&what, &a.get(&x).as_vec(), &b.get(&x).as_vec(), 1e-3);
        close(&what, &ours.running_mean.as_vec(), &theirs.running_mean.as_vec(), 1e-5);
        close(&what, &ours.running_var.as_vec(), &theirs.running_var.as_vec(), 1e-5);
    }
    close("evaluation", &ours.forward(x.clone()).as_vec(), &theirs.forward(x).as_vec(), 1e-4);
}

#[test]
fn batch_normalisation_equals_dfdxs_with_its_running_statistics() {
    batch_norm_is_dfdxs::<1>(2);
    batch_norm_is_dfdxs::<17>(5);
    batch_norm_is_dfdxs::<33>(19);
    let mut layer = Cpu::default().build_module::<strata_model::BatchNorm<3>, f32>();
    assert!(layer.try_forward_mut(input::<3>(1).leaky_trace()).is_err(), "one sample has no variance");
}

fn layer_norm_is_dfdxs<const N: usize>(batch: usize) {
    let device = Cpu::default();
    let mut ours = device.build_module::<strata_model::LayerNorm<N>, f32>();
    ours.weight.copy_from(&wave(N, 0.5));
    ours.bias.copy_from(&wave(N, 0.7));
    let mut theirs: modules::LayerNorm1D<N, f32, Cpu> = BuildModule::build(&device);
    (theirs.gamma, theirs.beta) = (ours.weight.clone(), ours.bias.clone());
    let x = input::<N>(batch);
    let what = format!("[{batch}, {N}]");
    let (a, b) = (ours.forward(x.leaky_trace()), theirs.forward(x.leaky_trace()));
    close(&what, &a.as_vec(), &b.as_vec(), 2e-5);
    let (a, b) = (loss(a).backward(), loss(b).backward());
    close(&what, &a.get(&ours.weight).as_vec(), &b.get(&theirs.gamma).as_vec(), 1e-4);
    close(&what, &a.get(&ours.bias).as_vec(), &b.get(&theirs.beta).as_vec(), 1e-4);
    close(&what, &a.get(&x).as_vec(), &b.get(&x).as_vec(), 1e-4);
}

#[test]
fn layer_normalisation_equals_dfdxs() {
    layer_norm_is_dfdxs::<2>(1);
    layer_norm_is_dfdxs::<17>(5);
    layer_norm_is_dfdxs::<40>(19);
}

/// `x / √(mean of x² + eps) · weight`, of dfdx's operations.
#[test]
fn rms_normalisation_equals_its_formula() {
    let mut ours = Cpu::default().build_module::<strata_model::RmsNorm<7>, f32>();
    ours.weight.copy_from(&wave(7, 0.5));
    let x = input::<7>(5);
    let shape = *x.shape();
    let squares = x.leaky_trace().square().mean::<(usize,), Axis<1>>();
    let rms = (squares + f32::EPSILON).sqrt().broadcast_like::<_, Axis<1>>(&shape);
    let gain = ours.weight.retaped::<OwnedTape<f32, Cpu>>().broadcast_like::<_, Axis<0>>(&shape);
    let theirs = x.leaky_trace() / rms * gain;
    let a = ours.forward(x.leaky_trace());
    close("output", &a.as_vec(), &theirs.as_vec(), 1e-5);
    let (a, b) = (loss(a).backward(), loss(theirs).backward());
    close("gain", &a.get(&ours.weight).as_vec(), &b.get(&ours.weight).as_vec(), 1e-4);
    close("input", &a.get(&x).as_vec(), &b.get(&x).as_vec(), 1e-4);
}

type Residual = net!(7, 5 batch_norm gelu, skip(layer_norm, 11 silu, 5), rms_norm, skip(skip(5 tanh), 5), 3);

/// Every gradient of the residual network by products against (L(p + h) - L(p - h)) / 2h, parameter by parameter.
#[test]
fn gradients_of_a_residual_network_are_the_slopes_of_its_loss() {
    let mut network = Cpu::default().build_module::<Residual, f32>();
    initialise(&mut network, &mut TorchRng::new(3));
    let labels = [2, 0, 1, 1, 0, 2];
    let x = input::<7>(6);
    let mut store = GradientStore::default();
    let traced = store.trace(x.clone());
    let logits = network.forward_mut(traced);
    store.backward(cross_entropy(logits, &labels).unwrap(), &network).unwrap();
    let mut gradients = Vec::new();
    let mut copy = network.clone();
    store
        .update(&mut copy, |parameter| {
            gradients.push((parameter.name.to_owned(), parameter.gradient.into_whole().into_owned()))
        })
        .unwrap();
    let trained = tensor_specs(&network).into_iter().filter(|tensor| tensor.trained).map(|tensor| tensor.name);
    assert_eq!(gradients.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), trained.collect::<Vec<_>>());
    let mut weights = weights_of(&network).tensors;
    let mut at = |weights: &[strata_model::NamedTensor]| {
        load_tensors(&mut network, weights).unwrap();
        f64::from(cross_entropy(network.forward_mut(x.leaky_trace()), &labels).unwrap().array())
    };
    for (name, gradient) in gradients {
        let place = weights.iter().position(|tensor| tensor.name == name).unwrap();
        for (i, slope) in gradient.into_iter().enumerate() {
            let (before, h) = (weights[place].values[i], 1e-2);
            weights[place].values[i] = before + h;
            let above = at(&weights);
            weights[place].values[i] = before - h;
            let below = at(&weights);
            weights[place].values[i] = before;
            let measured = ((above - below) / f64::from(2.0 * h)) as f32;
            assert!((measured - slope).abs() < 3e-3, "{name}[{i}]: {slope}, measured {measured}");
        }
    }
}

/// dfdx's own modules in a network train as ours do, their running statistics are no parameters, and their tensors have names.
#[test]
fn modules_of_dfdx_train_on_the_fast_path() {
    type Network = net!(7, 5 relu, module(BatchNorm1D<5> => 5), module(Linear<5, 4> => 4), 3);
    let mut network = Cpu::default().build_module::<Network, f32>();
    let names: Vec<_> = tensor_specs(&network).into_iter().map(|tensor| (tensor.name, tensor.trained)).collect();
    let expected = [
        ("layer1.weight", true),
        ("layer1.bias", true),
        ("module1.scale", true),
        ("module1.bias", true),
        ("module1.running_mean", false),
        ("module1.running_var", false),
        ("module2.weight", true),
        ("module2.bias", true),
        ("layer2.weight", true),
        ("layer2.bias", true),
    ];
    assert_eq!(names, expected.map(|(name, trained)| (name.to_owned(), trained)));
    let labels = [2, 0, 1, 1, 0, 2];
    let x = input::<7>(6);
    let mut losses = Vec::new();
    for _ in 0..30 {
        let mut reference = network.clone();
        let whole = cross_entropy(reference.forward_mut(x.leaky_trace()), &labels).unwrap().backward();
        let mut store = GradientStore::default();
        let traced = store.trace(x.clone());
        let loss = cross_entropy(network.forward_mut(traced), &labels).unwrap();
        losses.push(loss.array());
        store.backward(loss, &network).unwrap();
        let linear = &network.1.1.1.0.0.weight;
        close("Linear", &store.gradient(linear).unwrap().into_whole(), &whole.get(linear).as_vec(), 1e-5);
        let dense = &network.0.weight;
        close("Dense", &store.gradient(dense).unwrap().into_whole(), &whole.get(dense).as_vec(), 1e-5);
        let rule = SgdRule { learning_rate: 0.5, weight_decay: 0.0 };
        store.update(&mut network, |parameter| parameter.update(&rule, &mut [])).unwrap();
    }
    assert!(losses[29] < 0.5 * losses[0], "{losses:?}");
    let usage = Usage {
        activation: Activation::Identity,
        dropout: 0.0,
        input: vec![7],
        classes: ["a", "b", "c"].map(String::from).to_vec(),
        transform: InputTransform::None,
        precision: Precision::F32,
    };
    let model = TrainedModel::new(weights_of(&network), usage).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    assert_eq!(TrainedModel::load(&path).unwrap(), model);
    let mut again = Cpu::default().build_module::<Network, f32>();
    model.load_into(&mut again).unwrap();
    assert_eq!(weights_of(&again), weights_of(&network));
    let error = Predictor::load(&path).unwrap_err();
    assert!(matches!(&error, ModelError::OwnModule { module } if module.contains("BatchNorm1D")), "{error}");
}

#[test]
fn a_module_with_a_generator_of_its_own_is_refused() {
    type Half = External<(Linear<5, 5>, Dropout), 5, 5>;
    let network = Cpu::default().build_module::<(net!(7, 5 relu), Half), f32>();
    let error = check_generators(&network).unwrap_err();
    assert!(matches!(&error, ModelError::PrivateGenerator { module } if module.ends_with("Dropout")), "{error}");
    let one_in = Cpu::default().build_module::<External<DropoutOneIn<2>, 5, 5>, f32>();
    assert!(check_generators::<_, Cpu>(&one_in).is_err());
    check_generators(&Cpu::default().build_module::<Residual, f32>()).unwrap();
}

/// Half of 4,000 values dropped, ± 5·√(4000/4) = 158; another mask at another step, the same at the same, none without a tape.
#[test]
fn dropout_depends_on_seed_layer_and_step_alone() {
    let mut layer = Cpu::default().build_module::<strata_model::DropoutLayer<500_000>, f32>();
    layer.configure(Activation::Identity, 0.0, 43).unwrap();
    let ones: Matrix<100> = Cpu::default().ones_like(&(40, Const::<100>));
    let mut masks = Vec::new();
    for step in [1, 2, 1] {
        layer.set_step(step);
        masks.push(layer.forward(ones.leaky_trace()).as_vec());
    }
    let dropped = masks[0].iter().filter(|value| **value == 0.0).count();
    assert!((1842..=2158).contains(&dropped), "{dropped}");
    assert!(masks[0].iter().all(|value| *value == 0.0 || *value == 2.0));
    assert!(masks[0] != masks[1] && masks[0] == masks[2]);
    assert_eq!(layer.forward(ones.clone()).as_vec(), ones.as_vec());
    let gradient = layer.forward(ones.leaky_trace()).sum().backward().get(&ones).as_vec();
    assert_eq!(gradient, masks[2]);
}

#[test]
fn a_dropout_that_would_leave_nothing_is_refused() {
    let mut network = Cpu::default().build_module::<strata_model::mlp!(5, 4, 3), f32>();
    for probability in [1.0, 1.5, -0.2, f32::NAN] {
        let refused = network.configure(Activation::Relu, probability, 43);
        assert!(matches!(refused, Err(ModelError::Dropout { .. })), "{probability}: {refused:?}");
    }
}

#[test]
fn a_network_with_its_own_activations_refuses_another() {
    let mut network = Cpu::default().build_module::<Residual, f32>();
    network.configure(Activation::Identity, 0.0, 43).unwrap();
    let errors = [network.configure(Activation::Relu, 0.0, 43), network.configure(Activation::Identity, 0.1, 43)];
    for error in errors {
        assert!(matches!(error, Err(ModelError::ActivationIsFixed { .. })), "{error:?}");
    }
}

/// The predictor's outputs are the compiled network's, to the bit, for a chain and for a residual network after training.
#[test]
fn the_predictors_outputs_equal_the_networks() {
    let mut network = Cpu::default().build_module::<Residual, f32>();
    initialise(&mut network, &mut TorchRng::new(3));
    let x = input::<7>(6);
    for _ in 0..3 {
        network.forward_mut(x.leaky_trace());
    }
    let usage = |activation| Usage {
        activation,
        dropout: 0.0,
        input: vec![7, 1, 1],
        classes: ["a", "b", "c"].map(String::from).to_vec(),
        transform: InputTransform::Pixels { mean: vec![0.4; 7], deviation: vec![0.25; 7] },
        precision: Precision::F32,
    };
    let model = TrainedModel::new(weights_of(&network), usage(Activation::Identity)).unwrap();
    let predictor = Predictor::new(model).unwrap();
    let logits = network.forward(x.clone());
    assert_eq!(predictor.logits(&x.as_vec()).unwrap(), logits.as_vec());
    let sums: Vec<f32> = predictor.probabilities(&x.as_vec()).unwrap().chunks(3).map(|row| row.iter().sum()).collect();
    close("probabilities", &sums, &[1.0; 6], 1e-6);
    let mut chain = Cpu::default().build_module::<strata_model::mlp!(7, 5, 3), f32>();
    initialise(&mut chain, &mut TorchRng::new(3));
    chain.configure(Activation::Gelu, 0.3, 43).unwrap();
    let model = TrainedModel::new(weights_of(&chain), usage(Activation::Gelu)).unwrap();
    let predictor = Predictor::new(model).unwrap();
    assert_eq!(predictor.logits(&x.as_vec()).unwrap(), chain.forward(x.clone()).as_vec());
    let classes: Vec<usize> = predictor.classify_bytes(&[0, 50, 100, 150, 200, 250, 255]).unwrap();
    assert!(classes.len() == 1 && classes[0] < 3);
    assert!(matches!(predictor.logits(&[0.0; 8]), Err(ModelError::Samples { values: 8, inputs: 7 })));
    assert!(predictor.logits(&[]).unwrap().is_empty());
}

/// The loaders' arithmetic (`ValueScale::apply` in the data sets' crate), which tests there hold against NumPy's.
#[test]
fn the_predictor_scales_floats_of_each_value_or_of_each_channel() {
    let usage = |mean: &[f32], deviation: &[f32]| Usage {
        activation: Activation::Relu,
        dropout: 0.0,
        input: vec![2, 1, 2],
        classes: vec!["a".into(), "b".into(), "c".into()],
        transform: InputTransform::Values { mean: mean.to_vec(), deviation: deviation.to_vec() },
        precision: Precision::F32,
    };
    let weights = || {
        let mut network = Cpu::default().build_module::<strata_model::mlp!(4, 3), f32>();
        network.configure(Activation::Relu, 0.0, 1).unwrap();
        weights_of(&network)
    };
    let predictor = |usage| TrainedModel::new(weights(), usage).and_then(Predictor::new);
    let of_channels = predictor(usage(&[1.0, -1.0], &[2.0, 0.5])).unwrap();
    assert_eq!(of_channels.features_of_values(&[1.0, 3.0, -1.0, 0.0]).unwrap(), [0.0, 1.0, 0.0, 2.0]);
    let of_each = predictor(usage(&[1.0, 2.0, 3.0, 4.0], &[1.0, 2.0, 4.0, 0.5])).unwrap();
    let samples = [1.0, 3.0, -1.0, 0.0, 2.0, 2.0, 3.0, 4.0];
    assert_eq!(of_each.features_of_values(&samples).unwrap(), [0.0, 0.5, -1.0, -8.0, 1.0, 0.0, 0.0, 0.0]);
    assert!(matches!(of_each.features_of_values(&samples[1..]), Err(ModelError::Samples { .. })));
    assert!(of_each.features(&[0; 4]).unwrap_err().to_string().contains("takes no bytes"));
    assert!(predictor(usage(&[1.0; 3], &[1.0; 3])).is_err() && predictor(usage(&[1.0; 2], &[0.0; 2])).is_err());
}

/// To the bit what the loader of training makes of every byte in every channel.
#[test]
fn the_predictors_scaled_pixels_equal_the_loaders() {
    let (mean, deviation) = (vec![0.491_4, 0.482_2, 0.446_5], vec![0.247, 0.243_5, 0.261_6]);
    let scale = strata_dataset::PixelScale::Normalised { mean: mean.clone(), deviation: deviation.clone() };
    let tables = scale.tables(3).unwrap();
    let network = Cpu::default().build_module::<strata_model::mlp!(768, 2), f32>();
    let usage = Usage {
        activation: Activation::Relu,
        dropout: 0.0,
        input: vec![3, 16, 16],
        classes: vec!["a".into(), "b".into()],
        transform: InputTransform::Pixels { mean, deviation },
        precision: Precision::F32,
    };
    let predictor = Predictor::new(TrainedModel::new(weights_of(&network), usage).unwrap()).unwrap();
    let bytes: Vec<u8> = (0..3).flat_map(|_| 0..=255).collect();
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&predictor.features(&bytes).unwrap()), bits(tables.as_flattened()));
}

/// A network with every layer that a word calls; a further one is written in.
type EveryKind = net!(6, batch_norm, 5 layer_norm gelu dropout(0.25), skip(rms_norm, 5, stochastic_depth(0.5)), 3);

/// What is declared of a kind of layer is what its module has: names, shapes, draws, and the outputs where sizes are known at run time only.
#[test]
fn every_kind_of_layer_is_as_it_is_declared() {
    let mut network = Cpu::default().build_module::<EveryKind, f32>();
    let architecture = network.architecture();
    for kind in LayerKind::ALL {
        assert!(architecture.to_string().contains(&kind.to_string()), "write {kind} into `EveryKind`");
    }
    assert_eq!(architecture.tensors(), tensor_specs(&network));
    let (mut drawn, mut skipped) = (TorchRng::new(3), TorchRng::new(3));
    initialise(&mut network, &mut drawn);
    skip_initialisation(&architecture, Initialisation::default(), &mut skipped);
    assert_eq!(drawn.state(), skipped.state());
    let mut weights = weights_of(&network);
    for (tensor, number) in weights.tensors.iter_mut().zip(1..) {
        let values = wave(tensor.values.len(), 0.3 * number as f32);
        tensor.values.iter_mut().zip(values).for_each(|(value, wave)| *value += 0.1 * wave);
    }
    load_tensors(&mut network, &weights.tensors).unwrap();
    let usage = Usage::of_features(Activation::Identity, 6, ["a", "b", "c"]);
    let predictor = Predictor::new(TrainedModel::new(weights, usage).unwrap()).unwrap();
    let x = input::<6>(7);
    assert_eq!(predictor.logits(&x.as_vec()).unwrap(), network.forward(x).as_vec());
}
