//! Optimizers: what is configured, from which each step's update rule is made.

mod adam;
mod beta_lasso;
mod lion;
mod muon;
mod rms_prop;
mod sgd;
mod state;

pub use adam::{Adam, NAdam};
pub use beta_lasso::BetaLasso;
pub use lion::Lion;
pub use muon::Muon;
pub use rms_prop::{Adagrad, RmsProp};
pub use sgd::Sgd;
pub use state::{OptimizerState, ParameterState};

use std::fmt::Debug;
use std::sync::Arc;

use strata_kernels::UpdateRule;
use strata_spec::{Numbers, OptimizerSpec};

use crate::TrainError;

/// An optimizer of this crate or of a user's own: it gives each step's rule, and keeps nothing itself, so that a resumed run
/// needs no more than the buffers that its rules keep.
///
/// ```
/// use strata_kernels::{ElementwiseRule, UpdateRule};
/// use strata_trainer::{Optimizer, Step, TrainError};
///
/// /// SignSGD with momentum (Bernstein et al. 2018).
/// #[derive(Debug)]
/// struct SignSgd {
///     momentum: f64,
/// }
///
/// struct SignRule {
///     learning_rate: f32,
///     momentum: f32,
/// }
///
/// impl ElementwiseRule for SignRule {
///     type State = [f32; 1];
///
///     #[inline(always)]
///     fn step(&self, p: f32, g: f32, [velocity]: [f32; 1]) -> (f32, [f32; 1]) {
///         let velocity = self.momentum * velocity + g;
///         (p - self.learning_rate * velocity.signum(), [velocity])
///     }
/// }
///
/// impl Optimizer for SignSgd {
///     fn states(&self) -> &'static [&'static str] {
///         &["momentum_buffer"]
///     }
///
///     fn rule(&self, step: Step) -> Result<Box<dyn UpdateRule>, TrainError> {
///         let learning_rate = step.single("learning rate", step.learning_rate)?;
///         Ok(Box::new(SignRule { learning_rate, momentum: self.momentum as f32 }))
///     }
/// }
/// # let step = Step { learning_rate: 0.1, number: 1, decays: true, is_hidden_weight: false };
/// # assert_eq!(SignSgd { momentum: 0.9 }.rule(step)?.states(), 1);
/// # Ok::<(), TrainError>(())
/// ```
pub trait Optimizer: Debug + Send + Sync {
    /// Whether its numbers are in their ranges, asked once before the first step.
    ///
    /// # Errors
    /// [`TrainError::Number`] with the first that is not.
    fn check(&self) -> Result<(), TrainError> {
        Ok(())
    }

    /// The names of the buffers that it keeps for each parameter, at most, as PyTorch's optimizer of that kind calls them where there is one.
    fn states(&self) -> &'static [&'static str];

    /// The rule of one step; it keeps as many buffers as there are [`Optimizer::states`], or the first of them.
    ///
    /// # Errors
    /// [`TrainError::Number`] where a number of the rule is none in 32 bits ([`Step::single`]).
    fn rule(&self, step: Step) -> Result<Box<dyn UpdateRule>, TrainError>;

    /// The same rule where dfdx's own kernels have it, which update the parameters on a card. An optimizer without one is
    /// refused there before the first step.
    ///
    /// # Errors
    /// As [`Optimizer::rule`].
    fn tensor_rule(&self, step: Step) -> Result<Option<TensorRule>, TrainError> {
        let _ = step;
        Ok(None)
    }
}

/// The rules that dfdx has kernels for, on every device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TensorRule {
    /// Plain stochastic gradient descent.
    Sgd(strata_kernels::SgdRule),
    /// With momentum.
    Momentum(strata_kernels::MomentumRule),
    /// Adam or AdamW.
    Adam(strata_kernels::AdamRule),
}

impl From<TensorRule> for Box<dyn UpdateRule> {
    fn from(rule: TensorRule) -> Self {
        match rule {
            TensorRule::Sgd(rule) => rule.into(),
            TensorRule::Momentum(rule) => rule.into(),
            TensorRule::Adam(rule) => rule.into(),
        }
    }
}

/// A step of training, as an optimizer sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The learning rate, finite and 0 or more.
    pub learning_rate: f64,
    /// The step's number over the run; the first is 1.
    pub number: u64,
    /// Whether weight decay is for the parameters of this rule.
    pub decays: bool,
    /// Whether they are weights of hidden layers: those of two and more sizes, but for the last of the network.
    pub is_hidden_weight: bool,
}

impl Step {
    /// `weight_decay` where this rule's parameters decay, else 0.
    pub fn weight_decay(&self, weight_decay: f64) -> f64 {
        if self.decays { weight_decay } else { 0.0 }
    }

    /// `1 - betaᵗ`, `t` being the step's number: what a moving average that began at zero is divided by (Kingma and Ba 2015). It is of `beta` in 32 bits, which
    /// is what the kernels average with: near 1 the two differ by much of `1 - beta`.
    pub fn bias_correction(&self, beta: f64) -> f64 {
        let beta = f64::from(beta as f32);
        1.0 - match i32::try_from(self.number) {
            Ok(number) => beta.powi(number),
            Err(_) => beta.powf(self.number as f64),
        }
    }

    /// A number of the rule in 32 bits, which the kernels compute in.
    ///
    /// # Errors
    /// [`TrainError::Number`] where it is not finite there, or becomes 0 and was not.
    pub fn single(&self, what: &'static str, value: f64) -> Result<f32, TrainError> {
        let single = value as f32;
        if single.is_finite() && (single != 0.0 || value == 0.0) {
            return Ok(single);
        }
        Err(TrainError::Number { what, value, range: "finite in 32-bit floats, and not rounded to 0".into() })
    }
}

/// The optimizer that a config names.
pub fn optimizer_of(spec: &OptimizerSpec) -> Arc<dyn Optimizer> {
    match *spec {
        OptimizerSpec::Sgd { momentum, nesterov, weight_decay } => Arc::new(Sgd { momentum, nesterov, weight_decay }),
        OptimizerSpec::Adam { betas, eps, weight_decay } => {
            Arc::new(Adam { betas, epsilon: eps, weight_decay, decoupled: false })
        }
        OptimizerSpec::AdamW { betas, eps, weight_decay } => {
            Arc::new(Adam { betas, epsilon: eps, weight_decay, decoupled: true })
        }
        OptimizerSpec::NAdam { betas, eps, weight_decay } => {
            Arc::new(NAdam { betas, epsilon: eps, weight_decay, momentum_decay: 4e-3, decoupled: false })
        }
        OptimizerSpec::RmsProp { alpha, eps, momentum, weight_decay } => {
            Arc::new(RmsProp { alpha, epsilon: eps, weight_decay, momentum })
        }
        OptimizerSpec::Adagrad { lr_decay, eps, weight_decay } => {
            Arc::new(Adagrad { learning_rate_decay: lr_decay, epsilon: eps, weight_decay })
        }
        OptimizerSpec::Lion { betas, weight_decay } => Arc::new(Lion { betas, weight_decay }),
        OptimizerSpec::Muon { momentum, nesterov, iterations, betas, eps, weight_decay } => {
            Arc::new(Muon { momentum, nesterov, iterations, betas, epsilon: eps, weight_decay })
        }
        OptimizerSpec::BetaLasso { lambda, beta } => Arc::new(BetaLasso { lambda, beta }),
    }
}

/// Checks numbers by their ranges.
fn in_range(numbers: &[(&'static str, f64, Numbers)]) -> Result<(), TrainError> {
    match numbers.iter().find(|(_, value, range)| !range.contains(*value)) {
        Some((what, value, range)) => Err(TrainError::Number { what, value: *value, range: range.to_string() }),
        None => Ok(()),
    }
}
