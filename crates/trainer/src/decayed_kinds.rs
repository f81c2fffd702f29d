//! Which kinds of parameters decay.

use strata_spec::DecayScope;

/// Which kinds of parameters decay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecayedKinds {
    /// Weights: parameters of two and more sizes.
    pub weights: bool,
    /// Biases: those of one size that are called so, of a dense layer or of a normalisation.
    pub biases: bool,
    /// Gains of normalisations: all others.
    pub gains: bool,
}

impl Default for DecayedKinds {
    /// All of them, as PyTorch's optimizers do with the parameters of one group.
    fn default() -> Self {
        Self { weights: true, biases: true, gains: true }
    }
}

impl From<DecayScope> for DecayedKinds {
    fn from(scope: DecayScope) -> Self {
        match scope {
            DecayScope::All => Self::default(),
            DecayScope::Weights => Self { weights: true, biases: false, gains: false },
        }
    }
}

impl DecayedKinds {
    /// Whether a parameter of that name (`0.weight`) and shape decays.
    pub fn contains(&self, name: &str, shape: &[usize]) -> bool {
        if shape.len() > 1 {
            self.weights
        } else if name.rsplit('.').next() == Some("bias") {
            self.biases
        } else {
            self.gains
        }
    }
}
