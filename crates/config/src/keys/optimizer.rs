//! `[optimizer]`: the rule that updates the parameters.

use std::num::NonZeroUsize;

use strata_spec::ranges;
use strata_spec::{Clipping, DecayScope, Named, OptimizerKind, OptimizerNumbers, OptimizerSpec};

use crate::key::Fallback::{Is, Worked};
use crate::key::{Section, When, keys, table};
use crate::takes::Takes::{Boolean, Choice, Integer, Number, Pair};
use crate::takes::choices;
use crate::value::{Value, boolean, count, named, number, pair, size};
use crate::values::Values;

pub(super) const OPTIMIZER_SECTION: Section = table(
    "optimizer",
    "A key of another kind is an error that names the kinds that take it, unless its value is the default.",
    ENTRIES,
);

keys! {
    /// the rule that updates the parameters
    OPTIMIZER: OptimizerKind, named => "optimizer.kind", Choice(choices::<OptimizerKind>), Is("\"sgd\""), None, Some("optimizer"), always;
    /// the share of the velocity that is kept
    MOMENTUM: f64, number => "optimizer.momentum", Number(ranges::MOMENTUM),
        Worked { words: OptimizerKind::DEFAULTS_IN_WORDS[3], out: momentum }, Some(WITH_VELOCITY), Some("momentum"), always;
    /// Nesterov's look-ahead; needs momentum above 0
    NESTEROV: bool, boolean => "optimizer.nesterov", Boolean,
        Worked { words: OptimizerKind::DEFAULTS_IN_WORDS[4], out: nesterov }, Some(WITH_MOMENTUM), Some("nesterov"), always;
    /// Newton-Schulz iterations that make a direction's matrix orthogonal
    ITERATIONS: usize, size => "optimizer.iterations", Integer(ranges::NEWTON_SCHULZ), Is("5"), Some(WITH_ITERATIONS), Some("iterations");
    /// decay rates of the first and second moment
    BETAS: [f64; 2], pair => "optimizer.betas", Pair(ranges::BETA),
        Worked { words: OptimizerKind::DEFAULTS_IN_WORDS[0], out: betas }, Some(WITH_BETAS), Some("betas"), always;
    /// the pull of the weights towards zero, λ
    LAMBDA: f64, number => "optimizer.lambda", Number(ranges::LAMBDA), Is("1e-4"), Some(WITH_LAMBDA), Some("lambda");
    /// how many times the pull is the smallest value that stays, β
    BETA: f64, number => "optimizer.beta", Number(ranges::BETA_LASSO), Is("50.0"), Some(WITH_BETA), Some("beta");
    /// decay rate of the mean square
    ALPHA: f64, number => "optimizer.alpha", Number(ranges::BETA), Is("0.99"), Some(WITH_ALPHA), Some("alpha");
    /// by how much of itself the learning rate is divided more in each step
    LR_DECAY: f64, number => "optimizer.lr_decay", Number(ranges::LR_DECAY), Is("0.0"), Some(WITH_LR_DECAY), Some("lr_decay");
    /// added to the root that a step is divided by
    EPS: f64, number => "optimizer.eps", Number(ranges::EPS),
        Worked { words: OptimizerKind::DEFAULTS_IN_WORDS[1], out: eps }, Some(WITH_EPS), Some("eps"), always;
    /// L2 penalty in the gradient or, where the kind's sentence says so, decay of the parameters themselves
    WEIGHT_DECAY: f64, number => "optimizer.weight_decay", Number(ranges::WEIGHT_DECAY),
        Worked { words: OptimizerKind::DEFAULTS_IN_WORDS[2], out: weight_decay }, Some(WITH_DECAY), Some("weight_decay"), always;
    /// which parameters the weight decay is for, or the pull of beta_lasso
    DECAY: DecayScope, named => "optimizer.decay", Choice(choices::<DecayScope>), Is("\"all\""), Some(WITH_WEIGHT_DECAY), Some("decay");
    /// batches whose gradients are added up for one step, as if they were one batch; an epoch's last step may have fewer
    ACCUMULATE: NonZeroUsize, count => "optimizer.accumulate", Integer(ranges::ACCUMULATE), Is("1"), None, Some("accumulate");
    /// the largest norm of all gradients together; larger ones are scaled down to it
    CLIP_NORM: f64, number => "optimizer.clip_norm", Number(ranges::CLIPPING), Worked { words: "none: no norm is too large", out: |_| None }, None, Some("clip_norm");
    /// the largest absolute value of a gradient's element, after clipping by norm; larger ones are cut to it
    CLIP_VALUE: f64, number => "optimizer.clip_value", Number(ranges::CLIPPING), Worked { words: "none: no element is too large", out: |_| None }, None, Some("clip_value");
}

/// The optimizer with its numbers.
pub(crate) fn optimizer(values: &Values) -> OptimizerSpec {
    let kind = values.get(&OPTIMIZER).unwrap_or_default();
    let numbers = OptimizerNumbers {
        momentum: values.get(&MOMENTUM).unwrap_or_default(),
        nesterov: values.get(&NESTEROV).unwrap_or_default(),
        betas: values.get(&BETAS).unwrap_or_default(),
        iterations: values.get(&ITERATIONS).unwrap_or_default(),
        lambda: values.get(&LAMBDA).unwrap_or_default(),
        beta: values.get(&BETA).unwrap_or_default(),
        alpha: values.get(&ALPHA).unwrap_or_default(),
        lr_decay: values.get(&LR_DECAY).unwrap_or_default(),
        eps: values.get(&EPS).unwrap_or_default(),
        weight_decay: values.get(&WEIGHT_DECAY).unwrap_or_default(),
    };
    OptimizerSpec::new(kind, numbers)
}

/// How gradients are clipped.
pub(crate) fn clipping(values: &Values) -> Clipping {
    Clipping { norm: values.get(&CLIP_NORM), value: values.get(&CLIP_VALUE) }
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
const WITH_VELOCITY: When = of_optimizers!("momentum");
const WITH_ALPHA: When = of_optimizers!("alpha");
const WITH_LR_DECAY: When = of_optimizers!("lr_decay");
const WITH_ITERATIONS: When = of_optimizers!("iterations");
const WITH_LAMBDA: When = of_optimizers!("lambda");
const WITH_BETA: When = of_optimizers!("beta");
const WITH_DECAY: When = of_optimizers!("weight_decay");
const OF_NESTEROV: When = of_optimizers!("nesterov");
const WITH_BETAS: When = of_optimizers!("betas");
const WITH_EPS: When = of_optimizers!("eps");
const WITH_MOMENTUM: When = When {
    holds: |values| (OF_NESTEROV.holds)(values) && values.get(&MOMENTUM).is_some_and(|momentum| momentum > 0.0),
    in_phase: None,
    otherwise: |values, name| match (OF_NESTEROV.holds)(values) {
        true => "needs optimizer.momentum above 0, as in momentum = 0.9; without momentum leave it out".to_owned(),
        false => (OF_NESTEROV.otherwise)(values, name),
    },
};
const WITH_WEIGHT_DECAY: When = When {
    holds: |values| {
        let is_above = |number: Option<f64>| number.is_some_and(|number| number > 0.0);
        is_above(values.get(&WEIGHT_DECAY)) || is_above(values.get(&LAMBDA))
    },
    in_phase: None,
    otherwise: |_, _| "has no effect: optimizer.weight_decay is 0, so that nothing decays".to_owned(),
};

fn weight_decay(values: &Values) -> Option<Value> {
    Some(Value::Number(values.get(&OPTIMIZER).unwrap_or_default().defaults().weight_decay))
}

fn momentum(values: &Values) -> Option<Value> {
    Some(Value::Number(values.get(&OPTIMIZER).unwrap_or_default().defaults().momentum))
}

fn nesterov(values: &Values) -> Option<Value> {
    Some(Value::Boolean(values.get(&OPTIMIZER).unwrap_or_default().defaults().nesterov))
}

fn eps(values: &Values) -> Option<Value> {
    Some(Value::Number(values.get(&OPTIMIZER).unwrap_or_default().defaults().eps))
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
