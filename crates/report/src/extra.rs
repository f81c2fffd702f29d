//! What a person added to `record.json`: kept by whoever writes the record again.

use std::collections::BTreeMap;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The most that unknown fields may take, in bytes of text.
const MAX_EXTRA: usize = 1 << 20;

/// The fields of a record, at any level, that the schema does not know, as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extra(Option<Node>);

/// Unknown fields below one value.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// A value that the schema does not know, as its text.
    Text(String),
    /// Of some keys of an object.
    Object(BTreeMap<String, Node>),
    /// Of some entries of a list.
    List(BTreeMap<usize, Node>),
}

impl Extra {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// What a record's `text` holds beyond what was read of it: `known`, the record without its history, and the history's `entries`.
    pub(crate) fn of<T: Serialize>(text: &[u8], known: &Value, entries: &[T]) -> serde_json::Result<Self> {
        let mut top: BTreeMap<String, &RawValue> = serde_json::from_slice(text)?;
        let mut found = BTreeMap::new();
        // Entry by entry: as values, a long history would take many times its text.
        if let Some(raw) = top.remove("history") {
            let raw: Vec<&RawValue> = serde_json::from_str(raw.get())?;
            let mut nodes = BTreeMap::new();
            for (number, (raw, known)) in raw.into_iter().zip(entries).enumerate() {
                nodes.extend(beyond(raw, &serde_json::to_value(known)?)?.map(|node| (number, node)));
            }
            if !nodes.is_empty() {
                found.insert("history".to_owned(), Node::List(nodes));
            }
        }
        found.extend(beyond_object(&top, known)?);
        let extra = Self((!found.is_empty()).then_some(Node::Object(found)));
        let bytes = extra.0.as_ref().map_or(0, Node::bytes);
        if bytes > MAX_EXTRA {
            let message =
                format!("fields that are no part of a record take {bytes} bytes, {MAX_EXTRA} at most are kept");
            return Err(serde::de::Error::custom(message));
        }
        Ok(extra)
    }

    /// `record` with these fields.
    pub(crate) fn merge<'a>(&'a self, record: &'a Value) -> impl Serialize + 'a {
        Merged(record, self.0.as_ref())
    }
}

impl Node {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Object(fields) => fields.iter().map(|(key, node)| key.len() + node.bytes()).sum(),
            Self::List(entries) => entries.values().map(Self::bytes).sum(),
        }
    }
}

/// What the value `raw` holds beyond `known`; a value that is known is known whole unless both are objects or lists.
fn beyond(raw: &RawValue, known: &Value) -> serde_json::Result<Option<Node>> {
    match known {
        Value::Object(_) => {
            let Ok(fields) = serde_json::from_str::<BTreeMap<String, &RawValue>>(raw.get()) else { return Ok(None) };
            let found = beyond_object(&fields, known)?;
            Ok((!found.is_empty()).then_some(Node::Object(found)))
        }
        Value::Array(known) if known.iter().any(|entry| entry.is_object() || entry.is_array()) => {
            let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else { return Ok(None) };
            let mut found = BTreeMap::new();
            for (number, (raw, known)) in entries.into_iter().zip(known).enumerate() {
                found.extend(beyond(raw, known)?.map(|node| (number, node)));
            }
            Ok((!found.is_empty()).then_some(Node::List(found)))
        }
        _ => Ok(None),
    }
}

fn beyond_object(fields: &BTreeMap<String, &RawValue>, known: &Value) -> serde_json::Result<BTreeMap<String, Node>> {
    let mut found = BTreeMap::new();
    for (key, raw) in fields {
        let node = match known.get(key) {
            Some(known) => beyond(raw, known)?,
            None => Some(Node::Text(raw.get().to_owned())),
        };
        found.extend(node.map(|node| (key.clone(), node)));
    }
    Ok(found)
}

/// A value and the unknown fields below it.
struct Merged<'a>(&'a Value, Option<&'a Node>);

impl Serialize for Merged<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match (self.0, self.1) {
            (Value::Object(known), Some(Node::Object(fields))) => {
                let mut map = to.serialize_map(None)?;
                for (key, value) in known {
                    map.serialize_entry(key, &Merged(value, fields.get(key)))?;
                }
                for (key, node) in fields {
                    if let (false, Node::Text(text)) = (known.contains_key(key), node) {
                        let raw = RawValue::from_string(text.clone()).map_err(serde::ser::Error::custom)?;
                        map.serialize_entry(key, &raw)?;
                    }
                }
                map.end()
            }
            (Value::Array(known), Some(Node::List(entries))) => {
                let mut list = to.serialize_seq(None)?;
                for (number, value) in known.iter().enumerate() {
                    list.serialize_element(&Merged(value, entries.get(&number)))?;
                }
                list.end()
            }
            (value, _) => value.serialize(to),
        }
    }
}
