//! `--set section.key=value`: laid over the file's table before anything is checked.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::document::Document;
use crate::error::ConfigError;
use crate::key::Shape;
use crate::keys;

/// Segments of the longest path; deeper ones name no key, and a deep table would cost stack to drop.
const MAX_DEPTH: usize = 4;

/// The file's table with every `--set` laid over it, later ones over earlier ones.
pub(crate) fn merged(document: &Document) -> Result<DeTable<'_>, ConfigError> {
    let table = DeTable::parse(document.file()).map_err(|error| {
        let end = document.file().len();
        document.fault(error.span().unwrap_or(end..end), None, format!("not TOML: {}", error.message()))
    })?;
    let mut table = table.into_inner();
    for (start, argument) in document.sets() {
        let at = start..start + argument.len();
        let Some((path, text)) = argument.split_once('=') else {
            return Err(document.fault(at, None, "expected section.key=value, as in model.dropout=0.1"));
        };
        let segments = segments(path, start);
        if segments.len() > MAX_DEPTH || segments.iter().any(|segment| segment.get_ref().is_empty()) {
            return Err(document.fault(
                at,
                None,
                "the part before `=` is no key; write section.key, as in phases.0.lr",
            ));
        }
        let value = value(document, text, start + path.len() + 1, at)?;
        drop_alternatives(document, &mut table, &segments);
        assign(document, &mut table, &segments, 0, value)?;
    }
    Ok(table)
}

/// Takes what the file says of the network in another way than the key at `path` out of it.
fn drop_alternatives(document: &Document, table: &mut DeTable<'_>, path: &[Spanned<&str>]) {
    let [section, key] = path else { return };
    let (first, others) = keys::ALTERNATIVES;
    let Some(DeValue::Table(model)) = table.get_mut("model").map(Spanned::get_mut) else { return };
    if *section.get_ref() == "model" {
        let replaced: &[&str] = match *key.get_ref() {
            key if key == first => others,
            "hidden" => &[first],
            _ => return,
        };
        // Of two `--set`s that do not go together a person meant one.
        for name in replaced {
            if model.get(*name).is_some_and(|value| document.is_file(value.span())) {
                model.remove(*name);
            }
        }
    }
}

/// `text`, which stands at `start`, without the white space around it.
fn trimmed(text: &str, start: usize) -> Spanned<&str> {
    let from = start + (text.len() - text.trim_start().len());
    Spanned::new(from..from + text.trim().len(), text.trim())
}

/// The parts of a path between its dots, one more than the deepest may have where there are more.
fn segments(path: &str, start: usize) -> Vec<Spanned<&str>> {
    let mut at = start;
    let segment = |text| {
        let segment = trimmed(text, at);
        at += text.len() + 1;
        segment
    };
    path.split('.').take(MAX_DEPTH + 1).map(segment).collect()
}

/// The value of a `--set`: TOML, or a bare word taken as a string.
fn value<'d>(
    document: &Document,
    text: &'d str,
    start: usize,
    argument: Range<usize>,
) -> Result<Spanned<DeValue<'d>>, ConfigError> {
    let text = trimmed(text, start);
    let (span, text) = (text.span(), text.into_inner());
    match DeValue::parse(text) {
        Ok(value) => Ok(shifted(value, span.start)),
        // Shells take quotes away: what does not begin as a list, a table or a quoted string is a string.
        Err(_) if !text.is_empty() && !text.starts_with(['"', '\'', '[', '{']) && !text.contains('\n') => {
            Ok(Spanned::new(span, DeValue::String(Cow::Borrowed(text))))
        }
        Err(error) => {
            let reason = if text.is_empty() { "nothing after `=`" } else { error.message() };
            Err(document.fault(argument, None, format!("the part after `=` is not a TOML value: {reason}")))
        }
    }
}

/// `value`, its spans counted from `by` on.
fn shifted<'d>(value: Spanned<DeValue<'d>>, by: usize) -> Spanned<DeValue<'d>> {
    let span = value.span().start + by..value.span().end + by;
    let value = match value.into_inner() {
        DeValue::Array(array) => {
            DeValue::Array(array.into_iter().map(|item| shifted(item, by)).collect::<DeArray<'_>>())
        }
        DeValue::Table(table) => DeValue::Table(
            table
                .into_iter()
                .map(|(key, value)| {
                    let span = key.span().start + by..key.span().end + by;
                    (Spanned::new(span, key.into_inner()), shifted(value, by))
                })
                .collect(),
        ),
        other => other,
    };
    Spanned::new(span, value)
}

/// Puts `value` at `path[depth..]` of `table`, making the tables between.
fn assign<'d>(
    document: &Document,
    table: &mut DeTable<'d>,
    path: &[Spanned<&'d str>],
    depth: usize,
    value: Spanned<DeValue<'d>>,
) -> Result<(), ConfigError> {
    let name = &path[depth];
    let key = || Spanned::new(name.span(), Cow::Borrowed(*name.get_ref()));
    if depth + 1 == path.len() {
        // Removed first: an insertion alone would keep the old key, and the file's place with it.
        table.remove(*name.get_ref());
        table.insert(key(), value);
        return Ok(());
    }
    // A list of tables that is not there begins with its first.
    let is_list = depth == 0 && is_list(name.get_ref()) && *path[1].get_ref() == "0";
    let empty = || {
        let table = Spanned::new(name.span(), DeValue::Table(DeTable::new()));
        if is_list {
            Spanned::new(name.span(), DeValue::Array([table].into_iter().collect::<DeArray<'_>>()))
        } else {
            table
        }
    };
    let child = table.entry(key()).or_insert_with(empty);
    descend(document, child, path, depth + 1, value)
}

/// Puts `value` at `path[depth..]` below `node`, a table or a list.
fn descend<'d>(
    document: &Document,
    node: &mut Spanned<DeValue<'d>>,
    path: &[Spanned<&'d str>],
    depth: usize,
    value: Spanned<DeValue<'d>>,
) -> Result<(), ConfigError> {
    let walked = path[..depth].iter().map(|segment| *segment.get_ref()).collect::<Vec<_>>().join(".");
    let name = &path[depth];
    match node.get_mut() {
        DeValue::Table(table) if table.is_empty() && is_list(&walked) => {
            let table = if walked == "phases" { "{epochs=1,lr=0.1}" } else { "{kind=\"mirror\"}" };
            let message = format!(
                "`{walked}` is not there yet: the first is {walked}.0; or set the whole, as in {walked}='[{table}]'"
            );
            Err(document.fault(name.span(), None, message))
        }
        DeValue::Table(table) => assign(document, table, path, depth, value),
        DeValue::Array(array) => {
            let length = array.len();
            let index = is_index(name.get_ref()).then(|| name.get_ref().parse::<usize>().ok());
            let Some(item) = index.flatten().and_then(|index| array.get_mut(index)) else {
                let message = match length {
                    0 => format!("`{walked}` is an empty list; set the whole of it"),
                    _ => format!("`{walked}` is a list: after it comes an index from 0 to {}", length - 1),
                };
                return Err(document.fault(name.span(), None, message));
            };
            if depth + 1 < path.len() {
                return descend(document, item, path, depth + 1, value);
            }
            *item = value;
            Ok(())
        }
        _ => {
            let message = format!("`{walked}` takes {}: nothing lies below it", keys::expects(&walked));
            Err(document.fault(name.span(), None, message))
        }
    }
}

/// Whether the section of this name is a list of tables.
fn is_list(name: &str) -> bool {
    keys::SECTIONS.iter().any(|section| section.name == name && section.shape == Shape::Tables)
}

fn is_index(segment: &str) -> bool {
    segment.bytes().all(|b| b.is_ascii_digit())
}
