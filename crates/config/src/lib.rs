//! An experiment's config, from TOML to values that need no further check.
//!
//! Each key is declared once, in the file of its section under [`keys`]: its name, type, range, default, meaning, and when it has an effect. The reader, `--set`, the
//! errors, the resolved config, the record's hyperparameters and docs/config.md ([`reference()`]) come out of that table. A [`Config`] exists
//! only once every key has been found right. `--set section.key=value` arguments are laid over the file before the check, so both obey the
//! same rules and both are named in the errors.
//!
//! The crate knows no data set, no network and no device: it turns text into numbers and names, and stays light
//! enough for `cargo xtask`, which needs to know an experiment's widths before it builds anything.

mod architectures;
mod arguments;
mod config;
mod document;
mod error;
mod handle;
mod hyperparameters;
mod key;
pub mod keys;
mod look_up;
mod memory;
mod name;
mod overlay;
mod own_data;
mod read;
mod relations;
mod settings;
mod suggest;
mod takes;
mod value;
mod values;
mod write;
mod written;

pub use architectures::{RowError, parse_rows, row_text};
pub use arguments::{parse_name, parse_threads};
pub use config::{Config, Recorded};
pub use error::{ConfigError, Invalid};
pub use handle::Key;
pub use hyperparameters::{Meaning, hyperparameters};
pub use key::Entry;
pub use keys::{Checkpointing, DatasetConfig, Evaluating, ModelConfig};
pub use name::valid_name;
pub use read::read_text;
pub use settings::Settings;
pub use value::Value;
pub use write::reference;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
