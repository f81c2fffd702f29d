//! The handle of a key, by which its value is asked for.

use crate::value::Value;

/// One key of a config, by which [`Config::get`](crate::Config::get) gives its value.
#[derive(Debug)]
pub struct Key<T> {
    pub(crate) path: &'static str,
    pub(crate) convert: fn(&Value) -> Option<T>,
}

impl<T> Key<T> {
    /// Its place, with `[]` after a list of tables: `phases[].lr`.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.path
    }
}
