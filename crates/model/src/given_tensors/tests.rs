//! Files as PyTorch saves them, and as they should not be.

use std::collections::BTreeMap;

use safetensors::tensor::serialize;

use super::*;
use crate::{Architecture, TensorSpec};

type Given<'a> = (&'a str, Dtype, &'a [usize], Vec<u8>);

fn file(tensors: &[Given<'_>]) -> Vec<u8> {
    let view = |(name, dtype, shape, bytes): &Given<'_>| {
        ((*name).to_owned(), TensorView::new(*dtype, shape.to_vec(), bytes.clone().leak()).unwrap())
    };
    serialize(tensors.iter().map(view).collect::<BTreeMap<_, _>>(), None).unwrap()
}

fn floats(count: u16) -> Vec<u8> {
    (0..count).flat_map(|value| f32::from(value).to_le_bytes()).collect()
}

fn network() -> Vec<NamedTensor> {
    tensors_of(&Architecture::new(2, &[3], 2))
}

fn tensors_of(network: &Architecture) -> Vec<NamedTensor> {
    let tensor = |TensorSpec { name, shape, .. }| NamedTensor { name, shape, values: Vec::new() };
    network.tensors().into_iter().map(tensor).collect()
}

fn read(tensors: &[Given<'_>], new_last_layer: bool) -> Result<GivenTensors, Vec<String>> {
    GivenTensors::read(&file(tensors), &network(), new_last_layer).map_err(|error| match error {
        ModelError::OtherTensors { problems } => problems,
        other => panic!("{other}"),
    })
}

#[test]
fn names_may_be_the_networks_or_numbers_of_modules() {
    let own = [
        ("layer1.weight", Dtype::F32, &[3, 2][..], floats(6)),
        ("layer1.bias", Dtype::F32, &[3], floats(3)),
        ("layer2.weight", Dtype::F32, &[2, 3], floats(6)),
        ("layer2.bias", Dtype::F32, &[2], floats(2)),
    ];
    let found = read(&own, false).unwrap();
    assert_eq!(found.notes, Vec::<String>::new());
    assert_eq!(found.tensors[0].as_ref().unwrap().values, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    // The tenth module comes after the second; a block's first after the module before the block.
    for modules in [["2", "10"], ["net.2", "net.10"], ["fc1", "fc2"], ["0", "1.block.0"]] {
        let names = [".weight", ".bias"].map(|tensor| modules.map(|module| format!("{module}{tensor}")));
        let names = [&names[0][0], &names[1][0], &names[0][1], &names[1][1]];
        let numbered: Vec<_> =
            own.iter().zip(names).map(|(tensor, name)| (name.as_str(), tensor.1, tensor.2, tensor.3.clone())).collect();
        let again = read(&numbered, false).unwrap();
        assert_eq!(again.tensors, found.tensors);
        assert_eq!(again.notes[2], format!("{}.weight is taken as layer2.weight", modules[1]));
    }
}

#[test]
fn an_order_of_modules_is_not_guessed() {
    let given = [
        ("encoder.weight", Dtype::F32, &[3, 2][..], floats(6)),
        ("encoder.bias", Dtype::F32, &[3], floats(3)),
        ("head.weight", Dtype::F32, &[2, 3], floats(6)),
        ("head.bias", Dtype::F32, &[2], floats(2)),
    ];
    let problems = read(&given, false).unwrap_err();
    assert!(problems[0].starts_with("its names are neither the network's (layer1.weight, …)"), "{problems:?}");
    assert_eq!(problems[1..3], ["layer1.weight [3, 2] is missing", "layer1.bias [3] is missing"]);
    assert_eq!(problems[5], "encoder.bias [3] is surplus");
}

#[test]
fn other_precisions_are_converted_and_said() {
    let doubles = |values: &[f64]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let halves = |bits: &[u16]| bits.iter().flat_map(|bits| bits.to_le_bytes()).collect::<Vec<u8>>();
    let given = |first: f64| {
        [
            ("layer1.weight", Dtype::F64, &[3, 2][..], doubles(&[first, 1.0, -2.0, 1e-50, 3.5, 0.0])),
            ("layer1.bias", Dtype::BF16, &[3], halves(&[0x3f80, 0xc000, 0x3fc0])),
            ("layer2.weight", Dtype::F16, &[2, 3], halves(&[0x3c00, 0xc000, 0x0001, 0x7bff, 0x4000, 0x3e00])),
            ("layer2.bias", Dtype::F32, &[2], floats(2)),
        ]
    };
    let found = read(&given(0.1), false).unwrap();
    let values: Vec<_> = found.tensors.iter().map(|tensor| tensor.as_ref().unwrap().values.clone()).collect();
    assert_eq!(values[0], [0.1, 1.0, -2.0, 0.0, 3.5, 0.0]);
    assert_eq!(values[1], [1.0, -2.0, 1.5]);
    assert_eq!(values[2], [1.0, -2.0, 2f32.powi(-24), 65504.0, 2.0, 1.5]);
    assert_eq!(found.notes, ["layer1.weight was F64", "layer1.bias was BF16", "layer2.weight was F16"]);
    let problems = read(&given(1e39), false).unwrap_err();
    assert_eq!(problems, ["layer1.weight has a value that is not finite in 32 bits, at 0"]);
}

#[test]
fn every_mismatch_is_told_in_one_list() {
    let given = [
        ("layer1.weight", Dtype::F32, &[2, 3][..], floats(6)),
        ("layer1.bias", Dtype::I32, &[3], floats(3)),
        ("layer2.weight", Dtype::F32, &[5, 3], floats(15)),
        ("layer3.bias", Dtype::F32, &[2], floats(2)),
        ("norm1.num_batches_tracked", Dtype::I64, &[], vec![0; 8]),
    ];
    let expected = [
        "layer1.weight is [2, 3], not [3, 2]: it is transposed",
        "layer1.bias is of I32, not of F32, F64, F16 or BF16",
        "layer2.weight is [5, 3], not [2, 3]",
        "layer2.bias [2] is missing",
        "layer3.bias [2] is surplus",
    ];
    assert_eq!(read(&given, false).unwrap_err(), expected);
    let error = GivenTensors::read(b"no file", &network(), false).unwrap_err().to_string();
    assert!(error.contains("it is no safetensors file"), "{error}");
}

#[test]
fn a_last_layer_of_other_classes_is_left_to_be_drawn() {
    let given = [
        ("0.weight", Dtype::F32, &[3, 2][..], floats(6)),
        ("0.bias", Dtype::F32, &[3], floats(3)),
        ("2.weight", Dtype::F32, &[7, 3], floats(21)),
        ("2.bias", Dtype::F32, &[7], floats(7)),
    ];
    assert_eq!(read(&given, false).unwrap_err()[0], "2.weight (as layer2.weight) is [7, 3], not [2, 3]");
    let found = read(&given, true).unwrap();
    assert!(found.tensors[..2].iter().all(Option::is_some) && found.tensors[2..].iter().all(Option::is_none));
    assert_eq!(found.notes[2], "layer2.weight [2, 3] is drawn");
}

#[test]
fn a_negative_variance_is_refused() {
    let network = Architecture::from("2, 2 batch_norm, 2".parse::<strata_spec::NetworkSpec>().unwrap());
    let two = |first: f32| [first, 1.0].iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let tensors = tensors_of(&network);
    let given = |variance: f32| -> Vec<u8> {
        let tensor = |spec: &NamedTensor| {
            let first = if spec.name == "norm1.running_var" { variance } else { 1.0 };
            let bytes = if spec.shape.len() == 2 { [two(1.0), two(1.0)].concat() } else { two(first) };
            (spec.name.clone(), TensorView::new(Dtype::F32, spec.shape.clone(), bytes.leak()).unwrap())
        };
        serialize(tensors.iter().map(tensor).collect::<BTreeMap<_, _>>(), None).unwrap()
    };
    assert!(GivenTensors::read(&given(1.0), &tensors, false).is_ok());
    let error = GivenTensors::read(&given(-0.5), &tensors, false).unwrap_err().to_string();
    assert!(error.contains("norm1.running_var has a variance below zero"), "{error}");
}

#[test]
fn modules_of_a_users_own_are_taken_and_not_drawn() {
    let tensor =
        |name: &str, shape: &[usize]| NamedTensor { name: name.into(), shape: shape.into(), values: Vec::new() };
    let dense = [tensor("layer1.weight", &[3, 2]), tensor("layer1.bias", &[3])];
    let given = [
        ("layer1.weight", Dtype::F32, &[3, 2][..], floats(6)),
        ("layer1.bias", Dtype::F32, &[3], floats(3)),
        ("module1.gain", Dtype::F32, &[3], floats(3)),
    ];
    let gain = [tensor("module1.gain", &[3])];
    let found = GivenTensors::read(&file(&given), &[&dense[..], &gain].concat(), false).unwrap();
    assert_eq!(found.tensors[2].as_ref().unwrap().values, [0.0, 1.0, 2.0]);
    let before = [&gain[..], &dense].concat();
    let found = GivenTensors::read(&file(&given), &before, true).unwrap();
    assert!(found.tensors[0].is_some() && found.tensors[1..].iter().all(Option::is_none));
    let error = GivenTensors::read(&file(&given), &[&dense[..], &gain].concat(), true).unwrap_err().to_string();
    assert!(error.contains("ends with the module module1 of its own"), "{error}");
}

/// What mirroring does follows from the network's own inputs, whatever another run's images were.
#[test]
fn another_mirror_is_refused() {
    let network = Architecture::from("2, mirrored(3 relu), 2".parse::<strata_spec::NetworkSpec>().unwrap());
    let with_mirror = |places: [f32; 2]| {
        let mut tensors = tensors_of(&network);
        for tensor in &mut tensors {
            tensor.values =
                if tensor.name == "layer1.mirror" { places.to_vec() } else { vec![0.5; tensor.shape.iter().product()] };
        }
        tensors
    };
    let given = |places| {
        let bytes = |spec: &NamedTensor| spec.values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let view = |spec: &NamedTensor| {
            TensorView::new(Dtype::F32, spec.shape.clone(), bytes(spec).leak()).map(|view| (spec.name.clone(), view))
        };
        let tensors = with_mirror(places);
        serialize(tensors.iter().map(|spec| view(spec).unwrap()).collect::<BTreeMap<_, _>>(), None).unwrap()
    };
    // Places change, or signs do.
    let (swapped, turned) = ([2.0, 1.0], [1.0, -2.0]);
    assert!(GivenTensors::read(&given(swapped), &with_mirror(swapped), false).is_ok());
    let error = GivenTensors::read(&given(turned), &with_mirror(swapped), false).unwrap_err().to_string();
    assert!(error.contains("layer1.mirror mirrors other inputs"), "{error}");
    // A network that nobody told has none yet.
    assert!(GivenTensors::read(&given(turned), &with_mirror([0.0, 0.0]), false).is_ok());
}
