//! From a config's text to its values: every key exists, every value is right, and what is written has an effect.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use strata_spec::NetworkSpec;
use toml::de::{DeTable, DeValue};

use crate::document::Document;
use crate::error::ConfigError;
use crate::key::{Entry, Section, Shape};
use crate::keys::{self, SECTIONS};
use crate::look_up;
use crate::name::{file_stem, valid_name};
use crate::overlay;
use crate::relations;
use crate::suggest::nearest;
use crate::values::Values;
use crate::written::{RESOLVED, Written};

/// A config's size in bytes: a hand-written file has a few hundred lines at most.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The text of the config at `path`, for [`Config::parse`](crate::Config::parse): read once, since a pipe has it no second time.
///
/// # Errors
///
/// The file cannot be read, is larger than 1 MiB or no UTF-8.
pub fn read_text(path: &Path) -> Result<String, ConfigError> {
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ConfigError::TooLarge { path: path.to_owned() });
    }
    String::from_utf8(bytes)
        .map_err(|error| ConfigError::NotUtf8 { path: path.to_owned(), valid_up_to: error.utf8_error().valid_up_to() })
}

/// The values of the config `text` with `sets` laid over it, and the network that they make; data of one's own is at `data`, else where the config says.
pub(crate) fn values(
    text: &str,
    origin: &Path,
    sets: &[String],
    data: Option<&Path>,
) -> Result<(Values, NetworkSpec), ConfigError> {
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(ConfigError::TooLarge { path: origin.to_owned() });
    }
    let document = Document::new(origin, text, sets);
    let table = overlay::merged(&document)?;
    check_names(&document, &table, "", "")?;
    let written = Written { document: &document, table: &table, is_resolved: text.starts_with(RESOLVED) };
    relations::check_lists(&written)?;
    let lists = SECTIONS.iter().filter(|section| section.shape == Shape::Tables);
    let lists = lists.map(|section| (section.name, written.list(section.name).map_or(0, |(_, tables)| tables)));
    let mut values = Values {
        lists: lists.collect(),
        has_early_stopping: table.contains_key("early_stopping"),
        file_stem: file_stem(origin),
        ..Values::default()
    };
    // What is wrong in itself is told before what is missing or goes together with nothing.
    for (entry, place) in all_places(&values) {
        if let Some(value) = written.at(&place) {
            written.read(entry, &place, value)?;
        }
    }
    for (entry, place) in all_places(&values) {
        if let Some(value) = written.value(entry, &place, &values)? {
            let is_path = place == keys::PATH.path();
            values.insert(place, value);
            if is_path {
                values.own_data = look_up::own_data(&written, &values, data)?;
            }
        }
    }
    // The file's name counts only where the config has none.
    if written.at(keys::NAME.path()).is_some() || values.file_stem.as_deref().is_some_and(valid_name) {
        values.file_stem = None;
    }
    let network = relations::check(&written, &values)?;
    Ok((values, network))
}

/// Every key with each of its places, in the order of the keys.
fn all_places(values: &Values) -> Vec<(&'static Entry, String)> {
    keys::all().flat_map(|entry| entry.places(values).into_iter().map(move |place| (entry, place))).collect()
}

/// Every key of `table` must exist, and every section must have its shape. `section` is its name, `path` its place.
fn check_names(document: &Document, table: &DeTable<'_>, section: &str, path: &str) -> Result<(), ConfigError> {
    let names = keys::names(section);
    // In the order of the text, so that the first fault is the one that is named.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let name: &str = key.get_ref();
        let place = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        if !names.contains(&name) {
            return Err(document.fault(key.span(), Some(&place), unknown_key(section, name, &names)));
        }
        let known = SECTIONS.iter().find(|known| section.is_empty() && known.name == name);
        match (known.map(|known| known.shape), value.get_ref()) {
            (None, _) => {}
            (Some(Shape::Table), DeValue::Table(table)) => check_names(document, table, name, &place)?,
            (Some(Shape::Tables), DeValue::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    let place = format!("{place}.{index}");
                    let DeValue::Table(table) = item.get_ref() else {
                        let required = known.map(Section::required).unwrap_or_default();
                        return Err(document.wrong(item.span(), &place, format!("expected a table with {required}")));
                    };
                    check_names(document, table, name, &place)?;
                }
            }
            (Some(_), _) => {
                let message = format!("expected {}", keys::expects(name));
                return Err(document.wrong(value.span(), &place, message));
            }
        }
    }
    Ok(())
}

fn unknown_key(section: &str, name: &str, names: &[&str]) -> String {
    let hint = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? "),
        None => keys::all()
            .find(|key| key.path.contains('.') && key.name() == name)
            .map_or_else(String::new, |key| format!("did you mean `{}`? ", key.path)),
    };
    let place = if section.is_empty() { "the top of a config".to_owned() } else { format!("[{section}]") };
    format!("unknown key; {hint}{place} takes {}", names.join(", "))
}
