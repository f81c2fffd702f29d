//! `[evaluation]`: what is measured of the test images beside the plain evaluation.

use strata_spec::LossKind;

use super::LOSS;
use crate::key::Fallback::Is;
use crate::key::{Section, When, keys, table};
use crate::takes::Takes::Boolean;
use crate::value::boolean;
use crate::values::Values;

pub(super) const EVALUATION_SECTION: Section = table(
    "evaluation",
    "Of the test images. Further figures are reported apart from the plain ones, never in place of them.",
    ENTRIES,
);

keys! {
    /// whether the run ends with an evaluation of the test images; without it they choose nothing while a recipe is looked for, and `evaluate RUN` does it later
    EVALUATE_TEST: bool, boolean => "evaluation.test", Boolean, Is("true"), None, Some("evaluation.test");
    /// whether the test images are evaluated by the mean of the probabilities of both views too, as they are and mirrored
    MIRRORED: bool, boolean => "evaluation.mirrored", Boolean, Is("false"), Some(OF_PROBABILITIES), None;
}

/// What is measured of the test images beside the plain evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluating {
    /// Whether the test images are evaluated at the end.
    pub test: bool,
    /// The mean of the probabilities of an image and of its mirror image.
    pub mirrored: bool,
}

impl Evaluating {
    pub(crate) fn of(values: &Values) -> Self {
        Self { test: values.get(&EVALUATE_TEST).unwrap_or(true), mirrored: values.get(&MIRRORED).unwrap_or_default() }
    }
}

const OF_PROBABILITIES: When = When {
    holds: |values| is_tested(values) && values.get(&LOSS) != Some(LossKind::MeanSquaredError),
    in_phase: None,
    otherwise: |values, name| {
        if !is_tested(values) {
            return format!(
                "has no effect: evaluation.test = false leaves out the test images, which `{name}` is about"
            );
        }
        format!("has no effect: `{name}` means probabilities, and a network trained by loss.kind = \"mse\" gives none")
    },
};

fn is_tested(values: &Values) -> bool {
    values.get(&EVALUATE_TEST) != Some(false)
}
