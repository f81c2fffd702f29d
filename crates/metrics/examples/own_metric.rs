//! A metric of one's own, measured over two batches: the mean rank of the label's logit among the classes.

use std::sync::Arc;

use strata_metrics::{Direction, Metric, Outputs, Sums};

#[derive(Debug)]
struct MeanRank;

impl Metric for MeanRank {
    fn name(&self) -> &str {
        "mean_rank"
    }
    fn unit(&self) -> &str {
        "classes"
    }
    fn direction(&self) -> Direction {
        Direction::Lower
    }
    fn add(&self, outputs: &Outputs<'_>, sums: &mut [f64]) {
        sums[0] += outputs.samples().map(|sample| sample.rank() as f64 + 1.0).sum::<f64>();
    }
}

fn main() {
    let batches = [
        Outputs { logits: &[0.5, 2.0, 1.0], labels: &[1], classes: 3 },
        Outputs { logits: &[0.5, 2.0, 1.0, 3.0, 2.0, 1.0], labels: &[2, 2], classes: 3 },
    ];
    let mut sums = Sums::new(Arc::new(MeanRank), 3);
    for batch in &batches {
        sums.add(batch);
    }
    // The label comes first, second, third.
    assert_eq!(sums.value(), 2.0);
    println!("{}: {} {}", MeanRank.name(), sums.value(), MeanRank.unit());
}
