//! Top-k accuracy.

use crate::{Direction, Metric, Outputs};

/// The share of samples whose class is among the `k` most probable ones; of equal logits the first class counts.
#[derive(Clone, Debug)]
pub struct TopK {
    k: usize,
    name: String,
    sentence: String,
}

impl TopK {
    /// Among the `k` most probable classes; `top_1` is the accuracy.
    pub fn new(k: usize) -> Self {
        let sentence =
            format!("the share of samples whose class is among the {k} most probable ones; of more than {k} classes");
        Self { k, name: format!("top_{k}"), sentence }
    }
}

impl Metric for TopK {
    fn name(&self) -> &str {
        &self.name
    }

    fn unit(&self) -> &str {
        "share of samples"
    }

    fn direction(&self) -> Direction {
        Direction::Higher
    }

    fn sentence(&self) -> &str {
        &self.sentence
    }

    fn check(&self, classes: usize) -> Result<(), String> {
        match classes > self.k {
            true => Ok(()),
            false => Err(format!("of {classes} classes each is among the {} most probable ones", self.k)),
        }
    }

    fn add(&self, outputs: &Outputs<'_>, sums: &mut [f64]) {
        sums[0] += outputs.samples().filter(|sample| sample.rank() < self.k).count() as f64;
    }
}
