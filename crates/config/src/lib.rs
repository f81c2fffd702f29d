//! An experiment's config, from TOML to values that need no further check.
//!
//! Two types, one for each side of the check: what serde reads (private to this crate, spans kept) and
//! [`Experiment`], which exists only once every key has been found right. `--set section.key=value` arguments are
//! laid over the file before the check, so both obey the same rules and both are named in the errors.
//!
//! The crate knows no data set, no network and no device: it turns text into numbers and names, and stays light
//! enough for `cargo xtask`, which needs to know an experiment's widths before it builds anything.
//!
//! `docs/config.md` documents every key; [`KEYS`] is the same list for programs.

mod architectures;
mod arguments;
mod check;
mod check_parts;
mod document;
mod error;
mod experiment;
mod keys;
mod limits;
mod overlay;
mod raw;
mod resolved;
mod suggest;

pub use architectures::{RowError, Widths, parse_rows};
pub use arguments::{parse_name, parse_threads};
pub use check::{read_text, valid_name};
pub use error::{ConfigError, Invalid};
pub use experiment::{Checkpointing, DatasetConfig, Experiment, ModelConfig};
pub use keys::{KEYS, Key};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
