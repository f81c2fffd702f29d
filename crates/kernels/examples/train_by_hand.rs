//! One layer trained on slices, by the kernels alone: product, loss, gradient, and the product that updates the weight.

use strata_kernels::{
    GemmShape, MomentumRule, Parameter, affine, bias_gradient, cross_entropy, cross_entropy_gradient, update,
    update_by_product,
};

const SHAPE: GemmShape = GemmShape { batch: 60, inputs: 8, outputs: 2 };

fn main() {
    // Two classes, told apart by whether the first half of the features is larger than the second.
    let x: Vec<f32> = (0..SHAPE.batch * SHAPE.inputs).map(|i| (i * 7919 % 101) as f32 / 101.0).collect();
    let label = |row: &[f32]| u8::from(row[..4].iter().sum::<f32>() > row[4..].iter().sum());
    let labels: Vec<u8> = x.chunks(SHAPE.inputs).map(label).collect();

    let (mut weight, mut bias) = (vec![0.0; SHAPE.inputs * SHAPE.outputs], vec![0.0; SHAPE.outputs]);
    let (mut of_weight, mut of_bias) = ([vec![0.0; weight.len()]], [vec![0.0; bias.len()]]);
    let rule = MomentumRule { learning_rate: 0.5, weight_decay: 0.0, momentum: 0.9, nesterov: true };
    let (mut logits, mut dy) = (vec![0.0; SHAPE.batch * 2], vec![0.0; SHAPE.batch * 2]);
    for step in 0..=100 {
        affine(SHAPE, &x, &weight, &bias, &mut logits);
        let sum = cross_entropy(&logits, &labels, SHAPE.outputs);
        if step % 25 == 0 {
            println!("step {step}: loss {:.4}, {} of {} right", sum.loss / 60.0, sum.correct, SHAPE.batch);
        }
        if step == 100 {
            assert!(sum.correct > 55, "{sum:?}");
            break;
        }
        dy.fill(0.0);
        cross_entropy_gradient(&logits, &labels, SHAPE.outputs, &mut dy);
        let mut gradient = vec![0.0; SHAPE.outputs];
        bias_gradient(&dy, &mut gradient);
        update(Parameter { values: &mut bias, shape: &[2], states: &mut of_bias }, &gradient, &rule);
        // The weight's gradient, dyᵀ · x, is applied piece by piece while it is computed; it is never whole in memory.
        let parameter = Parameter { values: &mut weight, shape: &[2, 8], states: &mut of_weight };
        update_by_product(SHAPE, &dy, &x, parameter, &rule);
    }
}
