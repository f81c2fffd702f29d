//! Networks in words: `3072, 512 batch_norm gelu, skip(512 gelu, 512), 10`.

mod kind;
mod limits;
mod mirrored;
mod text;
mod widths;

use std::fmt;

pub use self::kind::{Argument, LayerKind, LayerTensor};
pub use self::text::LayerList;
use self::widths::{Place, outputs_of};
use crate::Activation;

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
    /// A layer that a word calls: its output has as many features as its input.
    SameWidth {
        /// Which.
        kind: LayerKind,
        /// The number in its parentheses, such as a probability; 0 where it has none.
        argument: f64,
    },
    /// The input added to what the layers make of it; they end with as many features as they begin with.
    Skip(Vec<LayerSpec>),
    /// A network of mirror symmetry, at the beginning: the image and its mirror image pass the layers as two views, and the output is the mean of both. It begins with
    /// a [`LayerSpec::MirroredInput`], and its further dense layers are [`LayerSpec::MirroredDense`].
    Mirrored(Vec<LayerSpec>),
    /// The dense layer that a [`LayerSpec::Mirrored`] begins with: the same weights for an image and its mirror image.
    MirroredInput {
        /// Features of each view's output.
        outputs: usize,
    },
    /// A dense layer inside of a [`LayerSpec::Mirrored`]: each view's output of both views, by weights of their sum and weights of their difference.
    MirroredDense {
        /// Features of each view's output.
        outputs: usize,
    },
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

impl NetworkSpec {
    /// The network of `layers` on samples of `inputs` features.
    ///
    /// # Errors
    /// A width of zero, a probability outside of `0..1` or of more than six digits after the point, or a skip connection that ends with other features than it begins with.
    pub fn new(inputs: usize, layers: Vec<LayerSpec>) -> Result<Self, NetworkError> {
        if inputs == 0 {
            return Err(NetworkError("a sample has at least one feature".into()));
        }
        outputs_of(&layers, inputs, Place::Beginning)?;
        Ok(Self { inputs, layers })
    }

    /// A classifier: `layers` on samples of `inputs` features, then a dense layer to the `classes`.
    ///
    /// # Errors
    /// As [`NetworkSpec::new`].
    pub fn classifier(inputs: usize, mut layers: Vec<LayerSpec>, classes: usize) -> Result<Self, NetworkError> {
        layers.push(LayerSpec::Dense { outputs: classes });
        Self::new(inputs, layers)
    }

    /// A classifier whose layers are dense layers to so many features each.
    ///
    /// # Errors
    /// A width of zero.
    pub fn chain(inputs: usize, hidden: &[usize], classes: usize) -> Result<Self, NetworkError> {
        let layers = hidden.iter().map(|outputs| LayerSpec::Dense { outputs: *outputs });
        Self::classifier(inputs, layers.collect(), classes)
    }

    /// Features of a sample.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Features of the output: a classifier's classes.
    pub fn outputs(&self) -> usize {
        // Checked at the beginning.
        outputs_of(&self.layers, self.inputs, Place::Beginning).unwrap_or_default()
    }

    /// The layers, the first first.
    pub fn layers(&self) -> &[LayerSpec] {
        &self.layers
    }

    /// Features of a sample, then of the output of each layer that changes how many there are: of dense layers and modules. Of one inside of `mirrored(…)` those of a view.
    pub fn widths(&self) -> Vec<usize> {
        let mut widths = vec![self.inputs];
        self.for_each(&mut |_, layer| {
            widths.extend(layer.outputs());
        });
        widths
    }

    /// How many numbers of our own layers are trained (weights, biases, gains), or 2⁶⁴ - 1 where there are more.
    pub fn parameters(&self) -> u64 {
        let mut parameters = 0u64;
        self.for_each(&mut |inputs, layer| {
            let inputs = inputs as u64;
            parameters = parameters.saturating_add(match layer {
                LayerSpec::Dense { outputs } | LayerSpec::MirroredInput { outputs } => {
                    inputs.saturating_add(1).saturating_mul(*outputs as u64)
                }
                LayerSpec::MirroredDense { outputs } => {
                    inputs.saturating_mul(2).saturating_add(1).saturating_mul(*outputs as u64)
                }
                LayerSpec::SameWidth { kind, .. } => {
                    let trained = kind.tensors().iter().filter(|tensor| tensor.trained);
                    trained.map(|tensor| inputs.saturating_pow(tensor.axes as u32)).fold(0, u64::saturating_add)
                }
                LayerSpec::Activation(_) | LayerSpec::Skip(_) | LayerSpec::Mirrored(_) | LayerSpec::Module { .. } => 0,
            });
        });
        parameters
    }

    /// Calls `visit` with each layer that is no skip connection and no `mirrored(…)`, those in such too, in order, and the features it takes.
    pub fn for_each(&self, visit: &mut dyn FnMut(usize, &LayerSpec)) {
        walk(&self.layers, self.inputs, visit);
    }

    /// Whether the network is a chain of dense layers, whose activation is said elsewhere.
    pub fn is_chain(&self) -> bool {
        self.layers.iter().all(|layer| matches!(layer, LayerSpec::Dense { .. }))
    }

    /// The places, as [`NetworkSpec::for_each`] counts, of the last dense layer, normalisation or other layer whose output is zero where its parameters are, of each skip connection, nested ones too.
    pub fn residual_ends(&self) -> Vec<usize> {
        let mut ends = Vec::new();
        find_ends(&self.layers, &mut 0, &mut ends);
        ends
    }

    /// Whether it needs to be told what mirroring an image does to its inputs: whether there is a [`LayerSpec::Mirrored`].
    pub fn is_mirrored(&self) -> bool {
        matches!(self.layers.first(), Some(LayerSpec::Mirrored(_)))
    }

    /// Whether a training batch needs two samples at least: under batch normalisation a single one has no variance.
    pub fn has_batch_norm(&self) -> bool {
        let mut found = false;
        self.for_each(&mut |_, layer| {
            found |= matches!(layer, LayerSpec::SameWidth { kind: LayerKind::BatchNorm, .. });
        });
        found
    }
}

fn walk(layers: &[LayerSpec], mut width: usize, visit: &mut dyn FnMut(usize, &LayerSpec)) {
    for layer in layers {
        match layer {
            LayerSpec::Skip(layers) | LayerSpec::Mirrored(layers) => walk(layers, width, visit),
            layer => visit(width, layer),
        }
        width = layer.outputs().unwrap_or(width);
    }
}

/// Adds the ends of the skip connections in `layers`, and gives that of `layers` themselves; `place` is that of the next layer.
fn find_ends(layers: &[LayerSpec], place: &mut usize, ends: &mut Vec<usize>) -> Option<usize> {
    let mut last = None;
    for layer in layers {
        match layer {
            LayerSpec::Skip(branch) => {
                let end = find_ends(branch, place, ends);
                ends.extend(end);
                continue;
            }
            LayerSpec::Mirrored(layers) => {
                last = find_ends(layers, place, ends);
                continue;
            }
            LayerSpec::Dense { .. } | LayerSpec::MirroredInput { .. } | LayerSpec::MirroredDense { .. } => {
                last = Some(*place);
            }
            LayerSpec::SameWidth { kind, .. } if kind.scales_output() => last = Some(*place),
            _ => {}
        }
        *place += 1;
    }
    last
}

#[cfg(test)]
mod tests;
