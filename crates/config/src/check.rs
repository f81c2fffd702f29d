//! The check: from what serde read to an [`Experiment`].

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use strata_spec::{Integers, Named, Numbers};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::document::Document;
use crate::error::ConfigError;
use crate::experiment::Experiment;
use crate::keys::{self, Shape};
use crate::limits::{MAX_FILE_BYTES, MAX_NAME};
use crate::overlay;
use crate::raw::RawConfig;
use crate::suggest::nearest;

impl Experiment {
    /// Reads the config at `path`, lays `sets` (`section.key=value` each) over it, and checks the whole.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is larger than 1 MiB or no UTF-8; or what [`Experiment::parse`] finds.
    pub fn read(path: &Path, sets: &[String]) -> Result<Self, ConfigError> {
        let text = read_text(path)?;
        Self::parse(&text, path, sets)
    }

    /// Checks the config `text`, with `sets` laid over it; `origin` is what errors call the file.
    ///
    /// # Errors
    ///
    /// The first fault found: no TOML, a key that does not exist, or a value of the wrong type or out of its range.
    pub fn parse(text: &str, origin: &Path, sets: &[String]) -> Result<Self, ConfigError> {
        if text.len() as u64 > MAX_FILE_BYTES {
            return Err(ConfigError::TooLarge { path: origin.to_owned() });
        }
        let document = Document::new(origin, text, sets);
        let table = overlay::merged(&document)?;
        check_keys(&document, &table, "", "")?;
        let spans = spans(&table);
        let raw = RawConfig::deserialize(toml::Deserializer::from(Spanned::new(0..text.len(), table)))
            .map_err(|error| wrong_type(&document, &spans, &error))?;
        Check { document: &document }.experiment(raw, origin)
    }
}

/// The text of the config at `path`, for [`Experiment::parse`]: read once, since a pipe has it no second time.
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

/// Whether `name` can name a run: 1 to 64 of `a-z A-Z 0-9 . _ -`, not starting with a dot (hidden) or a hyphen (an
/// option to commands).
#[must_use]
pub fn valid_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
        && !name.starts_with(['.', '-'])
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Every key of `table` must exist, and every section must have its shape. `section` is its name, `path` its place.
fn check_keys(document: &Document, table: &DeTable<'_>, section: &str, path: &str) -> Result<(), ConfigError> {
    let names = keys::names(section);
    // In the order of the text, so that the first fault is the one told.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let name: &str = key.get_ref();
        let place = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        if !names.contains(&name) {
            return Err(document.fault(key.span(), Some(&place), unknown_key(section, name, &names)));
        }
        let shape = keys::SECTIONS.iter().find(|(section_name, _)| section.is_empty() && *section_name == name);
        match (shape.map(|(_, shape)| shape), value.get_ref()) {
            (None, _) => {}
            (Some(Shape::Table), DeValue::Table(table)) => check_keys(document, table, name, &place)?,
            (Some(Shape::Tables), DeValue::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    let place = format!("{place}.{index}");
                    let DeValue::Table(table) = item.get_ref() else {
                        return Err(document.wrong(item.span(), &place, "expected a table with `epochs` and `lr`"));
                    };
                    check_keys(document, table, name, &place)?;
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
        None => keys::KEYS
            .iter()
            .find(|key| key.path.rsplit_once('.').is_some_and(|(_, last)| last == name))
            .map_or_else(String::new, |key| format!("did you mean `{}`? ", key.path)),
    };
    let place = if section.is_empty() { "the top of a config".to_owned() } else { format!("[{section}]") };
    format!("unknown key; {hint}{place} takes {}", names.join(", "))
}

/// Every value's place with its span, innermost last.
fn spans(table: &DeTable<'_>) -> Vec<(String, Range<usize>)> {
    fn walk(path: &str, value: &Spanned<DeValue<'_>>, found: &mut Vec<(String, Range<usize>)>) {
        found.push((path.to_owned(), value.span()));
        match value.get_ref() {
            DeValue::Table(table) => {
                table.iter().for_each(|(key, value)| walk(&format!("{path}.{}", key.get_ref()), value, found));
            }
            // Elements of plain lists share their list's place: the list's key is what the user looks for.
            DeValue::Array(items) if path == "phases" => {
                items.iter().enumerate().for_each(|(index, item)| walk(&format!("{path}.{index}"), item, found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    table.iter().for_each(|(key, value)| walk(key.get_ref(), value, &mut found));
    found
}

/// Serde's error, told by key and by what the key takes.
fn wrong_type(document: &Document, spans: &[(String, Range<usize>)], error: &toml::de::Error) -> ConfigError {
    let span = error.span().unwrap_or_default();
    let within = |outer: &Range<usize>| outer.start <= span.start && span.end <= outer.end;
    match spans.iter().filter(|(_, outer)| within(outer)).min_by_key(|(_, outer)| outer.len()) {
        Some((key, _)) => document.wrong(span, key, format!("expected {}", keys::expects(key))),
        None => document.fault(span, None, error.message()),
    }
}

/// Reads single values; errors say what the key takes.
pub(crate) struct Check<'d> {
    pub(crate) document: &'d Document,
}

impl Check<'_> {
    /// The error that `value`'s key takes something else.
    pub(crate) fn wrong<T>(&self, key: &str, value: &Spanned<T>) -> ConfigError {
        self.document.wrong(value.span(), key, format!("expected {}", keys::expects(key)))
    }

    pub(crate) fn missing(&self, key: &str) -> ConfigError {
        self.document.missing(key, format!("missing: expected {}", keys::expects(key)))
    }

    /// `value` as a size, where it lies within `range`.
    pub(crate) fn size(&self, key: &str, value: &Spanned<i64>, range: Integers) -> Result<usize, ConfigError> {
        let inner = *value.get_ref();
        usize::try_from(inner).ok().filter(|_| range.contains(inner)).ok_or_else(|| self.wrong(key, value))
    }

    pub(crate) fn seed(&self, key: &str, value: Option<&Spanned<i64>>) -> Result<u64, ConfigError> {
        value.map_or(Ok(0), |value| u64::try_from(*value.get_ref()).map_err(|_| self.wrong(key, value)))
    }

    /// `value` or `default`, where it lies within `range`.
    pub(crate) fn number(
        &self,
        key: &str,
        value: Option<&Spanned<f64>>,
        default: f64,
        range: Numbers,
    ) -> Result<f64, ConfigError> {
        let Some(value) = value else {
            return Ok(default);
        };
        let inner = *value.get_ref();
        // The sum takes the sign of -0.0.
        if range.contains(inner) { Ok(inner + 0.0) } else { Err(self.wrong(key, value)) }
    }

    pub(crate) fn choice<T: Named>(
        &self,
        key: &str,
        value: Option<&Spanned<String>>,
        choices: impl Fn(T) -> bool,
        default: T,
    ) -> Result<T, ConfigError> {
        let Some(value) = value else {
            return Ok(default);
        };
        let names = || T::ALL.iter().copied().filter(|choice| choices(*choice)).map(T::as_str);
        let chosen = T::from_name(value.get_ref()).filter(|choice| choices(*choice));
        chosen.ok_or_else(|| {
            let hint =
                nearest(value.get_ref(), names()).map_or_else(String::new, |near| format!("did you mean \"{near}\"? "));
            let all: Vec<_> = names().collect();
            self.document.wrong(value.span(), key, format!("unknown choice; {hint}choose one of {}", all.join(", ")))
        })
    }
}
