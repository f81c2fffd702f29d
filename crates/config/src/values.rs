//! The values of one config by place, which is all that it holds.

use std::collections::BTreeMap;

use crate::handle::Key;
use crate::own_data::OwnData;
use crate::value::Value;

/// The values that have an effect, each by its place: `model.dropout`, `phases.0.lr`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Values {
    pub(crate) by_place: BTreeMap<String, Value>,
    /// How many tables each list of tables has, by its section's name.
    pub(crate) lists: BTreeMap<&'static str, usize>,
    /// What was found where the data set's own path leads, unless the config says all of it.
    pub(crate) own_data: Option<OwnData>,
    /// Optional sections that are there.
    pub(crate) has_early_stopping: bool,
    /// The config file's name without its ending.
    pub(crate) file_stem: Option<String>,
}

impl Values {
    pub(crate) fn insert(&mut self, place: String, value: Value) {
        self.by_place.insert(place, value);
    }

    pub(crate) fn at(&self, place: &str) -> Option<&Value> {
        self.by_place.get(place)
    }

    /// The value of a key that stands in no list.
    pub(crate) fn get<T>(&self, key: &Key<T>) -> Option<T> {
        self.at(key.path).and_then(key.convert)
    }

    /// Tables of the list `section`.
    pub(crate) fn tables(&self, section: &str) -> usize {
        self.lists.get(section).copied().unwrap_or_default()
    }

    /// The value of a key in its list's table numbered `index`.
    pub(crate) fn in_phase<T>(&self, key: &Key<T>, index: usize) -> Option<T> {
        self.at(&key.path.replace("[]", &format!(".{index}"))).and_then(key.convert)
    }

    /// Whether two hold the same values, wherever they were read from.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.by_place == other.by_place
    }
}
