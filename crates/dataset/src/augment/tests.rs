//! Each change against Pillow's result, the statistics of the draws, and what a batch depends on.

use strata_spec::Edges;

use super::crop::{Crop, Part, crop};
use super::geometry::{Mirror, cut_out, shift};
use super::jitter::{brightness, contrast, saturation};
use super::rotate::rotate;
use super::*;

fn numbers<T: std::str::FromStr>(words: &str) -> Vec<T> {
    words.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// The file is made by `crates/bench/pytorch/augment.py`.
#[test]
fn each_change_is_pillows_to_the_byte() {
    let golden = include_str!("../../tests/golden/augment.txt");
    let (mut shape, mut image, mut checked) = (ImageShape::CIFAR, Vec::<u8>::new(), 0);
    let draws = || Draws::new(Philox::new(0, 0), 0);
    for line in golden.lines() {
        let (what, expected) = line.split_once(": ").unwrap();
        let expected: Vec<u8> = numbers(expected);
        let (name, words) = what.split_once(' ').unwrap_or((what, ""));
        let (sizes, reals): (Vec<usize>, Vec<f64>) = (numbers(words), numbers(words));
        if name == "image" {
            shape = ImageShape { channels: sizes[0], height: sizes[1], width: sizes[2] };
            image = expected;
            continue;
        }
        let (mut found, mut scratch) = (image.clone(), vec![7; 3]);
        match name {
            "mirror" => Mirror.apply(&mut found, shape, &mut draws(), &mut scratch),
            "shift" => {
                let edges = Edges::ALL.into_iter().find(|edges| words.ends_with(&edges.to_string())).unwrap();
                let by: Vec<isize> = numbers(words);
                shift(&mut found, shape, [by[0], by[1]], edges, &mut scratch);
            }
            "cutout" => cut_out(&mut found, shape, [sizes[0], sizes[1]], sizes[2]),
            "crop" => {
                let part = Part { left: sizes[0], top: sizes[1], width: sizes[2], height: sizes[3] };
                crop(&mut found, shape, part, &mut scratch);
            }
            "rotate" => rotate(&mut found, shape, reals[0], &mut scratch),
            "brightness" => brightness(&mut found, shape, reals[0] as f32),
            "contrast" => contrast(&mut found, shape, reals[0] as f32),
            "saturation" => saturation(&mut found, shape, reals[0] as f32),
            other => unreachable!("{other}"),
        }
        assert_eq!(found, expected, "{what} of {shape:?}");
        checked += 1;
    }
    assert_eq!(checked, 3 * (1 + 12 + 5 + 5 + 6 + 10) + 5 + 2 * 20);
}

const SAMPLES: u32 = 100_000;

/// Mean and standard deviation of what `draw` makes of the draws of each sample.
fn statistics(draw: impl Fn(&mut Draws) -> f64) -> (f64, f64) {
    let values: Vec<f64> = (0..SAMPLES).map(|i| draw(&mut Draws::new(Philox::new(43, i.into()), 2))).collect();
    let mean = values.iter().sum::<f64>() / f64::from(SAMPLES);
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / f64::from(SAMPLES);
    (mean, variance.sqrt())
}

/// The bounds are four standard errors.
fn assert_statistics(what: &str, (mean, deviation): (f64, f64), expected_mean: f64, expected_deviation: f64) {
    let error = 4.0 * expected_deviation / f64::from(SAMPLES).sqrt();
    assert!((mean - expected_mean).abs() < error, "{what}: mean {mean}, {expected_mean} expected");
    assert!((deviation - expected_deviation).abs() < 2.0 * error, "{what}: {deviation}, {expected_deviation} expected");
}

#[test]
fn draws_of_a_hundred_thousand_samples_have_their_distributions() {
    assert_statistics("uniform", statistics(Draws::uniform), 0.5, (1.0f64 / 12.0).sqrt());
    assert_statistics("normal", statistics(Draws::normal), 0.0, 1.0);
    assert_statistics("chance", statistics(|draws| f64::from(u8::from(draws.chance(0.3)))), 0.3, 0.21f64.sqrt());
    // A whole number of -4..=4: variance (9² - 1) / 12.
    assert_statistics("shift", statistics(|draws| draws.below(9) as f64 - 4.0), 0.0, (80.0f64 / 12.0).sqrt());
    for alpha in [0.2, 1.0, 3.0f64] {
        // Beta(α, α): mean 1/2, variance 1 / (4 (2α + 1)).
        let deviation = (1.0 / (4.0 * (2.0 * alpha + 1.0))).sqrt();
        assert_statistics(&format!("Beta({alpha})"), statistics(|draws| draws.beta(alpha)), 0.5, deviation);
    }
    assert_eq!(statistics(|draws| f64::from(u8::from(draws.chance(1.0)))), (1.0, 0.0));
    assert_eq!(statistics(|draws| f64::from(u8::from(draws.chance(0.0)))), (0.0, 0.0));
}

/// Of a large square image, where hardly a draw has to be repeated: areas are uniform, and so are the logarithms of proportions.
#[test]
fn crops_have_the_areas_proportions_and_places_of_their_ranges() {
    let crop = Crop { area: [0.2, 0.5], ratio: [0.5, 2.0] };
    let shape = ImageShape { channels: 1, height: 2_000, width: 2_000 };
    let part = |draws: &mut Draws| crop.part(shape, draws);
    let area = |draws: &mut Draws| {
        let part = part(draws);
        (part.width * part.height) as f64 / 4e6
    };
    let ratio = |draws: &mut Draws| {
        let part = part(draws);
        (part.width as f64 / part.height as f64).ln()
    };
    assert_statistics("area", statistics(area), 0.35, 0.3 / 12f64.sqrt());
    assert_statistics("ratio", statistics(ratio), 0.0, 2.0 * 2f64.ln() / 12f64.sqrt());
    let middle = |draws: &mut Draws| {
        let part = part(draws);
        (part.left as f64 + part.width as f64 / 2.0) / 2_000.0
    };
    assert!((statistics(middle).0 - 0.5).abs() < 0.002);
    // No part of the proportions fits into a row: the largest that does is taken from the middle.
    let row = ImageShape { channels: 1, height: 1, width: 64 };
    let found = Crop { area: [1.0, 1.0], ratio: [0.5, 2.0] }.part(row, &mut Draws::new(Philox::new(1, 1), 0));
    assert_eq!(found, Part { left: 31, top: 0, width: 2, height: 1 });
}

fn spec(change: AugmentChange) -> AugmentSpec {
    AugmentSpec { probability: 1.0, change }
}

#[test]
fn mirroring_takes_its_share_or_every_other_epoch() {
    let half = AugmentSpec { probability: 0.25, change: AugmentChange::Mirror { alternate: false } };
    let augmentation = Augmentation::new(&[half], 43).unwrap();
    let pass = PassDraws { seed: 5, epoch: 0 };
    let mirrored = (0..SAMPLES).filter(|i| augmentation.is_mirrored(*i, pass)).count() as f64;
    assert!((mirrored / f64::from(SAMPLES) - 0.25).abs() < 4.0 * (0.1875f64 / f64::from(SAMPLES)).sqrt(), "{mirrored}");

    let alternating = Augmentation::new(&[spec(AugmentChange::Mirror { alternate: true })], 43).unwrap();
    let mirrored = |epoch: usize| {
        // Whatever the pass has drawn.
        let pass = PassDraws { seed: 900 + epoch as u64, epoch };
        (0..1_000).map(|i| alternating.is_mirrored(i, pass)).collect::<Vec<_>>()
    };
    let first = mirrored(0);
    assert_eq!((mirrored(2), mirrored(4)), (first.clone(), first.clone()));
    assert_eq!(mirrored(1), first.iter().map(|is| !is).collect::<Vec<_>>());
    let count = first.iter().filter(|is| **is).count();
    assert!((437..563).contains(&count), "{count} of 1000");
}

/// Shifting and mirroring do not commute; each has draws of its own, whatever stands before it.
#[test]
fn changes_are_done_in_the_order_of_the_list() {
    let shape = ImageShape { channels: 1, height: 6, width: 8 };
    let image: Vec<u8> = (0..48).collect();
    let mirror = spec(AugmentChange::Mirror { alternate: false });
    let move_ = spec(AugmentChange::Shift { pixels: 3, edges: Edges::Wrapped });
    let changed = |specs: &[AugmentSpec], index| {
        let mut bytes = image.clone();
        let pass = PassDraws { seed: 9, epoch: 0 };
        Augmentation::new(specs, 1).unwrap().change(&mut bytes, shape, index, pass, &mut Vec::new());
        bytes
    };
    let mut differ = 0;
    for index in 0..20 {
        let mut draws = Draws::new(Philox::new(9, index.into()), 1);
        let _probability = draws.uniform();
        let (right, down) = (draws.below(7) as isize - 3, draws.below(7) as isize - 3);
        let mut by_hand = image.clone();
        by_hand.chunks_mut(8).for_each(<[u8]>::reverse);
        shift(&mut by_hand, shape, [right, down], Edges::Wrapped, &mut Vec::new());
        assert_eq!(changed(&[mirror, move_], index), by_hand);
        differ += usize::from(changed(&[move_, mirror], index) != by_hand);
    }
    assert!(differ > 10, "{differ}");
}

#[test]
fn a_mixed_batch_takes_each_partner_as_it_was() {
    let shape = ImageShape { channels: 2, height: 2, width: 3 };
    let images: Vec<u8> = (0..3 * 12).collect();
    let cut = Mixture { share: 0.5, rectangle: Some([1, 0, 3, 1]) };
    let mut pasted = images.clone();
    cut.paste(&mut pasted, shape);
    let mut expected = images.clone();
    for (sample, partner) in [(0, 2), (1, 0), (2, 1)] {
        for place in [1, 2, 7, 8] {
            expected[sample * 12 + place] = images[partner * 12 + place];
        }
    }
    assert_eq!(pasted, expected);
    let mut values = vec![1.0, 2.0, 10.0, 20.0, 100.0, 200.0];
    Mixture { share: 0.75, rectangle: None }.blend(&mut values, 2);
    assert_eq!(values, [25.75, 51.5, 7.75, 15.5, 77.5, 155.0]);
    let mut one = vec![3.0, 5.0];
    Mixture { share: 0.75, rectangle: None }.blend(&mut one, 2);
    assert_eq!(one, [3.0, 5.0]);
}

/// Over many batches: the share that a rectangle leaves is the one that the label has, and its mean is that of Beta(1, 1) but for the rectangles
/// that reach beyond the image.
#[test]
fn a_rectangles_area_is_the_labels_share() {
    let mixes = [AugmentSpec { probability: 0.5, change: AugmentChange::CutMix { alpha: 1.0 } }];
    let augmentation = Augmentation::new(&mixes, 1).unwrap();
    let shape = ImageShape { channels: 1, height: 20, width: 30 };
    let drawn: Vec<Mixture> =
        (0..10_000).filter_map(|batch| augmentation.mixture(batch, shape, PassDraws { seed: 3, epoch: 0 })).collect();
    assert!((4_800..5_200).contains(&drawn.len()), "{}", drawn.len());
    for mixture in &drawn {
        let [left, top, right, bottom] = mixture.rectangle.unwrap();
        assert!(right <= 30 && bottom <= 20);
        let share = 1.0 - ((right - left) * (bottom - top)) as f32 / 600.0;
        assert!((mixture.share - share).abs() < 1e-6);
    }
    let mean = drawn.iter().map(|mixture| f64::from(mixture.share)).sum::<f64>() / drawn.len() as f64;
    assert!((0.55..0.75).contains(&mean), "{mean}");
}

#[test]
fn what_cannot_be_is_refused() {
    let shape = ImageShape { channels: 1, height: 4, width: 6 };
    let rows: &[(AugmentSpec, &str)] = &[
        (spec(AugmentChange::Shift { pixels: 4, edges: Edges::Zero }), "pixels = 4"),
        (spec(AugmentChange::Crop { area: [0.5, 1.5], ratio: [1.0, 1.0] }), "area = 1.5"),
        (spec(AugmentChange::Crop { area: [0.5, 0.2], ratio: [1.0, 1.0] }), "area = 0.2"),
        (spec(AugmentChange::Crop { area: [0.5, 1.0], ratio: [0.0, 1.0] }), "ratio = 1"),
        (spec(AugmentChange::Rotate { degrees: 181.0 }), "degrees = 181"),
        (spec(AugmentChange::Cutout { size: 7 }), "size = 7"),
        (spec(AugmentChange::ColourJitter { brightness: -1.0, contrast: 0.0, saturation: 0.0 }), "brightness = -1"),
        (spec(AugmentChange::ColourJitter { brightness: 0.0, contrast: 0.0, saturation: 0.5 }), "saturation = 0.5"),
        (spec(AugmentChange::MixUp { alpha: 0.0 }), "alpha = 0"),
        (AugmentSpec { probability: 1.5, change: AugmentChange::CutMix { alpha: 1.0 } }, "probability = 1.5"),
    ];
    for (spec, message) in rows {
        let error = Augmentation::new(&[*spec], 1).and_then(|made| made.check(shape)).unwrap_err();
        assert!(error.to_string().starts_with(message) && error.is_usage(), "{error}");
    }
    let mixup = spec(AugmentChange::MixUp { alpha: 1.0 });
    let error = Augmentation::new(&[mixup, spec(AugmentChange::CutMix { alpha: 1.0 })], 1).unwrap_err();
    assert!(error.to_string().starts_with("probability = 2: a batch is mixed in one way"), "{error}");
    let error = Augmentation::new(&[mixup, spec(AugmentChange::Cutout { size: 1 })], 1).unwrap_err();
    assert!(error.to_string().contains("must come before"), "{error}");
}
