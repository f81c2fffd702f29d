//! Optimizers by name, with PyTorch's meaning of each number (`torch.optim`).

use crate::named::named;

named! {
    /// Which rule updates the parameters, without its numbers.
    #[derive(Default)]
    pub enum OptimizerKind {
        #[default]
        Sgd = "sgd", "stochastic gradient descent, with momentum where there is any";
        Adam = "adam", "Adam (Kingma and Ba 2015)";
        AdamW = "adamw", "AdamW (Loshchilov and Hutter 2019): Adam with decay of the parameters themselves";
        NAdam = "nadam", "NAdam (Dozat 2016): Adam with Nesterov's momentum";
        RmsProp = "rmsprop", "RMSprop (Tieleman and Hinton 2012), not centred";
        Adagrad = "adagrad", "Adagrad (Duchi et al. 2011)";
        Lion = "lion", "Lion (Chen et al. 2023): steps of one size along the signs of an average, and decay of the parameters themselves; rates about a tenth of Adam's";
        Muon = "muon", "Muon (Jordan et al. 2024) for hidden layers' weights, its step fitted to AdamW's, and AdamW for the last layer, biases and normalisations; both decay the parameters themselves";
        BetaLasso = "beta_lasso", "β-LASSO (Neyshabur 2020): descent with a pull towards zero, after which what is small becomes 0";
    }
}

named! {
    /// Which kinds of parameters decay.
    #[derive(Default)]
    pub enum DecayScope {
        #[default]
        All = "all", "every parameter, as PyTorch's optimizers do with the parameters of one group";
        Weights = "weights", "weights alone: neither biases nor the gains of normalisations";
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
    /// NAdam, its momentum's decay PyTorch's default, 4e-3.
    NAdam {
        /// Decay rates of the first and second moment, each [`ranges::BETA`](crate::ranges::BETA).
        betas: [f64; 2],
        /// Added to the second moment's root, above 0.
        eps: f64,
        /// L2 penalty added to the gradient, 0 or more.
        weight_decay: f64,
    },
    /// RMSprop, not centred.
    RmsProp {
        /// Decay rate of the mean square, [`ranges::BETA`](crate::ranges::BETA).
        alpha: f64,
        /// Added to the mean square's root, above 0.
        eps: f64,
        /// Share of the velocity that is kept, [`ranges::MOMENTUM`](crate::ranges::MOMENTUM); 0 keeps none.
        momentum: f64,
        /// L2 penalty added to the gradient, 0 or more.
        weight_decay: f64,
    },
    /// Adagrad; its sums begin at zero.
    Adagrad {
        /// By how much of itself the learning rate is divided more in each step, [`ranges::LR_DECAY`](crate::ranges::LR_DECAY).
        lr_decay: f64,
        /// Added to the sum's root, above 0.
        eps: f64,
        /// L2 penalty added to the gradient, 0 or more.
        weight_decay: f64,
    },
    /// Lion.
    Lion {
        /// Share of the average in the direction, and its decay, each [`ranges::BETA`](crate::ranges::BETA).
        betas: [f64; 2],
        /// Share of the parameters that decays in a step, times the learning rate, 0 or more.
        weight_decay: f64,
    },
    /// Muon for hidden layers' weights, AdamW for the rest.
    Muon {
        /// Share of the velocity that is kept, [`ranges::MOMENTUM`](crate::ranges::MOMENTUM).
        momentum: f64,
        /// Nesterov's look-ahead by one step.
        nesterov: bool,
        /// Newton-Schulz iterations, [`ranges::NEWTON_SCHULZ`](crate::ranges::NEWTON_SCHULZ).
        iterations: usize,
        /// AdamW's decay rates of the first and second moment, each [`ranges::BETA`](crate::ranges::BETA).
        betas: [f64; 2],
        /// Added to the root of AdamW's second moment, above 0.
        eps: f64,
        /// Share of the parameters that decays in a step, times the learning rate, 0 or more.
        weight_decay: f64,
    },
    /// β-LASSO.
    BetaLasso {
        /// The pull towards zero, [`ranges::LAMBDA`](crate::ranges::LAMBDA).
        lambda: f64,
        /// How many times the pull is the smallest value that stays, [`ranges::BETA_LASSO`](crate::ranges::BETA_LASSO).
        beta: f64,
    },
}

/// What a person may choose of an optimizer. Each kind takes some of the numbers ([`OptimizerKind::takes`]).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptimizerNumbers {
    /// Share of the velocity that is kept.
    pub momentum: f64,
    /// Nesterov's look-ahead.
    pub nesterov: bool,
    /// Decay rates of the moments.
    pub betas: [f64; 2],
    /// Newton-Schulz iterations.
    pub iterations: usize,
    /// The pull towards zero.
    pub lambda: f64,
    /// How many times the pull is the smallest value that stays.
    pub beta: f64,
    /// Decay rate of the mean square.
    pub alpha: f64,
    /// By how much of itself the learning rate is divided more in each step.
    pub lr_decay: f64,
    /// Added to the second moment's root.
    pub eps: f64,
    /// The decay of the parameters, or the L2 penalty.
    pub weight_decay: f64,
}

impl OptimizerKind {
    /// [`OptimizerKind::defaults`]' betas, eps, weight decay, momentum and look-ahead in words, for documents.
    pub const DEFAULTS_IN_WORDS: [&'static str; 5] = [
        "[0.9, 0.999] (lion [0.9, 0.99])",
        "1e-8 (adagrad 1e-10)",
        "0.0 (adamw 0.01)",
        "0.0 (muon 0.95)",
        "false (muon true)",
    ];

    /// Whether the number of this name (`betas`) is one of its own.
    #[must_use]
    pub fn takes(self, number: &str) -> bool {
        let own: &[&str] = match self {
            Self::Sgd => &["momentum", "nesterov"],
            Self::Adam | Self::AdamW | Self::NAdam => &["betas", "eps"],
            Self::RmsProp => &["alpha", "eps", "momentum"],
            Self::Adagrad => &["lr_decay", "eps"],
            Self::Lion => &["betas"],
            Self::Muon => &["momentum", "nesterov", "iterations", "betas", "eps"],
            Self::BetaLasso => return ["lambda", "beta"].contains(&number),
        };
        number == "weight_decay" || own.contains(&number)
    }

    /// The numbers by default: PyTorch's, or its authors'.
    #[must_use]
    pub fn defaults(self) -> OptimizerNumbers {
        let betas = if self == Self::Lion { [0.9, 0.99] } else { [0.9, 0.999] };
        let weight_decay = if self == Self::AdamW { 0.01 } else { 0.0 };
        let eps = if self == Self::Adagrad { 1e-10 } else { 1e-8 };
        let (momentum, nesterov) = if self == Self::Muon { (0.95, true) } else { (0.0, false) };
        let (alpha, lr_decay, iterations, lambda, beta) = (0.99, 0.0, 5, 1e-4, 50.0);
        OptimizerNumbers { momentum, nesterov, betas, iterations, lambda, beta, alpha, lr_decay, eps, weight_decay }
    }
}

impl OptimizerSpec {
    /// The optimizer of a kind, with the numbers that it takes.
    #[must_use]
    pub fn new(kind: OptimizerKind, numbers: OptimizerNumbers) -> Self {
        let OptimizerNumbers {
            momentum,
            nesterov,
            betas,
            iterations,
            lambda,
            beta,
            alpha,
            lr_decay,
            eps,
            weight_decay,
        } = numbers;
        match kind {
            OptimizerKind::Sgd => Self::Sgd { momentum, nesterov, weight_decay },
            OptimizerKind::Adam => Self::Adam { betas, eps, weight_decay },
            OptimizerKind::AdamW => Self::AdamW { betas, eps, weight_decay },
            OptimizerKind::NAdam => Self::NAdam { betas, eps, weight_decay },
            OptimizerKind::RmsProp => Self::RmsProp { alpha, eps, momentum, weight_decay },
            OptimizerKind::Adagrad => Self::Adagrad { lr_decay, eps, weight_decay },
            OptimizerKind::Lion => Self::Lion { betas, weight_decay },
            OptimizerKind::Muon => Self::Muon { momentum, nesterov, iterations, betas, eps, weight_decay },
            OptimizerKind::BetaLasso => Self::BetaLasso { lambda, beta },
        }
    }

    /// Which rule it is.
    #[must_use]
    pub fn kind(&self) -> OptimizerKind {
        match self {
            Self::Sgd { .. } => OptimizerKind::Sgd,
            Self::Adam { .. } => OptimizerKind::Adam,
            Self::AdamW { .. } => OptimizerKind::AdamW,
            Self::NAdam { .. } => OptimizerKind::NAdam,
            Self::RmsProp { .. } => OptimizerKind::RmsProp,
            Self::Adagrad { .. } => OptimizerKind::Adagrad,
            Self::Lion { .. } => OptimizerKind::Lion,
            Self::Muon { .. } => OptimizerKind::Muon,
            Self::BetaLasso { .. } => OptimizerKind::BetaLasso,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_optimizer_kind_makes_a_spec_of_its_kind() {
        for kind in OptimizerKind::ALL {
            assert_eq!(OptimizerSpec::new(kind, kind.defaults()).kind(), kind);
        }
    }

    /// The words of the document are the numbers that are used.
    #[test]
    fn defaults_in_words_are_the_defaults() {
        for (words, text) in OptimizerKind::DEFAULTS_IN_WORDS.into_iter().zip([
            |kind: OptimizerKind| format!("{:?}", kind.defaults().betas),
            |kind: OptimizerKind| format!("{:?}", kind.defaults().eps),
            |kind: OptimizerKind| format!("{:?}", kind.defaults().weight_decay),
            |kind: OptimizerKind| format!("{:?}", kind.defaults().momentum),
            |kind: OptimizerKind| format!("{:?}", kind.defaults().nesterov),
        ]) {
            for kind in OptimizerKind::ALL {
                let own = format!("({kind} {})", text(kind));
                let is_general = words.starts_with(&text(kind));
                assert!(is_general != words.contains(&own), "{kind}: {words}");
            }
        }
    }
}
