//! What a record's hyperparameters mean by the table of keys: which had an effect, and what a key is that the record does not name.

use std::collections::BTreeMap;

use crate::config::Recorded;
use crate::key::Fallback;
use crate::keys;
use crate::values::Values;
use crate::written::fallback;

/// What a record says of one key.
#[derive(Debug, Clone, PartialEq)]
pub enum Meaning {
    /// Its value is the recorded one.
    Recorded,
    /// The record does not name it. It has an effect, and this value unless it was given another one; none has no value by default.
    Default(Option<Recorded>),
    /// It has no effect beside the other keys, whatever is recorded.
    WithoutEffect,
}

/// What a record, in which `find` finds a value by its name among the hyperparameters, says of each key that is recorded, in the order of the keys.
/// None where the record is no config's, lacking a key that every config has.
#[must_use]
pub fn hyperparameters(find: &dyn Fn(&str) -> Option<Recorded>) -> Option<Vec<(&'static str, Meaning)>> {
    let recorded = || keys::all().filter_map(|key| Some((key, key.recorded()?)));
    // As many tables as the longest of a list's keys has values.
    let mut lists = BTreeMap::new();
    for (key, name) in recorded().filter(|(key, _)| key.is_of_list()) {
        let tables: &mut usize = lists.entry(key.section()).or_default();
        *tables = length(find(name)).max(*tables);
    }
    let mut values = Values {
        lists,
        has_early_stopping: recorded().any(|(key, name)| key.section() == "early_stopping" && find(name).is_some()),
        ..Values::default()
    };
    let mut meanings = Vec::new();
    for key in keys::all() {
        let found = key.recorded().and_then(find);
        let mut defaults = Vec::new();
        let mut has_effect = false;
        for (index, place) in key.places(&values).into_iter().enumerate() {
            let holds = key.when.is_none_or(|when| when.holds_at(&place, &values));
            has_effect |= holds;
            let default = if holds { fallback(key, &place, &values) } else { None };
            let value = match &found {
                _ if !holds => None,
                None => default.clone(),
                Some(Recorded::One(value)) => Some(value.clone()),
                Some(Recorded::OfPhases(values)) => values.get(index).cloned().flatten(),
            };
            defaults.push(default);
            if let Some(value) = value {
                values.insert(place, value);
            }
        }
        let Some(name) = key.recorded() else { continue };
        let meaning = match found {
            None if has_effect && matches!(key.fallback, Fallback::Required) => return None,
            _ if !has_effect => Meaning::WithoutEffect,
            Some(_) => Meaning::Recorded,
            // The same in each phase where it has an effect.
            None => Meaning::Default(defaults.into_iter().flatten().next().map(Recorded::One)),
        };
        meanings.push((name, meaning));
    }
    Some(meanings)
}

fn length(recorded: Option<Recorded>) -> usize {
    match recorded {
        Some(Recorded::OfPhases(values)) => values.len(),
        _ => 0,
    }
}
