//! Initial parameters against PyTorch's.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use dfdx::prelude::*;
use sha2::{Digest, Sha256};
use strata_model::{Layers, initialise, initialise_by, mlp, net, skip_initialisation, tensors_of, weights_of};
use strata_rng::TorchRng;
use strata_spec::{Initialisation, Named, WeightInit};

/// `torch.manual_seed(43)`, then `nn.Linear(3072, 2048)`, `(2048, 1024)`, `(1024, 64)`, `(64, 10)`: the SHA-256 of all 8,457,930
/// values as little-endian f32, in order, printed by PyTorch 2.15.
#[test]
fn initial_parameters_of_seed_43_equal_pytorchs() {
    let mut network = Cpu::default().build_module::<mlp!(3072, 2048, 1024, 64, 10), f32>();
    initialise(&mut network, &mut TorchRng::new(43));
    let weights = weights_of(&network);
    let mut hash = Sha256::new();
    for tensor in &weights.tensors {
        for value in &tensor.values {
            hash.update(value.to_le_bytes());
        }
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "d33ee650daa59ec0f3cb072e9e7cf60a725aa2501dc8ca6581ddc4e67e91e496");
    assert_eq!(weights.architecture.parameters(), 8_457_930);
}

type Small = mlp!(5, 7, 14, 3, 5);

fn golden() -> serde_json::Value {
    serde_json::from_str(include_str!("../golden/initialisation.json")).unwrap()
}

/// By torch.nn.init (crates/bench/pytorch/initialisation.py): uniform and normal weights to the bit, orthogonal ones to rounding; and the generator
/// stands where PyTorch's does.
#[test]
fn every_initialisation_is_that_of_torch_nn_init() {
    let golden = golden();
    for kind in WeightInit::ALL {
        let expected = &golden["kinds"][kind.as_str()];
        let mut network = Cpu::default().build_module::<Small, f32>();
        let mut rng = TorchRng::new(43);
        let how = Initialisation { weights: kind, zero_residual: false };
        initialise_by(&mut network, how, &mut rng);
        let tensors = tensors_of(&network);
        assert_eq!(tensors.len(), expected["tensors"].as_array().unwrap().len());
        for (tensor, expected) in tensors.iter().zip(expected["tensors"].as_array().unwrap()) {
            let expected: Vec<f32> =
                expected.as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect();
            if kind == WeightInit::Orthogonal {
                let equal = |(a, b): (&f32, &f32)| (a - b).abs() < 2e-6;
                assert!(
                    tensor.values.iter().zip(&expected).all(equal),
                    "{}: {:?} {expected:?}",
                    tensor.name,
                    tensor.values
                );
            } else {
                assert_eq!(tensor.values, expected, "{kind} {}", tensor.name);
            }
        }
        let mut skipped = TorchRng::new(43);
        skip_initialisation(&network.architecture(), how, &mut skipped);
        assert_eq!(skipped.state(), rng.state(), "{kind}");
        assert_eq!(rng.uniform(0.0, 1.0), expected["next"].as_f64().unwrap() as f32, "{kind}");
    }
}

/// Rows, or columns where they are fewer, are of length one and at right angles to each other.
#[test]
fn orthogonal_weights_are_orthogonal() {
    let mut network = Cpu::default().build_module::<mlp!(90, 300, 130, 10), f32>();
    let how = Initialisation { weights: WeightInit::Orthogonal, zero_residual: false };
    initialise_by(&mut network, how, &mut TorchRng::new(43));
    for tensor in tensors_of(&network).iter().filter(|tensor| tensor.shape.len() == 2) {
        let (rows, columns) = (tensor.shape[0], tensor.shape[1]);
        let value = |vector: usize, place: usize| match rows <= columns {
            true => tensor.values[vector * columns + place],
            false => tensor.values[place * columns + vector],
        };
        let (count, length) = (rows.min(columns), rows.max(columns));
        for a in 0..count {
            for b in 0..=a {
                let product: f64 =
                    (0..length).map(|place| f64::from(value(a, place)) * f64::from(value(b, place))).sum();
                let expected = if a == b { 1.0 } else { 0.0 };
                assert!((product - expected).abs() < 1e-6, "{}: {a} {b}: {product}", tensor.name);
            }
        }
    }
}

/// Of as many rows as columns there are two orthogonal factors, by rows and by columns; `torch.nn.init.orthogonal_` of a `Linear(4, 4)` after `manual_seed(43)`
/// gives this one.
#[test]
fn a_square_weight_is_the_factor_that_torch_takes() {
    let expected = [
        [0.431_881_55, -0.202_572_93, -0.469_213_52, -0.743_156_25],
        [-0.328_547_18, -0.156_387_95, 0.713_483_2, -0.598_783_25],
        [-0.508_558_3, 0.742_589_24, -0.319_846_75, -0.296_02],
        [-0.668_508_35, -0.618_925_1, -0.410_461_43, 0.039_365_828_f32],
    ];
    let mut network = Cpu::default().build_module::<mlp!(4, 4), f32>();
    let how = Initialisation { weights: WeightInit::Orthogonal, zero_residual: false };
    initialise_by(&mut network, how, &mut TorchRng::new(43));
    let weight = &tensors_of(&network)[0];
    let close = weight.values.iter().zip(expected.concat()).all(|(ours, theirs)| (ours - theirs).abs() < 2e-6);
    assert!(close, "{:?}", weight.values);
}

/// A block that begins at zero gives its input.
#[test]
fn a_block_that_begins_at_zero_is_its_input() {
    type Blocks = net!(6, skip(rms_norm, 9 gelu, 6), skip(7 relu, 6 batch_norm), skip(6 relu, layer_norm));
    let device = Cpu::default();
    let mut network = device.build_module::<Blocks, f32>();
    let how = Initialisation { weights: WeightInit::KaimingNormal, zero_residual: true };
    initialise_by(&mut network, how, &mut TorchRng::new(43));
    let tensors = tensors_of(&network);
    let zero = |name: &str| {
        tensors.iter().find(|tensor| tensor.name == name).unwrap().values.iter().all(|value| *value == 0.0)
    };
    assert!(zero("layer2.weight") && zero("norm2.weight") && zero("norm3.weight"));
    assert!(!zero("layer1.weight") && !zero("norm1.weight") && !zero("layer4.weight"));
    let x: Tensor<(usize, Const<6>), f32, Cpu> = device.sample_normal_like(&(5, Const::<6>));
    assert_eq!(network.forward(x.clone()).as_vec(), x.as_vec());
}
