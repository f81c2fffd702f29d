//! Each registered metric against the values of scikit-learn and torchmetrics (`crates/bench/pytorch/metrics.py`), whatever the batches.

use std::collections::BTreeMap;

use strata_metrics::{Outputs, Sums, registered};

const GOLDEN: &str = include_str!("golden/metrics.txt");
const CLASSES: usize = 7;

#[test]
fn registered_metrics_are_those_of_other_libraries_for_batches_of_any_size() {
    let (mut expected, mut labels, mut logits) = (BTreeMap::new(), Vec::new(), Vec::new());
    for line in GOLDEN.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["value", name, value] => drop(expected.insert(*name, value.parse::<f64>().unwrap())),
            [label, row @ ..] => {
                assert_eq!(row.len(), CLASSES);
                labels.push(label.parse::<u8>().unwrap());
                logits.extend(row.iter().map(|logit| logit.parse::<f32>().unwrap()));
            }
            [] => {}
        }
    }
    assert_eq!((labels.len(), expected.len()), (97, registered().len()), "a metric has no golden value");
    for metric in registered() {
        for batch in [1, 10, 97] {
            let mut sums = Sums::new(metric.clone(), CLASSES);
            for (logits, labels) in logits.chunks(batch * CLASSES).zip(labels.chunks(batch)) {
                sums.add(&Outputs { logits, labels, classes: CLASSES });
            }
            // torchmetrics adds up in single precision.
            let (found, expected) = (sums.value(), expected[metric.name()]);
            assert!((found - expected).abs() < 1e-6, "{}: {found}, {expected} (batches of {batch})", metric.name());
        }
    }
}
