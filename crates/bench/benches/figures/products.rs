//! The products of a step one by one, in a step's order, so that each finds its operands as cold as it does there.

use std::time::Instant;

use strata_kernels::{GemmShape, Parameter, SgdRule, affine, input_gradient, update_by_product};

use crate::measure::{median, repeat};
use crate::networks::{self, Chain};

/// A layer's operands and the times of its products.
struct Layer {
    shape: GemmShape,
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    y: Vec<f32>,
    dx: Vec<f32>,
    /// Seconds of each call: forward, input gradient, weight gradient with the update.
    times: [Vec<f64>; 3],
}

/// Times the products of a step of `network` with batches of `samples`, again and again for `seconds`, the first `warmup` passes not counted.
/// Prints a line for each product: layer, what, milliseconds (median), GFLOP/s.
pub(crate) fn run(network: &Chain, samples: usize, seconds: f64, warmup: usize) -> anyhow::Result<()> {
    let batch = networks::batch(network, samples);
    let last = network.widths.len() - 2;
    let small = |count: usize| (0..count).map(|i| (i % 17) as f32 * 1e-3 - 8e-3).collect::<Vec<f32>>();
    // As ReLU leaves them: every other value of a hidden layer is zero, in no regular order, and the products skip it.
    let kept = |i: usize| (i.wrapping_mul(2_654_435_761) >> 16) & 1 == 1;
    let hidden = |values: &mut [f32]| {
        let places = values.iter_mut().enumerate();
        places.filter(|(i, _)| !kept(*i)).for_each(|(_, value)| *value = 0.0);
    };
    let layer = |(place, pair): (usize, &[usize])| Layer {
        shape: GemmShape { batch: samples, inputs: pair[0], outputs: pair[1] },
        x: {
            let mut x = small(samples * pair[0]);
            if place > 0 {
                hidden(&mut x);
            }
            x
        },
        weight: small(pair[0] * pair[1]),
        bias: small(pair[1]),
        y: vec![0.0; samples * pair[1]],
        dx: vec![0.0; samples * pair[0]],
        times: Default::default(),
    };
    let mut layers: Vec<Layer> = network.widths.windows(2).enumerate().map(layer).collect();
    let rule = SgdRule { learning_rate: 1e-6, weight_decay: 0.0 };
    // The batch that arrives takes its room in the caches too.
    repeat(
        seconds,
        warmup,
        || batch.clone(),
        |_| {
            for (place, Layer { shape, x, weight, bias, y, times, .. }) in layers.iter_mut().enumerate() {
                clock(&mut times[0], || affine(*shape, x, weight, bias, y));
                // From here on it stands for the gradient of what the layer gave, zero where that was.
                if place < last {
                    hidden(y);
                }
            }
            for (place, Layer { shape, x, weight, y, dx, times, .. }) in layers.iter_mut().enumerate().rev() {
                if place > 0 {
                    clock(&mut times[1], || input_gradient(*shape, y, weight, dx));
                }
                let parameter = Parameter { values: weight, shape: &[shape.outputs, shape.inputs], states: &mut [] };
                clock(&mut times[2], || update_by_product(*shape, y, x, parameter, &rule));
            }
            Ok(())
        },
    )?;
    let mut total = 0.0;
    for (place, layer) in layers.iter_mut().enumerate() {
        let GemmShape { batch, inputs, outputs } = layer.shape;
        for (what, times) in ["forward", "input gradient", "update"].iter().zip(&mut layer.times) {
            if times.is_empty() {
                continue;
            }
            times.sort_by(f64::total_cmp);
            let seconds = median(times);
            total += seconds;
            let rate = 2.0 * (batch * inputs * outputs) as f64 / seconds / 1e9;
            println!("layer{} {inputs}-{outputs} {what}: {:.3} ms, {rate:.0} GFLOP/s", place + 1, seconds * 1e3);
        }
    }
    println!("all: {:.3} ms", total * 1e3);
    Ok(())
}

fn clock(times: &mut Vec<f64>, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    times.push(start.elapsed().as_secs_f64());
}
