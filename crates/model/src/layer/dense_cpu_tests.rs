//! Our operation of the tape against dfdx's own, slopes and plain updates.

use strata_kernels::SgdRule;

use super::*;
use crate::{Activation, GradientStore, Layers, mlp, tensors};

fn wave(count: usize, frequency: f32) -> Vec<f32> {
    (0..count).map(|i| (i as f32 * frequency).sin()).collect()
}

fn close(ours: &[f32], theirs: &[f32], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= 2e-5 * b.abs().max(1.0), "{what}[{i}]: {a}, but dfdx has {b}");
    }
}

/// Output, weight, bias and input gradients of our operation and of dfdx's own, for every activation, with dropout,
/// at odd shapes.
fn agrees_with_dfdx<const I: usize, const O: usize>(batch: usize) {
    let device = Cpu::seed_from_u64(7);
    for (activation, dropout) in Activation::ALL.into_iter().flat_map(|a| [(a, 0.0), (a, 0.4)]) {
        let mut layer = device.build_module::<crate::Dense<I, O>, f32>();
        crate::Layer::set_activation(&mut layer, activation, dropout);
        crate::Layer::set_seed(&mut layer, 43, 1);
        crate::Layer::set_step(&mut layer, 5);
        let x = device.tensor_from_vec(wave(batch * I, 0.37), (batch, Const::<I>));
        let up = device.tensor_from_vec(wave(batch * O, 0.91), (batch, Const::<O>));
        let ours = layer.forward(x.leaky_trace());
        let theirs = tensors::dense(&layer, x.leaky_trace()).unwrap();
        let what = format!("[{batch}, {I}] to {O}, {activation:?}, dropout {dropout}: ");
        close(&ours.as_vec(), &theirs.as_vec(), &(what.clone() + "output"));
        let ours = (ours * up.clone()).sum().backward();
        let theirs = (theirs * up).sum().backward();
        close(&ours.get(&layer.weight).as_vec(), &theirs.get(&layer.weight).as_vec(), &(what.clone() + "weight"));
        close(&ours.get(&layer.bias).as_vec(), &theirs.get(&layer.bias).as_vec(), &(what.clone() + "bias"));
        close(&ours.get(&x).as_vec(), &theirs.get(&x).as_vec(), &(what + "input"));
    }
}

#[test]
fn dense_output_and_gradients_equal_dfdxs() {
    agrees_with_dfdx::<1, 1>(1);
    agrees_with_dfdx::<3, 17>(1);
    agrees_with_dfdx::<17, 3>(5);
    agrees_with_dfdx::<40, 33>(19);
}

/// A layer's output, and the gradients that a loss of Σ up · y gives its weight, bias and input, step by step by the loops that define them.
fn bf16_by_loops(layer: &DenseLayer<33, 17, f32, Cpu>, (batch, x, up): (usize, &[f32], &[f32])) -> [Vec<f32>; 4] {
    use strata_kernels::bf16::{rounded, widened};
    use strata_kernels::reference::bf16 as reference;

    let shape = GemmShape { batch, inputs: 33, outputs: 17 };
    let (weight, x) = (layer.weight.as_vec(), rounded(x));
    let mut y = reference::affine(shape, &x, &weight, &layer.bias.as_vec());
    // What the derivative is taken at is kept in eight bits; a rectifier's asks for the sign only.
    let at_input = widened(&rounded(&y));
    kernels::activate(layer.activation, &mut y);
    let at_output = widened(&rounded(&y));
    let at = if kernels::derivative_needs_input(layer.activation) { at_input } else { at_output };
    let mut dy = up.to_vec();
    layer.dropout.apply(&mut y);
    layer.dropout.apply(&mut dy);
    kernels::activation_gradient(layer.activation, &at, &mut dy);
    let mut bias = vec![0.0; 17];
    kernels::bias_gradient(&dy, &mut bias);
    let dy = rounded(&dy);
    [y, reference::weight_gradient(shape, &dy, &x), bias, reference::input_gradient(shape, &dy, &weight)]
}

#[test]
fn a_layer_in_bfloat16_is_the_loops_that_define_it() {
    let device = Cpu::seed_from_u64(7);
    let batch = 19;
    let (x, up) = (wave(batch * 33, 0.37), wave(batch * 17, 0.91));
    for (activation, dropout) in Activation::ALL.into_iter().flat_map(|a| [(a, 0.0), (a, 0.4)]) {
        let mut layer = device.build_module::<crate::Dense<33, 17>, f32>();
        crate::Layer::set_activation(&mut layer, activation, dropout);
        crate::Layer::set_seed(&mut layer, 43, 1);
        let in_f32 = layer.forward(device.tensor_from_vec(x.clone(), (batch, Const::<33>))).as_vec();
        layer.set_precision(Precision::Bf16);
        let [y, weight, bias, input] = bf16_by_loops(&layer, (batch, &x, &up));
        let images = device.tensor_from_vec(x.clone(), (batch, Const::<33>));
        let found = layer.forward(images.leaky_trace());
        assert_eq!(found.as_vec(), y, "{activation}, dropout {dropout}");
        let up = device.tensor_from_vec(up.clone(), (batch, Const::<17>));
        let gradients = (found * up).sum().backward();
        assert_eq!(gradients.get(&layer.weight).as_vec(), weight, "{activation}, dropout {dropout}: weight");
        assert_eq!(gradients.get(&layer.bias).as_vec(), bias, "{activation}, dropout {dropout}: bias");
        assert_eq!(gradients.get(&images).as_vec(), input, "{activation}, dropout {dropout}: input");
        // Eight bits of precision, and without dropout.
        let evaluated = layer.forward(images).as_vec();
        assert!(
            evaluated != in_f32 && evaluated.iter().zip(&in_f32).all(|(a, b)| (a - b).abs() < 0.02),
            "{activation}"
        );
    }
}

/// Two batches' factors stacked, and those of a layer that was told another precision between them.
#[test]
fn gradients_in_bfloat16_add_up() {
    let device = Cpu::seed_from_u64(3);
    let mut network = device.build_module::<mlp!(6, 9, 3), f32>();
    network.configure(Activation::Tanh, 0.0, 43).unwrap();
    let x = device.tensor_from_vec(wave(24, 0.7), (4, Const::<6>));
    for second in Precision::ALL {
        let (mut gradients, mut expected) = (GradientStore::default(), vec![0.0f32; 54]);
        for precision in [Precision::Bf16, second] {
            network.set_precision(precision);
            let loss = |x| crate::cross_entropy(network.forward(x), &[0, 1, 2, 1]).unwrap();
            let whole = loss(x.leaky_trace()).backward().get(&network.0.weight).as_vec();
            expected.iter_mut().zip(whole).for_each(|(sum, gradient)| *sum += gradient);
            let loss = loss(gradients.trace(x.clone()));
            gradients.backward(loss, &network).unwrap();
        }
        let found = gradients.gradient(&network.0.weight).unwrap().into_whole().into_owned();
        close(&found, &expected, &format!("bf16 and {second}"));
    }
}

/// (L(w + h) - L(w - h)) / 2h of the whole network's loss, weight by weight, against its backward pass.
#[test]
fn gradients_are_the_slopes_of_the_loss() {
    let device = Cpu::seed_from_u64(1);
    let labels = [2u8, 0, 1];
    for activation in Activation::ALL {
        let mut network = device.build_module::<mlp!(4, 5, 3), f32>();
        network.configure(activation, 0.0, 43).unwrap();
        let x = device.tensor_from_vec(wave(12, 1.3), (3, Const::<4>));
        let loss = crate::cross_entropy(network.forward(x.leaky_trace()), &labels).unwrap();
        let gradient = loss.backward().get(&network.0.weight).array();
        for (o, row) in gradient.iter().enumerate() {
            for (i, slope) in row.iter().enumerate() {
                let before = network.0.weight[[o, i]];
                let h = 1e-2;
                let mut at = |value: f32| {
                    network.0.weight[[o, i]] = value;
                    crate::cross_entropy(network.forward(x.clone()), &labels).unwrap().array()
                };
                let measured = (at(before + h) - at(before - h)) / (2.0 * h);
                at(before);
                assert!((measured - slope).abs() < 2e-3, "{activation:?} [{o}, {i}]: {slope}, measured {measured}");
            }
        }
    }
}

#[test]
fn the_loss_and_its_gradient_equal_dfdxs() {
    let device = Cpu::default();
    let logits = device.tensor_from_vec(wave(50, 2.1), (5, Const::<10>));
    let labels = [3u8, 9, 0, 1, 1];
    let ours = crate::cross_entropy(logits.leaky_trace(), &labels).unwrap();
    let theirs = crate::loss::by_tensors(logits.leaky_trace(), &labels).unwrap();
    close(&[ours.array()], &[theirs.array()], "loss");
    let (ours, theirs) = (ours.backward(), theirs.backward());
    close(&ours.get(&logits).as_vec(), &theirs.get(&logits).as_vec(), "gradient");
}

/// A product applied with the plain rule p -= lr · g, against the gradient that dfdx's tape holds.
#[test]
fn an_update_by_products_equals_an_update_by_gradients() {
    let device = Cpu::seed_from_u64(3);
    let mut network = device.build_module::<mlp!(6, 9, 3), f32>();
    network.configure(Activation::Tanh, 0.2, 43).unwrap();
    let plain = network.clone();
    let x = device.tensor_from_vec(wave(24, 0.7), (4, Const::<6>));
    let labels = [0, 1, 2, 1];
    let whole = crate::cross_entropy(plain.forward(x.leaky_trace()), &labels).unwrap().backward();
    let mut gradients = GradientStore::default();
    let loss = crate::cross_entropy(network.forward(gradients.trace(x)), &labels).unwrap();
    gradients.backward(loss, &network).unwrap();
    let rule = SgdRule { learning_rate: 0.5, weight_decay: 0.0 };
    let mut names = Vec::new();
    gradients
        .update(&mut network, |parameter| {
            names.push(parameter.name.to_owned());
            parameter.update(&rule, &mut []);
        })
        .unwrap();
    assert_eq!(names, ["layer1.weight", "layer1.bias", "layer2.weight", "layer2.bias"]);
    let expected = plain.1.weight.clone() - whole.get(&plain.1.weight) * 0.5;
    close(&network.1.weight.as_vec(), &expected.as_vec(), "last weight");
    let expected = plain.0.weight.clone() - whole.get(&plain.0.weight) * 0.5;
    close(&network.0.weight.as_vec(), &expected.as_vec(), "first weight");
    let expected = plain.0.bias.clone() - whole.get(&plain.0.bias) * 0.5;
    close(&network.0.bias.as_vec(), &expected.as_vec(), "first bias");
    assert!(gradients.is_empty(), "a gradient is applied once");
}
