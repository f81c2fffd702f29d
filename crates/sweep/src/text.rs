//! The text of a sweep's file: its tables with their lines, and the errors that name them.

use std::ops::Range as Span;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::SweepError;

/// The file that is read.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
}

/// A table of the file, with the name that errors have for it.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a> {
    pub(crate) source: Text<'a>,
    pub(crate) name: &'a str,
    pub(crate) table: &'a DeTable<'a>,
}

pub(crate) type Value<'a> = Spanned<DeValue<'a>>;

impl Text<'_> {
    pub(crate) fn fault(&self, span: Span<usize>, key: &str, message: impl Into<String>) -> SweepError {
        let line = self.text.get(..span.start).map(|before| before.matches('\n').count() + 1);
        let key = Some(key.to_owned()).filter(|key| !key.is_empty());
        SweepError::Invalid { path: self.path.to_owned(), line, key, message: message.into() }
    }

    pub(crate) fn missing(&self, key: &str, message: impl Into<String>) -> SweepError {
        let (path, key) = (self.path.to_owned(), Some(key.to_owned()));
        SweepError::Invalid { path, line: None, key, message: message.into() }
    }

    /// `value` as a config has it.
    pub(crate) fn toml_of(&self, value: &Value<'_>) -> String {
        self.text.get(value.span()).unwrap_or_default().split('\n').map(str::trim).collect::<Vec<_>>().join(" ")
    }
}

impl<'a> Table<'a> {
    /// Every key must be one of `names`.
    pub(crate) fn takes_only(&self, names: &[&str]) -> Result<(), SweepError> {
        for (key, _) in self.in_order() {
            let name: &str = key.get_ref();
            if !names.contains(&name) {
                let near = names.iter().find(|known| is_near(known, name));
                let hint = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
                let message = format!("unknown key; {hint}{} takes {}", self.place(), names.join(", "));
                return Err(self.source.fault(key.span(), &self.key(name), message));
            }
        }
        Ok(())
    }

    fn place(&self) -> String {
        if self.name.is_empty() { "the top of a sweep's file".to_owned() } else { format!("[{}]", self.name) }
    }

    /// A key's name in full.
    pub(crate) fn key(&self, name: &str) -> String {
        if self.name.is_empty() { name.to_owned() } else { format!("{}.{name}", self.name) }
    }

    /// The keys and their values, in the order of the text.
    pub(crate) fn in_order(&self) -> Vec<(&'a Spanned<std::borrow::Cow<'a, str>>, &'a Value<'a>)> {
        let mut entries: Vec<_> = self.table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Value<'a>> {
        self.table.get(name)
    }

    pub(crate) fn wrong(&self, name: &str, value: &Value<'_>, message: impl Into<String>) -> SweepError {
        self.source.fault(value.span(), &self.key(name), message)
    }

    pub(crate) fn table(&self, name: &'a str) -> Result<Option<Table<'a>>, SweepError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.get_ref() {
            DeValue::Table(table) => Ok(Some(Table { source: self.source, name, table })),
            _ => Err(self.wrong(name, value, "expected a table")),
        }
    }

    pub(crate) fn string(&self, name: &str) -> Result<Option<String>, SweepError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.get_ref().as_str().ok_or_else(|| self.wrong(name, value, "expected a string"))?;
        Ok(Some(text.to_owned()))
    }

    pub(crate) fn strings(&self, name: &str) -> Result<Vec<String>, SweepError> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let items = value.get_ref().as_array().ok_or_else(|| self.wrong(name, value, "expected a list of strings"))?;
        let text = |item: &Value<'_>| {
            item.get_ref().as_str().map(str::to_owned).ok_or_else(|| self.wrong(name, item, "expected a string"))
        };
        items.iter().map(text).collect()
    }

    /// An integer from `least` to `most`.
    pub(crate) fn integer(&self, name: &str, least: u64, most: u64) -> Result<Option<u64>, SweepError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let found = integer(value).and_then(|value| u64::try_from(value).ok());
        let found = found.filter(|found| (least..=most).contains(found));
        found.map(Some).ok_or_else(|| self.wrong(name, value, format!("expected an integer from {least} to {most}")))
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<f64>, SweepError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        number(value).map(Some).ok_or_else(|| self.wrong(name, value, "expected a number"))
    }
}

pub(crate) fn integer(value: &Value<'_>) -> Option<i64> {
    match value.get_ref() {
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix()).ok(),
        _ => None,
    }
}

/// A finite number, written as a float or as an integer.
pub(crate) fn number(value: &Value<'_>) -> Option<f64> {
    let found = match value.get_ref() {
        DeValue::Float(float) => float.as_str().parse().ok(),
        _ => integer(value).map(|value| value as f64),
    };
    found.filter(|value: &f64| value.is_finite())
}

/// Whether one is the other with a letter more, less or in another place.
fn is_near(known: &str, name: &str) -> bool {
    let sorted = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.sort_unstable();
        bytes
    };
    let (a, b) = (sorted(known), sorted(name));
    let common = {
        let mut rest = b.clone();
        a.iter().filter(|byte| rest.iter().position(|other| other == *byte).map(|at| rest.remove(at)).is_some()).count()
    };
    a.len().max(b.len()) - common <= 1
}
