//! `[evaluation]`: what is measured of the test images beside the plain evaluation.

use strata_spec::LossKind;

use super::LOSS;
use crate::key::Fallback::Is;
use crate::key::{Section, When, keys, table};
use crate::takes::Takes::Boolean;
use crate::value::boolean;
use crate::values::Values;

pub(super) const EVALUATION_SECTION: Section =
    table("evaluation", "Reported apart from the plain figures, never in place of them.", ENTRIES);

keys! {
    /// whether the test images are evaluated by the mean of the probabilities of both views too, as they are and mirrored
    MIRRORED: bool, boolean => "evaluation.mirrored", Boolean, Is("false"), Some(OF_PROBABILITIES), None;
}

/// What is measured of the test images beside the plain evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluating {
    /// The mean of the probabilities of an image and of its mirror image.
    pub mirrored: bool,
}

impl Evaluating {
    pub(crate) fn of(values: &Values) -> Self {
        Self { mirrored: values.get(&MIRRORED).unwrap_or_default() }
    }
}

const OF_PROBABILITIES: When = When {
    holds: |values| values.get(&LOSS) != Some(LossKind::MeanSquaredError),
    in_phase: None,
    otherwise: |_, name| {
        format!("has no effect: `{name}` means probabilities, and a network trained by loss.kind = \"mse\" gives none")
    },
};
