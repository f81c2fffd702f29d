//! `[loss]`: what is made small.

use strata_spec::ranges;
use strata_spec::{ClassWeights, LossKind, LossSpec, Named};

use crate::key::Fallback::{Is, Worked};
use crate::key::{Section, When, keys, table};
use crate::takes::Takes::{Choice, NameOrNumbers, Number};
use crate::takes::choices;
use crate::value::{class_weights, named, number};
use crate::values::Values;

pub(super) const LOSS_SECTION: Section = table(
    "loss",
    "A key of another kind is an error that names the kinds that take it, unless its value is the default.",
    ENTRIES,
);

keys! {
    /// what is made small in training and reported of an evaluation
    LOSS: LossKind, named => "loss.kind", Choice(choices::<LossKind>), Is("\"cross_entropy\""), None, Some("loss");
    /// the share of each target that is spread over all classes
    LABEL_SMOOTHING: f64, number => "loss.label_smoothing", Number(ranges::LABEL_SMOOTHING), Is("0.0"), Some(OF_CROSS_ENTROPY), Some("label_smoothing");
    /// what each image's loss counts by its class, of the batch's mean too: "balanced" makes all classes count the same together (images to train on, divided by the class's and the number of classes)
    CLASS_WEIGHTS: ClassWeights, class_weights => "loss.class_weights", NameOrNumbers { name: "balanced", each: ranges::CLASS_WEIGHT },
        Worked { words: "none: all the same", out: |_| None }, Some(OF_CROSS_ENTROPY), Some("class_weights");
}

/// The loss with its numbers.
pub(crate) fn loss(values: &Values) -> LossSpec {
    match values.get(&LOSS).unwrap_or_default() {
        LossKind::CrossEntropy => {
            LossSpec::CrossEntropy { label_smoothing: values.get(&LABEL_SMOOTHING).unwrap_or_default() }
        }
        LossKind::MeanSquaredError => LossSpec::MeanSquaredError,
    }
}

const OF_CROSS_ENTROPY: When = When {
    holds: |values| values.get(&LOSS) == Some(LossKind::CrossEntropy),
    in_phase: None,
    otherwise: |values, name| {
        let kind = values.get(&LOSS).map_or("none", Named::as_str);
        format!("{} is {kind}, which has no `{name}`; cross_entropy takes it", LOSS.path())
    },
};
