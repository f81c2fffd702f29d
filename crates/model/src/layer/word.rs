//! Which type a word of a network's text is: what `net!` makes of `rms_norm`, `dropout(0.1)` and `gelu`.

use strata_rng::TorchRng;
use strata_spec::{Activation, LayerKind};

use super::Activate;

/// A word in a network of `FEATURES` features: a [`LayerKind`] by its number or, where it is none, an [`Activation`] by its number, and the number in
/// its parentheses as [`LayerKind::encode`] has it.
#[derive(Clone, Copy, Debug)]
pub struct Word<const IS_KIND: bool, const NUMBER: u8, const FEATURES: usize, const ARGUMENT: u32>;

/// A word that is a layer.
#[diagnostic::on_unimplemented(
    message = "this word of a network is no layer",
    note = "a layer of Strata's is a file in `layer/kind/` of strata-model, which says of its word which type it is"
)]
pub trait LayerOfWord {
    /// What builds the layer.
    type Layer;
}

impl<const A: u8, const N: usize> LayerOfWord for Word<false, A, N, 0> {
    type Layer = Activate<A>;
}

/// The kind of layer that `word` calls, at compile time.
const fn kind(word: &str) -> Option<LayerKind> {
    match find(&LayerKind::NAMES, word) {
        Some(number) => Some(LayerKind::ALL[number]),
        None => None,
    }
}

/// Whether `word` calls a [`LayerKind`], at compile time.
pub const fn is_layer_kind(word: &str) -> bool {
    kind(word).is_some()
}

/// The number of the [`LayerKind`] that `word` calls or, where it calls none, of the activation, at compile time.
///
/// # Panics
/// Where there is neither, which is an error of the compiler in a type.
pub const fn number_of_word(word: &str) -> u8 {
    match kind(word) {
        Some(kind) => kind as u8,
        None => activation_number(word),
    }
}

/// The number in the parentheses behind `word`, as a type has it, at compile time.
///
/// # Panics
/// Where the layer has no such number, or needs one, which is an error of the compiler in a type.
pub const fn argument_of_word(word: &str, argument: Option<f64>) -> u32 {
    use strata_spec::Argument;
    match (kind(word), argument) {
        (None, None) => 0,
        (None, Some(_)) => panic!("an activation takes nothing in parentheses"),
        (Some(kind), None) => {
            assert!(matches!(kind.argument(), Argument::None), "this layer takes a number in parentheses");
            0
        }
        (Some(kind), Some(argument)) => kind.encode(argument),
    }
}

/// The place among all activations of the one that a config calls `name`, at compile time: `net!` finds activations by it.
///
/// # Panics
/// Where there is none, which is an error of the compiler in a type.
pub const fn activation_number(name: &str) -> u8 {
    match find(&Activation::NAMES, name) {
        Some(number) => number as u8,
        None => panic!("no layer, normalisation or activation has this name"),
    }
}

const fn find(names: &[&str], name: &str) -> Option<usize> {
    let mut number = 0;
    while number < names.len() {
        if is_same(names[number].as_bytes(), name.as_bytes()) {
            return Some(number);
        }
        number += 1;
    }
    None
}

const fn is_same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    a.len() == b.len() && at == a.len()
}

/// A kind of layer where its sizes are known at run time only.
#[derive(Clone, Copy)]
pub(crate) struct AtRunTime {
    /// The values that its tensors begin with, in order, for so many features, as PyTorch's module of the same name draws them.
    pub(crate) initial: fn(usize, &mut TorchRng) -> Vec<Vec<f32>>,
    /// Its output in evaluation.
    pub(crate) evaluate: fn(Evaluation<'_>) -> Vec<f32>,
}

/// What a layer is given in evaluation.
pub(crate) struct Evaluation<'a> {
    /// `[batch, features]`.
    pub(crate) x: Vec<f32>,
    /// Its tensors, in order.
    pub(crate) tensors: &'a [&'a [f32]],
    /// The number in its parentheses.
    pub(crate) argument: f64,
}

impl AtRunTime {
    /// A layer without tensors.
    pub(crate) const fn plain(evaluate: fn(Evaluation<'_>) -> Vec<f32>) -> Self {
        Self { initial: |_, _| Vec::new(), evaluate }
    }
}
