//! `[averaging]`: which average of the weights is validated, tested and saved.

use strata_spec::ranges;
use strata_spec::{AveragingKind, AveragingSpec, Named};

use crate::key::Fallback::Is;
use crate::key::{Section, When, keys, table};
use crate::takes::Takes::{Choice, Number};
use crate::takes::choices;
use crate::value::{named, number};
use crate::values::Values;

pub(super) const AVERAGING_SECTION: Section = table(
    "averaging",
    "The averaged weights are what is validated, tested, chosen as the best and saved in `model.safetensors`; training goes on from the plain ones, which \
     stay in the checkpoint. Batch normalisation's statistics are estimated again for the average, over the training images, before each validation.",
    ENTRIES,
);

keys! {
    /// which average of the weights is evaluated and saved
    AVERAGING: AveragingKind, named => "averaging.kind", Choice(choices::<AveragingKind>), Is("\"none\""), None, Some("averaging");
    /// the share of the average that is kept in each step
    AVERAGING_DECAY: f64, number => "averaging.decay", Number(ranges::AVERAGING_DECAY), Is("0.999"), Some(OF_EXPONENTIAL), Some("averaging_decay");
    /// the share of the run's steps after which averaging begins
    AVERAGING_START: f64, number => "averaging.start", Number(ranges::AVERAGING_START), Is("0.75"), Some(OF_EQUAL), Some("averaging_start");
}

/// The average with its numbers.
pub(crate) fn averaging(values: &Values) -> AveragingSpec {
    match values.get(&AVERAGING).unwrap_or_default() {
        AveragingKind::None => AveragingSpec::None,
        AveragingKind::Exponential => {
            AveragingSpec::Exponential { decay: values.get(&AVERAGING_DECAY).unwrap_or_default() }
        }
        AveragingKind::Equal => AveragingSpec::Equal { start: values.get(&AVERAGING_START).unwrap_or_default() },
    }
}

const OF_EXPONENTIAL: When = When {
    holds: |values| values.get(&AVERAGING) == Some(AveragingKind::Exponential),
    in_phase: None,
    otherwise: |values, name| has_no(values, name, "ema"),
};
const OF_EQUAL: When = When {
    holds: |values| values.get(&AVERAGING) == Some(AveragingKind::Equal),
    in_phase: None,
    otherwise: |values, name| has_no(values, name, "swa"),
};

fn has_no(values: &Values, name: &str, taker: &str) -> String {
    let kind = values.get(&AVERAGING).map_or("none", Named::as_str);
    format!("{} is {kind}, which has no `{name}`; {taker} takes it", AVERAGING.path())
}
