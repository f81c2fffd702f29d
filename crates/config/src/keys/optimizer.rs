//! `[optimizer]`: the rule that updates the parameters.

use strata_spec::ranges;
use strata_spec::{Named, OptimizerKind, OptimizerNumbers, OptimizerSpec};

use crate::key::Fallback::{Is, Worked};
use crate::key::{Section, When, keys, table};
use crate::takes::Takes::{Boolean, Choice, Number, Pair};
use crate::takes::choices;
use crate::value::{Value, boolean, named, number, pair};
use crate::values::Values;

pub(super) const OPTIMIZER_SECTION: Section =
    table("optimizer", "A key of another kind is an error that names the kinds that take it.", ENTRIES);

keys! {
    /// the rule that updates the parameters
    OPTIMIZER: OptimizerKind, named => "optimizer.kind", Choice(choices::<OptimizerKind>), Is("\"sgd\""), None, Some("optimizer");
    /// the share of the velocity that is kept
    MOMENTUM: f64, number => "optimizer.momentum", Number(ranges::MOMENTUM), Is("0.0"), Some(OF_SGD), Some("momentum");
    /// Nesterov's look-ahead; needs momentum above 0
    NESTEROV: bool, boolean => "optimizer.nesterov", Boolean, Is("false"), Some(WITH_MOMENTUM), Some("nesterov");
    /// decay rates of the first and second moment
    BETAS: [f64; 2], pair => "optimizer.betas", Pair(ranges::BETA),
        Worked { words: OptimizerKind::DEFAULTS_IN_WORDS[0], out: betas }, Some(WITH_BETAS), Some("betas");
    /// added to the second moment's root
    EPS: f64, number => "optimizer.eps", Number(ranges::EPS), Is("1e-8"), Some(WITH_EPS), Some("eps");
    /// L2 penalty in the gradient (sgd, adam, nadam), decay of the parameters themselves (adamw, lion)
    WEIGHT_DECAY: f64, number => "optimizer.weight_decay", Number(ranges::WEIGHT_DECAY),
        Worked { words: OptimizerKind::DEFAULTS_IN_WORDS[1], out: weight_decay }, None, Some("weight_decay");
}

/// The optimizer with its numbers.
pub(crate) fn optimizer(values: &Values) -> OptimizerSpec {
    let kind = values.get(&OPTIMIZER).unwrap_or_default();
    let numbers = OptimizerNumbers {
        momentum: values.get(&MOMENTUM).unwrap_or_default(),
        nesterov: values.get(&NESTEROV).unwrap_or_default(),
        betas: values.get(&BETAS).unwrap_or_default(),
        eps: values.get(&EPS).unwrap_or_default(),
        weight_decay: values.get(&WEIGHT_DECAY).unwrap_or_default(),
    };
    OptimizerSpec::new(kind, numbers)
}

/// A number of some optimizers.
macro_rules! of_optimizers {
    ($number:literal) => {
        When {
            in_phase: None,
            holds: |values| values.get(&OPTIMIZER).is_some_and(|kind| kind.takes($number)),
            otherwise: not_of_optimizer,
        }
    };
}
const OF_SGD: When = of_optimizers!("momentum");
const WITH_BETAS: When = of_optimizers!("betas");
const WITH_EPS: When = of_optimizers!("eps");
const WITH_MOMENTUM: When = When {
    holds: |values| values.get(&MOMENTUM).is_some_and(|momentum| momentum > 0.0),
    in_phase: None,
    otherwise: |values, name| match (OF_SGD.holds)(values) {
        true => "needs optimizer.momentum above 0, as in momentum = 0.9".to_owned(),
        false => (OF_SGD.otherwise)(values, name),
    },
};

fn weight_decay(values: &Values) -> Option<Value> {
    Some(Value::Number(values.get(&OPTIMIZER).unwrap_or_default().defaults().weight_decay))
}

fn betas(values: &Values) -> Option<Value> {
    Some(Value::Numbers(values.get(&OPTIMIZER).unwrap_or_default().defaults().betas.to_vec()))
}

/// Why the optimizer does not take the number of this name, and those that do.
fn not_of_optimizer(values: &Values, name: &str) -> String {
    let kind = values.get(&OPTIMIZER).map_or("none", Named::as_str);
    let takers: Vec<_> = OptimizerKind::ALL.into_iter().filter(|kind| kind.takes(name)).map(Named::as_str).collect();
    let takers = match takers.as_slice() {
        [one] => format!("{one} takes it"),
        [others @ .., last] => format!("{} and {last} take it", others.join(", ")),
        [] => "none takes it".to_owned(),
    };
    format!("{} is {kind}, which has no `{name}`; {takers}", OPTIMIZER.path())
}
