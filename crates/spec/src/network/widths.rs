//! Whether layers fit each other, and stand where they can.

use super::{LayerSpec, NetworkError};

/// Where layers stand.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    /// The network's first is theirs.
    Beginning,
    /// Within a skip connection.
    Branch,
    /// Within `mirrored(…)`, the input's views being made by its first.
    Views,
    /// Within a skip connection there.
    BranchOfViews,
}

/// Features of the output of `layers` on so many inputs.
pub(super) fn outputs_of(layers: &[LayerSpec], inputs: usize, place: Place) -> Result<usize, NetworkError> {
    let refuse = |why: &str| Err(NetworkError(why.into()));
    let mut width = inputs;
    for (number, layer) in layers.iter().enumerate() {
        match layer {
            LayerSpec::Dense { .. } if matches!(place, Place::Views | Place::BranchOfViews) => {
                return refuse("a dense layer inside of `mirrored(…)` is one of both views");
            }
            LayerSpec::Dense { outputs } | LayerSpec::Module { outputs, .. } => width = *outputs,
            LayerSpec::MirroredInput { .. } if place != Place::Views || number > 0 => {
                return refuse("the views of an image are made at the beginning of `mirrored(…)` only");
            }
            LayerSpec::MirroredDense { .. } if !matches!(place, Place::Views | Place::BranchOfViews) => {
                return refuse("a dense layer of both views stands inside of `mirrored(…)` only");
            }
            LayerSpec::MirroredInput { outputs } | LayerSpec::MirroredDense { outputs } => width = *outputs,
            LayerSpec::Mirrored(_) if place != Place::Beginning || number > 0 => {
                return refuse(
                    "`mirrored(…)` stands at the beginning of a network only: what mirroring does is known of its inputs",
                );
            }
            LayerSpec::Mirrored(layers) => {
                if !matches!(layers.first(), Some(LayerSpec::MirroredInput { .. })) {
                    return refuse("`mirrored(…)` begins with the width of a dense layer");
                }
                width = outputs_of(layers, width, Place::Views)?;
            }
            LayerSpec::SameWidth { kind, .. } if kind.ends_branch() => {
                let written = kind.written("…");
                return Err(NetworkError(format!("`{written}` stands at the end of a skip connection only")));
            }
            LayerSpec::SameWidth { kind, argument } => kind.check(*argument)?,
            LayerSpec::Skip(layers) => {
                let within = match place {
                    Place::Beginning | Place::Branch => Place::Branch,
                    Place::Views | Place::BranchOfViews => Place::BranchOfViews,
                };
                let outputs = match layers.split_last() {
                    Some((LayerSpec::SameWidth { kind, argument }, branch)) if kind.ends_branch() => {
                        kind.check(*argument)?;
                        outputs_of(branch, width, within)?
                    }
                    _ => outputs_of(layers, width, within)?,
                };
                if outputs != width {
                    return Err(NetworkError(format!(
                        "a skip connection of {width} features ends with {outputs}: what is added has as many as the input"
                    )));
                }
            }
            LayerSpec::Activation(_) => {}
        }
        if width == 0 {
            return refuse("a layer has at least one output");
        }
    }
    Ok(width)
}

impl LayerSpec {
    /// Features of the output, where the layer says how many.
    pub(super) fn outputs(&self) -> Option<usize> {
        match self {
            Self::Dense { outputs }
            | Self::Module { outputs, .. }
            | Self::MirroredInput { outputs }
            | Self::MirroredDense { outputs } => Some(*outputs),
            Self::Mirrored(layers) => layers.iter().rev().find_map(Self::outputs),
            Self::Activation(_) | Self::SameWidth { .. } | Self::Skip(_) => None,
        }
    }
}
