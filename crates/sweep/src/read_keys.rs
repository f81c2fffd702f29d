//! `[keys]` of a sweep's file: each key's values, and when it is set.

use std::path::Path;

use strata_config::keys::find;
use strata_config::{Config, ConfigError};
use toml::de::DeValue;

use crate::domain::{Domain, Grid, Range, Scale};
use crate::error::SweepError;
use crate::spec::{Condition, SweptKey};
use crate::text::{Table, Value, integer, number};

const OF_RANGE: &[&str] = &["low", "high", "scale", "step", "points", "when"];
const MAX_KEYS: usize = 64;

pub(crate) fn keys(table: &Table<'_>) -> Result<Vec<SweptKey>, SweepError> {
    let mut keys = Vec::new();
    for (name, value) in table.in_order() {
        let path: &str = name.get_ref();
        if keys.len() == MAX_KEYS {
            return Err(table.source.fault(name.span(), path, format!("at most {MAX_KEYS} keys are taken")));
        }
        if path == "seed" || path == "name" {
            let advice =
                if path == "seed" { "`seeds` of the sweep has them" } else { "members are named by the sweep" };
            return Err(table.source.fault(name.span(), path, format!("is no key to try: {advice}")));
        }
        let line = table.source.text.get(..name.span().start).map_or(0, |before| before.matches('\n').count()) + 1;
        let key = key(table, path, value, &keys)?;
        keys.push(SweptKey { line, ..key });
    }
    Ok(keys)
}

fn key(table: &Table<'_>, path: &str, value: &Value<'_>, before: &[SweptKey]) -> Result<SweptKey, SweepError> {
    let of = |domain, when| SweptKey { path: path.to_owned(), domain, when, line: 0 };
    match value.get_ref() {
        DeValue::Array(_) => Ok(of(choices(table, path, value)?, Vec::new())),
        DeValue::Table(inner) => {
            let inner = Table { source: table.source, name: path, table: inner };
            let when = match inner.table("when")? {
                Some(when) => conditions(&when, path, before)?,
                None => Vec::new(),
            };
            if let Some(values) = inner.get("values") {
                inner.takes_only(&["values", "when"])?;
                return Ok(of(choices(table, path, values)?, when));
            }
            inner.takes_only(OF_RANGE)?;
            Ok(of(Domain::Range(range(&inner, path, value)?), when))
        }
        _ => {
            let expected = "expected a list of values, or a table with `low` and `high`, or with `values` and `when`";
            Err(table.source.fault(value.span(), path, expected))
        }
    }
}

fn choices(table: &Table<'_>, path: &str, value: &Value<'_>) -> Result<Domain, SweepError> {
    let fault = |value: &Value<'_>, message: String| table.source.fault(value.span(), path, message);
    let DeValue::Array(items) = value.get_ref() else {
        return Err(fault(value, "expected a list of values".to_owned()));
    };
    let mut choices = Vec::new();
    for item in items {
        let text = table.source.toml_of(item);
        if choices.contains(&text) {
            return Err(fault(item, format!("{text} stands there twice")));
        }
        choices.push(text);
    }
    if choices.is_empty() {
        return Err(fault(value, "is empty: expected one value or more".to_owned()));
    }
    Ok(Domain::Choices(choices))
}

fn range(table: &Table<'_>, path: &str, value: &Value<'_>) -> Result<Range, SweepError> {
    let fault = |message: String| table.source.fault(value.span(), path, message);
    let Some(entry) = find(path) else { return Err(fault(unknown(path))) };
    if !entry.is_integer() && !entry.is_number() {
        return Err(fault(format!("takes no range: a config expects {} there; list its values", entry.expects())));
    }
    let is_integer = entry.is_integer();
    let bound = |name: &str| {
        let Some(value) = table.get(name) else {
            return Err(fault(format!("missing `{name}`: a range is {{ low = …, high = … }}")));
        };
        let found = if is_integer { integer(value).map(|value| value as f64) } else { number(value) };
        let what = if is_integer { "an integer" } else { "a number" };
        found.ok_or_else(|| table.source.fault(value.span(), path, format!("{name}: expected {what}")))
    };
    let (low, high) = (bound("low")?, bound("high")?);
    if low >= high {
        return Err(fault(format!("is empty: low is {low}, high {high}; expected low < high")));
    }
    let scale = match table.string("scale")?.as_deref() {
        None | Some("linear") => Scale::Linear,
        Some("log") => Scale::Log,
        Some(_) => return Err(fault("scale: expected \"linear\" or \"log\"".to_owned())),
    };
    if scale == Scale::Log && low <= 0.0 {
        return Err(fault(format!("a logarithmic range begins above 0, and low is {low}")));
    }
    let grid = match (table.get("step").is_some(), table.integer("points", 2, 100_000)?) {
        (true, Some(_)) => return Err(fault("takes `step` or `points`, not both".to_owned())),
        (false, points) => points.map(|points| Grid::Points(points as usize)),
        (true, None) => {
            let step = bound("step")?;
            if step <= 0.0 || step > high - low {
                return Err(fault(format!("step: expected a number above 0 and up to {}", high - low)));
            }
            if scale == Scale::Log {
                return Err(fault("`step` goes with the linear scale; `points` counts a logarithmic one".to_owned()));
            }
            if (high - low) / step > 1e6 {
                return Err(fault("step: makes more than a million values; leave it out for all numbers".to_owned()));
            }
            Some(Grid::Step(step))
        }
    };
    Ok(Range { low, high, scale, is_integer, grid })
}

/// That `path` is no key of a config, as a config's own check says it.
pub(crate) fn unknown(path: &str) -> String {
    let checked = Config::parse("", Path::new(""), &[format!("{path}=0")]);
    match checked {
        Err(ConfigError::Invalid(error)) if error.key() == Some(path) => error.message().to_owned(),
        _ => "is no key of a config".to_owned(),
    }
}

fn conditions(table: &Table<'_>, path: &str, before: &[SweptKey]) -> Result<Vec<Condition>, SweepError> {
    let mut conditions = Vec::new();
    for (name, value) in table.in_order() {
        let other: &str = name.get_ref();
        let fault = |message: String| table.source.fault(value.span(), path, message);
        let Some(key) = before.iter().position(|key| key.path == other) else {
            return Err(fault(format!("when: {other} is no key of this sweep above {path}")));
        };
        let Domain::Choices(choices) = &before[key].domain else {
            return Err(fault(format!("when: {other} is a range; a condition names choices of a list")));
        };
        let wanted = match value.get_ref() {
            // A list of values, unless the other key's values are lists themselves.
            DeValue::Array(items) if !choices.contains(&table.source.toml_of(value)) => {
                items.iter().map(|item| table.source.toml_of(item)).collect()
            }
            _ => vec![table.source.toml_of(value)],
        };
        let mut numbers = Vec::new();
        for text in &wanted {
            let Some(number) = choices.iter().position(|choice| choice == text) else {
                return Err(fault(format!(
                    "when: never holds: {other} is never {text}, but one of {}",
                    choices.join(", ")
                )));
            };
            numbers.push(number);
        }
        if numbers.is_empty() {
            return Err(fault(format!("when: never holds: no value of {other} is named")));
        }
        conditions.push(Condition { key, choices: numbers });
    }
    Ok(conditions)
}
