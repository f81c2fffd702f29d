//! What a record says of the weights that a run started from.

use serde::{Deserialize, Serialize};

use super::MAX_NAMED;
use crate::bounded;

/// The weights that a run started from, in place of drawn ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ParentRecord {
    /// The identifier of the run that gave them; none for a file of anybody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Where the weights file was, absolute.
    pub path: String,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Whether the last layer was drawn all the same.
    pub new_last_layer: bool,
    /// What was done to its tensors, and what of its use differs, a sentence each.
    #[serde(deserialize_with = "bounded::list::<MAX_NAMED, _, _>")]
    pub notes: Vec<String>,
}
