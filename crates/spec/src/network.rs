//! Networks in words: `3072, 512 batch_norm gelu, skip(512 gelu, 512), 10`.

use std::fmt;
use std::str::FromStr;

use crate::named::named;
use crate::{Activation, Named};

named! {
    /// What a normalisation layer works its mean and deviation out from. Formulas as PyTorch's modules of the same names compute them.
    pub enum NormKind {
        Batch = "batch_norm", "each feature over the samples of a batch, in evaluation by running statistics (Ioffe and Szegedy 2015)";
        Layer = "layer_norm", "each sample over its features (Ba et al. 2016)";
        Rms = "rms_norm", "each sample by the root mean square of its features (Zhang and Sennrich 2019)";
    }
}

/// One step on the way through a network.
#[derive(Clone, Debug, PartialEq)]
pub enum LayerSpec {
    /// A fully connected layer to so many features.
    Dense {
        /// Features of its output.
        outputs: usize,
    },
    /// An activation.
    Activation(Activation),
    /// A normalisation.
    Norm(NormKind),
    /// Dropout in training.
    Dropout {
        /// The probability that a value is dropped, in `0..1`.
        probability: f64,
    },
    /// The input added to what the layers make of it; they end with as many features as they begin with.
    Skip(Vec<LayerSpec>),
    /// A module of a user's own, known by name only.
    Module {
        /// What it is called.
        name: String,
        /// Features of its output.
        outputs: usize,
    },
}

/// A network: features of a sample, and the layers they pass, each of which fits the one before.
///
/// As text, a width is a dense layer and what stands behind it follows it; `skip(…)` holds layers; an activation that stands behind none is `activation(gelu)`:
///
/// ```
/// use strata_spec::{LayerSpec, NetworkSpec};
///
/// let text = "3072, 512 batch_norm gelu, skip(layer_norm, 2048 gelu dropout(0.1), 512), 10";
/// let network: NetworkSpec = text.parse()?;
/// assert_eq!((network.inputs(), network.outputs()), (3072, 10));
/// assert!(matches!(network.layers()[3], LayerSpec::Skip(_)));
/// assert_eq!(network.to_string(), text);
/// assert!("3072, skip(512), 10".parse::<NetworkSpec>().is_err());
/// # Ok::<(), strata_spec::NetworkError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkSpec {
    inputs: usize,
    layers: Vec<LayerSpec>,
}

/// Why something is no network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkError(String);

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NetworkError {}

/// How deep skip connections may be nested in a text: more than any network needs, and less than would exhaust the stack.
const DEEPEST: usize = 32;

impl NetworkSpec {
    /// The network of `layers` on samples of `inputs` features.
    ///
    /// # Errors
    /// A width of zero, a probability outside of `0..1`, or a skip connection that ends with other features than it begins with.
    pub fn new(inputs: usize, layers: Vec<LayerSpec>) -> Result<Self, NetworkError> {
        if inputs == 0 {
            return Err(NetworkError("a sample has at least one feature".into()));
        }
        outputs_of(&layers, inputs)?;
        Ok(Self { inputs, layers })
    }

    /// Features of a sample.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Features of the output: a classifier's classes.
    pub fn outputs(&self) -> usize {
        // Checked at the beginning.
        outputs_of(&self.layers, self.inputs).unwrap_or_default()
    }

    /// The layers, the first first.
    pub fn layers(&self) -> &[LayerSpec] {
        &self.layers
    }

    /// Calls `visit` with each layer that is no skip connection, those in skip connections too, in order, and the features it takes.
    pub fn for_each(&self, visit: &mut dyn FnMut(usize, &LayerSpec)) {
        walk(&self.layers, self.inputs, visit);
    }

    /// Whether the network is a chain of dense layers, whose activation is said elsewhere.
    pub fn is_chain(&self) -> bool {
        self.layers.iter().all(|layer| matches!(layer, LayerSpec::Dense { .. }))
    }

    /// Whether a training batch needs two samples at least: under batch normalisation a single one has no variance.
    pub fn has_batch_norm(&self) -> bool {
        let mut found = false;
        self.for_each(&mut |_, layer| found |= *layer == LayerSpec::Norm(NormKind::Batch));
        found
    }
}

fn walk(layers: &[LayerSpec], mut width: usize, visit: &mut dyn FnMut(usize, &LayerSpec)) {
    for layer in layers {
        match layer {
            LayerSpec::Skip(layers) => walk(layers, width, visit),
            layer => visit(width, layer),
        }
        if let LayerSpec::Dense { outputs } | LayerSpec::Module { outputs, .. } = layer {
            width = *outputs;
        }
    }
}

fn outputs_of(layers: &[LayerSpec], inputs: usize) -> Result<usize, NetworkError> {
    let mut width = inputs;
    for layer in layers {
        match layer {
            LayerSpec::Dense { outputs } | LayerSpec::Module { outputs, .. } => width = *outputs,
            LayerSpec::Dropout { probability } if !(0.0..1.0).contains(probability) => {
                return Err(NetworkError(format!("a dropout of {probability}: from 0 up to but not including 1")));
            }
            LayerSpec::Skip(layers) => {
                let outputs = outputs_of(layers, width)?;
                if outputs != width {
                    return Err(NetworkError(format!(
                        "a skip connection of {width} features ends with {outputs}: what is added has as many as the input"
                    )));
                }
            }
            _ => {}
        }
        if width == 0 {
            return Err(NetworkError("a layer has at least one output".into()));
        }
    }
    Ok(width)
}

impl fmt::Display for NetworkSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.inputs)?;
        write_layers(f, &self.layers)
    }
}

fn write_layers(f: &mut fmt::Formatter<'_>, layers: &[LayerSpec]) -> fmt::Result {
    // A name at the beginning of an item is a constant's in `net!`, so an activation is called one there.
    let mut joins_on = false;
    for (i, layer) in layers.iter().enumerate() {
        let item = matches!(layer, LayerSpec::Dense { .. } | LayerSpec::Skip(_) | LayerSpec::Module { .. });
        if i > 0 {
            f.write_str(if item || !joins_on { ", " } else { " " })?;
        }
        joins_on = !matches!(layer, LayerSpec::Skip(_) | LayerSpec::Module { .. }) && (item || joins_on);
        match layer {
            LayerSpec::Dense { outputs } => write!(f, "{outputs}")?,
            LayerSpec::Activation(activation) if joins_on => write!(f, "{activation}")?,
            LayerSpec::Activation(activation) => write!(f, "activation({activation})")?,
            LayerSpec::Norm(kind) => write!(f, "{kind}")?,
            LayerSpec::Dropout { probability } => write!(f, "dropout({probability})")?,
            LayerSpec::Module { name, outputs } => write!(f, "module({name} to {outputs})")?,
            LayerSpec::Skip(layers) => {
                f.write_str("skip(")?;
                write_layers(f, layers)?;
                f.write_str(")")?;
            }
        }
    }
    Ok(())
}

impl FromStr for NetworkSpec {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (inputs, rest) = text.split_once(',').ok_or_else(|| {
            NetworkError(format!(
                "`{text}` is no network: features of a sample, then layers, as in `3072, 512 gelu, 10`"
            ))
        })?;
        let inputs = inputs.trim();
        let inputs = inputs.parse().map_err(|_| NetworkError(format!("`{inputs}` is no number of features")))?;
        Self::new(inputs, parse_layers(rest, 0)?)
    }
}

fn parse_layers(text: &str, depth: usize) -> Result<Vec<LayerSpec>, NetworkError> {
    if depth > DEEPEST {
        return Err(NetworkError(format!("skip connections nested more than {DEEPEST} deep")));
    }
    let mut layers = Vec::new();
    for item in split(text, |c| c == ',')? {
        let words = split(item, char::is_whitespace)?;
        let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            return Err(NetworkError(format!("a layer is missing in `{}`", text.trim())));
        }
        for (i, word) in words.into_iter().enumerate() {
            let layer = parse_word(word, depth)?;
            if i > 0 && matches!(layer, LayerSpec::Dense { .. }) {
                return Err(NetworkError(format!("a comma is missing before `{word}` in `{}`", item.trim())));
            }
            layers.push(layer);
        }
    }
    Ok(layers)
}

fn parse_word(word: &str, depth: usize) -> Result<LayerSpec, NetworkError> {
    let argument = |name: &str| word.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    let number = |text: &str| text.trim().parse().ok();
    if let Some(outputs) = number(word) {
        return Ok(LayerSpec::Dense { outputs });
    }
    if let Some(activation) = Activation::from_name(argument("activation").unwrap_or(word).trim()) {
        return Ok(LayerSpec::Activation(activation));
    }
    if let Some(kind) = NormKind::from_name(word) {
        return Ok(LayerSpec::Norm(kind));
    }
    if let Some(layers) = argument("skip") {
        return parse_layers(layers, depth + 1).map(LayerSpec::Skip);
    }
    if let Some(probability) = argument("dropout").and_then(|text| text.trim().parse().ok()) {
        return Ok(LayerSpec::Dropout { probability });
    }
    if let Some((name, outputs)) = argument("module").and_then(|text| text.rsplit_once(" to "))
        && let Some(outputs) = number(outputs)
    {
        return Ok(LayerSpec::Module { name: name.into(), outputs });
    }
    let names = |names: Vec<&str>| names.join(", ");
    Err(NetworkError(format!(
        "`{word}` is no layer; there are a width, skip(…), dropout(p), {}, {}",
        names(NormKind::ALL.map(Named::as_str).to_vec()),
        names(Activation::ALL.map(Named::as_str).to_vec())
    )))
}

/// The parts of `text` between separators that stand in no parenthesis.
fn split(text: &str, separator: impl Fn(char) -> bool) -> Result<Vec<&str>, NetworkError> {
    let (mut depth, mut first, mut parts) = (0usize, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth
                    .checked_sub(1)
                    .ok_or_else(|| NetworkError(format!("a parenthesis too many in `{}`", text.trim())))?;
            }
            c if depth == 0 && separator(c) => {
                parts.push(&text[first..at]);
                first = at + c.len_utf8();
            }
            _ => {}
        }
    }
    if depth > 0 {
        return Err(NetworkError(format!("a parenthesis is not closed in `{}`", text.trim())));
    }
    parts.push(&text[first..]);
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_networks_text_parses_to_an_equal_network() {
        let texts = [
            "3072, 10",
            "5, 4 gelu, 3",
            "8, batch_norm, 8 rms_norm silu dropout(0.25), skip(8 relu, skip(8), 8), activation(gelu), 2",
            "8, module(own::Layer to 6), activation(relu), 2",
        ];
        for text in texts {
            assert_eq!(text.parse::<NetworkSpec>().unwrap().to_string(), text);
        }
        let loose: NetworkSpec = " 5 ,4   gelu,\n skip( 4 ) , 3 ".parse().unwrap();
        assert_eq!(loose.to_string(), "5, 4 gelu, skip(4), 3");
    }

    #[test]
    fn invalid_network_texts_are_refused_with_a_reason() {
        let deep = format!("4, {}4{}", "skip(".repeat(40), ")".repeat(40));
        let cases = [
            ("", "is no network"),
            ("3072", "is no network"),
            ("x, 10", "`x` is no number of features"),
            ("0, 10", "at least one feature"),
            ("5, 0, 10", "at least one output"),
            ("5, 4 gellu, 3", "`gellu` is no layer"),
            ("5, 4 3", "a comma is missing before `3`"),
            ("5, , 3", "a layer is missing"),
            ("5, 3,", "a layer is missing"),
            ("5, skip(3", "is not closed"),
            ("5, skip(3))", "too many"),
            ("5, skip(4), 3", "of 5 features ends with 4"),
            ("5, 4 dropout(1), 3", "a dropout of 1"),
            ("5, 4 dropout(-0.1), 3", "a dropout of -0.1"),
            ("5, 4 dropout(NaN), 3", "a dropout of NaN"),
            ("5, 99999999999999999999999, 3", "is no layer"),
            (&deep, "nested more than 32"),
        ];
        for (text, expected) in cases {
            let error = text.parse::<NetworkSpec>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn batch_normalisation_is_found_in_skip_connections() {
        let has = |text: &str| text.parse::<NetworkSpec>().unwrap().has_batch_norm();
        assert!(has("5, skip(batch_norm, 5), 3") && !has("5, skip(layer_norm, 5), 3"));
        assert!("5, 4, 3".parse::<NetworkSpec>().unwrap().is_chain());
        assert!(!"5, 4 relu, 3".parse::<NetworkSpec>().unwrap().is_chain());
    }
}
