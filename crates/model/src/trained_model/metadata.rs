//! What the head of a weights file says beside its tensors.

use serde::{Deserialize, Serialize};

use crate::{Architecture, InputTransform};

/// What the file's metadata says under the key `strata`. Format 1, of which nothing says that it is, has widths and classes only.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metadata {
    #[serde(default = "first")]
    pub(super) format: u32,
    #[serde(rename = "widths")]
    pub(super) network: Architecture,
    pub(super) classes: Vec<String>,
    #[serde(default)]
    pub(super) activation: Option<String>,
    #[serde(default)]
    pub(super) dropout: f32,
    #[serde(default)]
    pub(super) input: Vec<usize>,
    #[serde(default)]
    pub(super) transform: Option<InputTransform>,
    /// None for 32-bit floats, as in files from before there was another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) precision: Option<String>,
    /// The order of the tensors.
    #[serde(default)]
    pub(super) tensors: Vec<String>,
}

/// As much of the metadata as every format has.
#[derive(Deserialize)]
pub(super) struct Head {
    #[serde(default = "first")]
    pub(super) format: u32,
}

fn first() -> u32 {
    1
}
