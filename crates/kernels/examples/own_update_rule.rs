//! An optimizer's rule of one's own: it runs inside the product that makes the gradient, as those of this crate do.

use strata_kernels::{ElementwiseRule, GemmShape, Parameter, update_by_product};

/// SignSGD with momentum (Bernstein et al. 2018): steps of one size, against the velocity's sign.
struct SignSgd {
    learning_rate: f32,
    momentum: f32,
}

impl ElementwiseRule for SignSgd {
    /// One number for each element: its velocity.
    type State = [f32; 1];

    #[inline(always)]
    fn step(&self, value: f32, gradient: f32, [velocity]: [f32; 1]) -> (f32, [f32; 1]) {
        let velocity = self.momentum * velocity + gradient;
        (value - self.learning_rate * velocity.signum(), [velocity])
    }
}

fn main() {
    // A weight [2, 3] and the factors of its gradient: dy [1, 2] and x [1, 3], of a batch of one sample.
    let shape = GemmShape { batch: 1, inputs: 3, outputs: 2 };
    let (mut weight, mut velocity) = (vec![0.0; 6], [vec![0.0; 6]]);
    let rule = SignSgd { learning_rate: 0.25, momentum: 0.5 };
    for _ in 0..2 {
        let parameter = Parameter { values: &mut weight, shape: &[2, 3], states: &mut velocity };
        update_by_product(shape, &[1.0, -2.0], &[3.0, 4.0, 5.0], parameter, &rule);
    }
    println!("weight {weight:?}, velocity {:?}", velocity[0]);
    assert_eq!(weight, [-0.5, -0.5, -0.5, 0.5, 0.5, 0.5]);
    // 3, then 3 + 0.5 · 3.
    assert_eq!(velocity[0][0], 4.5);
}
