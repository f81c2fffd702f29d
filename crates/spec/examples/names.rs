//! The nouns of an experiment: their names, their sentences and their ranges, for a program that lists or asks for them.

use strata_spec::{Activation, DeviceChoice, Named, OptimizerKind, ranges};

fn main() {
    for activation in Activation::ALL {
        println!("{:12} {}", activation.as_str(), activation.sentence());
    }
    for optimizer in OptimizerKind::ALL {
        println!("{:12} {}", optimizer.as_str(), optimizer.sentence());
    }
    assert_eq!(Activation::from_name("gelu"), Some(Activation::Gelu));
    assert_eq!(Activation::from_name("glu"), None);
    assert_eq!("cuda:1".parse(), Ok(DeviceChoice::Cuda(1)));
    println!("dropout: a number {}", ranges::DROPOUT);
    assert!(!ranges::DROPOUT.contains(1.0));
}
