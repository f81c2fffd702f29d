//! Optimizers by name, with PyTorch's meaning of each number (`torch.optim`).

use crate::named::named;

named! {
    /// Which rule updates the parameters, without its numbers.
    #[derive(Default)]
    pub enum OptimizerKind {
        #[default]
        Sgd = "sgd", "stochastic gradient descent, with momentum where there is any";
        Adam = "adam", "Adam (Kingma and Ba 2015)";
        AdamW = "adamw", "AdamW (Loshchilov and Hutter 2019): Adam whose decay shrinks the parameters themselves";
    }
}

/// The rule that updates the parameters, with its numbers. Every number is finite in 32 bits too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OptimizerSpec {
    /// Stochastic gradient descent.
    Sgd {
        /// Share of the velocity that is kept, [`ranges::MOMENTUM`](crate::ranges::MOMENTUM); 0 keeps none.
        momentum: f64,
        /// Nesterov's look-ahead by one step; needs momentum above 0.
        nesterov: bool,
        /// L2 penalty added to the gradient, 0 or more.
        weight_decay: f64,
    },
    /// Adam.
    Adam {
        /// Decay rates of the first and second moment, each [`ranges::BETA`](crate::ranges::BETA).
        betas: [f64; 2],
        /// Added to the second moment's root, above 0.
        eps: f64,
        /// L2 penalty added to the gradient, 0 or more.
        weight_decay: f64,
    },
    /// AdamW.
    AdamW {
        /// Decay rates of the first and second moment, each [`ranges::BETA`](crate::ranges::BETA).
        betas: [f64; 2],
        /// Added to the second moment's root, above 0.
        eps: f64,
        /// Share of the parameters that decays in a step, times the learning rate, 0 or more.
        weight_decay: f64,
    },
}

impl OptimizerSpec {
    /// Which rule it is.
    #[must_use]
    pub fn kind(&self) -> OptimizerKind {
        match self {
            Self::Sgd { .. } => OptimizerKind::Sgd,
            Self::Adam { .. } => OptimizerKind::Adam,
            Self::AdamW { .. } => OptimizerKind::AdamW,
        }
    }
}
