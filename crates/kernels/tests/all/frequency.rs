//! The low-frequency input against its definition, against NumPy's values, and against the mirrored image.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::f64::consts::PI;

use strata_kernels::{FrequencyError, FrequencyTable, LowFrequencies};

const SHAPES: [[usize; 3]; 6] = [[1, 1, 1], [1, 7, 5], [2, 4, 6], [1, 1, 9], [3, 32, 32], [1, 64, 64]];

/// Bytes without a pattern.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|i| ((i * 2_654_435_761) >> 11) as u8).collect()
}

fn all([channels, height, width]: [usize; 3]) -> LowFrequencies {
    LowFrequencies::lowest(channels, height, width, height * width).unwrap()
}

/// `a(n) · cos(π(2 · place + 1)n / 2 · side)`.
fn cosine(place: usize, n: usize, side: usize) -> f64 {
    let unit = if n == 0 { 1.0 } else { 2.0 } / side as f64;
    unit.sqrt() * libm::cos(PI * ((2 * place + 1) * n) as f64 / (2 * side) as f64)
}

#[test]
fn the_inverse_transform_of_all_coefficients_gives_the_image() {
    for shape in SHAPES {
        let [channels, height, width] = shape;
        let (transform, images) = (all(shape), bytes(2 * channels * height * width));
        let mut coefficients = vec![0.0; images.len()];
        transform.forward(&images, &mut coefficients);
        let planes = images.chunks(height * width).zip(coefficients.chunks(height * width));
        for (plane, coefficients) in planes {
            for (at, byte) in plane.iter().enumerate() {
                let (y, x) = (at / width, at % width);
                let terms = coefficients.iter().zip(transform.frequencies()).map(|(value, &[u, v])| {
                    f64::from(*value) * cosine(y, u as usize, height) * cosine(x, v as usize, width)
                });
                let (pixel, truth) = (terms.sum::<f64>(), f64::from(*byte) / 255.0);
                assert!((pixel - truth).abs() < 1e-6, "{shape:?} at {y}, {x}: {pixel} for {truth}");
            }
        }
    }
}

#[test]
fn frequencies_means_factors_and_inputs_are_numpys() {
    let golden = include_str!("../golden/frequency.txt");
    let mut lines = golden.lines();
    let mut cases = 0;
    while let Some(sizes) = lines.next() {
        let sizes: Vec<&str> = sizes.split(' ').collect();
        let size = |at: usize| sizes[at].parse::<usize>().unwrap();
        let power: f64 = sizes[4].parse().unwrap();
        let transform = LowFrequencies::lowest(size(0), size(1), size(2), size(3)).unwrap();
        let kept: Vec<String> = transform.frequencies().iter().map(|[u, v]| format!("{u},{v}")).collect();
        assert_eq!(kept.join(" "), lines.next().unwrap());
        let images: Vec<u8> = lines.next().unwrap().split(' ').map(|byte| byte.parse().unwrap()).collect();
        let mut numbers = || lines.next().unwrap().split(' ').map(|value| value.parse().unwrap()).collect::<Vec<f64>>();
        let (mean, factor, inputs) = (numbers(), numbers(), numbers());
        let mut found = vec![0.0; inputs.len()];
        transform.forward(&images, &mut found);
        let rows: Vec<u32> = (0..).take(found.len() / mean.len()).collect();
        let table = FrequencyTable::fit(transform, &found, &rows, power);
        table.scale(&mut found);
        // Coefficients are good to some 1e-6; factors lose digits where a coefficient of 32 has a deviation of 0.2 over the few images.
        for (name, found, truth) in
            [("mean", table.mean(), &mean), ("factor", table.factor(), &factor), ("input", &found[..], &inputs)]
        {
            for (place, (found, truth)) in found.iter().zip(truth).enumerate() {
                let error = (f64::from(*found) - truth).abs() / truth.abs().max(1.0);
                assert!(error < 1e-5, "{sizes:?}: {name} {place} is {found}, {truth} is right");
            }
        }
        cases += 1;
    }
    assert_eq!(cases, 6);
}

/// Whatever vectors and tiles they are made in: recorded runs have these bits.
#[test]
fn each_coefficient_is_one_chain_of_rows_then_of_columns_to_the_bit() {
    let fold = |values: &[f32], parity: usize| -> Vec<f32> {
        let (count, sign) = (values.len(), if parity == 0 { 1.0 } else { -1.0 });
        let pair = |at: usize| match 2 * at + 1 == count {
            true => values[at] * f32::from(parity == 0),
            false => values[at] + sign * values[count - 1 - at],
        };
        (0..count.div_ceil(2)).map(pair).collect()
    };
    let chain = |values: &[f32], n: usize, side: usize, unit: f64| {
        let factor = |place: usize| (cosine(place, n, side) * unit) as f32;
        fold(values, n % 2).iter().enumerate().fold(0.0f32, |sum, (at, value)| value.mul_add(factor(at), sum))
    };
    for shape in [[1, 7, 5], [2, 33, 31], [3, 32, 32], [1, 6, 50], [1, 50, 6], [1, 1, 40]] {
        let [channels, height, width] = shape;
        let (transform, images) = (all(shape), bytes(channels * height * width));
        let mut coefficients = vec![0.0; images.len()];
        transform.forward_serial(&images, &mut coefficients);
        for (plane, found) in images.chunks(height * width).zip(coefficients.chunks(height * width)) {
            let column =
                |x: usize| plane.iter().skip(x).step_by(width).map(|byte| f32::from(*byte)).collect::<Vec<_>>();
            let columns: Vec<Vec<f32>> = (0..width).map(column).collect();
            for (found, &[u, v]) in found.iter().zip(transform.frequencies()) {
                let line = columns.iter().map(|column| chain(column, u as usize, height, 1.0 / 255.0));
                let truth = chain(&line.collect::<Vec<_>>(), v as usize, width, 1.0);
                assert_eq!(found.to_bits(), truth.to_bits(), "{shape:?}, {u}, {v}: {found} {truth}");
            }
        }
    }
}

#[test]
fn inputs_of_a_mirrored_image_are_the_mirrored_inputs_to_the_bit() {
    for shape in SHAPES {
        let [channels, height, width] = shape;
        let values = channels * height * width;
        let count = (height * width).div_ceil(2);
        let transform = LowFrequencies::lowest(channels, height, width, count).unwrap();
        let images = bytes(5 * values);
        let mirrored: Vec<u8> = images.chunks(width).flat_map(|row| row.iter().rev().copied()).collect();
        let mut coefficients = vec![0.0; 5 * channels * count];
        transform.forward(&images, &mut coefficients);
        let table = FrequencyTable::fit(transform, &coefficients, &[3, 0, 1, 4], 0.5);
        let apply = |images: &[u8]| {
            let mut inputs = vec![0.0; 5 * channels * count];
            table.apply(images, &mut inputs);
            inputs
        };
        let mut inputs = apply(&images);
        inputs.chunks_mut(channels * count).for_each(|image| table.mirror(image));
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&inputs), bits(&apply(&mirrored)), "{shape:?}");
    }
}

#[test]
fn threads_change_no_bit() {
    let transform = LowFrequencies::lowest(3, 16, 20, 50).unwrap();
    let images = bytes(700 * 3 * 16 * 20);
    let rows: Vec<u32> = (0..700).rev().collect();
    let make = || {
        let mut values = vec![0.0; 700 * 150];
        transform.forward(&images, &mut values);
        let table = FrequencyTable::fit(transform.clone(), &values, &rows, 0.5);
        table.scale(&mut values);
        (table, values)
    };
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let one = pool(1).install(make);
    assert_eq!(pool(3).install(make), one);
    assert_eq!(pool(7).install(make), one);
}

#[test]
fn frequencies_of_an_image_that_is_not_square_are_measured_by_its_sides() {
    // (u/2)² + (v/4)²: [0, 1] 1/16, [1, 0] and [0, 2] 1/4 each, [1, 1] 5/16.
    let transform = LowFrequencies::lowest(1, 2, 4, 5).unwrap();
    assert_eq!(transform.frequencies(), [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1]]);
}

#[test]
fn more_coefficients_than_pixels_and_tables_that_do_not_fit_are_refused() {
    assert_eq!(LowFrequencies::lowest(1, 7, 5, 36), None);
    assert_eq!(LowFrequencies::lowest(1, 7, 5, 0), None);
    assert_eq!(LowFrequencies::lowest(0, 7, 5, 1), None);
    assert_eq!(LowFrequencies::of(1, 7, 5, vec![[7, 0]]), None);
    let transform = LowFrequencies::lowest(1, 2, 2, 2).unwrap();
    let table = |mean: &[f32], factor: &[f32]| FrequencyTable::new(transform.clone(), mean.to_vec(), factor.to_vec());
    assert!(table(&[0.5, 0.0], &[1.0, 2.0]).is_ok());
    assert_eq!(table(&[0.5], &[1.0, 2.0]), Err(FrequencyError::Count { means: 1, factors: 2, coefficients: 2 }));
    // [0, 1] is odd: its mean is 0.
    for (mean, factor, place) in
        [([0.0, 0.5], [1.0, 1.0], 1), ([0.0, 0.0], [0.0, 1.0], 0), ([f32::NAN, 0.0], [1.0, 1.0], 0)]
    {
        assert!(matches!(table(&mean, &factor), Err(FrequencyError::Value { place: found, .. }) if found == place));
    }
}
