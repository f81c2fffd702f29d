//! The layers that a word calls and that keep the number of features: what each is, declared here once.
//!
//! What one computes is a file of its own in `strata-model`, in `layer/kind/`, under its word.

use super::NetworkError;
use crate::named::{Named, named};

/// What stands in the parentheses behind a layer's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Nothing, and no parentheses.
    None,
    /// A probability in `0..1`, of at most six digits after the point.
    Probability,
}

/// A tensor of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerTensor {
    /// What the layer calls it: `weight`.
    pub name: &'static str,
    /// How many axes it has, each as long as the layer has features.
    pub axes: usize,
    /// Whether an optimizer changes it.
    pub trained: bool,
}

/// A vector that an optimizer changes.
const fn trained(name: &'static str) -> LayerTensor {
    LayerTensor { name, axes: 1, trained: true }
}

/// A vector that the layer keeps for itself.
const fn kept(name: &'static str) -> LayerTensor {
    LayerTensor { name, axes: 1, trained: false }
}

/// All that is said of a kind but its word and sentence.
struct Declaration {
    argument: Argument,
    /// What files call its tensors by, before a number: `norm` of `norm1.weight`.
    group: &'static str,
    tensors: &'static [LayerTensor],
    /// Whether its output is zero where its trained tensors are.
    scales_output: bool,
    /// Whether it stands at the end of a skip connection's branch and nowhere else.
    ends_branch: bool,
}

/// A layer without tensors.
const PLAIN: Declaration =
    Declaration { argument: Argument::None, group: "", tensors: &[], scales_output: false, ends_branch: false };
/// A normalisation, by a gain.
const NORM: Declaration = Declaration { group: "norm", scales_output: true, ..PLAIN };

macro_rules! layer_kinds {
    ($($(#[$attribute:meta])* $kind:ident = $word:literal, $sentence:literal, $declaration:expr;)+) => {
        named! {
            /// A layer that a word calls and that keeps the number of features. Formulas as PyTorch's modules of the same names compute them.
            pub enum LayerKind { $($(#[$attribute])* $kind = $word, $sentence;)+ }
        }

        const DECLARATIONS: [Declaration; LayerKind::ALL.len()] = [$($declaration,)+];
    };
}

layer_kinds! {
    Dropout = "dropout",
        "in training each value is dropped with this probability, of at most six digits after the point",
        Declaration { argument: Argument::Probability, ..PLAIN };
    StochasticDepth = "stochastic_depth",
        "at the end of `skip(…)`: in training a sample goes without the layers in the parentheses with this probability, in evaluation they count by the probability that they are there (Huang et al. 2016)",
        Declaration { argument: Argument::Probability, ends_branch: true, ..PLAIN };
    BatchNorm = "batch_norm",
        "each feature over the samples of a batch, in evaluation by running statistics (Ioffe and Szegedy 2015)",
        Declaration { tensors: &[trained("weight"), trained("bias"), kept("running_mean"), kept("running_var")], ..NORM };
    LayerNorm = "layer_norm",
        "each sample over its features (Ba et al. 2016)",
        Declaration { tensors: &[trained("weight"), trained("bias")], ..NORM };
    RmsNorm = "rms_norm",
        "each sample by the root mean square of its features (Zhang and Sennrich 2019)",
        Declaration { tensors: &[trained("weight")], ..NORM };
}

impl LayerKind {
    /// What stands in the parentheses behind its word.
    pub const fn argument(self) -> Argument {
        self.declaration().argument
    }

    /// What files call its tensors by, before a number and a point; empty where it has none.
    pub const fn group(self) -> &'static str {
        self.declaration().group
    }

    /// Its tensors, in the order in which files have them.
    pub const fn tensors(self) -> &'static [LayerTensor] {
        self.declaration().tensors
    }

    /// Whether its output is zero where its trained tensors are.
    pub const fn scales_output(self) -> bool {
        self.declaration().scales_output
    }

    /// Whether it stands at the end of a skip connection's branch and nowhere else.
    pub const fn ends_branch(self) -> bool {
        self.declaration().ends_branch
    }

    const fn declaration(self) -> &'static Declaration {
        const ALL: &[Declaration; LayerKind::ALL.len()] = &DECLARATIONS;
        &ALL[self as usize]
    }

    /// How it is written, `argument` standing for what is in its parentheses.
    pub fn written(self, argument: impl std::fmt::Display) -> String {
        match self.argument() {
            Argument::None => self.to_string(),
            Argument::Probability => format!("{self}({argument})"),
        }
    }

    /// What a word of a network's text calls, and the number in its parentheses, or 0.
    pub(super) fn parse(word: &str) -> Option<(Self, f64)> {
        let (name, argument) = match word.strip_suffix(')').and_then(|word| word.split_once('(')) {
            Some((name, argument)) => (name, Some(argument.trim().parse().ok()?)),
            None => (word, None),
        };
        let kind = Self::from_name(name)?;
        match (kind.argument(), argument) {
            (Argument::None, None) => Some((kind, 0.0)),
            (Argument::Probability, Some(argument)) => Some((kind, argument)),
            _ => None,
        }
    }

    /// A number in the parentheses as a whole one, as a layer's type has it: a probability in millionths.
    ///
    /// # Panics
    /// Where there is no such layer, which is an error of the compiler in a type.
    pub const fn encode(self, argument: f64) -> u32 {
        match self.argument() {
            Argument::None => {
                assert!(argument == 0.0, "this layer takes nothing in parentheses");
                0
            }
            Argument::Probability => {
                assert!(0.0 <= argument && argument < 1.0, "a probability is from 0 up to but not including 1");
                (argument * 1e6 + 0.5) as u32
            }
        }
    }

    /// The number that [`LayerKind::encode`] made a whole one of.
    pub fn decode(self, argument: u32) -> f64 {
        match self.argument() {
            Argument::None => 0.0,
            Argument::Probability => f64::from(argument) / 1e6,
        }
    }

    /// Whether a layer of this kind can have the number in its parentheses.
    pub(super) fn check(self, argument: f64) -> Result<(), NetworkError> {
        let refuse = |why: &str| {
            let what = self.as_str().replace('_', " ");
            Err(NetworkError(format!("a {what} of {argument}: {why}")))
        };
        match self.argument() {
            Argument::None if argument == 0.0 => Ok(()),
            Argument::None => refuse("there is nothing to say of it"),
            Argument::Probability if !(0.0..1.0).contains(&argument) => refuse("from 0 up to but not including 1"),
            Argument::Probability => {
                // A layer's type has it in millionths.
                let nearest = (argument * 1e6).round() / 1e6;
                match nearest == argument && nearest != 1.0 {
                    true => Ok(()),
                    false => refuse("at most six digits after the point"),
                }
            }
        }
    }
}
