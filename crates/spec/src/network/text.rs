//! The text form of networks, written and read.

use std::fmt;
use std::str::FromStr;

use super::{LayerKind, LayerSpec, NetworkError, NetworkSpec};
use crate::{Activation, Named};

/// How deep skip connections may be nested in a text: more than any network needs, and less than would exhaust the stack.
const DEEPEST: usize = 32;

/// Layers one after the other, as a config has them: a network's text without the features of its samples and its last layer, which the data
/// decide.
///
/// ```
/// use strata_spec::{LayerList, NetworkSpec};
///
/// let LayerList(layers) = "512 batch_norm gelu, skip(layer_norm, 2048 gelu, 512)".parse()?;
/// let network = NetworkSpec::classifier(3072, layers, 10)?;
/// assert_eq!(network.to_string(), "3072, 512 batch_norm gelu, skip(layer_norm, 2048 gelu, 512), 10");
/// assert_eq!(network.parameters(), 3073 * 512 + 2 * 512 + (2 * 512 + 513 * 2048 + 2049 * 512) + 513 * 10);
/// # Ok::<(), strata_spec::NetworkError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LayerList(pub Vec<LayerSpec>);

impl LayerList {
    /// Every word of a network's text and what it stands for, in one sentence without its full stop.
    pub fn words() -> Vec<(String, &'static str)> {
        let mut words = vec![
            ("512".to_owned(), "a dense layer to so many features, from 1 to 65536"),
            (
                "skip(…)".to_owned(),
                "the input added to what the layers in the parentheses make of it, which end with as many features (He et al. 2015)",
            ),
        ];
        words.push((
            "mirrored(…)".to_owned(),
            "at the beginning, of images: a network that by its weights sees a mirror image as it sees the image, with half of the products that as many features take elsewhere (widths are those of each of the two views)",
        ));
        words.extend(LayerKind::ALL.map(|kind| (kind.written("0.1"), kind.sentence())));
        words.extend(Activation::ALL.map(|activation| (activation.to_string(), activation.sentence())));
        words.push(("activation(gelu)".to_owned(), "an activation at the beginning or behind `skip(…)`"));
        words
    }
}

impl fmt::Display for LayerList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_layers(f, &self.0)
    }
}

impl FromStr for LayerList {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        parse_layers(text, 0).map(Self)
    }
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
        let item = !matches!(layer, LayerSpec::Activation(_) | LayerSpec::SameWidth { .. });
        if i > 0 {
            f.write_str(if item || !joins_on { ", " } else { " " })?;
        }
        let closes = matches!(layer, LayerSpec::Skip(_) | LayerSpec::Mirrored(_) | LayerSpec::Module { .. });
        joins_on = !closes && (item || joins_on);
        match layer {
            LayerSpec::Dense { outputs }
            | LayerSpec::MirroredInput { outputs }
            | LayerSpec::MirroredDense { outputs } => write!(f, "{outputs}")?,
            LayerSpec::Activation(activation) if joins_on => write!(f, "{activation}")?,
            LayerSpec::Activation(activation) => write!(f, "activation({activation})")?,
            LayerSpec::SameWidth { kind, argument } => f.write_str(&kind.written(argument))?,
            LayerSpec::Module { name, outputs } => write!(f, "module({name} to {outputs})")?,
            LayerSpec::Skip(layers) | LayerSpec::Mirrored(layers) => {
                f.write_str(if matches!(layer, LayerSpec::Skip(_)) { "skip(" } else { "mirrored(" })?;
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
    if let Some((kind, argument)) = LayerKind::parse(word) {
        return Ok(LayerSpec::SameWidth { kind, argument });
    }
    if let Some(layers) = argument("skip") {
        return parse_layers(layers, depth + 1).map(LayerSpec::Skip);
    }
    if let Some(layers) = argument("mirrored") {
        return parse_layers(layers, depth + 1).map(LayerSpec::mirrored);
    }
    if let Some((name, outputs)) = argument("module").and_then(|text| text.rsplit_once(" to "))
        && let Some(outputs) = number(outputs)
    {
        return Ok(LayerSpec::Module { name: name.into(), outputs });
    }
    let kinds = LayerKind::ALL.map(|kind| kind.written("p")).join(", ");
    let activations = Activation::NAMES.join(", ");
    Err(NetworkError(format!("`{word}` is no layer; there are a width, skip(…), mirrored(…), {kinds}, {activations}")))
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
