//! What is written in a config and the `--set` arguments, and the value that it gives each key.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::document::Document;
use crate::error::ConfigError;
use crate::key::{Entry, Fallback, table_of};
use crate::keys;
use crate::value::Value;
use crate::values::Values;

/// The first line of a resolved config.
pub(crate) const RESOLVED: &str = "# The resolved config of one experiment: every key with its value.\n";

/// What is written in the file and the `--set` arguments.
pub(crate) struct Written<'a, 'd> {
    pub(crate) document: &'a Document,
    pub(crate) table: &'a DeTable<'d>,
    /// A resolved config's values may be without effect: earlier versions wrote them.
    pub(crate) is_resolved: bool,
}

impl<'a, 'd> Written<'a, 'd> {
    /// The value at `place` (`phases.0.lr`).
    pub(crate) fn at(&self, place: &str) -> Option<&'a Spanned<DeValue<'d>>> {
        let mut segments = place.split('.');
        let mut node = self.table.get(segments.next()?)?;
        for segment in segments {
            node = match node.get_ref() {
                DeValue::Table(table) => table.get(segment)?,
                DeValue::Array(items) => items.get(segment.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(node)
    }

    /// The place of a list in the text, and how long it is.
    pub(crate) fn list(&self, place: &str) -> Option<(Range<usize>, usize)> {
        let node = self.at(place)?;
        Some((node.span(), node.get_ref().as_array()?.len()))
    }

    /// The value that `entry` has at `place` beside the `values` before it; none where it has no value or no effect.
    pub(crate) fn value(&self, entry: &Entry, place: &str, values: &Values) -> Result<Option<Value>, ConfigError> {
        let written = self.at(place);
        let found = written.map(|written| self.read(entry, place, written)).transpose()?;
        let without_effect = entry.when.filter(|when| !when.holds_at(place, values));
        match (without_effect, found, written) {
            (None, Some(found), _) => Ok(Some(found)),
            (None, None, _) => match fallback(entry, place, values) {
                Some(value) => Ok(Some(value)),
                None if matches!(entry.fallback, Fallback::Required) => Err(self.missing(place)),
                None => Ok(None),
            },
            (Some(when), Some(found), Some(written)) => {
                let is_kept = self.is_resolved && self.document.is_file(written.span());
                if is_kept || fallback(entry, place, values) == Some(found) {
                    return Ok(None);
                }
                let reason = (when.otherwise)(values, entry.name());
                Err(self.document.wrong(written.span(), place, reason))
            }
            (Some(_), _, _) => Ok(None),
        }
    }

    pub(crate) fn read(
        &self,
        entry: &Entry,
        place: &str,
        written: &Spanned<DeValue<'_>>,
    ) -> Result<Value, ConfigError> {
        entry.takes.read(written).map_err(|refused| {
            let message = refused.message.unwrap_or_else(|| {
                let raw = self.document.text(written.span());
                let is_bare = written.get_ref().as_str().is_none() && entry.takes.takes_text(raw);
                let advice = match self.document.is_file(written.span()) {
                    _ if !is_bare => String::new(),
                    true => format!("; quote it, as in {} = \"{raw}\"", entry.name()),
                    false => format!("; quote it twice, as in --set {place}='\"{raw}\"'"),
                };
                format!("expected {}{advice}", entry.takes.expects())
            });
            self.document.wrong(refused.span, place, message)
        })
    }

    fn missing(&self, place: &str) -> ConfigError {
        let or = keys::alternative(place).map_or_else(String::new, |other| format!(", or `{other}` in its place"));
        let message = format!("missing: expected {}{or}", keys::expects(place));
        // A table of a list is there: its place is shown.
        let of_list = place.rsplit_once('.').filter(|(table, _)| table.contains('.'));
        match of_list.and_then(|(table, _)| self.at(table)) {
            Some(table) => self.document.fault(table.span(), Some(place), message),
            None => self.document.missing(place, message),
        }
    }
}

/// What an entry is at `place` where it is not written.
pub(crate) fn fallback(entry: &Entry, place: &str, values: &Values) -> Option<Value> {
    match entry.fallback {
        Fallback::Required => None,
        Fallback::Is(text) => DeValue::parse(text).ok().and_then(|value| entry.takes.read(&value).ok()),
        Fallback::Worked { out, .. } => out(values),
        Fallback::WorkedInTable { out, .. } => table_of(place).and_then(|table| out(values, table)),
    }
}
