//! Pickles of plain values and NumPy arrays, protocols 2 to 5, read without running anything.
//!
//! A pickle is a program for a stack machine (Python's `pickletools.py` describes it). Here its calls are not made: the few that NumPy's arrays
//! consist of are recognised by name, and any other name is an error. Nothing is copied but what NumPy itself stores as text.

mod calls;
mod machine;

use std::borrow::Cow;

use machine::Machine;

/// The most values of a pickle: a hundred times those of the largest release, and 64 MB of memory.
const MOST_VALUES: usize = 1 << 20;
/// The most parts of an array's state, and of its shape.
const MOST_PARTS: usize = 16;

/// An index into the values of a pickle.
type Id = usize;

/// What a pickle holds.
#[derive(Clone, Debug, PartialEq)]
enum Value<'a> {
    None,
    Integer(i64),
    Float,
    /// Bytes; a string of Python 2 is one.
    Bytes(Cow<'a, [u8]>),
    Text(&'a str),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A function or a class, by module and name.
    Global(&'a str, &'a str),
    /// A NumPy type of values: `u1`, `i8`.
    Type(String, bool),
    /// A NumPy array; `None` before its content is known.
    Array(Option<Array>),
}

#[derive(Clone, Debug, PartialEq)]
struct Array {
    shape: Vec<usize>,
    kind: Id,
    is_fortran: bool,
    bytes: Id,
}

/// A pickle, read whole.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    values: Vec<Value<'a>>,
    root: Id,
}

type Result<T> = std::result::Result<T, String>;

impl<'a> Pickle<'a> {
    /// Reads a pickle.
    ///
    /// # Errors
    /// In words, with the byte at which something is wrong.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut machine = Machine::new(bytes);
        let root = machine.run().map_err(|problem| format!("{problem} (at byte {})", machine.at))?;
        Ok(Self { values: machine.values, root })
    }

    /// The value that the dictionary which the pickle holds has under `key`.
    fn get(&self, key: &str) -> Result<&Value<'a>> {
        let Value::Dict(entries) = &self.values[self.root] else {
            return Err("it holds no dictionary".to_owned());
        };
        let is_key = |id: Id| match &self.values[id] {
            Value::Text(text) => *text == key,
            Value::Bytes(bytes) => **bytes == *key.as_bytes(),
            _ => false,
        };
        let found = entries.iter().rev().find(|(name, _)| is_key(*name));
        found.map(|(_, value)| &self.values[*value]).ok_or_else(|| format!("its dictionary has no {key:?}"))
    }

    /// The list of texts under `key`.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>> {
        let wrong = || format!("its {key:?} is no list of texts");
        let (Value::List(items) | Value::Tuple(items)) = self.get(key)? else { return Err(wrong()) };
        let text = |id: &Id| match &self.values[*id] {
            Value::Text(text) => Ok((*text).to_owned()),
            Value::Bytes(bytes) => String::from_utf8(bytes.to_vec()).map_err(|_| wrong()),
            _ => Err(wrong()),
        };
        items.iter().map(text).collect()
    }

    /// The list, or the one-dimensional array, of integers under `key`.
    pub(super) fn integers(&self, key: &str) -> Result<Vec<i64>> {
        let wrong = || format!("its {key:?} is no list of integers");
        match self.get(key)? {
            Value::List(items) | Value::Tuple(items) => {
                let integer = |id: &Id| match self.values[*id] {
                    Value::Integer(value) => Ok(value),
                    _ => Err(wrong()),
                };
                items.iter().map(integer).collect()
            }
            Value::Array(Some(array)) if array.shape.len() == 1 => {
                let (Value::Type(name, is_big_endian), Value::Bytes(bytes)) =
                    (&self.values[array.kind], &self.values[array.bytes])
                else {
                    return Err(wrong());
                };
                let size = integer_size(name).ok_or_else(wrong)?;
                if array.shape[0].checked_mul(size) != Some(bytes.len()) {
                    return Err(format!("its {key:?} has {} bytes for {} values", bytes.len(), array.shape[0]));
                }
                bytes.chunks_exact(size).map(|bytes| integer(bytes, name, *is_big_endian).ok_or_else(wrong)).collect()
            }
            _ => Err(wrong()),
        }
    }

    /// The bytes of the array of unsigned bytes under `key`, row after row of `width` values.
    pub(super) fn bytes_of_array(&self, key: &str, width: usize) -> Result<Cow<'_, [u8]>> {
        let Value::Array(Some(array)) = self.get(key)? else {
            return Err(format!("its {key:?} is no NumPy array"));
        };
        if !matches!(&self.values[array.kind], Value::Type(name, _) if name == "u1") {
            return Err(format!("its {key:?} is an array of other values than unsigned bytes"));
        }
        let Value::Bytes(bytes) = &self.values[array.bytes] else {
            return Err(format!("its {key:?} is an array without bytes"));
        };
        let rows = array.shape.first().copied().unwrap_or_default();
        let columns =
            array.shape.get(1..).unwrap_or_default().iter().try_fold(1usize, |all, &size| all.checked_mul(size));
        if columns != Some(width) || rows.checked_mul(width) != Some(bytes.len()) {
            let shape = &array.shape;
            return Err(format!("its {key:?} is an array {shape:?} of {} bytes, not [N, {width}]", bytes.len()));
        }
        if !array.is_fortran || rows < 2 {
            return Ok(Cow::Borrowed(bytes));
        }
        if array.shape.len() != 2 {
            return Err(format!("its {key:?} is an array in Fortran's order of more than two dimensions"));
        }
        // Column after column: brought into rows.
        Ok((0..rows * width).map(|place| bytes[place % width * rows + place / width]).collect())
    }
}

/// The bytes of an integer of this NumPy type.
fn integer_size(name: &str) -> Option<usize> {
    let size = name.strip_prefix(['i', 'u'])?.parse().ok()?;
    matches!(size, 1 | 2 | 4 | 8).then_some(size)
}

fn integer(bytes: &[u8], name: &str, is_big_endian: bool) -> Option<i64> {
    let most_significant_first: Vec<u8> =
        if is_big_endian { bytes.to_vec() } else { bytes.iter().rev().copied().collect() };
    let is_negative = name.starts_with('i') && most_significant_first.first()? & 0x80 != 0;
    let mut whole = [if is_negative { 0xff } else { 0 }; 8];
    whole[8 - bytes.len()..].copy_from_slice(&most_significant_first);
    let value = i64::from_be_bytes(whole);
    (is_negative || value >= 0).then_some(value)
}

#[cfg(test)]
mod tests;
